// Images: files as arrays of bytes, resizing, and data sets of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gradus/data/dataset.hpp"
#include "gradus/data/table/table.hpp"

namespace gradus::data {

/// How an image file becomes an array.
struct ImageOptions {
  int64_t channels = 0;               ///< 1 grey, 3 RGB, 4 RGBA; 0: as the file has it (grey with alpha: 4)
  int64_t background = 255;           ///< the grey, 0 to 255, that shows through where an image with alpha becomes one without
  int64_t most_pixels = 100'000'000;  ///< larger images are refused before anything is allocated for them
};

/// A PNG or JPEG file, known by its first bytes, as (height, width, channels) uint8.
///
///     PNG    of 1 to 16 bits, with palette, with alpha, interlaced. 16 bits become round(v / 257).
///     JPEG   baseline and progressive, grey, YCbCr, RGB, and CMYK as Adobe writes it (inverted): R = C K / 255
///
/// An image is turned as its EXIF orientation says. RGB becomes grey as ITU-R 601 weighs it, 0.299 R + 0.587 G + 0.114 B. Colour profiles
/// and gamma are not applied. Throws naming the file: of what is no image, cut short or damaged, too large, or of a kind that Gradus was
/// built without.
///
///   Array photo = data::read_image("photo.png", {.channels = 3});
Array read_image(const std::string& path, const ImageOptions& options = {});
/// By its first bytes: whether read_image would try it.
bool is_image_file(const std::string& path);

/// How an image of other proportions comes to a size.
///
///     stretch  both sides by themselves
///     crop     enlarged until it covers the size; what stands over at both ends is cut off
///     pad      as large as fits in; the rest is `background`
enum class Fit : uint8_t { stretch, crop, pad };
std::span<const std::string_view> enum_names(Fit);

/// How an image comes to another size.
struct ResizeOptions {
  Fit fit = Fit::stretch;
  int64_t background = 0;  ///< of pad: 0 to 255
};

/// The image at another size, by triangle filters as wide as the steps that it is reduced by, so that nothing is left out ("antialiased
/// bilinear"; Pillow's BILINEAR gives the same bytes). Colours of RGBA are weighed by their alpha.
///
/// image  (H, W, C) uint8, C = 1, 3 or 4, no side 0
/// returns (height, width, C) uint8
///
///   Array small = data::resize_image(data::read_image("photo.png"), 32, 32, {.fit = data::Fit::crop});   // (32, 32, 3)
Array resize_image(const Array& image, int64_t height, int64_t width, const ResizeOptions& options = {});

/// What the samples of a set of images are, and where they lie.
struct ImageSetOptions {
  int64_t height = 0, width = 0;  ///< of all samples; 0: those of the first image, which all others must have
  int64_t channels = 3;           ///< 1, 3 or 4
  Fit fit = Fit::stretch;
  std::string target{};  ///< the column of targets; "": the only column beside the images, if there is one
  std::string folder{};  ///< where paths in the table begin that are not absolute; "": the working folder
};

/// The images of a table as samples: x (N, height, width, channels) from bytes, read by all threads. Targets are the classes of a
/// categorical column, or the numbers of a numeric one. Throws for a table without just one column of images, for rows without image or
/// target, and for what read_image throws.
Dataset image_set(const Table& table, const ImageSetOptions& options = {});
/// A folder whose folders, one a class, hold PNG and JPEG files, in the order of names.
///
///   data::Dataset set = data::image_folder("animals", {.height = 32, .width = 32});
Dataset image_folder(const std::string& path, const ImageSetOptions& options = {});

}  // namespace gradus::data
