// Interned module paths.
#include "gradus/graph/path.hpp"

#include <array>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "gradus/base/fork.hpp"
#include "gradus/base/per_thread.hpp"

namespace gradus::core {

namespace {

[[gnu::tls_model("initial-exec")]] thread_local const std::string* open_path = nullptr;  // read for every node

// The path outside of modules.
const std::string* none() {
  static const std::string* empty = new std::string;
  return empty;
}

// A model has few distinct paths; they are kept for the life of the process.
const std::string* intern(std::string path) {
  static LastingMutex* mutex = new LastingMutex;
  static auto* paths = new std::unordered_set<std::string>;
  std::lock_guard lock(*mutex);
  return &*paths->insert(std::move(path)).first;
}

// The paths of derivatives: texts that stand for themselves and for the name of an op. Few as well: one for each op of each layer.
struct DerivedPaths {
  struct Key {
    const std::string* path;
    const char* op;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const { return std::hash<const void*>()(key.path) * 31 + std::hash<const void*>()(key.op); }
  };
  LastingMutex mutex;
  std::unordered_map<Key, const std::string*, Hash> paths;
  std::unordered_map<const std::string*, std::string_view> origins;
};
DerivedPaths& derived_paths() {
  static auto* all = new DerivedPaths;
  return *all;
}

const std::string* look_up_derived_path(const std::string& path, std::string_view op) {
  DerivedPaths& all = derived_paths();
  std::lock_guard lock(all.mutex);
  const std::string*& found = all.paths[{&path, op.data()}];
  if (found) return found;
  if (all.origins.contains(&path)) return found = &path;
  found = new std::string(path);
  all.origins[found] = op;
  return found;
}

// A backward pass asks once a node, for the same few again and again: each thread remembers what it was told.
struct Told {
  const std::string* path = nullptr;
  const char* op = nullptr;
  const std::string* answer = nullptr;
};
constinit thread_local PerThread<std::array<Told, 256>> told;

const std::string* derived_path(const std::string& path, std::string_view op) {
  Told& last = (*told)[((reinterpret_cast<uintptr_t>(&path) >> 5) * 7 + (reinterpret_cast<uintptr_t>(op.data()) >> 2)) % 256];
  if (last.path != &path || last.op != op.data()) last = {&path, op.data(), look_up_derived_path(path, op)};
  return last.answer;
}

}  // namespace

const std::string* current_path() { return open_path ? open_path : none(); }

PathScope::PathScope(std::string_view part) : before_(open_path) {
  open_path = intern(before_ && !before_->empty() ? *before_ + " > " + std::string(part) : std::string(part));
}
PathScope::~PathScope() { open_path = before_; }

AtPlaceOf::AtPlaceOf(const std::string& path) : before_(open_path) {
  if (&path != none()) open_path = &path;
}
AtPlaceOf::AtPlaceOf(const std::string& path, std::string_view op) : before_(open_path) {
  open_path = derived_path(&path == none() ? *current_path() : path, op);
}
AtPlaceOf::~AtPlaceOf() { open_path = before_; }

std::string_view origin_of(const std::string& path) {
  DerivedPaths& all = derived_paths();
  std::lock_guard lock(all.mutex);
  const auto found = all.origins.find(&path);
  return found == all.origins.end() ? std::string_view() : found->second;
}

}  // namespace gradus::core
