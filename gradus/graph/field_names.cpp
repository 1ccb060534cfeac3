// Names as a macro has written them.
#include "gradus/graph/field_names.hpp"

#include <algorithm>

namespace gradus::core {

std::string_view name_at(std::string_view names, size_t index) {
  for (; index; --index) names.remove_prefix(names.find(',') + 1);
  names = names.substr(0, names.find(','));
  names.remove_prefix(std::min(names.find_first_not_of(' '), names.size()));
  return names.substr(0, names.find_last_not_of(' ') + 1);
}

}  // namespace gradus::core
