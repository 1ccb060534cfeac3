// expects: deleted
// The pointer would dangle.
#include "gradus/gradus.hpp"

const float* f(const gradus::Array& a) {
  const gradus::Array kept = a.astype(gradus::float32);
  const float* p = a.astype(gradus::float32).data<float>();  // refused
  return nullptr;
}
