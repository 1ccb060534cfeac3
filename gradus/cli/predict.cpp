// gradus predict: what a trained model says of the samples in files.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "gradus/cli/commands.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/data/idx.hpp"
#include "gradus/data/numbers.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/evaluation.hpp"
#include "gradus/train/fit.hpp"

namespace gradus::cli {

namespace {

struct PredictArguments {
  std::string model{};
  std::vector<std::string> inputs{};
  int64_t top = 3, limit = 0;
  bool is_csv = false;
};

bool is_text_file(const std::string& path) { return path.ends_with(".csv") || path.ends_with(".csv.gz") || path.ends_with(".txt"); }

// The samples of a file in the shape that the model was trained with. Bytes (images) are divided by 255, as in training.
data::Dataset read_samples(const std::string& path, const nn::ModelInfo& info) {
  Array x = is_text_file(path) ? data::read_numbers(path).values.astype(info.input_dtype) : data::read_idx(path);
  if (!info.input_shape.empty()) {
    const Shape one(info.input_shape);
    const int64_t count = one.size() > 0 ? x.size() / one.size() : 0;
    const bool is_one = x.shape() == one || x.size() == one.size();
    if (!is_one && (x.rank() < 1 || x.shape(0) != count || x.size() != count * one.size())) {
      fail(path, "holds ", x.shape(), "; the model takes samples of ", one);
    }
    std::vector<int64_t> sizes = {is_one ? 1 : count};
    sizes.insert(sizes.end(), one.begin(), one.end());
    x = reshape(x, sizes).eval();
  }
  return x.dtype() == uint8 && info.input_dtype == float32 ? data::Dataset::from_bytes(x, {}) : data::Dataset(x);
}

std::string class_name(const nn::ModelInfo& info, size_t index) {
  return index < info.class_names.size() ? info.class_names[index] : to_text(static_cast<int64_t>(index));
}

void print_classes(const std::string& label, const nn::ModelInfo& info, const std::vector<double>& probabilities, const PredictArguments& arguments) {
  std::vector<size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return probabilities[a] > probabilities[b]; });
  order.resize(std::min(order.size(), static_cast<size_t>(arguments.top)));
  std::string line = label;
  for (size_t i = 0; i < order.size(); ++i) {
    char text[64];
    std::snprintf(text, sizeof text, arguments.is_csv ? ",%s%.6f" : "%s%.1f %%", arguments.is_csv ? "" : " ",
                  probabilities[order[i]] * (arguments.is_csv ? 1 : 100));
    line += (arguments.is_csv ? "," : i ? ", " : ": ") + class_name(info, order[i]) + text;
  }
  std::puts(line.c_str());
}

void print_numbers(const std::string& label, const float* values, int64_t count, bool is_csv) {
  std::string line = label;
  for (int64_t i = 0; i < count; ++i) line += (is_csv ? "," : i ? ", " : ": ") + to_text(values[i]);
  std::puts(line.c_str());
}

void predict_file(const std::string& path, const nn::Model& model, const PredictArguments& arguments) {
  data::Dataset set = read_samples(path, model.info);
  if (arguments.limit > 0 && arguments.limit < set.size()) set = data::subset(set, 0, arguments.limit);
  const Array output = train::predict(model, set);
  const bool is_classifier = !model.info.class_names.empty() && output.rank() == 2;
  const int64_t width = output.shape(0) ? output.size() / output.shape(0) : 0;
  const std::vector<float> values = output.to_vector<float>();
  for (int64_t i = 0; i < output.shape(0); ++i) {
    const std::string label = arguments.is_csv ? concat(path, ",", i) : concat(path, "[", i, "]");
    if (is_classifier) print_classes(label, model.info, train::class_probabilities(values.data() + i * width, width), arguments);
    else print_numbers(label, values.data() + i * width, width, arguments.is_csv);
  }
}

}  // namespace

void add_predict(CLI::App& app) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* command = app.add_subcommand("predict", "Classes and probabilities, or numbers, for the samples in files");
  command->add_option("MODEL", arguments->model, "Run folder or model file")->required();
  command->add_option("INPUT", arguments->inputs, "IDX files of images (.idx, .gz) or CSV files of numbers, one sample a row")->required();
  command->add_option("--top", arguments->top, "Print so many classes (default: 3)")->check(CLI::Range(int64_t{1}, int64_t{1} << 20))->type_name("N");
  command->add_option("--limit", arguments->limit, "Only the first N samples of each file")->check(CLI::Range(int64_t{1}, int64_t{1} << 40))->type_name("N");
  command->add_flag("--csv", arguments->is_csv, "Print comma-separated values: file, sample, class, probability, ...");
  command->callback([arguments] {
    const nn::Model model = load_model(arguments->model);
    for (const std::string& path : arguments->inputs) predict_file(path, model, *arguments);
  });
}

}  // namespace gradus::cli
