// Explanations as pictures: numbers for the report's heat maps and images. No files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/graph/array.hpp"
#include "gradus/train/report.hpp"

namespace gradus::explain {

/// Maps (..., h, w) at another size, linear between the middles of their places, as image programs and PyTorch (align_corners false) do it.
///
///   explain::resize(ones({2, 7, 7}), 28, 28)   // (2, 28, 28)
Array resize(const Array& maps, int64_t height, int64_t width);

/// One number a place: the channels (the last axis) of attributions added up.
///
///   explain::over_channels(ones({2, 8, 8, 3}))   // (2, 8, 8)
Array over_channels(const Array& values);

/// Options of the pictures.
struct PictureOptions {
  /// This quantile of |values| becomes the full colour, so that a few large numbers do not leave all others pale; above 0, at most 1.
  double full = 0.99;
};

/// values / scale, cut to -1 .. 1, with `full` of |values| as the scale; zeros stay zeros. Row-major.
std::vector<double> scaled_to_one(const Array& values, const PictureOptions& options = {});

/// A map (rows, columns) for a report, with its sign. Names of rows and columns may be left out.
///
///   explain::heat_map("What the pixels say", ones({4, 4})).rows   // 4
train::HeatMap heat_map(std::string title, const Array& map, const std::vector<std::string>& row_names = {},
                        const std::vector<std::string>& column_names = {}, const PictureOptions& options = {});

/// A map (h, w) in colours on white: red speaks for the answer, blue against it.
///
///   explain::signed_image(zeros({2, 2})).pixels.size()   // 12
train::SampleImage signed_image(const Array& map, const PictureOptions& options = {});

/// The same over an image (h, w), (h, w, 1) or (h, w, 3) of numbers from 0 to 1, in greys that show through everywhere.
///
///   explain::overlay(images[0], ones({28, 28})).channels   // 3
train::SampleImage overlay(const Array& image, const Array& map, const PictureOptions& options = {});

}  // namespace gradus::explain
