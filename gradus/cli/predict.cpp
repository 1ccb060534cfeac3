// gradus predict: what a trained model says of the samples in files.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <optional>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/samples.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/train/evaluation.hpp"
#include "gradus/train/fit.hpp"

namespace gradus::cli {

namespace {

struct PredictArguments {
  std::string model{};
  std::vector<std::string> inputs{};
  std::string output{};  // of --csv; empty: standard output
  int64_t top = 3, limit = 0;
  bool is_csv = false;
};

std::string class_name(const nn::ModelInfo& info, size_t index) {
  return index < info.class_names.size() ? info.class_names[index] : to_text(static_cast<int64_t>(index));
}

std::string classes_line(const std::vector<double>& probabilities, const nn::ModelInfo& info, int64_t top) {
  std::vector<size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
  order.resize(std::min(order.size(), static_cast<size_t>(top)));
  std::string line;
  for (size_t i = 0; i < order.size(); ++i) {
    char text[32];
    std::snprintf(text, sizeof text, " %.1f %%", 100 * probabilities[order[i]]);
    line += (i ? ", " : "") + printable(class_name(info, order[i])) + text;
  }
  return line;
}

// What the model says of the samples of one file.
struct Predictions {
  std::string path;
  std::vector<float> values;  // (samples, width)
  int64_t samples = 0, width = 0;
  bool is_classifier = false;

  std::vector<double> probabilities(int64_t sample) const { return train::class_probabilities(values.data() + sample * width, width); }
};

Predictions predictions(const std::string& path, const nn::Model& model, const data::Dataset& set) {
  const Array output = train::predict(model, set);
  const int64_t samples = output.shape(0);
  return {path, output.to_vector<float>(), samples, samples ? output.size() / samples : 0,
          !model.info.class_names.empty() && output.rank() == 2};
}

Predictions predict_file(const std::string& path, const nn::Model& model, const PredictArguments& arguments) {
  data::Dataset set = read_samples(path, model.info, arguments.limit);
  if (arguments.limit > 0 && arguments.limit < set.size()) set = data::subset(set, 0, arguments.limit);
  return predictions(path, model, set);
}

void print_text(const Predictions& found, const nn::ModelInfo& info, int64_t top, int64_t first) {
  for (int64_t i = 0; i < found.samples; ++i) {
    std::string line;
    if (found.is_classifier) {
      line = classes_line(found.probabilities(i), info, top);
    } else {
      for (int64_t k = 0; k < found.width; ++k) line += (k ? ", " : "") + to_text(found.values[static_cast<size_t>(i * found.width + k)]);
    }
    std::printf("%s[%lld]: %s\n", printable(found.path).c_str(), static_cast<long long>(first + i), line.c_str());
  }
}

// file,sample,class,probability and a column for each class's probability; or file,sample,output_0,..., of a table the target's name.
std::string csv_header(const Predictions& found, const nn::ModelInfo& info, const std::string& target) {
  std::string out = found.is_classifier ? "file,sample,class,probability" : "file,sample";
  if (!found.is_classifier && found.width == 1 && !target.empty()) return out + "," + csv_text_cell(target) + "\n";
  const int64_t columns = found.is_classifier && found.width == 1 ? 2 : found.width;
  for (int64_t k = 0; k < columns; ++k)
    out += "," + (found.is_classifier ? csv_text_cell(class_name(info, static_cast<size_t>(k))) : concat("output_", k));
  return out + "\n";
}

std::string csv_rows(const Predictions& found, const nn::ModelInfo& info, int64_t first) {
  std::string out;
  for (int64_t i = 0; i < found.samples; ++i) {
    out += concat(csv_text_cell(found.path), ",", first + i);
    if (found.is_classifier) {
      const std::vector<double> p = found.probabilities(i);
      const auto best = std::max_element(p.begin(), p.end());
      char text[32];
      std::snprintf(text, sizeof text, ",%.6f", *best);
      out += "," + csv_text_cell(class_name(info, static_cast<size_t>(best - p.begin()))) + text;
      for (const double each : p) {
        std::snprintf(text, sizeof text, ",%.6f", each);
        out += text;
      }
    } else {
      for (int64_t k = 0; k < found.width; ++k) out += "," + to_text(found.values[static_cast<size_t>(i * found.width + k)]);
    }
    out += "\n";
  }
  return out;
}

// The CSV would be written over what is read.
void refuse_own_input(const PredictArguments& arguments) {
  std::vector<std::string> read = arguments.inputs;
  read.push_back(arguments.model);
  read.push_back(RunFolder{arguments.model}.model());
  for (const std::string& path : read) {
    if (file::is_same_file(arguments.output, path))
      fail_io(arguments.output, "the output is the same file as ", path, ", which is read; name another one");
  }
}

// A terminal gets it without control characters, a file as it is.
void print_csv(const std::string& csv) {
  if (!::isatty(STDOUT_FILENO)) {
    std::fwrite(csv.data(), 1, csv.size(), stdout);
    return;
  }
  for (size_t at = 0; at < csv.size();) {
    const size_t end = std::min(csv.find('\n', at), csv.size());
    std::printf("%s\n", printable(std::string_view(csv).substr(at, end - at), csv.size()).c_str());
    at = end + 1;
  }
}

// Where the CSV goes: a file that takes its name at the end, or standard output.
class CsvOutput {
 public:
  explicit CsvOutput(const std::string& path) {
    if (!path.empty()) file_.emplace(path);
  }
  void write(const std::string& csv) {
    if (file_) file_->write(csv);
    else print_csv(csv);
  }
  void finish() {
    if (file_) file_->commit();
  }

