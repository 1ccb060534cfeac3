// gradus show: what a model has learned, as equations and matrices where they are small enough to be read.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "gradus/base/printable.hpp"
#include "gradus/cli/coefficients.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/nn/dense.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

namespace {

constexpr size_t kMostTerms = 20;

struct ShowArguments {
  std::string model{};
  int64_t most = 100;
};

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  return std::isnan(number) ? "nan" : text;  // whatever its sign
}

// "1.2 x1 - 0.4 x2 + 0.5"
std::string sum_text(const std::vector<double>& weights, std::optional<double> bias) {
  std::string out;
  const auto add = [&](double number, const std::string& what) {
    const bool is_less = number < 0;
    out += out.empty() ? (is_less ? "-" : "") : is_less ? " - " : " + ";
    out += number_text(std::fabs(number)) + what;
  };
  for (size_t i = 0; i < weights.size(); ++i) add(weights[i], concat(" x", i + 1));
  if (bias) add(*bias, "");
  return out;
}

// The only layer with parameters, if it is a dense one on plain numbers and nothing else changes them.
const nn::Dense* only_dense(const nn::Layer& layer) {
  if (const nn::Dense* dense = layer.as<nn::Dense>()) return dense;
  const nn::Sequential* layers = layer.as<nn::Sequential>();
  const nn::Dense* found = nullptr;
  for (size_t i = 0; layers && i < layers->size(); ++i) {
    const std::string& type = (*layers)[i].type();
    const nn::Dense* dense = only_dense((*layers)[i]);
    if (dense ? found != nullptr : type != "Dropout" && type != "Flatten") return nullptr;
    if (dense) found = dense;
  }
  return found;
}

std::string equations(const nn::Model& model, int64_t most) {
  const nn::Dense* dense = only_dense(model.layer());
  if (!dense) return "";
  const Array& kernel = dense->kernel.get();
  const bool is_whole = kernel.rank() == 2 && (!dense->use_bias || dense->bias.get().size() == kernel.shape(1));  // a file may say anything
  if (!is_whole) return "";
  if (model.info.pipeline.exists()) {
    const preprocess::Pipeline pipeline = preprocess::pipeline_of(model.info);
    if (std::ssize(pipeline.features()) == kernel.shape(0)) return coefficients_text(pipeline, *dense, model.info, most);
  }
  const auto inputs = static_cast<size_t>(kernel.shape(0)), units = static_cast<size_t>(kernel.shape(1));
  if (inputs > kMostTerms || units > kMostTerms) return "";
  const std::vector<double> weights = kernel.to_vector<double>();
  const std::vector<double> biases = dense->use_bias ? dense->bias.get().to_vector<double>() : std::vector<double>();
  const std::string function = dense->activation.name() == "linear" ? "" : dense->activation.name();
  const std::vector<std::string>& classes = model.info.class_names;
  std::string out;
  for (size_t unit = 0; unit < units; ++unit) {
    std::vector<double> column;
    for (size_t i = 0; i < inputs; ++i) column.push_back(weights[i * units + unit]);
    const std::string sum = sum_text(column, biases.empty() ? std::nullopt : std::optional(biases[unit]));
    std::string name = units == 1 ? "y" : concat("y", unit + 1);
    if (classes.size() == units && units > 1) name = concat("logit of ", printable(classes[unit]));
    else if (classes.size() == 2 && units == 1) name = concat("logit of ", printable(classes[1]));
    out += concat(name, " = ", function.empty() ? sum : concat(function, "(", sum, ")"), "\n");
  }
  return out;
}

// Rows in columns that stand under each other.
std::string matrix_text(const std::vector<double>& numbers, size_t columns) {
  size_t width = 0;
  std::vector<std::string> cells;
  for (const double number : numbers) {
    cells.push_back(number_text(number));
    width = std::max(width, cells.back().size());
  }
  std::string out;
  for (size_t i = 0; i < cells.size(); ++i) {
    const bool is_first = i % columns == 0, is_last = (i + 1) % columns == 0;
    out += std::string(is_first ? 2 : 0, ' ') + std::string(width - cells[i].size() + (is_first ? 0 : 2), ' ') + cells[i] +
           (is_last ? "\n" : "");
  }
  return out;
}

