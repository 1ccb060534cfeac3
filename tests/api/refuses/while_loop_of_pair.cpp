// expects: the body of while_loop returns the next carry, of the type of the first
// at most: 20 lines
// A loop returns what it was given.
#include "gradus/gradus.hpp"

using namespace gradus;

int main() {
  const auto is_small = [](const Array& x) { return x < 3; };
  while_loop(is_small, [](const Array& x) { return x + 1; }, Array(0));
  while_loop(is_small, [](const Array& x) { return std::pair{x + 1, x}; }, Array(0));  // refused
}
