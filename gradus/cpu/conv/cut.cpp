#include "gradus/cpu/conv/cut.hpp"
#include "gradus/base/round_up.hpp"

#include <algorithm>

namespace gradus::cpu {

namespace {

struct Range {
  int64_t begin, size;
};

// 0 .. size-1 in as few ranges as hold at most `most`, of sizes that differ by one at most; multiples of `step` where that is not 1.
std::vector<Range> ranges(int64_t size, int64_t most, int64_t step = 1) {
  if (size <= most) return {{0, size}};
  const int64_t steps = divide_up(size, step), count = divide_up(steps, std::max<int64_t>(most / step, 1));
  std::vector<Range> all;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = steps * i / count * step, end = std::min(size, steps * (i + 1) / count * step);
    all.push_back({begin, end - begin});
  }
  return all;
}

// Rows [rows.begin, + size) of y, and the rows of x that they read. Padding is what lies outside.
bool cut_rows(ConvShape& s, Range rows, int64_t& first_x) {
  const int64_t reach = (s.kernel[0] - 1) * s.dilation[0], in = s.in[0];
  const int64_t begin = rows.begin * s.strides[0] - s.pad_begin[0];                     // may be negative
  const int64_t end = begin + (rows.size - 1) * s.strides[0] + reach + 1;               // may lie beyond x
  first_x = std::clamp<int64_t>(begin, 0, in - 1);
  const int64_t last_x = std::clamp<int64_t>(end, first_x + 1, in);
  s.pad_begin[0] = first_x - begin;
  s.pad_end[0] = end - last_x;
  s.in[0] = last_x - first_x;
  s.out[0] = rows.size;
  return s.pad_begin[0] >= 0 && s.pad_begin[0] <= reach && s.pad_end[0] <= reach;  // every row of y reads some of x
}

// Rows [rows.begin, + size) of x, and the rows of y that they take part in.
bool cut_input_rows(ConvShape& s, Range rows, int64_t& first_y) {
  const int64_t reach = (s.kernel[0] - 1) * s.dilation[0], stride = s.strides[0];
  const int64_t begin = rows.begin + s.pad_begin[0], last = begin + rows.size - 1;  // in x with its padding
  first_y = std::max<int64_t>(0, divide_up(std::max<int64_t>(0, begin - reach), stride));
  const int64_t end_y = std::min(s.out[0], last / stride + 1);
  if (end_y <= first_y) return false;
  s.pad_begin[0] = begin - first_y * stride;
  s.in[0] = rows.size;
  s.out[0] = end_y - first_y;
  s.pad_end[0] = (s.out[0] - 1) * stride + reach + 1 - s.pad_begin[0] - s.in[0];
  return s.pad_begin[0] >= 0 && s.pad_begin[0] <= reach && s.pad_end[0] <= reach;
}

int64_t line(const Dims& sizes) {
  int64_t size = 1;
  for (size_t axis = 1; axis < sizes.size(); ++axis) size *= sizes[axis];
  return size;
}

}  // namespace

std::vector<ConvPart> parts_of(ConvWay way, const ConvShape& whole, const ConvCut& cut) {
  const bool is_of_x = way == ConvWay::input_gradient;
  const int64_t x_pixel = whole.groups * whole.in_channels, y_pixel = whole.groups * whole.out_channels;
  const std::vector<Range> images = ranges(whole.batch, cut.images), rows = ranges(is_of_x ? whole.in[0] : whole.out[0], cut.rows),
                           channels = ranges(is_of_x ? whole.in_channels : whole.out_channels, cut.channels, 16);
  std::vector<ConvPart> parts;
  for (const Range& some_images : images) {
    for (const Range& some_rows : rows) {
      ConvPart part{whole, x_pixel, y_pixel, some_images.begin * whole.in_size() * x_pixel, some_images.begin * whole.out_size() * y_pixel,
                    0};
      part.shape.batch = some_images.size;
      if (rows.size() > 1) {
        int64_t first = 0;
        if (!(is_of_x ? cut_input_rows(part.shape, some_rows, first) : cut_rows(part.shape, some_rows, first))) return {};
        part.x += (is_of_x ? some_rows.begin : first) * line(whole.in) * x_pixel;
        part.y += (is_of_x ? first : some_rows.begin) * line(whole.out) * y_pixel;
      }
      for (const Range& some_channels : channels) {
        ConvPart slice = part;
        if (channels.size() > 1) {
          (is_of_x ? slice.shape.in_channels : slice.shape.out_channels) = some_channels.size;
          (is_of_x ? slice.x : slice.y) += some_channels.begin;
          slice.w = some_channels.begin * (is_of_x ? y_pixel : 1);
        }
        parts.push_back(slice);
      }
    }
  }
  return parts;
}

ConvCut choose_cut(ConvWay way, const ConvShape& whole) {
  const bool is_of_x = way == ConvWay::input_gradient;
  const int64_t rows = is_of_x ? whole.in[0] : whole.out[0], channels = is_of_x ? whole.in_channels : whole.out_channels;
  ConvCut cut{whole.batch, rows, channels};
  // As many parts as keep a dozen threads busy, and none of less than some 20 us.
  constexpr double kLeastWork = 1 << 20;
  const auto wanted = static_cast<int64_t>(std::clamp(whole.work() / kLeastWork, 1.0, 16.0));
  if (wanted == 1 || whole.whole_batch > 0) return cut;
  if (way == ConvWay::weight_gradient) {
    const int64_t weights = whole.taps() * whole.in_channels * whole.groups * whole.out_channels;
    if (whole.groups == 1 && channels >= 64 && weights >= 1 << 17) cut.channels = std::max<int64_t>(32, channels / wanted);
    else cut.images = divide_up(whole.batch, std::min<int64_t>(wanted, 8));
    return cut;
  }
  cut.images = divide_up(whole.batch, wanted);
  if (whole.batch < wanted && whole.batch < 8) cut.rows = std::max<int64_t>(divide_up(rows * whole.batch, wanted), 2);
  return cut;
}

}  // namespace gradus::cpu
