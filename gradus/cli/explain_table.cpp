// Answers about rows of tables: Shapley values, counterfactuals, permutation importance.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/explanation.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/table_report.hpp"
#include "gradus/explain/shapley.hpp"
#include "gradus/explain/table_counterfactual.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

namespace {

constexpr int64_t kBackgroundRows = 100, kCounterfactualRows = 1000;
constexpr size_t kExactFeatures = 10;  // 2^10 sets of them for each background row

// Rows to compare with: of the training data, as the recipe has them; of the file itself where they cannot be had.
struct Background {
  Array x{};
  data::Table table{};
  std::string from{};
};
Background background_of(const ExplainArguments& arguments, const nn::Model& model, const TableModel& tables, const data::Table& file,
                         int64_t most) {
  try {
    DataParts data = read_recipe_of(model.info, arguments.model).data.load(model.info);
    const int64_t count = std::min(most, data.train.size());
    return {data.train.x[slice(count)].eval(), data.train_table.rows(0, count), concat(train::with_commas(count), " training rows")};
  } catch (const Error&) {
    const data::Table rows = file.rows(0, std::min(most, file.rows()));
    preprocess::Treatments ignored;  // told of the rows that are explained
    return {tables.pipeline.inputs(rows, ignored), rows,
            concat(train::with_commas(rows.rows()), " rows of the file, since the training rows are not there")};
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

void print_bars(const std::vector<train::Bar>& bars) {
  size_t width = 0;
  for (const train::Bar& bar : bars) width = std::max(width, printable(bar.name, 60).size());
  for (const train::Bar& bar : bars) {
    const std::string name = printable(bar.name, 60);
    std::printf("  %s%s  %s\n", name.c_str(), std::string(width - name.size(), ' ').c_str(), bar.text.c_str());
  }
}

// ---- Shapley values

std::string answer_name(const preprocess::Target& target, int64_t label, bool is_single) {
  if (target.is_log) return "logarithm of " + target.column + ", standardised";
  if (!target.is_class()) return target.column;
  // A single logit is that of the second of two classes.
  const size_t at = is_single ? target.class_names.size() - 1 : static_cast<size_t>(label);
  return "probability of " + (at < target.class_names.size() ? target.class_names[at] : concat("output ", label));
}

// A row of a table: its values as bars, with the answer as the title.
std::vector<train::BarChart> explained_rows(const nn::Model& model, const preprocess::Pipeline& pipeline, const data::Table& table,
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
  const bool is_single = model(x[slice(0, 1)]).size() == 1;
  std::vector<train::BarChart> out;
  for (int64_t row = 0; row < x.shape(0); ++row) {
    const auto at = static_cast<size_t>(row), begin = at * found.names.size();
    const auto shown = [&](double v) { return explained_number(target.is_class() || target.is_log ? v : target.restored(v)); };
    train::BarChart one{.title = concat("row ", arguments.row + row, ": ",
                                        answer_name(target, found.labels.empty() ? 0 : found.labels[at], is_single), " ",
                                        shown(outputs[at]), ", on the average ", shown(bases[at]))};
    for (const size_t i : by_size(values, begin, found.names.size())) {
      if (std::ssize(one.bars) == arguments.top) break;
      const double value = unit * values[begin + i], error = unit * errors[begin + i];
      one.bars.push_back({.name = feature_text(table, found.names[i], row),
                          .text = explained_number(value, "%+.4g") + (error > 0 ? " ± " + explained_number(error, "%.1g") : ""),
                          .value = value,
                          .low = value - error,
                          .high = value + error});
    }
    out.push_back(std::move(one));
  }
  return out;
}

void add_shapley(train::Report& report, const ExplainArguments& arguments, const nn::Model& model, const TableModel& tables,
                 const data::Table& all, const data::Table& rows, const Array& x) {
  const Background background = background_of(arguments, model, tables, all, kBackgroundRows);
  report.subtitle = "Shapley values: what each column brings to the answer, against " + background.from;
  report.bars = explained_rows(model, tables.pipeline, rows, x, background.x, arguments);
  for (const train::BarChart& row : report.bars) {
    std::printf("%s\n", printable(row.title).c_str());
    print_bars(row.bars);
  }
  std::printf("against %s\n", background.from.c_str());
}

// ---- counterfactuals

// What --to names: a class, or a number.
void set_wanted(explain::TableCounterfactualOptions& options, const ExplainArguments& arguments, const preprocess::Target& target) {
  if (!target.is_class()) {
    double bound = 0;
    const char* const end = arguments.wanted.data() + arguments.wanted.size();
    const auto [at, error] = std::from_chars(arguments.wanted.data(), end, bound);
    if (arguments.wanted.empty() || error != std::errc() || at != end || !std::isfinite(bound))
      fail("--to", "the model foretells numbers: name the number that ", target.column, " is to cross, got \"", arguments.wanted, "\"");
    options.bound = bound;
    return;
  }
  if (arguments.wanted.empty()) return;
  const auto at = std::find(target.class_names.begin(), target.class_names.end(), arguments.wanted);
  if (at == target.class_names.end())
    fail("--to", "there is no class \"", arguments.wanted, "\"", instead_of(arguments.wanted, target.class_names));
  options.wanted = at - target.class_names.begin();
}

std::string answer_text(const preprocess::Target& target, int64_t label, double value) {
  if (!target.is_class()) return concat(target.column, " ", explained_number(value));
  return concat(target.class_names[static_cast<size_t>(label)], ", ", explained_number(100 * value, "%.1f"), " %");
}

void add_counterfactuals(train::Report& report, const ExplainArguments& arguments, const nn::Model& model, const TableModel& tables,
                         const data::Table& all, const data::Table& rows) {
  const preprocess::Target& target = tables.pipeline.target();
  explain::TableCounterfactualOptions options{.fixed = arguments.fixed};
  set_wanted(options, arguments, target);
  Background background = background_of(arguments, model, tables, all, kCounterfactualRows);
  options.data = std::move(background.table);
  report.subtitle =
      "Counterfactuals: the least changes found for which the model would answer otherwise, within the values of " + background.from;
  for (int64_t row = 0; row < rows.rows(); ++row) {
    const data::Table one = rows.rows(row, row + 1);
    const explain::TableCounterfactuals found = explain::table_counterfactuals(model, tables.pipeline, one, options);
    train::ReportTable table{concat("row ", arguments.row + row, ": ", answer_text(target, found.label, found.value)),
                             {"column", "is", "would be", "answer then"},
                             {}};
    std::printf("%s\n", printable(table.title).c_str());
    if (found.found.empty()) {
      std::printf("  none found: %s\n", printable(found.reason).c_str());
      table.rows.push_back({"none found", found.reason, "", ""});
    }
    for (const explain::TableCounterfactual& answer : found.found) {
      const std::string then = answer_text(target, answer.label, answer.value);
      std::string line;
      for (const explain::TableChange& change : answer.changes) {
        const std::string from = change.from.empty() ? "(missing)" : change.from;
        line += concat(line.empty() ? "" : " and ", change.column, " ", change.to, " in place of ", from);
        table.rows.push_back({change.column, from, change.to, &change == &answer.changes.front() ? then : "and"});
      }
      std::printf("  %s, if %s\n", printable(then).c_str(), printable(line).c_str());
    }
    if (!found.held.empty()) {
      const std::string held = core::join(found.held);
      std::printf("  held as they are: %s\n", printable(held).c_str());
      table.rows.push_back({"held as they are", held, "", ""});
    }
    report.tables.push_back(std::move(table));
  }
}

// ---- importance

void add_importance(train::Report& report, const ExplainArguments& arguments, const nn::Model& model, const TableModel& tables) {
  const LabelledRows rows = read_labelled(arguments.input, tables);
  if (rows.set.size() < 2) fail_io(arguments.input, "there is one row; shuffling needs two");
  const explain::Importance found = table_importance(model, tables.pipeline, rows.set, arguments.repeats);
  const std::string what = train::with_commas(rows.set.size()) + " rows";
  train::BarChart chart = importance_chart(found, tables.pipeline, what, static_cast<size_t>(arguments.top));
  for (train::Bar& bar : chart.bars)
    bar.text = concat(explained_number(bar.value, "%+.4g"), " ± ", explained_number(bar.value - bar.low, "%.2g"));
  const bool is_class = tables.pipeline.target().is_class();
  const double score = is_class ? found.score : -found.score;
  std::printf("%s on %s: %s; how far it %s when a column is shuffled, mean and deviation of %lld shuffles:\n",
              is_class ? "accuracy" : "root mean squared error", what.c_str(), explained_number(score).c_str(),
              is_class ? "falls" : "grows", static_cast<long long>(arguments.repeats));
  print_bars(chart.bars);
  report.subtitle = concat(is_class ? "Accuracy" : "Root mean squared error", " on ", what, " of the file: ", explained_number(score));
  report.bars.push_back(std::move(chart));
  print_notes(rows.notes);
}

}  // namespace

train::Report explain_table(const ExplainArguments& arguments, const nn::Model& model, const TableModel& tables) {
  train::Report report{.title = "What " + model.info.name + " answers, and why"};
  if (arguments.has_importance) add_importance(report, arguments, model, tables);
  if (arguments.has_importance && !arguments.has_counterfactuals) return report;
  TableInput input(arguments.input, tables);
  const data::Table all = input.rest();
  if (arguments.row > all.rows()) fail(arguments.input, "has ", all.rows(), " rows; --row is ", arguments.row);
  const int64_t first = arguments.row - 1, end = std::min(all.rows(), first + arguments.rows);
  const data::Table rows = all.rows(first, end);
  const Array x = of_file(arguments.input, [&] { return tables.pipeline.inputs(rows, input.treatments); });
  if (arguments.has_counterfactuals) add_counterfactuals(report, arguments, model, tables, all, rows);
  else add_shapley(report, arguments, model, tables, all, rows, x);
  print_notes(input.notes());
  return report;
}

}  // namespace gradus::cli
