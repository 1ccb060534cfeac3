// expects: conversion
// API.md 1.1: only numbers become arrays.
#include "gradus/gradus.hpp"

int main() {
  gradus::Array b = nullptr;  // refused
}
