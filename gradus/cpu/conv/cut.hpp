// How a convolution is cut into parts for the threads: by arithmetic on its sizes alone. Private to cpu/.
#pragma once

#include <vector>

#include "gradus/cpu/conv/shape.hpp"

namespace gradus::cpu {

/// A part: the smaller convolution that it is, and where its operands begin, in elements of the whole's. Its operands are those of the
/// whole: a pixel of x has x_pixel channels in memory, of which the part reads or writes some, one of y y_pixel.
struct ConvPart {
  ConvShape shape{};
  int64_t x_pixel = 0, y_pixel = 0;
  int64_t x = 0, y = 0, w = 0;  ///< of a bias: as many as of w
};

enum class ConvWay { forward, input_gradient, weight_gradient };

/// The size of a part, of what it computes: images; rows (along the first spatial axis) of y, of the input gradient those of x; channels of
/// y, of the input gradient those of x. Of a weight gradient images are summed and channels are those of y; rows are all.
struct ConvCut {
  int64_t images = 0, rows = 0, channels = 0;
  friend bool operator==(const ConvCut&, const ConvCut&) = default;
};

/// The cut that serves oneDNN well: images first, rows of few images, channels of large weight gradients. Channels are cut where there is
/// one group.
ConvCut choose_cut(ConvWay way, const ConvShape& whole);

/// The parts, all of nearly equal size, in the order of images, then rows, then channels. Empty where the rows cannot be cut so: a part of
/// an input gradient would begin between two results, or read none.
std::vector<ConvPart> parts_of(ConvWay way, const ConvShape& whole, const ConvCut& cut);

}  // namespace gradus::cpu
