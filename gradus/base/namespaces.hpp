// The namespaces. `gradus`, and those in it that are named after folders of layers, losses and the like (nn, loss, train, ...), hold what
// programs write and nothing else, so that `using namespace gradus` brings in no name that is not documented. What the library is made of
// lies in `core`; what describes and rewrites ops, in `rule`; planning, kernels and the command line in `plan`, `backend`, `cpu` and `cli`,
// which see the names of both.
#pragma once

namespace gradus {
namespace core {}
namespace rule {
using namespace core;
}
namespace core {
using namespace rule;
}
namespace backend {
using namespace core;
}
namespace plan {
using namespace core;
}
namespace cpu {
using namespace core;
}
namespace cli {
using namespace core;
}
}  // namespace gradus
