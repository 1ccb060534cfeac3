// expects: no matching|no match|initializer
// Data goes through array({1, 2, 3}).
#include "gradus/gradus.hpp"

int main() {
  gradus::Array a{1, 2, 3};  // refused
}
