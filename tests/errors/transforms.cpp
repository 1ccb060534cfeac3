// Wrong calls of transforms, and what plans refuse.
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

Provocations transform_provocations() {
  return {};
}

}  // namespace errors
