// expects: the function of scan returns two things, the next carry and the y of this step
// at most: 20 lines
// The carry and the y may be the same array, but both are said.
#include "gradus/gradus.hpp"

using namespace gradus;

int main() {
  scan([](const Array& sum, const Array& x) { return std::pair{sum + x, sum + x}; }, Array(0.0), zeros({3}));
  scan([](const Array& sum, const Array& x) { return sum + x; }, Array(0.0), zeros({3}));  // refused
}
