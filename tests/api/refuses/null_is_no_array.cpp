// expects: conversion
// Only numbers become arrays.
#include "gradus/gradus.hpp"

int main() {
  gradus::Array b = nullptr;  // refused
}
