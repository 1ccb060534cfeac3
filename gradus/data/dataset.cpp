// Datasets: checks, subsets, splits.
#include "gradus/data/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/philox.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/pending.hpp"
#include "gradus/ops/elementwise.hpp"

namespace gradus::data {

using namespace core;

namespace {

template <class T>
void check_numbers(const Array& y) {
  const T* values = static_cast<const T*>(row_major_data(y));
  for (int64_t i = 0; i < y.size(); ++i) {
    if (std::isnan(static_cast<double>(values[i]))) {
      fail("dataset", "y", index_text(y.shape(), i), " is nan; targets must be numbers");
    }
  }
}

void check_labels(const Array& y, int64_t classes) {
  if (y.rank() != 1 || !y.dtype().is_integer()) {
    fail("dataset", "y is ", y.shape(), " of ", y.dtype(), "; with class names it must be (N,) of an integer dtype");
  }
  visit_dtype(y.dtype(), [&]<class T>(T) {
    const T* values = static_cast<const T*>(row_major_data(y));
    for (int64_t i = 0; i < y.size(); ++i) {
      const auto label = static_cast<int64_t>(values[i]);
      if (label < 0 || label >= classes) {
        fail("dataset", "y", index_text(y.shape(), i), " is ", label, "; labels of ", classes, " classes must be 0 to ", classes - 1);
      }
    }
  });
}

Array gather_rows(const Array& x, std::span<const int64_t> positions) {
  const int64_t row_bytes = x.shape(0) ? x.size() / x.shape(0) * x.dtype().size() : 0;
  std::vector<int64_t> sizes = x.shape().to_vector();
  sizes[0] = static_cast<int64_t>(positions.size());
  const Shape shape(sizes);
  BufferPtr out = allocate(shape.size() * x.dtype().size(), "subset of a dataset");
  const auto* from = static_cast<const std::byte*>(row_major_data(x));
  for (size_t i = 0; row_bytes && i < positions.size(); ++i) {
    std::memcpy(out->data() + static_cast<int64_t>(i) * row_bytes, from + positions[i] * row_bytes, static_cast<size_t>(row_bytes));
  }
  return make_leaf(std::move(out), x.dtype(), shape);
}

}  // namespace

Dataset::Dataset(Array inputs, Array targets, DatasetInfo info)
    : x(std::move(inputs)),
      y(std::move(targets)),
      class_names(std::move(info.class_names)),
      name(std::move(info.name)),
      description(std::move(info.description)) {
  if (x.rank() < 1) fail("dataset", "x is a single number; its first axis must count the samples");
  if (!y.exists()) return;
  if (y.rank() < 1 || y.shape(0) != x.shape(0)) {
    fail("dataset", "x is ", x.shape(), " and y is ", y.shape(), ": their first sizes, the numbers of samples, must be equal");
  }
  if (!class_names.empty()) check_labels(y, static_cast<int64_t>(class_names.size()));
  if (y.dtype().is_float()) visit_dtype(y.dtype(), [&]<class T>(T) { check_numbers<T>(y); });
}

Dataset Dataset::from_bytes(Array bytes, Array y, DatasetInfo info) {
  if (bytes.dtype() != uint8) fail("dataset", "from_bytes: the array has dtype ", bytes.dtype(), "; it must be uint8");
  const PendingPause pause;  // four times the memory of the bytes: past the bound of pending work it would be computed here and now
  Array scaled = bytes.astype(float32) / 255;
  Dataset set(scaled, std::move(y), std::move(info));
  set.bytes_ = std::move(bytes);
  set.scaled_ = std::move(scaled);
  return set;
}

int64_t Dataset::size() const { return x.exists() ? x.shape(0) : 0; }

bool Dataset::is_from_bytes() const { return bytes_.exists() && x.node() == scaled_.node() && x.output_index() == scaled_.output_index(); }

Dataset subset(const Dataset& set, std::span<const int64_t> positions) {
  for (size_t i = 0; i < positions.size(); ++i) {
    if (positions[i] < 0 || positions[i] >= set.size()) {
      fail("subset", "position ", i, " is ", positions[i], "; the set has ", set.size(), " samples");
    }
  }
  if (!set.x.exists()) return set;
  const DatasetInfo info{set.class_names, set.name, set.description};
  const Array y = set.y.exists() ? gather_rows(set.y, positions) : Array();
  const Array x = gather_rows(set.stored_x(), positions);
  Dataset part = set.is_from_bytes() ? Dataset::from_bytes(x, y, info) : Dataset(x, y, info);
  if (set.weights.exists()) part.weights = gather_rows(set.weights, positions);
  for (const Extra& extra : set.extras) part.extras.push_back({extra.name, gather_rows(extra.values, positions), extra.lengths});
  part.x_lengths = set.x_lengths;
  part.y_lengths = set.y_lengths;
  part.bucketing = set.bucketing;
  part.tokenizer = set.tokenizer;
  part.pipeline = set.pipeline;
  return part;
}

Dataset subset(const Dataset& set, int64_t begin, int64_t end) {
  if (begin < 0 || begin > end || end > set.size()) {
    fail("subset", "samples ", begin, " to ", end, " are asked for; the set has ", set.size());
  }
  std::vector<int64_t> positions(static_cast<size_t>(end - begin));
  std::iota(positions.begin(), positions.end(), begin);
  return subset(set, positions);
}

std::pair<Dataset, Dataset> split(const Dataset& set, double fraction, uint64_t seed) {
  if (!(fraction >= 0 && fraction <= 1)) fail("split", "fraction is ", fraction, "; it must be 0 to 1");
  const std::vector<int64_t> order = permutation(set.size(), seed);
  const auto first = static_cast<size_t>(std::llround(fraction * static_cast<double>(order.size())));
  const std::span<const int64_t> all(order);
  return {subset(set, all.first(first)), subset(set, all.subspan(first))};
}

void check_weights(const Dataset& set) {
  const Array& weights = set.weights;
  if (!weights.exists()) return;
  if (weights.shape() != Shape{set.size()}) {
    fail("dataset", "the weights are ", weights.shape(), " and there are ", set.size(), " samples; they must be (", set.size(),
         ",), one a sample");
  }
  const std::vector<double> values = weights.to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= 0 && std::isfinite(values[i])) continue;
    fail("dataset", "the weight of sample ", i, " is ", values[i], "; weights must be finite and not negative");
  }
}

