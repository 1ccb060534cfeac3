// Answers about images and other samples: integrated gradients; of images Grad-CAM and occlusion beside them.
#include <algorithm>
#include <cstdio>
#include <optional>

#include "gradus/base/printable.hpp"
#include "gradus/cli/explanation.hpp"
#include "gradus/cli/samples.hpp"
#include "gradus/explain/explain.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::cli {

namespace {

// An image (h, w, c) as numbers from 0 to 1 that can be looked at, grey but for three channels.
Array shown_image(const Array& image) {
  const Array plain = image.shape(2) == 1 || image.shape(2) == 3 ? image : mean(image, -1, keepdims);
  const double low = min(plain).item<double>(), high = max(plain).item<double>();
  if (low >= 0 && high <= 1) return plain;
  return (plain - low) / std::max(high - low, 1e-30);
}

train::Picture picture(std::string caption, train::SampleImage image) {
  return {std::move(caption), image.height, image.width, image.channels, std::move(image.pixels)};
}

train::Picture plain_picture(const Array& image) {
  train::Picture out{"as the model takes it", image.shape(0), image.shape(1), image.shape(2), {}};
  for (const double value : image.to_vector<double>())
    out.pixels.push_back(static_cast<uint8_t>(std::clamp(255 * value + 0.5, 0.0, 255.0)));
  return out;
}

// Whether a layer is one that Grad-CAM can look at.
bool has_convolution(const nn::Model& model, const Array& x) {
  for (const explain::LayerResult& layer : explain::layers(model, x))
    if (layer.type == "Conv2D") return true;
  return false;
}

// What is explained of each sample, and how well.
struct Answers {
  std::vector<std::string> titles{}, gaps{};
  explain::IntegratedGradients gradients{};
};
Answers answers_of(const ExplainArguments& arguments, const nn::Model& model, const Array& x) {
  Answers out{.gradients = explain::integrated_gradients(model, x)};
  const std::vector<std::string>& names = model.info.class_names;
  // A single logit is that of the second of two classes.
  const bool is_single = names.size() == 2 && model(x[slice(0, 1)]).size() == 1;
  const std::vector<double> output = out.gradients.output.to_vector<double>(), gap = out.gradients.relative_gap.to_vector<double>();
  for (size_t i = 0; i < output.size(); ++i) {
    const auto label = out.gradients.labels.empty() ? size_t{0} : static_cast<size_t>(out.gradients.labels[i]);
    const std::string name = is_single ? names[1] : label < names.size() ? names[label] : concat("output ", label);
    out.titles.push_back(concat("sample ", arguments.row + static_cast<int64_t>(i), ": ", name, ", ", explained_number(output[i])));
    out.gaps.push_back(concat("the values add up to it within ", explained_number(100 * gap[i], "%.2g"), " %"));
  }
  return out;
}

void add_images(train::Report& report, const nn::Model& model, const Array& x, const Answers& answers) {
  const bool is_seen = has_convolution(model, x[slice(0, 1)]);
  const int64_t height = x.shape(1), width = x.shape(2);
  std::optional<explain::ClassActivation> seen;
  Array seen_maps;
  if (is_seen) {
    seen = explain::class_activation(model, x);
    seen_maps = explain::resize(seen->map, height, width).eval();
  }
  const std::vector<int64_t> window{std::max<int64_t>(1, height / 7), std::max<int64_t>(1, width / 7)};
  const std::vector<int64_t> stride{std::max<int64_t>(1, window[0] / 2), std::max<int64_t>(1, window[1] / 2)};
  const explain::Attribution covered = explain::occlusion(model, x, {.window = window, .stride = stride});
  for (int64_t i = 0; i < x.shape(0); ++i) {
    const Array image = shown_image(x[i]).eval(), gradients = explain::over_channels(answers.gradients.values[i]);
    train::PictureRow row{
        .title = answers.titles[static_cast<size_t>(i)],
        .note = concat("Red speaks for the answer, blue against it. Integrated gradients: ", answers.gaps[static_cast<size_t>(i)],
                       ". Occlusion covers ", window[0], " x ", window[1], " pixels at a time with zeros.",
                       is_seen ? concat(" Grad-CAM looks at the layer ", seen->layer.name, ", of ", to_text(seen->layer.shape), ".")
                               : std::string(" The model has no convolution for Grad-CAM."))};
    row.pictures.push_back(plain_picture(image));
    row.pictures.push_back(picture("integrated gradients", explain::overlay(image, gradients)));
    if (is_seen) row.pictures.push_back(picture("Grad-CAM", explain::overlay(image, seen_maps[i])));
    row.pictures.push_back(picture("occlusion", explain::overlay(image, explain::over_channels(covered.values[i]))));
    report.pictures.push_back(std::move(row));
  }
}

void add_heat_maps(train::Report& report, const Answers& answers) {
  for (size_t i = 0; i < answers.titles.size(); ++i) {
    const Array values = answers.gradients.values[static_cast<int64_t>(i)];
    const Array map = values.rank() == 3 ? explain::over_channels(values) : values.rank() == 2 ? values : reshape(values, {1, -1});
    report.heat_maps.push_back(explain::heat_map(answers.titles[i] + "; " + answers.gaps[i], map));
  }
}

}  // namespace

train::Report explain_samples(const ExplainArguments& arguments, const nn::Model& model) {
  const data::Dataset set = read_samples(arguments.input, model.info, arguments.row - 1 + arguments.rows);
  if (arguments.row > set.size()) fail(arguments.input, "has ", set.size(), " samples; --row is ", arguments.row);
  const Array x = set.x[slice(arguments.row - 1, std::min(set.size(), arguments.row - 1 + arguments.rows))].eval();
  if (!x.dtype().is_float()) fail(arguments.input, "holds ", x.dtype(), ", which has no gradients; samples of numbers are explained");
  const Answers answers = answers_of(arguments, model, x);
  train::Report report{.title = "What " + model.info.name + " answers, and why"};
  const bool are_images = x.rank() == 4;
  report.subtitle = are_images ? "What in the image speaks for the answer"
                               : "Integrated gradients: how much each number of the sample speaks for the answer (blue) or against it";
  if (!arguments.output.empty() && are_images) add_images(report, model, x, answers);
  if (!are_images) add_heat_maps(report, answers);
  for (size_t i = 0; i < answers.titles.size(); ++i) std::printf("%s; %s\n", printable(answers.titles[i]).c_str(), answers.gaps[i].c_str());
  if (arguments.output.empty()) std::printf("-o FILE.html shows %s as pictures\n", are_images ? "where in the image it looks" : "them");
  return report;
}

}  // namespace gradus::cli
