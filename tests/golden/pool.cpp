// Golden pooling. Indices are flat positions in the spatial plane of each channel; so are ours.
#include <cmath>

#include "tests/golden/border.hpp"

namespace golden {

using namespace gradus;
using namespace gradus::core;

Array torch_max_pool(const Array& x, int64_t size) { return channels_first(max_pool2d(channels_last(x), size)); }
Array torch_average_pool(const Array& x, int64_t size) { return channels_first(average_pool2d(channels_last(x), size)); }

namespace {

template <int kRank>
SizeOf<kRank> size_of(const std::vector<int64_t>& v) {
  if constexpr (kRank == 1) return v.at(0);
  else if constexpr (kRank == 2) return {v.at(0), v.at(1)};
  else return {v.at(0), v.at(1), v.at(2)};
}
template <int kRank>
SizeOf<kRank> size_attr(const Call& c, const char* name, int64_t fallback) {
  return c.is_set(name) ? size_of<kRank>(c.integers(name)) : SizeOf<kRank>(fallback);
}
Padding padding_of(const Call& c) {
  std::vector<PadWidth> widths;
  if (!c.is_set("padding")) return valid;
  for (const int64_t width : c.integers("padding")) widths.emplace_back(width);
  return widths;
}
Results with_positions(const MaxPoolResult& result) {
  return {{"y", channels_first(result.y)}, {"indices", channels_first(result.indices)}};
}

template <int kRank>
Results max_pool_case(const Call& c) {
  const Array x = channels_last(c["x"]);
  const SizeOf<kRank> size = size_attr<kRank>(c, "kernel_size", 1);
  const MaxPoolOptions<kRank> options{.strides = size_attr<kRank>(c, "stride", 0),
                                      .padding = padding_of(c),
                                      .dilation = size_attr<kRank>(c, "dilation", 1),
                                      .round_up = c.flag("ceil_mode")};
  if constexpr (kRank == 1) return with_positions(max_pool1d_with_indices(x, size, options));
  else if constexpr (kRank == 2) return with_positions(max_pool2d_with_indices(x, size, options));
  else return with_positions(max_pool3d_with_indices(x, size, options));
}
template <int kRank>
Results average_pool_case(const Call& c) {
  const Array x = channels_last(c["x"]);
  const SizeOf<kRank> size = size_attr<kRank>(c, "kernel_size", 1);
  const AveragePoolOptions<kRank> options{.strides = size_attr<kRank>(c, "stride", 0),
                                          .padding = padding_of(c),
                                          .round_up = c.flag("ceil_mode"),
                                          .count_padding = c.flag("count_include_pad", true),
                                          .divisor = c.integer("divisor_override", 0)};
  if constexpr (kRank == 1) return channels_first(average_pool1d(x, size, options));
  else if constexpr (kRank == 2) return channels_first(average_pool2d(x, size, options));
  else return channels_first(average_pool3d(x, size, options));
}
// A size of null keeps the axis.
template <int kRank>
SizeOf<kRank> output_size(const Call& c, const Array& x) {
  std::vector<int64_t> sizes;
  const Json& given = c.attrs()["output_size"];
  for (size_t axis = 0; axis < kRank; ++axis) {
    const Json& size = given.is_array() ? given[axis] : given;
    sizes.push_back(size.is_null() ? x.shape(static_cast<int64_t>(axis) + 1) : size.get<int64_t>());
  }
  return size_of<kRank>(sizes);
}
template <int kRank>
Results adaptive_average(const Call& c) {
  const Array x = channels_last(c["x"]);
  const SizeOf<kRank> out = output_size<kRank>(c, x);
  if constexpr (kRank == 1) return channels_first(adaptive_average_pool1d(x, out));
  else if constexpr (kRank == 2) return channels_first(adaptive_average_pool2d(x, out));
  else return channels_first(adaptive_average_pool3d(x, out));
}
template <int kRank>
Results adaptive_max(const Call& c) {
  const Array x = channels_last(c["x"]);
  const SizeOf<kRank> out = output_size<kRank>(c, x);
  if constexpr (kRank == 1) return with_positions(adaptive_max_pool1d_with_indices(x, out));
  else if constexpr (kRank == 2) return with_positions(adaptive_max_pool2d_with_indices(x, out));
  else return with_positions(adaptive_max_pool3d_with_indices(x, out));
}
// (sum of x^p over the window)^(1/p)
Results lp_pool(const Call& c) {
  const Array x = channels_last(c["x"]);
  const double p = c.number("norm_type");
  const std::vector<int64_t> size = c.integers("kernel_size");
  const Array sums = average_pool2d(pow(x, p), size_of<2>(size),
                                    {.strides = size_attr<2>(c, "stride", 0), .round_up = c.flag("ceil_mode"), .divisor = 1});
  return channels_first(p == 1 ? sums : pow(sums, 1 / p));
}
// Each value at its position of the plane, zeros elsewhere.
Results max_unpool(const Call& c) {
  const Array y = c["y"], at = c["indices"];
  const std::vector<int64_t> size = c.integers("kernel_size"), stride = c.is_set("stride") ? c.integers("stride") : size;
  const int64_t n = y.shape(0), ch = y.shape(1), h = (y.shape(2) - 1) * stride[0] + size[0], w = (y.shape(3) - 1) * stride[1] + size[1];
  const Array flat = scatter(zeros({n, ch, h * w}, y.dtype()), reshape(at, {n, ch, -1}), reshape(y, {n, ch, -1}), 2);
  return reshape(flat, {n, ch, h, w});
}

const Entry table[] = {
    {"max_pool1d", max_pool_case<1>},
    {"max_pool2d", max_pool_case<2>},
    {"max_pool3d", max_pool_case<3>},
    {"avg_pool1d", average_pool_case<1>},
    {"avg_pool2d", average_pool_case<2>},
    {"avg_pool3d", average_pool_case<3>},
    {"adaptive_avg_pool1d", adaptive_average<1>},
    {"adaptive_avg_pool2d", adaptive_average<2>},
    {"adaptive_avg_pool3d", adaptive_average<3>},
    {"adaptive_max_pool1d", adaptive_max<1>},
    {"adaptive_max_pool2d", adaptive_max<2>},
    {"adaptive_max_pool3d", adaptive_max<3>},
    {"lp_pool2d", lp_pool},
    {"max_unpool2d", max_unpool},
    {"global_avg_pool",
     [](const Call& c) -> Results {
       const Array pooled = global_average_pool(channels_last(c["x"]));
       const int64_t spatial = c["x"].rank() - 2;
       Dims sizes = pooled.shape().dims();
       for (int64_t i = 0; i < spatial; ++i) sizes.push_back(1);
       return reshape(pooled, NewShape(Shape(sizes)));
     }},
};

}  // namespace

Table pool_table() { return table; }

}  // namespace golden
