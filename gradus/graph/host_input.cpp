// The stack of scopes that collect host inputs.
#include "gradus/graph/host_input.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/trace.hpp"

namespace gradus::core {

namespace {
thread_local HostInputScope* innermost = nullptr;
}

HostInputScope::HostInputScope() : outer_(innermost) { innermost = this; }
HostInputScope::~HostInputScope() { innermost = outer_; }

std::vector<Array> host_numbers(size_t count, std::function<std::vector<double>()> compute) {
  std::vector<Array> numbers;
  if (is_tracing(TraceKind::building) || innermost) {
    for (size_t i = 0; i < count; ++i) numbers.push_back(make_placeholder({float64, Shape{}, true}));
    if (!is_tracing(TraceKind::building)) innermost->sources_.push_back({std::move(compute), numbers});
    return numbers;
  }
  const std::vector<double> values = compute();
  if (values.size() != count) fail_bug("host_numbers got ", values.size(), " numbers, not ", count);
  numbers.assign(values.begin(), values.end());
  return numbers;
}

}  // namespace gradus::core
