// expects: could not convert|no matching|no match|initializer
// Sizes are integers.
#include "gradus/gradus.hpp"

int main() {
  gradus::Shape a{2, 3};
  gradus::Shape b{2.5, 3.0};  // refused
}
