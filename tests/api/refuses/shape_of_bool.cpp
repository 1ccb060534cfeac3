// expects: could not convert|no matching|no match|initializer
// true is no size.
#include "gradus/gradus.hpp"

int main() {
  gradus::Shape b{true, false};  // refused
}
