// Model cards.
#include "gradus/cli/model_card.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "gradus/base/printable.hpp"
#include "gradus/base/version.hpp"
#include "gradus/cli/table_report.hpp"
#include "gradus/nn/summary.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

namespace {

std::string day_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", &local);
  return text;
}

ModelCard::Part data_part(const RunResult& result) {
  const DataParts& data = result.data;
  ModelCard::Part part{"Data", {}, {}};
  part.lines.push_back(concat(data.train.name, data.train.description.empty() ? "" : ": " + data.train.description));
  std::string sizes = concat(train::with_commas(data.train.size()), " samples for training");
  if (data.validation.size() > 0 && !data.is_validated_on_test)
    sizes += concat(", ", train::with_commas(data.validation.size()), " watched while training");
  part.lines.push_back(concat(sizes, ", ", train::with_commas(data.test.size()), " for testing, seed ", result.recipe.seed));
  part.lines.insert(part.lines.end(), data.notes.begin(), data.notes.end());
  return part;
}

ModelCard::Part preprocessing_part(const preprocess::Pipeline& pipeline) {
  ModelCard::Part part{"Preprocessing", {}, {"", {"column", "type", "training range", "missing in training"}, {}}};
  std::string steps;
  for (const preprocess::Step& step : pipeline.steps()) steps += concat(steps.empty() ? "" : ", then ", step.name());
  part.lines.push_back(concat(steps, ": ", pipeline.columns().size(), " columns become ", pipeline.features().size(), " numbers"));
  const preprocess::Target& target = pipeline.target();
  part.lines.push_back(target.is_class()
                           ? concat("target: ", target.column, ", ", target.class_names.size(), " classes")
                           : concat("target: ", target.column, ", a number", target.is_log ? ", learnt as its logarithm" : ""));
  for (const preprocess::InputColumn& column : pipeline.columns()) {
    const bool has_range = column.type == data::ColumnType::numeric || column.type == data::ColumnType::date;
    const data::Column ends = column.type == data::ColumnType::date ? data::Column::date("", {column.least, column.greatest})
                                                                    : data::Column::numeric("", {column.least, column.greatest});
    part.table.rows.push_back({column.name, std::string(data::name_of(column.type)), has_range ? ends.cell(0) + " to " + ends.cell(1) : "",
                               train::with_commas(column.missing)});
  }
  return part;
}

ModelCard::Part model_part(const RunResult& result) {
  ModelCard::Part part{"Model", {}, {}};
  std::string layers;
  for (size_t i = 0; i < result.recipe.model.size(); ++i) layers += (layers.empty() ? "" : ", ") + result.recipe.model[i].type();
  part.lines.push_back(concat(layers, "; ", train::with_commas(nn::count_parameters(result.model)), " parameters"));
  part.lines.push_back(result.recipe.train.solver == Solver::exact
                           ? std::string("solved exactly, to a certified optimum")
                           : concat("trained for ", result.history.epochs.size(), " epochs, ", train::with_commas(result.history.steps),
                                    " steps, on ", result.recipe.loss.name()));
  return part;
}

ModelCard::Part scores_part(const RunResult& result) {
  ModelCard::Part part{"Scores", {}, {}};
  if (result.summary) {
    part.table = report_table(*result.summary, "");
    part.lines.push_back("on the test rows, which training has not seen");
    return part;
  }
  part.table.header = {"score", "value"};
  for (const auto& [name, value] : result.test_logs) part.table.rows.push_back({name, metric_text(name, value)});
  return part;
}

ModelCard::Part privacy_part(const train::History& history) {
  ModelCard::Part part{"Privacy", {}, {}};
  if (history.privacy) part.lines.push_back(train::to_text(*history.privacy));
  else part.lines.push_back("none: the model may tell who was in its training data; docs/privacy.md says how to train with a bound");
  return part;
}

ModelCard::Part limits_part(const preprocess::Pipeline& pipeline) {
  ModelCard::Part part{"Limits", {}, {}};
  part.lines.push_back("The scores hold for rows that come about as the test rows did: of other times, places or people they say nothing.");
  if (pipeline.is_fitted())
    part.lines.push_back("Rows beyond the training ranges above are answered by extrapolation; gradus predict counts them.");
  part.lines.push_back("What goes together in the data need not cause each other: the model foretells, it does not advise.");
  part.lines.push_back("Whether it treats groups of people alike was not looked at here.");
  return part;
}

// A line of Markdown must not be taken for another thing than text.
std::string markdown_text(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_{}[]<>#|").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

ModelCard model_card(const RunResult& result) {
  const preprocess::Pipeline pipeline = preprocess::pipeline_of(result.model.info);
  ModelCard card{.title = "Model card: " + result.recipe.name, .parts = {}};
  ModelCard::Part what{"What it is", {}, {}};
  if (!result.recipe.description.empty()) what.lines.push_back(result.recipe.description);
  what.lines.push_back(concat("made with Gradus ", GRADUS_VERSION, " on ", day_text()));
  card.parts = {std::move(what), data_part(result)};
  if (pipeline.is_fitted()) card.parts.push_back(preprocessing_part(pipeline));
  card.parts.push_back(model_part(result));
  card.parts.push_back(scores_part(result));
  card.parts.push_back(privacy_part(result.history));
  card.parts.push_back(limits_part(pipeline));
  return card;
}

std::string to_markdown(const ModelCard& card) {
  std::string out = "# " + markdown_text(card.title) + "\n";
  for (const ModelCard::Part& part : card.parts) {
    out += "\n## " + markdown_text(part.heading) + "\n\n";
    for (const std::string& line : part.lines) out += "- " + markdown_text(line) + "\n";
    if (part.table.rows.empty()) continue;
    const auto row = [&](const std::vector<std::string>& cells) {
      out += "|";
      for (const std::string& cell : cells) out += " " + markdown_text(cell) + " |";
      out += "\n";
    };
    out += "\n";
    row(part.table.header);
    out += "|";
    for (size_t i = 0; i < part.table.header.size(); ++i) out += "---|";
    out += "\n";
    for (const auto& cells : part.table.rows) row(cells);
  }
  return out;
}

std::string to_html(const ModelCard& card) {
  train::Report report{.title = card.title,
                       .subtitle = card.parts.empty() || card.parts[0].lines.empty() ? "" : card.parts[0].lines.back()};
  for (size_t i = 1; i < card.parts.size(); ++i) {
    const ModelCard::Part& part = card.parts[i];
    if (!part.lines.empty()) {
      train::ReportTable lines{part.heading, {}, {}};
      for (const std::string& line : part.lines) lines.rows.push_back({"", line});
      report.tables.push_back(std::move(lines));
    }
    if (part.table.rows.empty()) continue;
    report.tables.push_back(part.table);
    report.tables.back().title = part.lines.empty() ? part.heading : part.heading + ", in numbers";
  }
  return train::to_html(report);
}

}  // namespace gradus::cli
