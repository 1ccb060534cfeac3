// Matrix factorisation by alternating least squares.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/models/interactions.hpp"
#include "gradus/models/least_squares.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr int64_t kStep = 64;  // users, or items, that a thread solves at a time

struct Entry {
  int64_t own = 0, other = 0;
  double value = 0;
};
// Entries of one side, together by whose they are; of those without any there is nothing.
struct Side {
  std::vector<Entry> entries{};
  std::vector<size_t> starts{};  // of each of them; the end at the end

  size_t count() const { return starts.size() - 1; }
  std::span<const Entry> of(size_t i) const { return std::span(entries).subspan(starts[i], starts[i + 1] - starts[i]); }
};
Side side_of(std::vector<Entry> entries, bool adds_up) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return std::pair(a.own, a.other) < std::pair(b.own, b.other); });
  Side side;
  for (const Entry& entry : entries) {
    Entry* last = side.entries.empty() ? nullptr : &side.entries.back();
    if (adds_up && last && last->own == entry.own && last->other == entry.other) last->value += entry.value;
    else side.entries.push_back(entry);
  }
  for (size_t i = 0; i < side.entries.size(); ++i)
    if (i == 0 || side.entries[i].own != side.entries[i - 1].own) side.starts.push_back(i);
  side.starts.push_back(side.entries.size());
  return side;
}

// Vectors of users or items, one after the other, and their biases; the last ones are nobody's.
struct Table {
  std::vector<double> vectors{}, bias{};
  int64_t width = 0;
  double* of(int64_t i) { return vectors.data() + i * width; }
  const double* of(int64_t i) const { return vectors.data() + i * width; }
};
Table table_of(int64_t count, int64_t width) {
  refuse_above_limit((count + 1) * (width + 1) * 8, "vectors of users and items");  // says what does not fit in memory
  Table table{.width = width};
  table.vectors.assign(static_cast<size_t>((count + 1) * width), 0.0);
  table.bias.assign(static_cast<size_t>(count + 1), 0.0);
  return table;
}

class Als {
 public:
  Als(const detail::Pairs& pairs, const AlsOptions& options)
      : options_(options), users_(table_of(pairs.user_count, options.width)), items_(table_of(pairs.item_count, options.width)) {
    std::vector<Entry> forward, backward;
    for (size_t i = 0; i < pairs.users.size(); ++i) {
      if (options.is_implicit && pairs.values[i] == 0) continue;
      forward.push_back({pairs.users[i], pairs.items[i], pairs.values[i]});
      backward.push_back({pairs.items[i], pairs.users[i], pairs.values[i]});
    }
    by_user_ = side_of(std::move(forward), options.is_implicit);
    by_item_ = side_of(std::move(backward), options.is_implicit);
    if (!options.is_implicit)
      mean_ = std::accumulate(pairs.values.begin(), pairs.values.end(), 0.0) / static_cast<double>(pairs.values.size());
    const std::vector<double> start = random::normal(random::key(options.seed), {pairs.item_count, options.width}, 0,
                                                     1 / std::sqrt(static_cast<double>(options.width)), float64)
                                          .to_vector<double>();
    std::copy(start.begin(), start.end(), items_.vectors.begin());
  }

  double iterate() {
    solve(by_user_, users_, items_);
    solve(by_item_, items_, users_);
    return objective();
  }
  MatrixFactorisation finished(int64_t users, int64_t items) {
    if (options_.is_implicit) {
      double* nobody = users_.of(users);
      for (int64_t i = 0; i < users; ++i) detail::add_scaled(nobody, 1 / static_cast<double>(users), users_.of(i), options_.width);
    }
    const bool has_bias = options_.use_bias && !options_.is_implicit;
    MatrixFactorisation model({.users = users, .items = items, .width = options_.width, .use_bias = has_bias, .mean = mean_});
    const auto set = [](const Parameter& parameter, const std::vector<double>& values, int64_t rows) {
      parameter.set(array(values, {rows + 1, static_cast<int64_t>(values.size()) / (rows + 1)}).astype(float32).eval());
    };
    set(model.user_vectors, users_.vectors, users);
    set(model.item_vectors, items_.vectors, items);
    if (has_bias) {
      set(model.user_bias, users_.bias, users);
      set(model.item_bias, items_.bias, items);
    }
    return model;
  }

 private:
  bool has_bias() const { return options_.use_bias && !options_.is_implicit; }
  // The products of all vectors of a table, (width, width).
  std::vector<double> gram_of(const Table& table) const {
    const Array all = array(table.vectors, {static_cast<int64_t>(table.vectors.size()) / options_.width, options_.width});
    return matmul(transpose(all), all).to_vector<double>();
  }

