// Names of dtypes.
#include "gradus/array/dtype.hpp"

#include "gradus/base/error.hpp"

namespace gradus {

using namespace core;

std::string to_text(DType dtype) { return std::string(dtype.name()); }

DType core::dtype_from_name(std::string_view name, std::string_view place) {
  std::vector<std::string> names;
  for (int code = 0; code < kDTypeCount; ++code) {
    const DType dtype{static_cast<DType::Code>(code)};
    if (dtype.name() == name) return dtype;
    names.emplace_back(dtype.name());
  }
  fail(place, "there is no dtype \"", name, "\"; the dtypes are ", join(names));
}

}  // namespace gradus
