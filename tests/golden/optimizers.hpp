// PyTorch's optimisers as Gradus's, from their hyper-parameters.
#pragma once

#include "tests/golden/call.hpp"

namespace golden {

/// The optimiser of a name ("Adam") with PyTorch's hyper-parameters and defaults; throws NotCovered for one that there is not.
gradus::optim::Optimizer make_optimizer(const std::string& name, const Json& parameters);

}  // namespace golden
