// Images: files, sizes, data sets.
#include "gradus/data/image.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/data/image_file.hpp"
#include "gradus/data/table/read_table.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/creation.hpp"

namespace gradus::data {

using namespace core;

std::span<const std::string_view> enum_names(Fit) {
  static constexpr std::string_view names[] = {"stretch", "crop", "pad"};
  return names;
}

namespace {

constexpr int64_t kLargestFile = int64_t{1} << 30, kLongestSide = int64_t{1} << 20;

void check_channels(std::string_view op, int64_t channels) {
  if (channels != 1 && channels != 3 && channels != 4) fail(op, "channels is ", channels, "; it must be 1, 3 or 4");
}
void check_grey(std::string_view op, int64_t background) {
  if (background < 0 || background > 255) fail(op, "background is ", background, "; it must be 0 to 255");
}

std::string head_of(const file::Reader& file) {
  std::string head(static_cast<size_t>(std::min<int64_t>(file.bytes(), 8)), '\0');
  file.read_at(0, head.data(), static_cast<int64_t>(head.size()));
  return head;
}

Pixels pixels_of(const std::string& path, const ImageOptions& options) {
  const file::Reader file(path);
  const std::string head = head_of(file);
  if (!is_png(head) && !is_jpeg(head))
    fail_io(path, file.bytes() == 0 ? "the file is empty" : "the file is no image", "; a PNG or JPEG file is expected");
  if (file.bytes() > kLargestFile) fail_io(path, "the file has ", file.bytes(), " bytes; an image of at most ", kLargestFile, " is read");
  std::string bytes(static_cast<size_t>(file.bytes()), '\0');
  file.read_at(0, bytes.data(), file.bytes());
  const ImageContent content{path, bytes, options.most_pixels};
  Pixels pixels = upright(is_png(head) ? read_png(content) : read_jpeg(content));
  const int64_t own = pixels.channels == 2 ? 4 : pixels.channels;
  return with_channels(std::move(pixels), options.channels == 0 ? own : options.channels, static_cast<uint8_t>(options.background));
}

Array array_of(const Pixels& pixels) {
  const Shape shape{pixels.height, pixels.width, pixels.channels};
  BufferPtr out = allocate(shape.size(), "image");
  std::memcpy(out->data(), pixels.bytes.data(), pixels.bytes.size());
  return make_leaf(std::move(out), uint8, shape);
}

Pixels padded(const Pixels& image, int64_t height, int64_t width, uint8_t background) {
  Pixels out{height, width, image.channels, std::vector<uint8_t>(static_cast<size_t>(height * width * image.channels), background)};
  const int64_t top = (height - image.height) / 2, left = (width - image.width) / 2;
  const int64_t row = image.width * image.channels;
  for (int64_t y = 0; y < image.height; ++y)
    std::copy_n(image.bytes.data() + y * row, row, out.bytes.data() + ((top + y) * width + left) * image.channels);
  return out;
}

Pixels resized(const Pixels& pixels, int64_t height, int64_t width, const ResizeOptions& options) {
  const auto h = static_cast<double>(pixels.height), w = static_cast<double>(pixels.width);
  const auto to_h = static_cast<double>(height), to_w = static_cast<double>(width);
  if (pixels.height == height && pixels.width == width) return pixels;
  Window window{0, h, 0, w};
  if (options.fit == Fit::pad) {
    const double share = std::min(to_h / h, to_w / w);
    const int64_t inner_h = std::max<int64_t>(1, std::min(height, static_cast<int64_t>(std::llround(h * share))));
    const int64_t inner_w = std::max<int64_t>(1, std::min(width, static_cast<int64_t>(std::llround(w * share))));
    return padded(resampled(pixels, window, inner_h, inner_w), height, width, static_cast<uint8_t>(options.background));
  }
  if (options.fit == Fit::crop) {
    const double shown_w = std::min(w, h * to_w / to_h), shown_h = std::min(h, w * to_h / to_w);
    const double left = (w - shown_w) / 2, top = (h - shown_h) / 2;
    window = {top, top + shown_h, left, left + shown_w};
  }
  return resampled(pixels, window, height, width);
}

void check_sides(std::string_view op, int64_t height, int64_t width) {
  if (height < 1 || width < 1 || height > kLongestSide || width > kLongestSide)
    fail(op, "the size is ", height, " x ", width, "; each side must be 1 to ", kLongestSide);
}

// What the images of a table are, and what they are to be told as.
struct Columns {
  const Column* images = nullptr;
  const Column* targets = nullptr;  // null: none
};
Columns columns_of(const Table& table, const std::string& target) {
  Columns out;
  std::vector<const Column*> others;
  for (const Column& column : table.columns()) {
    if (column.type() != ColumnType::image) {
      others.push_back(&column);
      continue;
    }
    if (out.images)
      fail("image_set", "columns \"", out.images->name(), "\" and \"", column.name(), "\" are both of images; select one of them");
    out.images = &column;
  }
  if (!out.images) fail("image_set", "none of the ", table.width(), " columns is of images: paths that end in .png, .jpg or .jpeg");
  if (!target.empty()) out.targets = &table[target];
  else if (others.size() == 1) out.targets = others[0];
  else if (others.size() > 1) fail("image_set", "there are ", others.size(), " columns beside the images; name the one that is the target");
  return out;
}

Array targets_of(const Column& column, DatasetInfo& info) {
  for (int64_t row = 0; row < column.size(); ++row) {
    if (column.is_missing(row)) fail("image_set", "row ", row, " has no \"", column.name(), "\", the target; drop it or fill it in");
  }
  if (column.type() == ColumnType::numeric) {
    const std::span<const double> numbers = column.numbers();
    return array(std::vector<double>(numbers.begin(), numbers.end()), {column.size(), 1}).astype(float32).eval();
  }
  if (!column.is_coded())
    fail("image_set", "the target \"", column.name(), "\" is ", name_of(column.type()), "; it must be categorical or numeric");
  info.class_names = column.categories();
  return array(std::vector<int64_t>(column.codes().begin(), column.codes().end()));
}

}  // namespace

bool is_image_file(const std::string& path) {
  const std::string head = head_of(file::Reader(path));
  return is_png(head) || is_jpeg(head);
}

Array read_image(const std::string& path, const ImageOptions& options) {
  if (options.channels != 0) check_channels("read_image", options.channels);
  check_grey("read_image", options.background);
  return array_of(pixels_of(path, options));
}

Array resize_image(const Array& image, int64_t height, int64_t width, const ResizeOptions& options) {
  constexpr std::string_view op = "resize_image";
  if (image.dtype() != uint8 || image.rank() != 3)
    fail(op, "the image is ", image.shape(), " of ", image.dtype(), "; it must be (H, W, C) uint8");
  check_channels(op, image.shape(2));
  if (image.size() == 0) fail(op, "the image is ", image.shape(), "; no side may be 0");
  check_sides(op, height, width);
  check_grey(op, options.background);
  const auto* bytes = static_cast<const uint8_t*>(row_major_data(image));
  const Pixels pixels{image.shape(0), image.shape(1), image.shape(2), std::vector<uint8_t>(bytes, bytes + image.size())};
  return array_of(resized(pixels, height, width, options));
}

Dataset image_set(const Table& table, const ImageSetOptions& options) {
  constexpr std::string_view op = "image_set";
  check_channels(op, options.channels);
  const Columns columns = columns_of(table, options.target);
  const int64_t count = table.rows();
  if (count == 0) fail(op, "the table has no rows");
  if ((options.height == 0) != (options.width == 0))
    fail(op, "the size is ", options.height, " x ", options.width, "; both sides are given, or none");
  DatasetInfo info;
  Array y = columns.targets ? targets_of(*columns.targets, info) : Array();
  const auto path_of = [&](int64_t row) {
    const Column& images = *columns.images;
    if (images.is_missing(row)) fail(op, "row ", row, " has no image in \"", images.name(), "\"");
    return (std::filesystem::path(options.folder) / images.texts()[row]).string();
  };
  const ImageOptions reading{.channels = options.channels};
  int64_t height = options.height, width = options.width;
  const bool has_size = height != 0;
  if (has_size) {
    check_sides(op, height, width);
  } else {
    const Pixels first = pixels_of(path_of(0), reading);
    height = first.height;
    width = first.width;
  }
  const Shape shape{count, height, width, options.channels};
  BufferPtr out = allocate(shape.size(), "images of a data set");
  const int64_t one = shape.size() / count;
  parallel_for(count, [&](int64_t row) {
    const std::string path = path_of(row);
    const Pixels image = pixels_of(path, reading);
    if (!has_size && (image.height != height || image.width != width))
      fail_io(path, "the image is ", image.height, " x ", image.width, ", the first one ", height, " x ", width,
              "; give a size that all get");
    const Pixels sized = resized(image, height, width, {.fit = options.fit});
    std::memcpy(out->data() + row * one, sized.bytes.data(), static_cast<size_t>(one));
  });
  info.name = "images";
  return Dataset::from_bytes(make_leaf(std::move(out), uint8, shape), std::move(y), std::move(info));
}

Dataset image_folder(const std::string& path, const ImageSetOptions& options) { return image_set(read_table(path), options); }

}  // namespace gradus::data
