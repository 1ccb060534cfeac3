// expects: no match|no matching|could not convert|conversion
// A requested shape is not a shape.
#include "gradus/gradus.hpp"

int main() {
  gradus::NewShape wanted{-1, 2};
  gradus::Array a = gradus::zeros(wanted);  // refused
}