Dataset weighted(Dataset set, const Array& weights) {
  set.weights = weights.astype(float32).eval();
  check_weights(set);
  return set;
}

namespace {

const Extra* find_extra(const std::vector<Extra>& extras, std::string_view name) {
  const auto at = std::find_if(extras.begin(), extras.end(), [&](const Extra& extra) { return extra.name == name; });
  return at == extras.end() ? nullptr : &*at;
}

// Lengths of an array, which `what` names.
void check_lengths(const Dataset& set, const std::string& lengths, const Array& values, std::string_view what) {
  if (lengths.empty()) return;
  const Array& counts = set[lengths];
  if (values.rank() < 2)
    fail("dataset", what, " is ", values.shape(), "; what has lengths must have an axis of steps behind that of samples");
  if (counts.shape() != Shape{set.size()} || counts.dtype().is_float() || counts.dtype().is_bool())
    fail("dataset", lengths, " is ", counts.shape(), " of ", counts.dtype(), "; lengths must be (", set.size(),
         ",) integers, one a sample");
  const std::vector<int64_t> all = counts.to_vector<int64_t>();
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i] < 0 || all[i] > values.shape(1))
      fail("dataset", lengths, "[", i, "] is ", all[i], ", and ", what, " has ", values.shape(1), " steps; lengths must be 0 to that");
  }
}

}  // namespace

const Array& extra_of(const std::vector<Extra>& extras, std::string_view name) {
  if (const Extra* extra = find_extra(extras, name)) return extra->values;
  std::vector<std::string> known;
  for (const Extra& extra : extras) known.push_back(extra.name);
  const std::string near = nearest(name, known);
  fail("dataset", "there is no extra \"", name, "\"; ", known.empty() ? "it has none" : concat("there are ", join(known)),
       near.empty() ? "" : concat("; did you mean ", near, "?"));
}

const Array& Dataset::operator[](std::string_view name) const { return extra_of(extras, name); }

void check_extras(const Dataset& set) {
  for (size_t i = 0; i < set.extras.size(); ++i) {
    const auto& [name, values, lengths] = set.extras[i];
    if (name.empty()) fail("dataset", "extra ", i, " has no name; it is found by its name");
    if (find_extra(set.extras, name) != &set.extras[i]) fail("dataset", "there are two extras \"", name, "\"; names must differ");
    if (!values.exists() || values.rank() < 1 || values.shape(0) != set.size())
      fail("dataset", "extra \"", name, "\" is ", values.exists() ? to_text(values.shape()) : "empty", ", and there are ", set.size(),
           " samples; its first size must be that");
    check_lengths(set, lengths, values, name);
  }
  check_lengths(set, set.x_lengths, set.x, "x");
  if (set.has_targets()) check_lengths(set, set.y_lengths, set.y, "y");
  if (!set.bucketing) return;
  if (set.x_lengths.empty()) fail("dataset", "x_lengths is not given; samples are put together by their lengths");
  if (set.bucketing->multiple < 1) fail("dataset", "multiple is ", set.bucketing->multiple, "; it must be at least 1");
  if (set.bucketing->window < 1) fail("dataset", "window is ", set.bucketing->window, "; it must be at least 1");
}

Dataset with_extra(Dataset set, Extra extra) {
  set.extras.push_back(std::move(extra));
  check_extras(set);
  return set;
}

Dataset bucketed(Dataset set, Bucketing bucketing) {
  set.bucketing = bucketing;
  check_extras(set);
  return set;
}

std::string index_text(const Shape& shape, int64_t position) {
  std::vector<std::string> indices(static_cast<size_t>(shape.rank()));
  for (int64_t axis = shape.rank(); axis-- > 0; position /= shape[axis])
    indices[static_cast<size_t>(axis)] = to_text(position % shape[axis]);
  return concat("[", join(indices), "]");
}

std::vector<int64_t> permutation(int64_t count, uint64_t seed, uint64_t stream) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t i = count - 1; i > 0; --i) {  // Fisher and Yates; 64 random bits a draw make the modulo's bias negligible
    const auto bits = philox(static_cast<uint64_t>(i), stream, seed);
    const uint64_t draw = (static_cast<uint64_t>(bits[0]) << 32 | bits[1]) % static_cast<uint64_t>(i + 1);
    std::swap(order[static_cast<size_t>(i)], order[draw]);
  }
  return order;
}

}  // namespace gradus::data
