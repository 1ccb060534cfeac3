// Explanations as pictures.
#include "gradus/explain/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::explain {

using namespace core;

namespace {

// Red and blue at the ends of ColorBrewer's RdBu, which people who confuse red and green can tell apart.
constexpr std::array<double, 3> kFor{178, 24, 43}, kAgainst{33, 102, 172};

// (to, from): row i weighs the two places around (i + 1/2) from / to - 1/2.
Array weights_between(int64_t from, int64_t to, DType dtype) {
  std::vector<double> weights(static_cast<size_t>(from * to), 0.0);
  for (int64_t i = 0; i < to; ++i) {
    const double at = std::clamp((static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5, 0.0,
                                 static_cast<double>(from - 1));
    const auto below = static_cast<int64_t>(at);
    const double part = at - static_cast<double>(below);
    weights[static_cast<size_t>(i * from + below)] += 1 - part;
    if (part > 0) weights[static_cast<size_t>(i * from + below + 1)] += part;
  }
  return gradus::array(weights, {to, from}).astype(dtype);
}

void check_map(std::string_view op, const Array& map) {
  if (map.rank() != 2 || map.size() == 0) fail(op, "the map is ", map.shape(), "; it must be (rows, columns) and not empty");
}

uint8_t as_byte(double value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

// `below`, from 0 to 255, towards red or blue by the size of the value times `strength`.
train::SampleImage coloured(const Array& map, const std::vector<double>& below, const PictureOptions& options, double strength) {
  train::SampleImage image{.height = map.shape(0), .width = map.shape(1), .channels = 3};
  const std::vector<double> values = scaled_to_one(map, options);
  for (size_t i = 0; i < values.size(); ++i) {
    const std::array<double, 3>& colour = values[i] > 0 ? kFor : kAgainst;
    for (size_t c = 0; c < 3; ++c) image.pixels.push_back(as_byte(below[i] + strength * std::abs(values[i]) * (colour[c] - below[i])));
  }
  return image;
}

}  // namespace

Array resize(const Array& maps, int64_t height, int64_t width) {
  constexpr std::string_view op = "resize";
  if (maps.rank() < 2 || maps.size() == 0) fail(op, "the maps are ", maps.shape(), "; they must be (..., h, w) and not empty");
  if (height < 1 || width < 1) fail(op, "the size is ", height, " x ", width, "; it must be at least 1 x 1");
  const DType dtype = maps.dtype().is_float() ? maps.dtype() : float32;
  const Array rows = weights_between(maps.shape(-2), height, dtype), columns = weights_between(maps.shape(-1), width, dtype);
  return matmul(matmul(rows, maps.astype(dtype)), transpose(columns));
}

Array over_channels(const Array& values) {
  if (values.rank() < 2) fail("over_channels", "the values are ", values.shape(), "; their last axis must be the channels");
  return sum(values, -1);
}

std::vector<double> scaled_to_one(const Array& values, const PictureOptions& options) {
  constexpr std::string_view op = "picture";
  if (!(options.full > 0 && options.full <= 1)) fail(op, "full is ", options.full, "; it must be above 0 and at most 1");
  std::vector<double> all = values.to_vector<double>(), sizes;
  for (const double value : all) {
    if (!std::isfinite(value)) fail(op, "the map has ", value, "; its numbers must be finite");
    sizes.push_back(std::abs(value));
  }
  if (all.empty()) return all;
  std::sort(sizes.begin(), sizes.end());
  double scale = sizes[static_cast<size_t>(std::ceil(options.full * static_cast<double>(sizes.size()))) - 1];
  if (scale == 0) scale = sizes.back();  // a few numbers beside zeros
  for (double& value : all) value = scale > 0 ? std::clamp(value / scale, -1.0, 1.0) : 0;
  return all;
}

train::HeatMap heat_map(std::string title, const Array& map, const std::vector<std::string>& row_names,
                        const std::vector<std::string>& column_names, const PictureOptions& options) {
  constexpr std::string_view op = "heat_map";
  check_map(op, map);
  for (const auto& [names, size] : {std::pair(&row_names, map.shape(0)), std::pair(&column_names, map.shape(1))}) {
    if (!names->empty() && static_cast<int64_t>(names->size()) != size) {
      fail(op, "there are ", names->size(), " names, the map is ", map.shape(), "; there must be one for each, or none");
    }
  }
  return {.title = std::move(title),
          .note = "The two colours are the signs.",
          .rows = map.shape(0),
          .columns = map.shape(1),
          .values = scaled_to_one(map, options),
          .row_names = row_names,
          .column_names = column_names};
}

train::SampleImage signed_image(const Array& map, const PictureOptions& options) {
  check_map("signed_image", map);
  return coloured(map, std::vector<double>(static_cast<size_t>(map.size()), 255.0), options, 1);
}

train::SampleImage overlay(const Array& image, const Array& map, const PictureOptions& options) {
  constexpr std::string_view op = "overlay";
  check_map(op, map);
  const bool has_channels = image.rank() == 3 && (image.shape(2) == 1 || image.shape(2) == 3);
  if ((image.rank() != 2 && !has_channels) || image.shape(0) != map.shape(0) || image.shape(1) != map.shape(1)) {
    fail(op, "the image is ", image.shape(), ", the map ", map.shape(), "; the image must be of its size, with 1 or 3 channels or none");
  }
  const Array grey = has_channels ? mean(image, -1) : image;
  std::vector<double> below;
  // Paler than the image, so that colours show on what is dark.
  for (const double value : grey.to_vector<double>()) below.push_back(255 * (0.35 + 0.65 * (value > 0 ? std::min(value, 1.0) : 0.0)));
  return coloured(map, below, options, 0.7);
}

}  // namespace gradus::explain
