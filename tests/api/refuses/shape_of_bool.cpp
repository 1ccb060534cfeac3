// expects: could not convert|no matching|no match|initializer
// API.md 1.8: true is no size.
#include "gradus/gradus.hpp"

int main() {
  gradus::Shape b{true, false};  // refused
}