 private:
  std::optional<file::AtomicFile> file_{};
};

// Of numbers in the target's own unit.
Predictions restored(Predictions found, const preprocess::Pipeline& pipeline) {
  if (!found.is_classifier) {
    for (float& value : found.values) value = static_cast<float>(pipeline.target().restored(value));
  }
  return found;
}

void predict_table(const std::string& path, const nn::Model& model, const TableModel& tables, const PredictArguments& arguments,
                   const std::function<void(const Predictions&, int64_t first)>& tell) {
  const preprocess::Pipeline& pipeline = tables.pipeline;
  TableInput input(path, tables);
  int64_t rows = 0;
  while (std::optional<data::Table> piece = input.next()) {
    if (arguments.limit > 0 && rows == arguments.limit) break;
    if (arguments.limit > 0 && rows + piece->rows() > arguments.limit) piece = piece->rows(0, arguments.limit - rows);
    if (piece->rows() == 0) continue;  // a piece of empty lines
    const Array x = of_file(path, [&] { return pipeline.inputs(*piece, input.treatments); });
    tell(restored(predictions(path, model, data::Dataset(x)), pipeline), rows);
    rows += piece->rows();
  }
  std::vector<std::string> notes = input.notes();
  if (rows == 0) {
    notes.insert(notes.begin(), concat(path, " has no rows"));
    // The header stands all the same: of tables one number is foretold, or the classes.
    const auto classes = static_cast<int64_t>(model.info.class_names.size());
    tell({path, {}, 0, std::max<int64_t>(classes, 1), classes > 0}, 0);
  }
  print_notes(notes);
}

void run_predict(PredictArguments arguments) {
  if (arguments.output == "-") {  // as many commands have it: the standard output
    arguments.output.clear();
    arguments.is_csv = true;
  }
  if (!arguments.output.empty()) refuse_own_input(arguments);
  const nn::Model model = load_model(arguments.model);
  const TableModel tables = table_model(model.info, arguments.model);
  const bool is_csv = arguments.is_csv || !arguments.output.empty();
  CsvOutput out(arguments.output);
  bool has_header = false;
  const auto tell = [&](const Predictions& found, int64_t first) {
    if (!is_csv) {
      print_text(found, model.info, arguments.top, first);
      return;
    }
    if (!std::exchange(has_header, true)) out.write(csv_header(found, model.info, tables.pipeline.target().column));
    out.write(csv_rows(found, model.info, first));
  };
  for (const std::string& path : arguments.inputs) {
    if (tables.pipeline.is_fitted()) predict_table(path, model, tables, arguments, tell);
    else tell(predict_file(path, model, arguments), 0);
  }
  out.finish();
}

}  // namespace

void add_predict(CLI::App& app) {
  auto arguments = std::make_shared<PredictArguments>();
  Command command(app, "predict", "Classes and probabilities, or numbers, for the samples in files");
  command.positional("MODEL", arguments->model, "Run folder or model file", Need::required);
  command.positional("INPUT", arguments->inputs, "Files of rows for a model of tables; PNG and JPEG files, IDX files of images (.idx, .gz) or CSV files of numbers, one sample a row",
                     Need::required);
  command.option("--top", {1, int64_t{1} << 20}, arguments->top, "Print so many classes (default: 3)");
  command.option("--limit", {1, int64_t{1} << 40}, arguments->limit, "Only the first N samples of each file");
  command.flag("--csv", arguments->is_csv, "Print CSV: file, sample, class, probability, then the probability of each class");
  command.option("-o,--output", "FILE", arguments->output, "Write the CSV to a file instead (-: the standard output)");
  command.footer(R"(
One line a sample: the likeliest classes with their probabilities; for a regression the numbers that the model gives. Numbers are prepared as those
of the training were. A model of images of bytes takes 0 to 255; CSV files and floats may have them divided by 255 already, 0 to 1.

  gradus predict runs/NAME-TIME images.idx.gz --limit 10 --top 2
  gradus predict runs/NAME-TIME cat.jpg dog.png
  gradus predict runs/NAME-TIME points.csv -o predictions.csv)");
  command.runs([arguments] { run_predict(*arguments); });
}

}  // namespace gradus::cli
