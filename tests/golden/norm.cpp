// Golden normalisation, and the softmax family.
#include <cmath>

#include "tests/golden/border.hpp"

namespace golden {
namespace {

using namespace gradus;
using namespace gradus::core;

Results batch_norm_case(const Call& c) {
  const Array x = channels_last(c["x"]);
  const double eps = c.number("eps"), momentum = c.number("momentum", 0.1);
  const Array weight = optional(c, "weight"), bias = optional(c, "bias");
  if (!c.flag("training")) return channels_first(batch_norm(x, c["running_mean"], c["running_var"], weight, bias, eps));
  const auto [y, mean, var] = batch_norm(x, weight, bias, eps);
  const double n = static_cast<double>(x.size() / x.shape(-1));
  return {{"y", channels_first(y)},
          {"new_running_mean", (1 - momentum) * c["running_mean"] + momentum * mean},
          {"new_running_var", (1 - momentum) * c["running_var"] + momentum * var * (n / (n - 1))}};
}
Results layer_norm_case(const Call& c) {
  if (c.has("weight")) return layer_norm(c["x"], c["weight"], optional(c, "bias"), c.number("eps"));
  return layer_norm_over(c["x"], static_cast<int64_t>(c.integers("normalized_shape").size()), c.number("eps"));
}
Results rms_norm_case(const Call& c) {
  if (c.has("weight")) return rms_norm(c["x"], c["weight"], c.number("eps"));
  if (c.integers("normalized_shape").size() == 1) return rms_norm(c["x"], c.number("eps"));
  return rms_norm(c["x"], ones(Shape(c.integers("normalized_shape")), c.dtype), c.number("eps"));
}
Results group_norm_case(const Call& c) {
  return channels_first(
      group_norm(channels_last(c["x"]), c.integer("num_groups"), optional(c, "weight"), optional(c, "bias"), c.number("eps")));
}
Results instance_norm_case(const Call& c) {
  return channels_first(instance_norm(channels_last(c["x"]), optional(c, "weight"), optional(c, "bias"), c.number("eps")));
}
// x / (k + alpha mean of the squares of `size` neighbouring channels, zeros outside)^beta
Results local_response_norm(const Call& c) {
  const int64_t size = c.integer("size");
  const Array x = channels_last(c["x"]);
  std::vector<PadWidth> widths(static_cast<size_t>(x.rank()), PadWidth(0));
  widths.back() = PadWidth(size / 2, (size - 1) / 2);
  const Array squares = mean(sliding_windows(pad(square(x), widths), size, -1), -1);
  return channels_first(x / pow(c.number("k") + c.number("alpha") * squares, c.number("beta")));
}
Array p_norm(const Array& x, double p, int64_t axis, KeepDims keep) {
  if (p == 1) return sum(abs(x), axis, keep);
  if (p == 2) return sqrt(sum(square(x), axis, keep));
  if (std::isinf(p)) return max(abs(x), axis, keep);
  return pow(sum(pow(abs(x), p), axis, keep), 1 / p);
}
Results normalize(const Call& c) {
  return c["x"] / maximum(p_norm(c["x"], c.number("p"), c.integer("axis"), keepdims), c.number("eps"));
}
Results pairwise_distance(const Call& c) {
  return p_norm(c["x1"] - c["x2"] + c.number("eps"), c.number("p"), -1, c.flag("keepdims") ? KeepDims::yes : KeepDims::no);
}
Results weight_norm(const Call& c) {
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < c["v"].rank(); ++axis)
    if (axis != c.integer("axis")) axes.push_back(axis);
  return c["g"] * c["v"] / sqrt(sum(square(c["v"]), axes, keepdims));
}

const Entry table[] = {
    {"batch_norm", batch_norm_case},
    {"layer_norm", layer_norm_case},
    {"rms_norm", rms_norm_case},
    {"group_norm", group_norm_case},
    {"instance_norm", instance_norm_case},
    {"local_response_norm", local_response_norm},
    {"normalize", normalize},
    {"cosine_similarity",
     [](const Call& c) -> Results { return cosine_of(c["x1"], c["x2"], c.integer("axis"), c.number("eps")); }},
    {"pairwise_distance", pairwise_distance},
    {"weight_norm", weight_norm},
};

// Rearrangements of channels and pixels; x is N, C, H, W.
Results pixel_shuffle(const Call& c) {
  const Array x = c["x"];
  const int64_t r = c.integer("upscale_factor"), n = x.shape(0), ch = x.shape(1) / (r * r), h = x.shape(2), w = x.shape(3);
  return reshape(transpose(reshape(x, {n, ch, r, r, h, w}), {0, 1, 4, 2, 5, 3}), {n, ch, h * r, w * r});
}
Results pixel_unshuffle(const Call& c) {
  const Array x = c["x"];
  const int64_t r = c.integer("downscale_factor"), n = x.shape(0), ch = x.shape(1), h = x.shape(2) / r, w = x.shape(3) / r;
  return reshape(transpose(reshape(x, {n, ch, h, r, w, r}), {0, 1, 3, 5, 2, 4}), {n, ch * r * r, h, w});
}
Results channel_shuffle(const Call& c) {
  const Array x = c["x"];
  std::vector<int64_t> sizes = x.shape().to_vector(), split = sizes;
  split[1] = c.integer("groups");
  split.insert(split.begin() + 2, sizes[1] / c.integer("groups"));
  return reshape(swapaxes(reshape(x, split), 1, 2), sizes);
}
// Windows of N, C, H, W as N, C kh kw, L.
Results unfold(const Call& c) {
  const std::vector<int64_t> size = c.integers("kernel_size"), dilation = c.integers("dilation"), padding = c.integers("padding"),
                             stride = c.integers("stride");
  Array x = pad(c["x"], {0, 0, padding[0], padding[1]});
  for (const size_t axis : {0, 1}) {
    const int64_t span = dilation[axis] * (size[axis] - 1) + 1;
    x = sliding_windows(x, span, static_cast<int64_t>(axis) + 2, stride[axis])[{ellipsis, slice({}, {}, dilation[axis])}];
  }
  const int64_t n = x.shape(0), ch = x.shape(1), oh = x.shape(2), ow = x.shape(3);  // N, C, OH, OW, kh, kw
  return reshape(transpose(x, {0, 1, 4, 5, 2, 3}), {n, ch * size[0] * size[1], oh * ow});
}
// The transpose of unfold: windows added up where they came from.
Results fold(const Call& c) {
  const std::vector<int64_t> out = c.integers("output_size");
  const Array x = c["x"];
  const std::vector<int64_t> size = c.integers("kernel_size");
  const int64_t channels = x.shape(1) / (size[0] * size[1]);
  const auto [y, pullback] = vjp(
      [&](const Array& image) -> Array {
        const Arguments inputs{{"x", {{image}, false}}};
        return unfold(Call(inputs, c.attrs(), c.dtype)).at("y").arrays[0];
      },
      zeros({x.shape(0), channels, out[0], out[1]}, x.dtype()));
  return pullback(x);
}
// Each output position reads one input position: output i reads floor(i / scale), or with `exact` the centre's.
Results nearest(const Call& c, bool exact) {
  Array x = c["x"];
  const int64_t axes = x.rank() - 2;
  for (int64_t a = 0; a < axes; ++a) {
    const int64_t in = x.shape(a + 2);
    const bool has_size = c.is_set("size");
    const double factor = has_size ? 0 : c.number("scale_factor");
    const int64_t out =
        has_size ? c.integers("size")[static_cast<size_t>(a)] : static_cast<int64_t>(std::floor(static_cast<double>(in) * factor));
    const double step = has_size || c.flag("recompute_scale_factor") ? static_cast<double>(in) / static_cast<double>(out) : 1 / factor;
    std::vector<int64_t> from;
    for (int64_t i = 0; i < out; ++i)
      from.push_back(std::min(in - 1, static_cast<int64_t>(std::floor((static_cast<double>(i) + (exact ? 0.5 : 0)) * step))));
    x = take(x, array(from), a + 2);
  }
  return x;
}

const Entry functions[] = {
    {"softmax", [](const Call& c) -> Results { return softmax(c["x"], c.integer("axis")); }},
    {"log_softmax", [](const Call& c) -> Results { return log_softmax(c["x"], c.integer("axis")); }},
    {"softmin", [](const Call& c) -> Results { return softmin(c["x"], c.integer("axis")); }},
    {"gumbel_softmax_fixed_noise",
     [](const Call& c) -> Results { return softmax((c["logits"] + c["gumbel"]) / c.number("tau"), -1); }},
    {"dropout",
     [](const Call& c) -> Results {
       if (c.flag("training") && c.number("p") > 0) throw NotCovered("a random mask");
       return dropout(c["x"], 0.0);
     }},
    {"dropout_fixed_mask", [](const Call& c) -> Results { return c["x"] * c["mask"] / (1 - c.number("p")); }},
    {"interpolate_nearest", [](const Call& c) { return nearest(c, false); }},
    {"interpolate_nearest_exact", [](const Call& c) { return nearest(c, true); }},
    {"pixel_shuffle", pixel_shuffle},
    {"pixel_unshuffle", pixel_unshuffle},
    {"channel_shuffle", channel_shuffle},
    {"unfold", unfold},
    {"fold", fold},
};

}  // namespace

Array cosine_of(const Array& a, const Array& b, int64_t axis, double eps) {
  const Array length_a = sqrt(sum(square(a), axis)), length_b = sqrt(sum(square(b), axis));
  return sum(a * b, axis) / (maximum(length_a, eps) * maximum(length_b, eps));
}

Table norm_table() { return table; }
Table nnfunc_table() { return functions; }

}  // namespace golden
