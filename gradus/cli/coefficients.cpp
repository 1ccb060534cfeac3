// Coefficients as text.
#include "gradus/cli/coefficients.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "gradus/base/printable.hpp"
#include "gradus/cli/exact_solver.hpp"
#include "gradus/preprocess/units.hpp"

namespace gradus::cli {

using namespace core;

namespace {

std::string number(double value, const char* format) {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return std::isnan(value) ? "-" : text;
}

// Standard errors as solve_exactly wrote them; none where there are not as many as numbers of the model.
std::vector<double> errors_in(const nn::ModelInfo& info, size_t count) {
  const auto found = info.extra.find(kErrorsText);
  std::vector<double> out;
  if (found == info.extra.end()) return out;
  const char *at = found->second.data(), *const end = at + found->second.size();
  while (at != end && out.size() <= count) {
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc()) return {};
    out.push_back(value);
    at = next != end && *next == ' ' ? next + 1 : next;
  }
  return out.size() == count ? out : std::vector<double>();
}

// The numbers of a dense layer of D features and K outputs.
struct Linear {
  size_t inputs = 0, outputs = 0;
  std::vector<double> kernel{}, bias{}, errors{};
  double weight(size_t i, size_t k) const { return kernel[i * outputs + k]; }
  double weight_error(size_t i, size_t k) const { return errors.empty() ? std::nan("") : errors[outputs + i * outputs + k]; }
  // Softmax of two classes whose numbers are each other's opposite.
  bool is_symmetric() const {
    if (outputs != 2) return false;
    for (size_t i = 0; i < inputs; ++i) {
      if (std::fabs(weight(i, 0) + weight(i, 1)) > 1e-5 * (1 + std::fabs(weight(i, 1)))) return false;
    }
    return true;
  }
};

std::string heading(const preprocess::Target& target, const Linear& linear, size_t k) {
  if (!target.is_class()) return concat(printable(target.column, 60), target.is_log ? ", its logarithm standardised" : "");
  const std::vector<std::string>& names = target.class_names;
  if (linear.outputs == 1) return "logit of " + printable(names.back(), 60);
  if (k >= names.size()) return concat("output ", k);
  if (linear.is_symmetric()) return concat("log-odds of ", printable(names[1], 60), " against ", printable(names[0], 60));
  return "logit of " + printable(names[k], 60);
}

std::vector<std::string> row_of(const std::string& name, double value, double error, const std::string& in_units) {
  return {name, number(value, "%+.5g"), number(error, "%.3g"), number(value / error, "%+.2f"), in_units};
}

std::string one_output(const preprocess::Pipeline& pipeline, const preprocess::TableUnits& units, const Linear& linear, size_t k,
                       int64_t most) {
  const preprocess::Target& target = pipeline.target();
  // Of two opposite logits the difference.
  const double factor = linear.is_symmetric() ? 2 : 1;
  std::vector<size_t> order(linear.inputs);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return std::fabs(linear.weight(a, k)) > std::fabs(linear.weight(b, k)); });
  const size_t shown = std::min(order.size(), static_cast<size_t>(std::max<int64_t>(most, 1)));
  std::vector<std::vector<std::string>> rows{{"feature", "coefficient", "error", "z", "a unit more"}};
  for (const size_t i : std::span(order).first(shown)) {
    const preprocess::FeatureUnit& unit = units.features[i];
    const double weight = factor * linear.weight(i, k), error = factor * linear.weight_error(i, k);
    const double a_unit = weight / unit.scale * (target.is_class() ? 1 : target.deviation);
    const std::string text = !unit.changed_by.empty() ? "-"
                             : target.is_log          ? number(100 * std::expm1(a_unit), "%+.4g %%")
                                                      : number(a_unit, "%+.5g");
    rows.push_back(row_of(printable(pipeline.features()[i], 60), weight, error, text));
  }
  if (!linear.bias.empty())
    rows.push_back(row_of("(intercept)", factor == 2 ? linear.bias[1] - linear.bias[0] : linear.bias[k],
                          linear.errors.empty() ? std::nan("") : factor * linear.errors[k], ""));
  std::vector<size_t> widths(5, 0);
  for (const auto& row : rows)
    for (size_t c = 0; c < 5; ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string out = heading(target, linear, k) + "\n";
  for (const auto& row : rows) {
    std::string line = "  " + row[0] + std::string(widths[0] - row[0].size(), ' ');
    for (size_t c = 1; c < 5; ++c) {
      if (linear.errors.empty() && (c == 2 || c == 3)) continue;
      line += "  " + std::string(widths[c] - row[c].size(), ' ') + row[c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  if (shown < order.size()) out += concat("  and ", order.size() - shown, " smaller ones\n");
  return out;
}

}  // namespace

std::string coefficients_text(const preprocess::Pipeline& pipeline, const nn::Dense& dense, const nn::ModelInfo& info, int64_t most) {
  const Array& kernel = dense.kernel.get();
  Linear linear{.inputs = static_cast<size_t>(kernel.shape(0)),
                .outputs = static_cast<size_t>(kernel.shape(1)),
                .kernel = kernel.to_vector<double>()};
  if (dense.use_bias) linear.bias = dense.bias.get().to_vector<double>();
  linear.errors = errors_in(info, linear.outputs * (linear.inputs + 1));
  const preprocess::TableUnits units = preprocess::units_of(pipeline);
  std::string out;
  for (size_t k = linear.is_symmetric() ? 1 : 0; k < linear.outputs; ++k) out += one_output(pipeline, units, linear, k, most);
  if (!linear.errors.empty())
    out += "error: standard error, z: coefficient / error. A penalty draws coefficients to 0, of which the errors know nothing.\n";
  return out + "a unit more: what it does to the " +
         (!pipeline.target().is_class() ? "target"
          : linear.is_symmetric()       ? "log-odds"
                                        : "logit") +
         ", in the table's own units.\n";
}

}  // namespace gradus::cli
