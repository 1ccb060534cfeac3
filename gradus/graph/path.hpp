// Where in a model the calling thread is: nodes remember it, so that errors found later can name the layer.
#pragma once

#include <string>
#include <string_view>

namespace gradus::core {

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

/// Nodes recorded while it lives belong to the place of another node: what a transform makes of a node keeps the node's path.
class AtPlaceOf {
 public:
  /// `path` as a node keeps it.
  explicit AtPlaceOf(const std::string& path);
  /// The same for the derivative of `op`, and for functions of another name than the op that they record: origin_of then tells the name, a
  /// literal. The first name is kept by what is derived from it.
  AtPlaceOf(const std::string& path, std::string_view op);
  ~AtPlaceOf();
  AtPlaceOf(const AtPlaceOf&) = delete;
  AtPlaceOf& operator=(const AtPlaceOf&) = delete;

 private:
  const std::string* before_;
};

/// The op or function on whose behalf nodes with this path (the object, not the text) were recorded; "" if that is their own op. An index
/// that is out of range is found by whichever op runs first, a derivative's scatter too: its error names what the user called.
std::string_view origin_of(const std::string& path);

}  // namespace gradus::core
