// expects: deleted
// The sum is a temporary, whose memory goes with it.
#include "gradus/gradus.hpp"

void f(const gradus::Array& a, const gradus::Array& b) {
  const gradus::Array c = a + b;
  const float* kept = c.data<float>();
  const float* p = (a + b).data<float>();  // refused
  (void)kept;
}
