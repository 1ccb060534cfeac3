// The learning-rate range test.
#include "gradus/train/rate_range.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gradus/base/error.hpp"
#include "gradus/graph/cell.hpp"
#include "gradus/ops/random.hpp"

namespace gradus::train {

using namespace core;

namespace {

constexpr double kLeastFall = 0.01;  // of the loss, for a suggestion

std::string digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

// Puts back what a run writes, however it ends.
class Restore {
 public:
  explicit Restore(const std::vector<Variable>& variables) : variables_(variables), generator_(random::state()) {
    for (const Variable& variable : variables) values_.push_back(variable.exists() ? variable.get() : Array());
  }
  ~Restore() {
    take_pending_cells();
    for (size_t i = 0; i < variables_.size(); ++i) {
      if (values_[i].exists()) variables_[i].set(values_[i]);
    }
    random::set_state(generator_);
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

 private:
  const std::vector<Variable>& variables_;
  std::vector<Array> values_{};
  random::GeneratorState generator_;
};

void check(const RateRangeOptions& options, const data::Dataset& set) {
  constexpr const char* op = "learning_rate_range";
  if (!(options.low > 0 && options.low < options.high && std::isfinite(options.high)))
    fail(op, "low is ", options.low, " and high ", options.high, "; it must be 0 < low < high, both finite");
  if (options.steps < 10 || options.steps > 1'000'000) fail(op, "steps is ", options.steps, "; it must be from 10 to 10^6");
  if (options.batch_size < 1) fail(op, "batch_size is ", options.batch_size, "; it must be at least 1");
  if (!(options.smoothing >= 0 && options.smoothing < 1))
    fail(op, "smoothing is ", options.smoothing, "; it must be at least 0 and below 1");
  if (!(options.divergence > 1)) fail(op, "divergence is ", options.divergence, "; it must be above 1");
  if (!(options.clip_norm >= 0)) fail(op, "clip_norm is ", options.clip_norm, "; it must not be negative (0: no clipping)");
  if (set.size() == 0) fail(op, "the data set is empty");
}

size_t least_of(const std::vector<double>& values) {
  return static_cast<size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

}  // namespace

namespace detail {

// The smoothed loss lags behind by b / (1 - b) steps; smoothed once more from its least value backwards it does not.
void suggest(RateRange& range, double smoothing) {
  range.steepest = range.safe = 0;
  if (range.smoothed.size() < 3) return;
  const size_t least = least_of(range.smoothed);
  const size_t first = range.rates.size() / 20;  // the first losses are of few batches, and not smooth yet
  if (least <= first + 1 || !(range.smoothed[least] < range.smoothed[first] - kLeastFall * std::abs(range.smoothed[first]))) return;
  range.safe = range.rates[least] / 10;
  std::vector<double> even(range.smoothed.begin(), range.smoothed.begin() + static_cast<std::ptrdiff_t>(least) + 1);
  for (size_t i = least; i-- > 0;) even[i] = smoothing * even[i + 1] + (1 - smoothing) * even[i];
  double fastest = 0;
  for (size_t i = std::max<size_t>(first, 1); i < least; ++i) {
    const double slope = even[i + 1] - even[i - 1];
    if (slope < fastest) fastest = slope, range.steepest = range.rates[i];
  }
}

RateRange learning_rate_range(Task& task, const data::Dataset& set, const RateRangeOptions& options) {
  check(options, set);
  const double factor = std::pow(options.high / options.low, 1.0 / static_cast<double>(options.steps - 1));
  optim::Optimizer optimizer = options.optimizer;
  optimizer.set_rate_factor(1);
  const int64_t before = optimizer.steps();
  const auto rate_at = [=, low = options.low](int64_t step) { return low * std::pow(factor, static_cast<double>(step - before)); };
  optimizer.set_schedule(rate_at);

  const nn::TrainingMode training;
  std::vector<Variable> variables;
  std::optional<Restore> restore;
  RateRange out;
  double running = 0, weight = 1, least = 0;
  for (uint64_t epoch = 0; static_cast<int64_t>(out.rates.size()) < options.steps && !out.has_diverged; ++epoch) {
    const data::BatchOptions pass{.batch_size = options.batch_size, .shuffle = options.shuffle, .seed = options.seed, .epoch = epoch};
    for (const data::Batch& batch : data::batches(set, pass)) {
      if (!restore) {
        task.build(batch);
        variables = task.variables();
        restore.emplace(variables);
      }
      auto [measured, grads] = task.differentiate(batch);
      if (options.clip_norm > 0) grads = optim::clip_by_norm(grads, options.clip_norm);
      const Array shown[] = {measured.loss};
      optimizer.step(variables, std::move(grads), shown);
      const double loss = measured.loss.item();
      if (!std::isfinite(loss)) {
        out.has_diverged = true;
        break;
      }
      out.rates.push_back(rate_at(before + static_cast<int64_t>(out.rates.size())));
      out.losses.push_back(loss);
      running = options.smoothing * running + (1 - options.smoothing) * loss;
      weight *= options.smoothing;
      out.smoothed.push_back(running / (1 - weight));
      least = out.smoothed.size() == 1 ? out.smoothed[0] : std::min(least, out.smoothed.back());
      // Losses may be negative: what counts is how far it has come up, by the size of what it was at first.
      const double size = std::max(std::abs(least), std::abs(out.smoothed[0]) * 1e-12);
      out.has_diverged = out.smoothed.back() - least > (options.divergence - 1) * size && out.smoothed.back() > out.smoothed[0];
      if (out.has_diverged || static_cast<int64_t>(out.rates.size()) == options.steps) break;
    }
  }
  if (out.rates.empty()) fail("learning_rate_range", "the loss is not finite at the first step already, with the rate ", options.low);
  suggest(out, options.smoothing);
  return out;
}

}  // namespace detail

std::string to_text(const RateRange& range) {
  const std::string end = range.has_diverged ? concat(", and training diverges beyond ", digits(range.rates.back())) : "";
  if (range.steepest == 0)
    return concat("no learning rate can be told: from ", digits(range.rates.front()), " to ", digits(range.rates.back()),
                  " the loss does not fall by a hundredth", end);
  return concat("learning rate ", digits(range.suggestion()), ": the loss falls fastest at ", digits(range.steepest), " and is least at ",
                digits(range.rates[least_of(range.smoothed)]), end);
}

Chart to_chart(const RateRange& range) {
  Chart chart{.title = "Loss while the learning rate grows", .x_label = "learning rate", .y_label = "loss", .curves = {}, .is_x_log = true};
  // Where it has diverged the last losses would flatten all others.
  double top = 0;
  if (!range.smoothed.empty()) {
    const double first = range.smoothed.front(), least = range.smoothed[least_of(range.smoothed)];
    top = first + 0.5 * std::max(std::abs(first - least), 1e-9);
  }
  Curve all{.name = "of each batch"}, even{.name = "smoothed"};
  for (size_t i = 0; i < range.rates.size(); ++i) {
    for (Curve* curve : {&all, &even}) {
      const double loss = curve == &all ? range.losses[i] : range.smoothed[i];
      curve->x.push_back(range.rates[i]);
      curve->y.push_back(loss <= top ? loss : std::nan(""));
    }
  }
  all.is_scatter = true;
  chart.curves = {std::move(even), std::move(all)};
  for (const auto& [name, rate] : {std::pair("falls fastest", range.steepest), std::pair("a tenth of the least", range.safe)}) {
    if (rate == 0) continue;
    const auto at = static_cast<size_t>(std::lower_bound(range.rates.begin(), range.rates.end(), rate) - range.rates.begin());
    if (at < range.smoothed.size()) chart.curves.push_back({.name = name, .x = {range.rates[at]}, .y = {range.smoothed[at]}});
  }
  return chart;
}

}  // namespace gradus::train
