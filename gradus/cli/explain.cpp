// gradus explain: what a model's answer for a row of a table, or an image, hangs on.
#include "gradus/explain/explain.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/samples.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/cli/table_report.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/evaluation.hpp"
#include "gradus/train/fit.hpp"

namespace gradus::cli {

namespace {

constexpr int64_t kBackgroundRows = 100;
constexpr size_t kExactFeatures = 10;  // 2^10 sets of them for each background row

struct ExplainArguments {
  std::string model{}, input{}, output{};
  int64_t row = 1, rows = 1, rounds = 20, top = 10;
};

std::string number_text(double value, const char* format = "%+.4g") {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// Rows of the training data, as the recipe has them; of the file itself where they cannot be had.
Array background_of(const nn::Model& model, const std::string& what, const data::Dataset& file, std::string& from) {
  try {
    const DataParts data = read_recipe_of(model.info, what).data.load(model.info);
    from = concat(std::min(kBackgroundRows, data.train.size()), " training rows");
    return data.train.x[slice(std::min(kBackgroundRows, data.train.size()))].eval();
  } catch (const Error&) {
    from = concat(std::min(kBackgroundRows, file.size()), " rows of the file, since the training rows are not there");
    return file.x[slice(std::min(kBackgroundRows, file.size()))].eval();
  }
}

// "Age 54": what the table says of a feature in a row.
std::string feature_text(const data::Table& table, const std::string& name, int64_t row) {
  const data::Column* column = table.find(name);
  if (!column) return name;
  const std::string cell = column->cell(row);
  return concat(name, " ", cell.empty() ? "(missing)" : cell);
}

std::vector<size_t> by_size(const std::vector<double>& values, size_t begin, size_t count) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return std::fabs(values[begin + a]) > std::fabs(values[begin + b]); });
  return order;
}

// One row of a table: its values as lines, and as bars for the page.
struct ExplainedRow {
  std::string title{}, answer{};
  train::BarChart bars{};
};

std::vector<ExplainedRow> explained_rows(const nn::Model& model, const preprocess::Pipeline& pipeline, const data::Table& table,
                                         const Array& x, const Array& background, const ExplainArguments& arguments) {
  const std::vector<explain::Feature> groups = table_features(pipeline);
  const preprocess::Target& target = pipeline.target();
  const explain::Scale scale = target.is_class() ? explain::Scale::probability : explain::Scale::output;
  const explain::ShapleyValues found =
      groups.size() <= kExactFeatures
          ? explain::shapley(model, x, background, {.scale = scale, .groups = groups, .names = pipeline.features()})
          : explain::shapley_sampled(model, x, background,
                                     {.scale = scale, .rounds = arguments.rounds, .groups = groups, .names = pipeline.features()});
  const std::vector<double> values = found.values.to_vector<double>(), errors = found.errors.to_vector<double>(),
                            outputs = found.output.to_vector<double>(), bases = found.base.to_vector<double>();
  // What is learnt of a number is a line of it, unless its logarithm is.
  const double unit = target.is_class() || target.is_log ? 1 : target.deviation;
  std::vector<ExplainedRow> out;
  for (int64_t row = 0; row < x.shape(0); ++row) {
    const auto at = static_cast<size_t>(row), begin = at * found.names.size();
    ExplainedRow one;
    const int64_t label = found.labels.empty() ? 0 : found.labels[at];
    const std::string answer = target.is_class()
                                   ? concat("probability of ", label < std::ssize(target.class_names) && model.info.class_names.size() != 1
                                                                   ? target.class_names[static_cast<size_t>(label)]
                                                                   : "the class")
                               : target.is_log ? "logarithm of " + target.column + ", standardised"
                                               : target.column;
    const auto shown = [&](double v) { return target.is_class() || target.is_log ? v : target.restored(v); };
    one.title = concat("row ", arguments.row + row);
    one.answer = concat(answer, " ", number_text(shown(outputs[at]), "%.4g"), ", on the average ", number_text(shown(bases[at]), "%.4g"));
    for (const size_t i : by_size(values, begin, found.names.size())) {
      if (std::ssize(one.bars.bars) == arguments.top) break;
      const double value = unit * values[begin + i], error = unit * errors[begin + i];
      one.bars.bars.push_back({.name = feature_text(table, found.names[i], row),
                               .text = number_text(value) + (error > 0 ? " ± " + number_text(error, "%.1g") : ""),
                               .value = value,
                               .low = value - error,
                               .high = value + error});
    }
    out.push_back(std::move(one));
  }
  return out;
}

