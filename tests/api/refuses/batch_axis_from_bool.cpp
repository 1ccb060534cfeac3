// expects: deleted|no match|no matching
// An axis or `whole`; true is neither.
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& x) {
  const auto twice = [](const gradus::Array& x) { return 2 * x; };
  return gradus::vmap(twice, {true})(x);  // refused
  return gradus::vmap(twice, {0})(x);
}
