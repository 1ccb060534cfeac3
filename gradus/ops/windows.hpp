// What convolution and pooling share: checks and sizes of windows, batching of images. Not for users.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gradus/graph/op_def.hpp"
#include "gradus/ops/conv_options.hpp"

namespace gradus::rule {

/// One entry a spatial axis.
struct WindowSizes {
  Dims strides, dilation, pad_begin, pad_end, out;
};

/// Throws where a kernel size, stride or dilation is not positive.
void check_window(std::string_view op, const Dims& kernel, const Dims& strides, const Dims& dilation);
/// What `padding` (not `same`) says for each axis; throws where its count or a width does not fit.
std::vector<PadWidth> side_widths(std::string_view op, const Padding& padding, size_t axes);
/// What to do where x has its channels first, or lacks an axis; "" where that is not certain. `channels`: how many x must have.
std::string hint_of_layout(const Shape& x, int64_t channels);
/// The same for images in which a window finds too few rows: square ones of 1 or 3 channels, (N, 3, 32, 32), whose rows are their channels.
std::string hint_of_images(const Shape& x);
/// The same for an image of the wrong rank, which is to have `spatial` axes between batch and channels.
std::string hint_of_rank(const Shape& x, int64_t spatial);
/// Everything for windows of `kernel` over the images x (N, spatial..., C); throws where the window is larger than the padded image.
WindowSizes window_sizes(std::string_view op, const Shape& x, const Dims& kernel, const Dims& strides, const Dims& dilation,
                         const Padding& padding);

/// (B, N, ...) as (B * N, ...), and back for N = count.
Array merge_front(const Array& x);
Array split_front(const Array& x, int64_t batch, int64_t count);
/// The batch of no examples: empty arrays of the outputs' shapes.
std::vector<Array> batch_of_none(const Call& call, std::span<const bool> is_batched);

}  // namespace gradus::rule
