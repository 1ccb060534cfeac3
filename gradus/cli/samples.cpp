// Reading and preparing of samples.
#include "gradus/cli/samples.hpp"

#include <algorithm>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/cli/recipe_images.hpp"
#include "gradus/data/idx.hpp"
#include "gradus/data/image.hpp"
#include "gradus/data/numbers.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::cli {

namespace {

bool is_text_file(const std::string& path) { return path.ends_with(".csv") || path.ends_with(".csv.gz") || path.ends_with(".txt"); }

// How many samples of that shape an array holds: along its first axis, or itself as one, be it flat or a grey image without its channel.
struct Samples {
  int64_t count = 0;
  bool is_one = false;
};
Samples samples_of(const std::string& path, const Shape& held, const Shape& one) {
  const bool is_grey = held.rank() + 1 == one.rank() && one[one.rank() - 1] == 1 && std::equal(held.begin(), held.end(), one.begin());
  if (held == one || is_grey || (held.rank() == 1 && held.size() == one.size())) return {1, true};
  const int64_t count = one.size() > 0 ? held.size() / one.size() : 0;
  if (held.rank() < 1 || held[0] != count || held.size() != count * one.size())
    fail(path, "holds ", held, "; the model takes samples of ", one);
  return {count, false};
}

// "x[17, 3] is nan" for the first number that is not from low to high; empty if all are.
std::string first_beyond(const Array& x, double low, double high) {
  if (x.size() == 0 || (min(x).item<double>() >= low && max(x).item<double>() <= high)) return "";
  const std::vector<double> values = x.to_vector<double>();
  const auto bad = std::find_if(values.begin(), values.end(), [&](double value) { return !(value >= low && value <= high); });
  return bad == values.end() ? "" : concat("x", data::index_text(x.shape(), bad - values.begin()), " is ", *bad);
}

// Bytes for a model: divided by 255, or the numbers that they are?
bool are_bytes_divided(const std::string& place, const nn::ModelInfo& info, const Array& x) {
  if (!info.preprocessing || *info.preprocessing == nn::Preprocessing::of_bytes()) return true;
  const auto& [mean, deviation, range] = *info.preprocessing;
  if (!mean.empty() || !deviation.empty()) return false;
  if (range.empty() || (range[0] >= 0 && range[1] <= 1)) return true;
  const std::string bad = first_beyond(x, range[0], range[1]);
  if (bad.empty()) return false;
  fail(place, "holds bytes, and ", bad, "; the model was trained on numbers from ", range[0], " to ", range[1],
       ", and bytes are taken for such only if all lie there");
}

// Numbers for a model of bytes: 0 to 255, or 0 to 1 where they have been divided before.
Array from_byte_range(const std::string& place, const nn::ModelInfo& info, const Array& x) {
  if (const std::string bad = first_beyond(x, 0, 255); !bad.empty()) {
    fail(place, bad, "; the model was trained on images of bytes: numbers must be 0 to 255, or 0 to 1 if they are divided by 255 already");
  }
  return first_beyond(x, 0, 1).empty() ? x.astype(info.input_dtype) : nn::prepare(info, x);
}

// One image, at the size that the model takes.
Array image_of(const std::string& path, const nn::ModelInfo& info) {
  const std::vector<int64_t>& shape = info.input_shape;
  if (shape.size() != 3 || (shape[2] != 1 && shape[2] != 3 && shape[2] != 4))
    fail(path, "is an image; the model takes samples of ", shape.empty() ? "a shape that its file does not tell" : to_text(Shape(shape)),
         ", and images are (height, width, channels) with 1, 3 or 4 channels");
  const Array image = data::read_image(path, {.channels = shape[2]});
  return expand_dims(data::resize_image(image, shape[0], shape[1], {.fit = fit_of(info)}), 0).eval();
}

}  // namespace

data::Dataset as_trained(const std::string& place, const nn::ModelInfo& info, const data::Dataset& set) {
  const data::DatasetInfo about{set.class_names, set.name, set.description};
  const Array& x = set.stored_x();
  if (x.dtype() == uint8 && info.input_dtype.is_float()) {
    if (info.input_dtype == float32 && are_bytes_divided(place, info, x)) return data::Dataset::from_bytes(x, set.y, about);
    return data::Dataset(nn::prepare(info, x).eval(), set.y, about);
  }
  if (!info.preprocessing || !info.input_dtype.is_float()) return set;
  const bool is_of_bytes = *info.preprocessing == nn::Preprocessing::of_bytes();
  const Array prepared = is_of_bytes ? from_byte_range(place, info, x) : nn::prepare(info, x);
  return data::Dataset(prepared.eval(), set.y, about);
}

data::Dataset read_samples(const std::string& path, const nn::ModelInfo& info, int64_t limit) {
  if (!is_text_file(path) && data::is_image_file(path)) return as_trained(path, info, data::Dataset(image_of(path, info)));
  const Shape one(info.input_shape);
  const bool has_shape = !info.input_shape.empty();
  Array x;
  if (is_text_file(path)) {
    x = data::read_numbers(path).values.astype(info.input_dtype);
  } else {
    const bool is_one = has_shape && samples_of(path, data::idx_shape(path), one).is_one;
    x = data::read_idx(path, {.limit = is_one ? 0 : limit});
  }
  if (has_shape) {
    std::vector<int64_t> sizes = {samples_of(path, x.shape(), one).count};
    sizes.insert(sizes.end(), one.begin(), one.end());
    x = reshape(x, sizes).eval();
  }
  constexpr double largest = std::numeric_limits<double>::max();
  if (const std::string bad = first_beyond(x, -largest, largest); !bad.empty()) fail(path, bad, "; inputs must be finite numbers");
  return as_trained(path, info, data::Dataset(x));
}

}  // namespace gradus::cli
