// What a batch is measured by: objectives, and losses with metrics.
#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/metrics/metric_kinds.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/fit.hpp"
#include "gradus/transform/custom.hpp"

namespace gradus::train {

using namespace core;

Array Terms::total() const {
  if (terms_.empty()) fail("fit", "the objective returned no terms");
  Array sum = terms_[0].value;
  for (size_t i = 1; i < terms_.size(); ++i) sum = sum + terms_[i].value;
  return sum;
}

namespace detail {

namespace {

void check_number(const std::string& what, const Array& value) {
  if (!value.exists()) fail("fit", what, " returned no array; it must return a float scalar");
  if (value.rank() != 0)
    fail("fit", what, " returned an array ", value.shape(), "; it must return a scalar, shape (): take sum or mean of it");
}

}  // namespace

Measured to_measured(const Array& loss) {
  check_number("the objective", loss);
  return {loss, {}};
}
Measured to_measured(const Terms& terms) { return {terms.total(), terms.terms()}; }

void build_and_evaluate(const std::vector<Variable>& variables, FunctionTag function, FunctionRef<void()> call) {
  build_lacking(variables, function, call);
  std::vector<Array> values;
  for (const Variable& variable : variables) {
    if (variable.exists()) values.push_back(variable.get());
  }
  gradus::evaluate(values);
}

namespace {

// All numbers but the loss.
template <class M, class Visit>
void for_values(M& measured, Visit visit) {
  for (auto& term : measured.others) {
    visit(term.value);
    if (term.divisor.exists()) visit(term.divisor);
  }
  if (measured.divisor.exists()) visit(measured.divisor);
  if (measured.output.exists()) visit(measured.output), visit(measured.target);
}

}  // namespace

std::vector<Array> values_of(const Measured& measured) {
  std::vector<Array> values;
  for_values(measured, [&](const Array& value) { values.push_back(value); });
  return values;
}
void set_values(Measured& measured, const std::vector<Array>& values) {
  size_t i = 0;
  for_values(measured, [&](Array& value) { value = values[i++]; });
}

namespace {

void check_one_output(const std::string& loss, const Array& output) {
  if (loss != "sparse_categorical_crossentropy" || output.rank() < 1 || output.shape(-1) != 1) return;
  fail("fit", "the model gives ", output.shape(), ", one number a sample, and ", loss,
       " takes a logit for each class; one for both of two classes is trained by binary_crossentropy");
}

// Losses on classes take logits: trained on probabilities, a model learns slowly and wrongly, and nothing else tells.
void check_logits(const std::string& loss, const Array& output) {
  if (!nn::TrainingMode::is_on() || !output.exists()) return;
  const std::string_view last = output.node()->op().name;
  const bool takes_logits = loss == "sparse_categorical_crossentropy" || loss == "categorical_crossentropy" || loss == "kl_divergence";
  if ((takes_logits && last == "softmax") || (loss == "binary_crossentropy" && last == "sigmoid")) {
    fail("fit", "the model ends with ", last, ", and ", loss,
         " takes logits, what comes before it; leave it out of the model, and apply it to predictions");
  }
}

}  // namespace

Array fitted_target(const loss::Loss& loss, const Array& output, const Array& target) {
  const bool is_column = output.rank() == target.rank() + 1 && output.shape(-1) == 1 && output.size() == target.size();
  if (!is_column || loss.name() == "custom" || loss.name() == "sparse_categorical_crossentropy") return target;
  return reshape(target, output.shape());
}

Measured LossObjective::measure(const Array& output, const Array& given, const Array& weights) const {
  if (!given.exists()) fail("evaluate", "the data set has no targets; train::predict(model, set) gives the outputs");
  check_logits(loss.name(), output);
  check_one_output(loss.name(), output);
  const Array target = fitted_target(loss, output, given);
  Measured measured{weights.exists() ? loss(output, target, weights) : loss(output, target), {}, {}, loss.is_sum()};
  if (!loss.is_sum()) measured.divisor = loss.divisor(output, target);
  check_number("the loss", measured.loss);
  for (const metrics::Metric& metric : metrics) {
    if (const std::string problem = metrics::misfit(metric, loss, output, target); !problem.empty()) fail(metric.name(), problem);
  }
  const Array fixed = stop_gradient(output);
  for (const metrics::Metric& metric : metrics) {
    if (metric.is_of_set()) {
      measured.of_set.push_back(metric);
      measured.output = fixed;
      measured.target = target;
      continue;
    }
    Term term{metric.name(), metric(fixed, target), metric.divisor(fixed, target)};
    check_number("the metric " + term.name, term.value);
    if (term.divisor.exists()) check_number("the divisor of the metric " + term.name, term.divisor);
    measured.others.push_back(std::move(term));
  }
  return measured;
}

LossObjective usual_objective(const Array& output, const Array& target) {
  if (!target.exists()) return {loss::mean_squared_error, {}};  // which measure refuses
  if (target.dtype().is_float()) return {loss::mean_squared_error, {metrics::mean_absolute_error}};
  const bool is_binary = output.rank() < 2 || output.shape(-1) == 1;
  if (is_binary) return {loss::binary_crossentropy, {metrics::accuracy}};
  if (target.shape() == output.shape()) return {loss::categorical_crossentropy, {metrics::accuracy}};
  return {loss::sparse_categorical_crossentropy, {metrics::accuracy}};
}

}  // namespace detail

}  // namespace gradus::train
