// gradus explain: what a model's answer for a row of a table, or an image, hangs on.
#include <cstdio>

#include "gradus/base/file.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/explanation.hpp"
#include "gradus/cli/run_folder.hpp"

namespace gradus::cli {

namespace {

// Nothing of it means anything to other models.
void check_is_of_tables(const ExplainArguments& arguments) {
  for (const auto& [name, is_given] :
       {std::pair("--importance", arguments.has_importance), std::pair("--counterfactual", arguments.has_counterfactuals)}) {
    if (is_given) fail(name, "is of models of tables, and ", arguments.model, " is none");
  }
}

void run_explain(const ExplainArguments& arguments) {
  if (!arguments.output.empty() &&
      (file::is_same_file(arguments.output, arguments.input) || file::is_same_file(arguments.output, arguments.model)))
    fail_io(arguments.output, "the page would be written over what is read; name another file");
  const nn::Model model = load_model(arguments.model);
  const TableModel tables = table_model(model.info, arguments.model);
  if (!tables.pipeline.is_fitted()) check_is_of_tables(arguments);
  const train::Report report = tables.pipeline.is_fitted() ? explain_table(arguments, model, tables) : explain_samples(arguments, model);
  if (!arguments.output.empty()) file::write_atomically(arguments.output, train::to_html(report));
}

}  // namespace

std::string explained_number(double value, const char* format) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

void add_explain(CLI::App& app) {
  auto arguments = std::make_shared<ExplainArguments>();
  Command command(app, "explain", "What a model's answer for a row of a table, or an image, hangs on");
  command.positional("MODEL", arguments->model, "Run folder or model file", Need::required);
  command.positional("INPUT", arguments->input, "File of rows, or of samples as predict takes them", Need::required);
  command.option("--row", {1, int64_t{1} << 40}, arguments->row, "The first row that is explained, from 1 (default: 1)");
  command.option("--rows", {1, 1000}, arguments->rows, "How many are explained (default: 1)");
  command.option("--top", {1, 1000}, arguments->top, "Columns that are shown of each row (default: 10)");
  command.option("--rounds", {2, 100000}, arguments->rounds, "Of sampled Shapley values: more is more exact (default: 20)");
  command.flag("--importance", arguments->has_importance,
               "Of tables, instead: which columns the model needs, over all rows; they must have targets");
  command.option("--repeats", {2, 1000}, arguments->repeats, "Shuffles of each column (default: 10)");
  command.flag("--counterfactual", arguments->has_counterfactuals,
               "Of tables, instead: what would have to be different for another answer");
  command.option("--to", "ANSWER", arguments->wanted, "The class to come to (default: any other); of numbers, the number to be crossed");
  command.option("--fixed", "COLUMN", arguments->fixed, "A column that may not change; may be given several times");
  command.needs("--to", "--counterfactual");
  command.needs("--fixed", "--counterfactual");
  command.needs("--repeats", "--importance");
  command.option("-o,--output", "FILE", arguments->output, "Write a page with pictures");
  command.footer(R"(
Of tables Shapley values: what each column brings to the answer, against rows of the training data; exact up to ten columns, else sampled, with
their standard errors. Of images integrated gradients with their gap, Grad-CAM where there is a convolution, and occlusion; of other samples
integrated gradients. docs/explanations.md says what they mean and when they mislead.

  gradus explain runs/NAME-TIME people.csv --row 3
  gradus explain runs/NAME-TIME people.csv --row 3 --counterfactual --fixed age
  gradus explain runs/NAME-TIME people.csv --importance -o needs.html
  gradus explain runs/NAME-TIME images.idx.gz --rows 4 -o why.html)");
  command.runs([arguments] { run_explain(*arguments); });
}

}  // namespace gradus::cli