void explain_table(const ExplainArguments& arguments, const nn::Model& model, const preprocess::Pipeline& pipeline) {
  TableInput input(arguments.input, pipeline);
  const data::Table all = input.rest();
  if (arguments.row > all.rows()) fail(arguments.input, "has ", all.rows(), " rows; --row is ", arguments.row);
  const int64_t first = arguments.row - 1, end = std::min(all.rows(), first + arguments.rows);
  const data::Table table = all.rows(first, end);
  const data::Dataset file(pipeline.inputs(all.rows(0, std::min<int64_t>(all.rows(), kBackgroundRows)), input.treatments));
  const Array x = pipeline.inputs(table, input.treatments);
  std::string from;
  const Array background = background_of(model, arguments.model, file, from);
  const std::vector<ExplainedRow> rows = explained_rows(model, pipeline, table, x, background, arguments);
  train::Report report{.title = "What " + model.info.name + " answers, and why",
                       .subtitle = concat("Shapley values: what each column brings to the answer, against ", from)};
  for (const ExplainedRow& row : rows) {
    std::printf("%s: %s\n", row.title.c_str(), printable(row.answer).c_str());
    size_t width = 0;
    for (const train::Bar& bar : row.bars.bars) width = std::max(width, printable(bar.name, 60).size());
    for (const train::Bar& bar : row.bars.bars) {
      const std::string name = printable(bar.name, 60);
      std::printf("  %s%s  %s\n", name.c_str(), std::string(width - name.size(), ' ').c_str(), bar.text.c_str());
    }
    report.bars.push_back({.title = concat(row.title, ": ", row.answer), .bars = row.bars.bars});
  }
  std::printf("against %s\n", from.c_str());
  print_notes(input.notes());
  if (!arguments.output.empty()) file::write_atomically(arguments.output, train::to_html(report));
}

void explain_samples(const ExplainArguments& arguments, const nn::Model& model) {
  const data::Dataset set = read_samples(arguments.input, model.info, arguments.row - 1 + arguments.rows);
  if (arguments.row > set.size()) fail(arguments.input, "has ", set.size(), " samples; --row is ", arguments.row);
  const Array x = set.x[slice(arguments.row - 1, std::min(set.size(), arguments.row - 1 + arguments.rows))].eval();
  const explain::IntegratedGradients found = explain::integrated_gradients(model, x);
  const std::vector<double> output = found.output.to_vector<double>(), gap = found.relative_gap.to_vector<double>();
  train::Report report{.title = "What " + model.info.name + " answers, and why",
                       .subtitle = "Integrated gradients: how much each number of the sample speaks for the answer (blue) or against it"};
  for (int64_t i = 0; i < x.shape(0); ++i) {
    const auto at = static_cast<size_t>(i);
    const auto label = found.labels.empty() ? size_t{0} : static_cast<size_t>(found.labels[at]);
    const std::string name = label < model.info.class_names.size() ? model.info.class_names[label] : concat("output ", label);
    const std::string title = concat("sample ", arguments.row + i, ": ", name, ", ", number_text(output[at], "%.4g"),
                                     "; the values add up to it within ", number_text(100 * gap[at], "%.2g"), " %");
    std::printf("%s\n", printable(title).c_str());
    const Array values = found.values[i];
    const Array map = values.rank() == 3 ? explain::over_channels(values) : values.rank() == 2 ? values : reshape(values, {1, -1});
    report.heat_maps.push_back(explain::heat_map(title, map));
  }
  if (!arguments.output.empty()) file::write_atomically(arguments.output, train::to_html(report));
  else std::printf("-o FILE.html shows them as pictures\n");
}

void run_explain(const ExplainArguments& arguments) {
  const nn::Model model = load_model(arguments.model);
  const preprocess::Pipeline pipeline = preprocess::pipeline_of(model.info, arguments.model);
  if (pipeline.is_fitted()) explain_table(arguments, model, pipeline);
  else explain_samples(arguments, model);
}

}  // namespace

void add_explain(CLI::App& app) {
  auto arguments = std::make_shared<ExplainArguments>();
  Command command(app, "explain", "What a model's answer for a row of a table, or an image, hangs on");
  command.positional("MODEL", arguments->model, "Run folder or model file", Need::required);
  command.positional("INPUT", arguments->input, "File of rows, or of samples as predict takes them", Need::required);
  command.option("--row", {1, int64_t{1} << 40}, arguments->row, "The first row that is explained, from 1 (default: 1)");
  command.option("--rows", {1, 1000}, arguments->rows, "How many are explained (default: 1)");
  command.option("--top", {1, 1000}, arguments->top, "Columns that are shown of each row (default: 10)");
  command.option("--rounds", {2, 100000}, arguments->rounds, "Of sampled Shapley values: more is more exact (default: 20)");
  command.option("-o,--output", "FILE", arguments->output, "Write a page with pictures");
  command.footer(R"(
Of tables Shapley values: what each column brings to the answer, against rows of the training data; exact up to ten columns, else sampled, with
their standard errors. Of images and other samples integrated gradients. docs/explanations.md says what they mean and when they mislead.

  gradus explain runs/NAME-TIME people.csv --row 3
  gradus explain runs/NAME-TIME images.idx.gz --rows 4 -o why.html)");
  command.runs([arguments] { run_explain(*arguments); });
}

}  // namespace gradus::cli
