// Numbers that the host computes afresh before each run of a compiled function: learning rates, bias corrections.
#pragma once

#include <functional>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::core {

/// While compile traces a function: collects what has to be computed before each of its runs, in the order of recording.
class HostInputScope {
 public:
  HostInputScope();
  ~HostInputScope();
  HostInputScope(const HostInputScope&) = delete;
  HostInputScope& operator=(const HostInputScope&) = delete;

  /// `compute` is called before each run and gives one number for each of the placeholders (rank 0, float64, weak).
  struct Source {
    std::function<std::vector<double>()> compute;
    std::vector<Array> placeholders;
  };
  const std::vector<Source>& sources() const { return sources_; }

 private:
  friend std::vector<Array> host_numbers(size_t count, std::function<std::vector<double>()> compute);
  std::vector<Source> sources_;
  HostInputScope* outer_;
};

/// `count` weak numbers from `compute`. Inside compile they are placeholders, and `compute` is called before each run; in a call that is
/// only recorded to build a model `compute` is not called; elsewhere it is called once, now.
std::vector<Array> host_numbers(size_t count, std::function<std::vector<double>()> compute);

}  // namespace gradus::core
