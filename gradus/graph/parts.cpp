// Collecting variables of modules, and gradients by path.
#include "gradus/graph/parts.hpp"

#include "gradus/base/error.hpp"

namespace gradus {

using namespace core;

std::string core::join_path(const std::string& path, std::string_view name) {
  if (path.empty()) return std::string(name);
  return name.empty() ? path : concat(path, ".", name);
}

bool Variable::is_trainable() const {
  if (cell) return cell->kind == Cell::Kind::parameter && cell->is_trainable;
  return !member->exists() || member->dtype().is_float();
}

void Variable::set(Array value) const {
  if (cell) cell->set(std::move(value));
  else *member = std::move(value);
}

void VariableCollector::on_cell(const std::string& path, const CellPtr& cell) {
  for (const Variable& variable : variables) {
    if (variable.cell == cell) return;
  }
  variables.push_back({path, cell, nullptr});
}

void VariableCollector::on_array(const std::string& path, Array& array) {
  for (const Variable& variable : variables) {
    if (variable.member == &array) return;
  }
  variables.push_back({path, nullptr, &array});
}

const Array& Gradients::operator[](std::string_view path) const {
  for (const Entry& entry : entries_) {
    if (entry.first == path) return entry.second;
  }
  std::vector<std::string> paths;
  for (const Entry& entry : entries_) paths.push_back(entry.first);
  const std::string near = nearest(path, paths);
  fail("gradients", "there is none for ", path, near.empty() ? concat("; there are ", join(paths)) : concat("; the nearest is ", near));
}
Array& Gradients::operator[](std::string_view path) { return const_cast<Array&>(std::as_const(*this)[path]); }

bool Gradients::contains(std::string_view path) const {
  for (const Entry& entry : entries_) {
    if (entry.first == path) return true;
  }
  return false;
}

void Gradients::check_same_paths(const Gradients& other) const {
  bool is_same = size() == other.size();
  for (size_t i = 0; is_same && i < size(); ++i) is_same = entries_[i].first == other.entries_[i].first;
  if (!is_same) fail("gradients", "two sets of ", size(), " and ", other.size(), " arrays have different paths; they must be of one model");
}

}  // namespace gradus
