// Wrong calls of modules, losses, optimisers and data.
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

Provocations module_provocations() {
  return {};
}

}  // namespace errors
