#include "gradus/nn/observation.hpp"

#include <utility>

#include "gradus/graph/path.hpp"

namespace gradus::nn {

namespace {

thread_local std::vector<Observation>* open = nullptr;

}  // namespace

ObservationScope::ObservationScope(std::vector<Observation>& all) : outer_(std::exchange(open, &all)) {}
ObservationScope::~ObservationScope() { open = outer_; }

bool ObservationScope::is_open() { return open != nullptr; }
void ObservationScope::note(std::string_view name, Array values) {
  if (open) open->push_back({*core::current_path(), std::string(name), std::move(values)});
}

}  // namespace gradus::nn
