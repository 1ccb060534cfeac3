// expects: conversion|convert
// Constructors of layers are explicit.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Dense good(10);
  gradus::nn::Dense bad = 10;  // refused
}
