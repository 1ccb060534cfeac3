// Interned module paths.
#include "gradus/graph/path.hpp"

#include <mutex>
#include <unordered_set>

namespace gradus {

namespace {

thread_local const std::string* open_path = nullptr;

// A model has few distinct paths; they are kept for the life of the process.
const std::string* intern(std::string path) {
  static std::mutex* mutex = new std::mutex;
  static auto* paths = new std::unordered_set<std::string>;
  std::lock_guard lock(*mutex);
  return &*paths->insert(std::move(path)).first;
}

}  // namespace

const std::string* current_path() {
  static const std::string* none = new std::string;
  return open_path ? open_path : none;
}

PathScope::PathScope(std::string_view part) : before_(open_path) {
  open_path = intern(before_ ? *before_ + " > " + std::string(part) : std::string(part));
}
PathScope::~PathScope() { open_path = before_; }

}  // namespace gradus
