// What is said of a name that nothing has.
#include "gradus/base/named.hpp"

#include "gradus/base/error.hpp"

namespace gradus::core {

void fail_unknown_name(std::string_view kind, std::string_view phrase, std::string_view name, std::span<const std::string> known,
                       std::span<const std::string> other_names) {
  std::vector<std::string> all(known.begin(), known.end());
  all.insert(all.end(), other_names.begin(), other_names.end());
  const std::string near = nearest(name, all);
  fail(kind, phrase, " \"", name, "\"; known are ", join(known), near.empty() ? "" : concat("; did you mean ", near, "?"));
}

}  // namespace gradus::core
