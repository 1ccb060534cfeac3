// Composition of the message of an Error.
#include "gradus/base/error.hpp"

namespace gradus {

Error::Error(Kind kind, std::string_view place, std::string_view problem)
    : kind_(kind), place_(place), problem_(problem) {
  compose();
}

Error&& Error::with_hint(std::string_view hint) && {
  hint_ = hint;
  compose();
  return std::move(*this);
}

void Error::set_path(std::string_view path) {
  if (!path_.empty()) return;
  path_ = path;
  compose();
}

void Error::compose() {
  text_ = place_.empty() ? problem_ : place_ + ": " + problem_;
  if (!path_.empty()) text_ += "\n  in: " + path_;
  if (!hint_.empty()) text_ += "\n  hint: " + hint_;
}

}  // namespace gradus
