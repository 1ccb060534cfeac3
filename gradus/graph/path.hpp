// Where in a model the calling thread is: nodes remember it, so that errors found later can name the layer.
#pragma once

#include <string>
#include <string_view>

namespace gradus {

/// Path of the innermost open PathScope of this thread, for example "Sequential > dense_1 (Dense, 785 -> 128)"; never null.
const std::string* current_path();

/// Appends a part to the path while it lives. Paths are interned: the pointer stays valid for the life of the process.
class PathScope {
 public:
  explicit PathScope(std::string_view part);
  ~PathScope();
  PathScope(const PathScope&) = delete;
  PathScope& operator=(const PathScope&) = delete;

 private:
  const std::string* before_;
};

}  // namespace gradus
