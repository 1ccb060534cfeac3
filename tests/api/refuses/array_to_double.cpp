// expects: conversion|cannot convert
// .item() says that one number is meant and that it is computed here.
#include "gradus/gradus.hpp"

double f(const gradus::Array& a) {
  double d = a;  // refused
  return a.item();
}
