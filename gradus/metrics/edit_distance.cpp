// Edit distance by dynamic programming, a row at a time.
#include "gradus/metrics/edit_distance.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "gradus/base/error.hpp"

namespace gradus::metrics {

using namespace core;

int64_t edit_distance(std::span<const int64_t> found, std::span<const int64_t> wanted) {
  std::vector<int64_t> row(wanted.size() + 1);  // distances of the beginnings of `wanted` from that of `found` so far
  std::iota(row.begin(), row.end(), int64_t{0});
  for (size_t i = 0; i < found.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] = static_cast<int64_t>(i) + 1;
    for (size_t j = 0; j < wanted.size(); ++j) {
      const int64_t replaced = diagonal + (found[i] == wanted[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min(replaced, std::min(row[j], row[j + 1]) + 1);
    }
  }
  return row.back();
}

double label_error_rate(std::span<const std::vector<int64_t>> found, std::span<const std::vector<int64_t>> wanted) {
  if (found.size() != wanted.size()) {
    fail("label_error_rate", "there are ", found.size(), " sequences and ", wanted.size(), " targets; they must be equal");
  }
  int64_t errors = 0, labels = 0;
  for (size_t n = 0; n < found.size(); ++n) {
    errors += edit_distance(found[n], wanted[n]);
    labels += static_cast<int64_t>(wanted[n].size());
  }
  if (labels == 0) return errors == 0 ? 0 : std::numeric_limits<double>::infinity();
  return static_cast<double>(errors) / static_cast<double>(labels);
}

double label_error_rate(std::span<const nn::CtcSequence> found, const Array& targets) {
  if (targets.rank() != 2 || !targets.dtype().is_integer()) {
    fail("label_error_rate", "targets is ", targets.shape(), " ", targets.dtype(), "; it must be (examples, labels) integers");
  }
  const std::vector<int64_t> all = targets.to_vector<int64_t>();
  std::vector<std::vector<int64_t>> labels, wanted;
  for (const nn::CtcSequence& sequence : found) labels.push_back(sequence.labels);
  for (int64_t n = 0; n < targets.shape(0); ++n) {
    const auto first = all.begin() + n * targets.shape(1), end = first + targets.shape(1);
    wanted.emplace_back(first, std::find_if(first, end, [](int64_t label) { return label < 0; }));
  }
  return label_error_rate(labels, wanted);
}

}  // namespace gradus::metrics
