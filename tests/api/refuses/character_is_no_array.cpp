// expects: conversion
// 'a' is a character of text, not the number 97.
#include "gradus/gradus.hpp"

int main() {
  gradus::Array b = 'a';  // refused
}