  // Each of `own` given all of `other`.
  void solve(const Side& side, Table& own, const Table& other) const {
    const int64_t width = options_.width, size = width + has_bias();
    const std::vector<double> gram = options_.is_implicit ? gram_of(other) : std::vector<double>();
    const auto chunks = (static_cast<int64_t>(side.count()) + kStep - 1) / kStep;
    parallel_for(chunks, [&](int64_t chunk) {
      std::vector<double> a, b(static_cast<size_t>(size)), features(static_cast<size_t>(size), 1.0);
      for (int64_t i = chunk * kStep; i < std::min<int64_t>(static_cast<int64_t>(side.count()), (chunk + 1) * kStep); ++i) {
        const std::span<const Entry> entries = side.of(static_cast<size_t>(i));
        const double penalty = options_.is_implicit ? options_.alpha : options_.alpha * static_cast<double>(entries.size());
        if (options_.is_implicit) a = gram;
        else a.assign(static_cast<size_t>(size * size), 0.0);
        for (int64_t j = 0; j < size; ++j) a[static_cast<size_t>(j * size + j)] += penalty;
        std::fill(b.begin(), b.end(), 0.0);
        for (const Entry& entry : entries) {
          std::copy_n(other.of(entry.other), width, features.begin());
          const double weight = options_.is_implicit ? options_.confidence * entry.value : 1;
          const double target = options_.is_implicit ? 1 + weight : entry.value - mean_ - other.bias[static_cast<size_t>(entry.other)];
          for (int64_t j = 0; j < size; ++j)
            detail::add_scaled(a.data() + j * size, weight * features[static_cast<size_t>(j)], features.data(), j + 1);
          detail::add_scaled(b.data(), target, features.data(), size);
        }
        if (!detail::cholesky(a, size)) {
          fail("fit_als", "alpha is ", options_.alpha,
               ", which rounding loses beside the values; it must be larger, or values be scaled down");
        }
        detail::cholesky_solve(a, size, b, 1);
        std::copy_n(b.begin(), width, own.of(entries[0].own));
        if (has_bias()) own.bias[static_cast<size_t>(entries[0].own)] = b.back();
      }
    });
  }

  double penalty(const Side& side, const Table& table) const {
    double sum = 0;
    for (size_t i = 0; i < side.count(); ++i) {
      const int64_t own = side.of(i)[0].own;
      const double bias = table.bias[static_cast<size_t>(own)],
                   size = detail::dot(table.of(own), table.of(own), options_.width) + bias * bias;
      sum += options_.alpha * size * (options_.is_implicit ? 1 : static_cast<double>(side.of(i).size()));
    }
    return sum;
  }
  double objective() const {
    double sum = penalty(by_user_, users_) + penalty(by_item_, items_);
    if (options_.is_implicit) {
      // All squares, as if no pair had a value; then those that have one are put right.
      const std::vector<double> u = gram_of(users_), i = gram_of(items_);
      sum += detail::dot(u.data(), i.data(), static_cast<int64_t>(u.size()));
    }
    for (const Entry& entry : by_user_.entries) {
      const double product = detail::dot(users_.of(entry.own), items_.of(entry.other), options_.width);
      if (options_.is_implicit) {
        sum += (1 + options_.confidence * entry.value) * (1 - product) * (1 - product) - product * product;
      } else {
        const double error =
            entry.value - mean_ - users_.bias[static_cast<size_t>(entry.own)] - items_.bias[static_cast<size_t>(entry.other)] - product;
        sum += error * error;
      }
    }
    return sum;
  }

  const AlsOptions& options_;
  Side by_user_{}, by_item_{};
  Table users_, items_;
  double mean_ = 0;
};

void check(const AlsOptions& options, const detail::Pairs& pairs) {
  constexpr std::string_view op = "fit_als";
  if (options.width < 1 || options.width > 4096) fail(op, "width is ", options.width, "; it must be from 1 to 4096");
  if (options.iterations < 1) fail(op, "iterations is ", options.iterations, "; it must be at least 1");
  if (!(options.alpha > 0) || !std::isfinite(options.alpha)) fail(op, "alpha is ", options.alpha, "; it must be above 0 and finite");
  if (!options.is_implicit) return;
  if (!(options.confidence > 0) || !std::isfinite(options.confidence))
    fail(op, "confidence is ", options.confidence, "; it must be above 0 and finite");
  for (size_t i = 0; i < pairs.values.size(); ++i)
    if (pairs.values[i] < 0) fail(op, "values[", i, "] is ", pairs.values[i], "; implicit values must not be negative");
}

}  // namespace

AlsFit fit_als(const Interactions& interactions, const AlsOptions& options) {
  const detail::Pairs pairs = detail::checked_pairs("fit_als", interactions, options.users, options.items);
  check(options, pairs);
  Als als(pairs, options);
  AlsFit out;
  for (int64_t i = 0; i < options.iterations; ++i) out.objective.push_back(als.iterate());
  out.model = als.finished(pairs.user_count, pairs.item_count);
  return out;
}

}  // namespace gradus::models
