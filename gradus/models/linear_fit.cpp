// LinearFit: predictions, the network, the table of coefficients.
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/models/linear.hpp"
#include "gradus/models/significance.hpp"
#include "gradus/nn/dense.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr size_t kNameWidth = 28;

// "-0.012346", in a field of that width.
std::string number_text(double value, int width, const char* format = "%.6g") {
  char digits[40], field[64];
  std::snprintf(digits, sizeof digits, format, value);
  std::snprintf(field, sizeof field, "%*s", width, digits);
  return field;
}
// Cut to the width of its column, between characters.
std::string name_text(std::string name) {
  if (name.size() > kNameWidth) {
    size_t end = kNameWidth - 2;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
    name = name.substr(0, end) + "..";
  }
  name.resize(std::max(name.size(), kNameWidth), ' ');
  return name;
}
std::string p_text(double p) { return p < 1e-3 ? number_text(p, 10, "%.2e") : number_text(p, 10, "%.4f"); }

}  // namespace

Array LinearFit::predict(const Array& x) const {
  const int64_t count = coefficients.shape(0);
  if (x.rank() != 2 || x.shape(1) != count)
    fail("predict", "x is ", x.shape(), ", the model was fitted to ", count, " columns; x must be (rows, ", count, ")");
  return matmul(x.astype(float64), coefficients) + intercept;
}

Array LinearFit::probabilities(const Array& x) const {
  if (kind == "softmax") return softmax(predict(x), -1);
  if (kind != "logistic") fail("probabilities", "the model is ", kind, "; logistic and softmax regression have probabilities");
  const Array logit = predict(x);
  return stack({sigmoid(-logit), sigmoid(logit)}, 1);
}

nn::Sequential LinearFit::to_model(DType dtype) const {
  const int64_t count = coefficients.shape(0), units = coefficients.rank() == 1 ? 1 : coefficients.shape(1);
  nn::Dense dense(units);
  nn::build(dense, {1, count}, dtype);
  dense.kernel.set(reshape(coefficients, {count, units}).astype(dtype).eval());
  dense.bias.set(reshape(intercept, {units}).astype(dtype).eval());
  return nn::Sequential{std::move(dense)};
}

std::vector<CoefficientRow> LinearFit::table(std::span<const std::string> names, int64_t index, double level) const {
  const int64_t count = coefficients.shape(0), targets = coefficients.rank() == 1 ? 1 : coefficients.shape(1);
  if (!names.empty() && static_cast<int64_t>(names.size()) != count)
    fail("table", "there are ", names.size(), " names and ", count, " columns; there must be one for each, or none");
  if (index < 0 || index >= targets)
    fail("table", "index is ", index, ", the model has ", targets, " targets or classes; they count from 0");
  if (!(level > 0 && level < 1)) fail("table", "level is ", level, "; it must be above 0 and below 1");
  const bool has_errors = standard_errors.exists();
  const std::vector<double> values = coefficients.to_vector<double>(), intercepts = intercept.to_vector<double>();
  const std::vector<double> errors = has_errors ? standard_errors.to_vector<double>() : std::vector<double>(),
                            intercept_errors = intercept_error.exists() ? intercept_error.to_vector<double>() : std::vector<double>();
  const double reach = has_errors ? detail::two_sided_quantile(1 - level, degrees_of_freedom) : 0;
  const auto row = [&](std::string name, double value, double error) {
    CoefficientRow out{std::move(name), value, error};
    out.statistic = error > 0 ? value / error : std::nan("");
    out.p = detail::two_sided(out.statistic, degrees_of_freedom);
    out.low = value - reach * error;
    out.high = value + reach * error;
    return out;
  };
  std::vector<CoefficientRow> rows;
  const auto at = static_cast<size_t>(index);
  rows.push_back(row("intercept", intercepts[at], intercept_errors.empty() ? std::nan("") : intercept_errors[at]));
  for (int64_t j = 0; j < count; ++j) {
    const auto position = static_cast<size_t>(j * targets + index);
    rows.push_back(row(names.empty() ? concat("x", j) : names[static_cast<size_t>(j)], values[position],
                       has_errors ? errors[position] : std::nan("")));
  }
  return rows;
}

std::string LinearFit::to_text(std::span<const std::string> names, int64_t index, double level) const {
  std::string text = concat(kind, " regression: ", rows, " rows, ", coefficients.shape(0), " columns");
  if (alpha > 0) text += concat(", alpha ", alpha);
  if (alpha > 0 && l1_ratio > 0 && l1_ratio < 1) text += concat(", l1_ratio ", l1_ratio);
  const bool has_errors = standard_errors.exists();
  text += "\n" + name_text("") + "  coefficient";
  if (has_errors) {
    text += concat("   std. error         ", degrees_of_freedom > 0 ? "t" : "z", "         p", number_text(level * 100, 10, "%.4g"),
                   " % interval");
  }
  for (const CoefficientRow& row : table(names, index, level)) {
    text += "\n" + name_text(row.name) + number_text(row.value, 13);
    if (!has_errors) continue;
    text += number_text(row.standard_error, 13) + number_text(row.statistic, 10, "%.3f") + p_text(row.p) + number_text(row.low, 13) +
            number_text(row.high, 13);
  }
  if (kind == "logistic" || kind == "softmax") text += "\nlog likelihood " + number_text(log_likelihood, 0, "%.10g");
  else text += "\nR2 " + number_text(r2, 0) + ", deviation of what is left " + number_text(deviation, 0);
  text += concat("\n", certificate.name, " ", number_text(certificate.value, 0, "%.2g"), " after ", iterations, " iterations");
  if (has_errors && errors_are_biased)
    text += "\nnote: standard errors are of the scatter alone: the penalty draws coefficients to 0 besides";
  for (const std::string& note : notes) text += "\nnote: " + note;
  return text + "\n";
}

}  // namespace gradus::models
