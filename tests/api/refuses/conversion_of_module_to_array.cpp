// expects: conversion|convert|no match
// A module is called.
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::nn::Dense& layer, const gradus::Array& x) {
  return layer + x;  // refused
  return layer(x) + x;
}