std::string statistics(const std::vector<double>& numbers) {
  double sum = 0, squares = 0, low = INFINITY, high = -INFINITY;
  int64_t finite = 0, nans = 0;
  for (const double number : numbers) {
    nans += std::isnan(number);
    if (!std::isfinite(number)) continue;
    ++finite;
    sum += number;
    low = std::min(low, number);
    high = std::max(high, number);
  }
  const double mean = sum / static_cast<double>(finite);
  for (const double number : numbers) squares += std::isfinite(number) ? (number - mean) * (number - mean) : 0;
  const int64_t infinities = static_cast<int64_t>(numbers.size()) - finite - nans;
  std::string out;
  if (finite > 0) {
    out = concat("mean ", number_text(mean), ", deviation ", number_text(std::sqrt(squares / static_cast<double>(finite))), ", from ",
                 number_text(low), " to ", number_text(high));
  }
  if (nans > 0) out += concat(out.empty() ? "" : ", ", train::with_commas(nans), " nan");
  if (infinities > 0) out += concat(out.empty() ? "" : ", ", train::with_commas(infinities), " infinite");
  return out.empty() ? "no numbers" : out;
}

std::string variable_text(const Variable& variable, int64_t most) {
  const Array& value = variable.get();
  const std::vector<double> numbers = value.to_vector<double>();
  std::string out = concat(printable(variable.path), " ", value.shape(), " ", value.dtype());
  const bool is_small = value.size() > 0 && value.size() <= most;
  if (!is_small || value.rank() > 2) out += ": " + statistics(numbers);
  out += "\n";
  if (is_small && value.rank() <= 2) out += matrix_text(numbers, value.rank() == 0 ? 1 : static_cast<size_t>(value.shape(-1)));
  if (is_small && value.rank() > 2) out += to_text(value) + "\n";
  return out;
}

std::string list_text(const std::vector<double>& numbers, std::string_view otherwise) {
  std::string out;
  for (size_t i = 0; i < std::min(numbers.size(), kMostTerms); ++i) out += (i ? ", " : "") + number_text(numbers[i]);
  return numbers.empty() ? std::string(otherwise) : numbers.size() > kMostTerms ? out + ", ..." : out;
}

void run_show(const ShowArguments& arguments) {
  const nn::Model model = load_model(arguments.model);
  const nn::ModelInfo& info = model.info;
  std::string out =
      info.name.empty() ? "" : printable(info.name) + (info.description.empty() ? "" : ": " + printable(info.description)) + "\n";
  if (!info.input_shape.empty()) out += concat("input ", Shape(info.input_shape), " ", info.input_dtype, "\n");
  if (info.preprocessing && (!info.preprocessing->mean.empty() || !info.preprocessing->deviation.empty())) {
    out += concat("x is (given - mean) / deviation; mean ", list_text(info.preprocessing->mean, "0"), "; deviation ",
                  list_text(info.preprocessing->deviation, "1"), "\n");
  }
  const std::string equation = equations(model, arguments.most);
  if (!equation.empty()) out += "\n" + equation;
  for (const Variable& variable : variables(model)) out += "\n" + variable_text(variable, arguments.most);
  std::fwrite(out.data(), 1, out.size(), stdout);
}

}  // namespace

void add_show(CLI::App& app) {
  auto arguments = std::make_shared<ShowArguments>();
  Command command(app, "show", "What a model has learned: equations and matrices, or their statistics");
  command.positional("MODEL", arguments->model, "Run folder or model file", Need::required);
  command.option("--most", {0, int64_t{1} << 40}, arguments->most,
                 "Arrays of so many numbers are printed, of larger ones mean and deviation (default: 100)");
  command.footer(R"(
A model of one dense layer is a sum: y = 3.01 x1 - 1.99 x2 + 0.502; of tables its coefficients are named and ordered by size, with standard
errors where it was solved exactly. Kernels have a row for each input and a column for each unit.

  gradus show runs/linear_regression-TIME
  gradus show model.gradus --most 1000)");
  command.runs([arguments] { run_show(*arguments); });
}

}  // namespace gradus::cli
