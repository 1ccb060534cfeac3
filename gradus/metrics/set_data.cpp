// Several scores of one set.
#include "gradus/metrics/set_data.hpp"

#include <optional>

#include "gradus/base/error.hpp"

namespace gradus::metrics::detail {

using namespace core;

SetData::SetData(std::string_view place, const std::vector<std::string>& names, const Array& output, const Array& target,
                 const ClassOptions& options)
    : place_(place), names_(names), averaging_{options.average, options.zero_division, options.ignore} {
  if (names.empty()) fail(place, "no score is named; for example {\"accuracy\", \"f1\"}");
  for (const std::string& name : names) {
    const NamedAverage named = named_average(name);
    const MetricKind& kind = named.kind ? *named.kind : metric_kinds()[name];
    const SetScore& set = kind.set;
    if (!set.exists()) fail(place, name, " is a mean over batches; scores of sets are others, such as accuracy and f1");
    kinds_.push_back({&kind, named.average});
    if (set.is_of_classes() != kinds_[0].kind->set.is_of_classes())
      fail(place, names[0], " and ", name, " do not go together; scores of classes and of numbers have targets of their own");
    needs_counts_ |= set.of_counts != nullptr;
    needs_sums_ |= set.of_sums != nullptr;
    needs_ranks_ |= set.of_scores != nullptr;
    needs_moments_ |= set.of_moments != nullptr;
    needs_logs_ |= set.of_moments == mean_squared_log_error_of;
  }
  is_of_classes_ = kinds_[0].kind->set.is_of_classes();
  if (is_of_classes_) {
    classes_ = read_classes(place, output, target, options, needs_sums_ || needs_ranks_ ? Reading::scores : Reading::predictions);
    rank();
    if (needs_sums_) classes_.weigh();
  } else {
    numbers_ = read_numbers(place, output, target, {.weights = options.weights});
  }
  if (size() == 0) fail(place, "there are no samples; there must be one");
}

void SetData::rank() {
  if (needs_ranks_) classes_.rank();
}

std::vector<double> SetData::values(Weights weights) const {
  std::optional<ConfusionMatrix> counts;
  ProbabilitySums sums;
  std::vector<Moments> moments;
  if (needs_counts_) counts = confusion_of(classes_, weights);
  if (needs_sums_) sums = probability_sums_of(classes_, weights);
  if (needs_moments_) moments = moments_of(numbers_, weights, needs_logs_ ? Logs::wanted : Logs::left_out);
  std::vector<double> out;
  for (const auto& [kind, named] : kinds_) {
    const SetScore& set = kind->set;
    const Average average = named == Average::automatic ? averaging_.average : named;
    if (set.of_counts) out.push_back(set.of_counts(*counts, {average, averaging_.zero_division, averaging_.ignore}));
    else if (set.of_sums) out.push_back(set.of_sums(sums));
    else if (set.of_scores) out.push_back(set.of_scores(classes_, weights, average));
    else if (set.of_moments) out.push_back(mean_of(moments, set.of_moments));
    else out.push_back(set.of_numbers(numbers_, weights));
  }
  return out;
}

void SetData::check() const {
  for (const auto& [kind, average] : kinds_) {
    if (kind->set.needs_every_class) check_every_class(place_, classes_);
  }
}

SetData SetData::mixed(const SetData& other, const std::vector<bool>& takes_other) const {
  SetData out = *this;
  const auto exchange = [&](auto& to, const auto& from, size_t columns) {
    if (to.empty()) return;
    for (size_t i = 0; i < takes_other.size(); ++i) {
      for (size_t k = i * columns; takes_other[i] && k < (i + 1) * columns; ++k) to[k] = from[k];
    }
  };
  if (is_of_classes_) {
    exchange(out.classes_.predicted, other.classes_.predicted, 1);
    exchange(out.classes_.scores, other.classes_.scores, classes_.columns());
    out.classes_.rankings.clear();
    out.rank();
    if (needs_sums_) out.classes_.weigh();
  } else {
    exchange(out.numbers_.output, other.numbers_.output, numbers_.columns);
  }
  return out;
}

}  // namespace gradus::metrics::detail
