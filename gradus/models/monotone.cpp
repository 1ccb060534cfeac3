// MonotoneMLP.
#include "gradus/models/monotone.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr size_t kMostInputs = 1 << 20;

// Rises, with units that bend up, bend down, and level off.
Array rising(const Array& x) {
  const int64_t units = x.shape(-1), first = (units + 2) / 3, second = (units - first + 1) / 2;
  std::vector<Array> parts = split_sizes(x, {first, second, units - first - second}, -1);
  return concatenate({relu(parts[0]), -relu(-parts[1]), tanh(parts[2])}, -1);
}

std::vector<int64_t> places(const std::vector<int64_t>& directions, bool are_free) {
  std::vector<int64_t> out;
  for (size_t i = 0; i < directions.size(); ++i) {
    if ((directions[i] == 0) == are_free) out.push_back(static_cast<int64_t>(i));
  }
  return out;
}

}  // namespace

std::span<const FieldNote> MonotoneMLPOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"directions", "of each input: 1 rises, -1 falls, 0 free", {.low = -1, .high = 1}},
                                        {"outputs", "numbers that it gives", range::positive},
                                        {"hidden", "units of each layer", range::positive},
                                        {"layers", "hidden layers", {.low = 1, .high = 100}}};
  return notes;
}

MonotoneMLP::MonotoneMLP(MonotoneMLPOptions options) : options(std::move(options)) { check(); }

void MonotoneMLP::check() {
  check_fields("MonotoneMLP", fields_of(options), &options);
  if (options.directions.empty() || options.directions.size() > kMostInputs)
    fail("MonotoneMLP", "directions has ", options.directions.size(), " numbers; it must have one an input");
  for (const int64_t direction : options.directions) {
    if (direction < -1 || direction > 1) fail("MonotoneMLP", "a direction is ", direction, "; it must be 1, -1 or 0");
  }
  const auto count = static_cast<size_t>(options.layers);
  const bool has_free = !places(options.directions, true).empty();
  const bool is_made = sizes.size() == count + 1 && free.size() == count + 1 && free.front().units == options.hidden &&
                       free.back().units == options.outputs && context.size() == (has_free ? count : 0);
  if (is_made) return;  // what it has learnt stays
  sizes = std::vector<Parameter>(count + 1);
  free.clear();
  context.clear();
  for (size_t i = 0; i < count; ++i) free.emplace_back(options.hidden);
  free.emplace_back(options.outputs);
  if (has_free) {
    for (size_t i = 0; i < count; ++i) context.emplace_back(options.hidden, relu);
  }
}
std::string MonotoneMLP::describe() const {
  const auto bound = std::count_if(options.directions.begin(), options.directions.end(), [](int64_t each) { return each != 0; });
  return concat(options.directions.size(), " -> ", options.outputs, ", monotone in ", bound);
}

Array MonotoneMLP::forward(const Array& x) const {
  const auto inputs = static_cast<int64_t>(options.directions.size());
  if (x.rank() != 2 || x.shape(1) != inputs)
    fail("monotone_mlp", "x is ", x.shape(), "; it must be (N, ", inputs, "), one number for each direction");
  const std::vector<int64_t> bound = places(options.directions, false), loose = places(options.directions, true);
  Array others = loose.empty() ? zeros({x.shape(0), 1}, x.dtype()) : take(x, array(loose), 1);
  std::vector<double> signs;
  for (const int64_t at : bound) signs.push_back(static_cast<double>(options.directions[static_cast<size_t>(at)]));
  Array h = bound.empty() ? Array() : take(x, array(bound), 1) * array(signs).astype(x.dtype());
  for (size_t i = 0; i < sizes.size(); ++i) {
    const bool is_last = i + 1 == sizes.size();
    Array next = free[i](others);
    if (h.exists()) {
      const int64_t rows = h.shape(1);
      // softplus(v) begins near 1 / rows: sums of so many then keep their size.
      const double start = std::log(std::expm1(1.0 / static_cast<double>(rows)));
      const Array& v = sizes[i]({rows, is_last ? options.outputs : options.hidden}, nn::init::random_normal(0.1, start));
      next = next + matmul(h, softplus(v));
    }
    if (is_last) return next;
    h = rising(next);
    if (!context.empty()) others = context[i](others);
  }
  return h;
}

}  // namespace gradus::models
