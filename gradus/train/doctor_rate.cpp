// The doctor's look at the learning rate before training.
#include <algorithm>
#include <utility>

#include "gradus/base/text.hpp"
#include "gradus/optim/kinds.hpp"
#include "gradus/train/doctor_parts.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

// Rules whose steps are about as long as the rate, whatever the gradient is: a rate that is far too large shows by itself.
bool has_steps_of_its_rate(std::string_view name) {
  static constexpr std::string_view names[] = {"adam", "adamw", "rmsprop", "adagrad", "adamax", "nadam", "radam"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// optim::AdamW
std::string_view class_of(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> classes[] = {
      {"sgd", "SGD"},         {"adam", "Adam"},         {"adamw", "AdamW"},   {"rmsprop", "RMSprop"},
      {"adagrad", "Adagrad"}, {"adadelta", "Adadelta"}, {"adamax", "Adamax"}, {"nadam", "Nadam"},
      {"radam", "RAdam"},     {"rprop", "Rprop"},       {"asgd", "ASGD"}};
  const auto found = std::find_if(std::begin(classes), std::end(classes), [&](const auto& each) { return each.first == name; });
  return found == std::end(classes) ? name : found->second;
}

// The rate of the first steps, after a warm-up that begins at 0.
double rate_of(const optim::Optimizer& optimizer) {
  double rate = optimizer.learning_rate();
  for (int64_t step = 10; rate == 0 && step <= 10'000; step *= 10) rate = optimizer.schedule()(step);
  return rate;
}

}  // namespace

std::string rate_remedy(std::string_view name, double rate) {
  return concat(".optimizer = optim::", class_of(name), "(", short_number(rate),
                ") (recipe: optimizer.learning_rate = ", short_number(rate), ")");
}

void find_learning_rate(const optim::Optimizer& optimizer, const std::vector<Variable>& variables, std::vector<Finding>& findings) {
  const optim::OptimizerKind* kind = optim::optimizer_kinds().find(optimizer.name());
  // One matrix is a convex problem, which takes large steps.
  const int64_t matrices = std::count_if(variables.begin(), variables.end(), [](const Variable& variable) {
    return variable.exists() && variable.is_trainable() && variable.get().rank() >= 2;
  });
  const double rate = rate_of(optimizer);
  if (!kind || matrices < 2) return;
  const bool is_large = has_steps_of_its_rate(kind->name) ? rate >= 99 * kind->learning_rate : rate >= 999 * kind->learning_rate;
  const bool is_small = rate > 0 && rate <= kind->learning_rate / 9'999 && optimizer.steps() == 0;
  if (!is_large && !is_small) return;
  const double times = is_large ? rate / kind->learning_rate : kind->learning_rate / rate;
  findings.push_back({.where = "optimizer",
                      .what = concat(kind->name, "'s learning rate is ", short_number(rate), ", ", short_number(times), " times as ",
                                     is_large ? "large" : "small", " as its usual ", short_number(kind->learning_rate)),
                      .why = is_large ? "each step jumps over what it looks for: the loss explodes, or units die in the first steps"
                                      : "the parameters hardly move: training would take as many times longer",
                      .remedy = rate_remedy(kind->name, kind->learning_rate),
                      .severity = is_large ? Severity::serious : Severity::warning,
                      .kind = is_large ? "learning rate too large" : "learning rate too small"});
}

}  // namespace gradus::train::detail
