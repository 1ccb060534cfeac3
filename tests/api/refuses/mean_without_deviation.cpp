// expects: no match|no matching
// {5} is a shape and no key; mean and deviation come together.
#include "gradus/gradus.hpp"

gradus::Array f() {
  return gradus::random::normal({5}, 3);  // refused
  return gradus::random::normal({5}, 3, 1);
}
