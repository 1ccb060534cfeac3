// Cutting convolutions: the parts make every result once, of the same products as the whole.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <set>

#include "gradus/cpu/conv/cut.hpp"

namespace gradus::cpu {

using namespace core;
namespace {

struct Random {
  std::mt19937 engine{1};
  int64_t operator()(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine); }
};

ConvShape random_shape(Random& draw) {
  ConvShape s;
  s.batch = draw(1, 20);
  s.groups = draw(0, 3) == 0 ? 2 : 1;
  s.in_channels = draw(1, 40);
  s.out_channels = draw(1, 40);
  for (int axis = 0; axis < 2; ++axis) {
    const int64_t kernel = draw(1, 4), dilation = draw(1, 2), reach = (kernel - 1) * dilation;
    s.kernel.push_back(kernel);
    s.dilation.push_back(dilation);
    s.strides.push_back(draw(1, 3));
    s.pad_begin.push_back(draw(0, reach));
    s.pad_end.push_back(draw(0, reach));
    s.in.push_back(draw(reach + 1, reach + 20));
    s.out.push_back((s.in[static_cast<size_t>(axis)] + s.pad_begin.back() + s.pad_end.back() - reach - 1) / s.strides.back() + 1);
    s.pad_end.back() = (s.out.back() - 1) * s.strides.back() + reach + 1 - s.pad_begin.back() - s.in.back();  // what is read
  }
  return s;
}

// Where the first row of x (of y) of a part lies in the whole, and its first image and channel.
struct Place {
  int64_t image, row, channel;
};
Place place_of(int64_t offset, const Dims& sizes, int64_t pixel) {
  const int64_t line = sizes[1] * pixel, image = sizes[0] * line;
  return {offset / image, offset % image / line, offset % pixel};
}

// Local position of a product's x for result row `out` and tap `tap`, or -1 in the padding.
int64_t source(const ConvShape& s, int64_t out, int64_t tap) {
  const int64_t at = out * s.strides[0] - s.pad_begin[0] + tap * s.dilation[0];
  return at >= 0 && at < s.in[0] ? at : -1;
}

// All (row of x, row of y, tap) of a part, in the whole's numbers.
std::multiset<std::array<int64_t, 3>> products(const ConvShape& s, int64_t first_x, int64_t first_y) {
  std::multiset<std::array<int64_t, 3>> all;
  for (int64_t out = 0; out < s.out[0]; ++out) {
    for (int64_t tap = 0; tap < s.kernel[0]; ++tap) {
      if (const int64_t in = source(s, out, tap); in >= 0) all.insert({first_x + in, first_y + out, tap});
    }
  }
  return all;
}

void expect_whole(ConvWay way, const ConvShape& whole, const ConvCut& cut) {
  const int64_t x_pixel = whole.groups * whole.in_channels, y_pixel = whole.groups * whole.out_channels;
  const bool is_of_x = way == ConvWay::input_gradient;
  std::map<std::pair<int64_t, int64_t>, std::multiset<std::array<int64_t, 3>>> got;  // of an image and a channel of what is made
  for (const ConvPart& part : parts_of(way, whole, cut)) {
    const ConvShape& s = part.shape;
    ASSERT_EQ(part.x_pixel, x_pixel);
    ASSERT_EQ(part.y_pixel, y_pixel);
    const Place x = place_of(part.x, whole.in, x_pixel), y = place_of(part.y, whole.out, y_pixel);
    ASSERT_EQ(x.image, y.image);
    ASSERT_GE(s.pad_begin[0], 0);
    ASSERT_LE(x.row + s.in[0], whole.in[0]);
    ASSERT_LE(y.row + s.out[0], whole.out[0]);
    ASSERT_EQ((s.out[0] - 1) * s.strides[0] + (s.kernel[0] - 1) * s.dilation[0] + 1, s.in[0] + s.pad_begin[0] + s.pad_end[0]);
    std::multiset<std::array<int64_t, 3>> here = products(s, x.row, y.row);
    // Of a part of an input gradient only its own rows of x are made.
    if (is_of_x) std::erase_if(here, [&](const auto& product) { return product[0] < x.row || product[0] >= x.row + s.in[0]; });
    const int64_t first = is_of_x ? x.channel : y.channel, channels = is_of_x ? s.in_channels : s.out_channels;
    ASSERT_EQ(part.w, first * (is_of_x ? y_pixel : 1));
    for (int64_t image = 0; image < s.batch; ++image) {
      for (int64_t channel = 0; channel < channels; ++channel) got[{x.image + image, first + channel}].insert(here.begin(), here.end());
    }
  }
  const std::multiset<std::array<int64_t, 3>> want = products(whole, 0, 0);
  ASSERT_EQ(got.size(), static_cast<size_t>(whole.batch * (is_of_x ? whole.in_channels : whole.out_channels)));
  for (const auto& [key, here] : got) ASSERT_EQ(here, want) << "image " << key.first << ", channel " << key.second;
}

TEST(ConvCut, PartsMakeEveryProductOnce) {
  Random draw;
  int cut_rows = 0, cut_channels = 0;
  for (int i = 0; i < 2000; ++i) {
    const ConvShape whole = random_shape(draw);
    const auto way = static_cast<ConvWay>(draw(0, 1));
    const bool is_of_x = way == ConvWay::input_gradient;
    const int64_t rows = is_of_x ? whole.in[0] : whole.out[0], channels = is_of_x ? whole.in_channels : whole.out_channels;
    const ConvCut cut{draw(1, whole.batch), draw(1, rows), whole.groups == 1 ? draw(1, channels) : channels};
    SCOPED_TRACE(i);
    const std::vector<ConvPart> parts = parts_of(way, whole, cut);
    if (parts.empty()) continue;  // rows that cannot be cut so
    cut_rows += cut.rows < rows;
    cut_channels += cut.channels < channels;
    expect_whole(way, whole, cut);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(cut_rows, 300);
  EXPECT_GT(cut_channels, 300);
}

TEST(ConvCut, TheChosenOneIsPossible) {
  Random draw;
  for (int i = 0; i < 500; ++i) {
    const ConvShape whole = random_shape(draw);
    SCOPED_TRACE(i);
    for (const ConvWay way : {ConvWay::forward, ConvWay::input_gradient}) {
      const ConvCut cut = choose_cut(way, whole);
      EXPECT_GE(cut.images, 1);
      EXPECT_GE(cut.rows, 1);
      EXPECT_GE(cut.channels, 1);
      if (!parts_of(way, whole, cut).empty()) expect_whole(way, whole, cut);
    }
  }
}

// Parts and threads have nothing to do with each other; images first, then rows.
TEST(ConvCut, ImagesAreSharedBeforeRows) {
  ConvShape s{.batch = 32, .in_channels = 64, .out_channels = 64, .in = {28, 28}, .kernel = {3, 3}, .out = {28, 28}, .strides = {1, 1},
              .pad_begin = {1, 1}, .pad_end = {1, 1}, .dilation = {1, 1}};
  EXPECT_EQ(choose_cut(ConvWay::forward, s), (ConvCut{2, 28, 64}));
  s.batch = 1;
  EXPECT_LT(choose_cut(ConvWay::forward, s).rows, 28);
  s.whole_batch = 32;  // a block of a chain
  EXPECT_EQ(choose_cut(ConvWay::forward, s), (ConvCut{1, 28, 64}));
}

}  // namespace
}  // namespace gradus::cpu
