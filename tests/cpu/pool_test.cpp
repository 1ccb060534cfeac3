#include "gradus/cpu/pool/pool.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/cpu/random_data.hpp"

namespace gradus::cpu {

using namespace core;
namespace {

using test::Data;

PoolAxis axis(int64_t in, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation) {
  PoolAxis a{in, kernel, dilation, {}, {}, {}, {}};
  const int64_t out = (in + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
  for (int64_t o = 0; o < out; ++o) {
    const int64_t begin = o * stride - pad;
    int64_t first = 0, last = kernel;
    while (first < kernel && begin + first * dilation < 0) ++first;
    while (last > first && begin + (last - 1) * dilation >= in) --last;
    a.begin.push_back(begin);
    a.first.push_back(first);
    a.last.push_back(last);
    a.count.push_back(std::max<int64_t>(last - first, 1));
  }
  return a;
}

PoolShape shape_of(int64_t batch, int64_t channels, const PoolAxis& h, const PoolAxis& w, const PoolAxis& d = {}) {
  PoolShape s;
  s.batch = batch;
  s.channels = channels;
  s.axes[0] = d;
  s.axes[1] = h;
  s.axes[2] = w;
  return s;
}

Shape x_shape(const PoolShape& s) { return {s.batch, s.axes[0].in, s.axes[1].in, s.axes[2].in, s.channels}; }
Shape y_shape(const PoolShape& s) { return {s.batch, s.axes[0].out(), s.axes[1].out(), s.axes[2].out(), s.channels}; }

// Calls body(y position, x position, tap) for every position of every window.
template <class Body>
void for_each_position(const PoolShape& s, const Body& body) {
  const PoolAxis &d = s.axes[0], &h = s.axes[1], &w = s.axes[2];
  const auto position = [](const PoolAxis& axis, int64_t o, int64_t k) { return axis.begin[static_cast<size_t>(o)] + k * axis.step; };
  const auto is_inside = [](const PoolAxis& axis, int64_t i) { return i >= 0 && i < axis.in; };
  for (int64_t n = 0; n < s.batch; ++n)
    for (int64_t o = 0; o < s.out_size(); ++o)
      for (int64_t tap = 0; tap < s.taps(); ++tap) {
        const int64_t id = position(d, o / (h.out() * w.out()), tap / (h.kernel * w.kernel)),
                      ih = position(h, o / w.out() % h.out(), tap / w.kernel % h.kernel), iw = position(w, o % w.out(), tap % w.kernel);
        if (!is_inside(d, id) || !is_inside(h, ih) || !is_inside(w, iw)) continue;
        for (int64_t c = 0; c < s.channels; ++c) {
          body((n * s.out_size() + o) * s.channels + c, (n * s.in_size() + (id * h.in + ih) * w.in + iw) * s.channels + c, tap);
        }
      }
}

void compare(const Data& got, const std::vector<double>& want, double steps) {
  for (size_t i = 0; i < want.size(); ++i) {
    const double value = got[static_cast<int64_t>(i)];
    ASSERT_LE(std::abs(value - want[i]), steps * test::rounding(got.layout().dtype) * (1 + std::abs(want[i])))
        << to_text(got.layout().dtype) << " at " << i << ": " << value << ", not " << want[i];
  }
}

void check(DType dtype, const PoolShape& s) {
  const Data x(dtype, x_shape(s), 1), y(dtype, y_shape(s), 2), dy(dtype, y_shape(s), 3), dx(dtype, x_shape(s), 4),
      taps(s.tap_dtype(), y_shape(s), 5), taken(dtype, y_shape(s), 6);
  const auto y_size = static_cast<size_t>(y.shape().size()), x_size = static_cast<size_t>(x.shape().size());
  std::vector<double> best(y_size, -1e9), where(y_size, static_cast<double>(s.taps())), source(y_size, -1), mean(y_size), count(y_size);
  for_each_position(s, [&](int64_t i, int64_t j, int64_t tap) {
    const auto at = static_cast<size_t>(i);
    if (x[j] > best[at]) {
      best[at] = x[j];
      where[at] = static_cast<double>(tap);
      source[at] = static_cast<double>(j);
    }
    mean[at] += x[j];
    ++count[at];
  });
  ASSERT_TRUE(test::run(prepare_max_pool(dtype, s, true), {x.data(), y.data(), taps.data()}).is_ok);
  compare(y, best, 0);
  compare(taps, where, 0);
  ASSERT_TRUE(test::run(prepare_pool_take(dtype, s), {x.data(), taps.data(), taken.data()}).is_ok);
  compare(taken, best, 0);
  std::vector<double> put(x_size), spread(x_size);
  for (size_t i = 0; i < y_size; ++i) put[static_cast<size_t>(source[i])] += dy[static_cast<int64_t>(i)];
  ASSERT_TRUE(test::run(prepare_pool_put(dtype, s), {dy.data(), taps.data(), dx.data()}).is_ok);
  compare(dx, put, dtype.is_float() ? 2 : 0);
  ASSERT_TRUE(test::run(prepare_max_pool(dtype, s, false), {x.data(), taken.data(), nullptr}).is_ok);
  compare(taken, best, 0);
  if (!dtype.is_float()) return;
  if (s.divisor) std::fill(count.begin(), count.end(), static_cast<double>(s.divisor));
  for (size_t i = 0; i < y_size; ++i) mean[i] /= count[i];
  ASSERT_TRUE(test::run(prepare_average_pool(dtype, s), {x.data(), y.data()}).is_ok);
  compare(y, mean, 8);
  for_each_position(s, [&](int64_t i, int64_t j, int64_t) { spread[static_cast<size_t>(j)] += dy[i] / count[static_cast<size_t>(i)]; });
  ASSERT_TRUE(test::run(prepare_average_pool_gradient(dtype, s), {dy.data(), dx.data()}).is_ok);
  compare(dx, spread, 8);
}

TEST(Pool, windows_channels_and_dtypes) {
  for (const DType dtype : {uint8, int32, int64, float16, bfloat16, float32, float64})
    for (const int64_t channels : {1, 3, 16, 17, 40})
      for (const int64_t kernel : {1, 2, 3})
        for (const int64_t stride : {1, 2, 3})
          for (const int64_t pad : {0, 1}) {
            if (pad >= kernel) continue;
            check(dtype, shape_of(2, channels, axis(7, kernel, stride, pad, 1), axis(6, 2, stride, 0, 1)));
            check(dtype, shape_of(1, channels, axis(9, kernel, stride, pad, 2), axis(8, kernel, 1, pad, 1)));
          }
}

TEST(Pool, three_axes_and_one_divisor_for_all) {
  for (const DType dtype : {int32, bfloat16, float32, float64})
    for (const int64_t channels : {1, 5, 16, 33})
      for (const int64_t stride : {1, 2, 3}) {
        PoolShape s = shape_of(2, channels, axis(4, 2, 2, 1, 1), axis(7, 2, stride, 0, 2), axis(5, 3, stride, 1, 1));
        check(dtype, s);
        s.divisor = 7;
        check(dtype, s);
        check(dtype, shape_of(2, channels, axis(4, 2, 2, 0, 1), axis(6, 3, 3, 0, 1), axis(6, 2, 2, 0, 1)));  // each position in one window
      }
}

TEST(Pool, many_taps_and_no_images) {
  for (const DType dtype : {float32, float64, int32}) {
    check(dtype, shape_of(2, 18, axis(20, 20, 1, 0, 1), axis(16, 16, 1, 0, 1)));
    check(dtype, shape_of(0, 4, axis(6, 2, 2, 0, 1), axis(6, 2, 2, 0, 1)));
    check(dtype, shape_of(2, 0, axis(6, 2, 2, 0, 1), axis(6, 2, 2, 0, 1)));
    check(dtype, shape_of(1, 5, axis(1, 1, 1, 0, 1), axis(1, 1, 1, 0, 1)));
  }
}

TEST(Pool, nan_wins_and_infinities_are_values) {
  const PoolShape s = shape_of(1, 20, axis(4, 2, 2, 0, 1), axis(2, 2, 2, 0, 1));
  for (const DType dtype : {float32, float64, float16}) {
    const Data x(dtype, x_shape(s), 1), y(dtype, y_shape(s), 2), taps(uint8, y_shape(s), 3);
    visit_dtype(dtype, [&]<class T>(T) {
      if constexpr (!std::is_integral_v<T>) {
        T* values = static_cast<T*>(x.data());
        for (int64_t i = 0; i < x.shape().size(); ++i) values[i] = T(-std::numeric_limits<float>::infinity());
        for (int64_t c = 0; c < 20; ++c) values[20 + c] = T(std::numeric_limits<float>::quiet_NaN());
      }
    });
    test::run(prepare_max_pool(dtype, s, true), {x.data(), y.data(), taps.data()});
    for (int64_t c = 0; c < 20; ++c) {
      EXPECT_TRUE(std::isnan(y[c]));
      EXPECT_EQ(taps[c], 1);
      EXPECT_EQ(y[20 + c], -std::numeric_limits<double>::infinity());
      EXPECT_EQ(taps[20 + c], 0);
    }
  }
}

}  // namespace
}  // namespace gradus::cpu
