// Composition of the message of an Error.
#include "gradus/base/error.hpp"

#include "gradus/base/printable.hpp"

namespace gradus {

using namespace core;

namespace {

// Names and cells of files stand in messages, which programs print.
std::string whole(const std::string& text) { return printable(text, text.size()); }

}  // namespace

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
  text_ = place_.empty() ? whole(problem_) : whole(place_) + ": " + whole(problem_);
  if (!path_.empty()) text_ += "\n  in: " + whole(path_);
  if (!hint_.empty()) text_ += "\n  hint: " + whole(hint_);
}

}  // namespace gradus
