// expects: conversion|convert
// API.md 3.2: constructors of layers are explicit.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Dense good(10);
  gradus::nn::Dense bad = 10;  // refused
}
