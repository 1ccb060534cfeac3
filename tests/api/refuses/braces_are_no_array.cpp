// expects: no matching|no match|initializer
// API.md 1.7: data goes through array({1, 2, 3}).
#include "gradus/gradus.hpp"

int main() {
  gradus::Array a{1, 2, 3};  // refused
}
