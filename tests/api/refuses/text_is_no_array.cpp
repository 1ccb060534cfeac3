// expects: conversion
// Only numbers become arrays.
#include "gradus/gradus.hpp"

int main() {
  gradus::Array a;
  a = gradus::Array(1);
  gradus::Array b = "text";  // refused
}
