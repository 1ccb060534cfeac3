// Samples of ops that hold closed graphs.
#include "tests/laws/sample.hpp"

namespace laws {
Samples transform_samples() { return {}; }
}  // namespace laws
