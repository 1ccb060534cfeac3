// Hyper-parameters: what each may be, and what it is in one trial of a search.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/base/datum.hpp"

namespace gradus::train {

/// The kinds of distributions, by the functions below.
enum class DistributionKind : uint8_t { uniform, log_uniform, int_uniform, log_int_uniform, choice };
std::span<const std::string_view> enum_names(DistributionKind);

/// What the value of a hyper-parameter is drawn from: made by uniform, log_uniform, int_uniform, log_int_uniform and choice.
class Distribution {
 public:
  /// Throws for a kind of bounds and what are none: see the functions below.
  Distribution(DistributionKind kind, std::vector<core::Datum> values);

  /// The value at a share 0 <= u < 1 of the probability: the quantile, for a u that is uniform a draw.
  core::Datum quantile(double u) const;
  DistributionKind kind() const { return kind_; }
  /// The two bounds, or what is chosen from.
  const std::vector<core::Datum>& values() const { return values_; }
  /// Whether its values are evenly spread in their logarithms.
  bool is_log() const { return kind_ == DistributionKind::log_uniform || kind_ == DistributionKind::log_int_uniform; }
  /// As recipes have it: {log_uniform = [1e-4, 0.1]}.
  core::Datum to_datum() const;
  /// The same read. Throws naming what is wrong.
  static Distribution from_datum(const core::Datum& given);

 private:
  double bound(size_t i) const { return values_[i].number(); }
  DistributionKind kind_;
  std::vector<core::Datum> values_;
};

/// A number from `low` to `high`, each as likely.
Distribution uniform(double low, double high);
/// A number from `low`, above 0, to `high`, each order of magnitude as likely: of learning rates, penalties.
///
///   train::log_uniform(1e-4, 1e-2).quantile(0.5).number()   // 0.001
Distribution log_uniform(double low, double high);
/// An integer from `low` to `high`, both included.
///
///   train::int_uniform(2, 5).quantile(0.99).number()   // 5
Distribution int_uniform(int64_t low, int64_t high);
/// An integer from `low`, at least 1, to `high`, both included; k is as likely as a number from k - 1/2 to k + 1/2 is by log_uniform.
Distribution log_int_uniform(int64_t low, int64_t high);
/// One of some values, each as likely: numbers, texts, truth values, lists.
///
///   train::choice({"relu", "tanh"}).values().size()   // 2
Distribution choice(std::vector<core::Datum> values);

/// Hyper-parameters by name.
using SearchSpace = std::vector<std::pair<std::string, Distribution>>;

/// The values of trial `number` (from 1): draws that depend on the seed, the number and each one's own name only, so that a further
/// parameter changes none of the others. `attempt` gives others for the same number.
core::Datum::Table draw(const SearchSpace& space, uint64_t seed, int64_t number, int64_t attempt = 0);

/// The values of one trial after the other, no two the same: what an earlier trial has is drawn again.
///
///   train::Drawing({{"rate", train::uniform(0, 1)}}, 0).next()->size()   // 1
class Drawing {
 public:
  Drawing(SearchSpace space, uint64_t seed) : space_(std::move(space)), seed_(seed) {}
  /// Nothing, from then on, where the space holds no more.
  std::optional<core::Datum::Table> next();

 private:
  SearchSpace space_;
  uint64_t seed_ = 0;
  int64_t number_ = 1;            // of the next trial
  std::set<std::string> seen_{};  // values as text
};

/// How many different values a space holds, `most` where there are that many or more.
int64_t count_values(const SearchSpace& space, int64_t most);

/// The values of the first `count` trials, no two the same: what an earlier trial has is drawn again. Fewer, where the space holds no more.
std::vector<core::Datum::Table> draws(const SearchSpace& space, uint64_t seed, int64_t count);

}  // namespace gradus::train
