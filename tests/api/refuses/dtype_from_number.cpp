// expects: no match|could not convert|conversion|no viable|no matching
// Dtypes are constants.
#include "gradus/gradus.hpp"

int main() {
  gradus::DType d = gradus::float32;
  d = 3;  // refused
}
