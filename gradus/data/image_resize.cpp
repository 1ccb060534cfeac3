// Images at another size: triangle filters along the rows, then along the columns.
#include <algorithm>
#include <cmath>

#include "gradus/data/image_file.hpp"

namespace gradus::data {

namespace {

// Weights are whole numbers of this unit: 8 bits of pixels, 2 of sums beyond 255, and these make 32.
constexpr int kBits = 22;

// For each place of a side: where its first pixel is, and the weights of as many as it sees.
struct Weights {
  int64_t most = 0;  // weights a place
  std::vector<int64_t> firsts{}, counts{};
  std::vector<int32_t> values{};
};

Weights triangle(int64_t size, double from, double to, int64_t wanted) {
  const double scale = (to - from) / static_cast<double>(wanted), reach = std::max(scale, 1.0);
  Weights out;
  out.most = 2 * static_cast<int64_t>(std::ceil(reach)) + 1;
  out.values.assign(static_cast<size_t>(out.most * wanted), 0);
  std::vector<double> weights(static_cast<size_t>(out.most));
  for (int64_t i = 0; i < wanted; ++i) {
    const double centre = from + (static_cast<double>(i) + 0.5) * scale;
    const auto begin = std::max<int64_t>(static_cast<int64_t>(centre - reach + 0.5), 0);
    const auto end = std::min<int64_t>(static_cast<int64_t>(centre + reach + 0.5), size);
    double sum = 0;
    for (int64_t k = begin; k < end; ++k) {
      const double weight = std::max(1 - std::abs((static_cast<double>(k) - centre + 0.5) / reach), 0.0);
      weights[static_cast<size_t>(k - begin)] = weight;
      sum += weight;
    }
    for (int64_t k = 0; k < end - begin; ++k) {
      const double share = sum > 0 ? weights[static_cast<size_t>(k)] / sum : 0;
      out.values[static_cast<size_t>(i * out.most + k)] = static_cast<int32_t>(share * (1 << kBits) + 0.5);
    }
    out.firsts.push_back(begin);
    out.counts.push_back(end - begin);
  }
  return out;
}

// A side of `wanted` places in place of one of `size`: pixels are (outer, size, inner), the result (outer, wanted, inner).
std::vector<uint8_t> along(const uint8_t* pixels, int64_t outer, int64_t size, int64_t inner, const Weights& weights) {
  const auto wanted = static_cast<int64_t>(weights.firsts.size());
  std::vector<uint8_t> out(static_cast<size_t>(outer * wanted * inner));
  std::vector<int64_t> sums(static_cast<size_t>(inner));
  uint8_t* to = out.data();
  for (int64_t o = 0; o < outer; ++o, pixels += size * inner) {
    for (int64_t i = 0; i < wanted; ++i) {
      std::fill(sums.begin(), sums.end(), int64_t{1} << (kBits - 1));
      const int32_t* weight = weights.values.data() + i * weights.most;
      const uint8_t* at = pixels + weights.firsts[static_cast<size_t>(i)] * inner;
      for (int64_t k = 0; k < weights.counts[static_cast<size_t>(i)]; ++k, at += inner) {
        for (int64_t j = 0; j < inner; ++j) sums[static_cast<size_t>(j)] += int64_t{at[j]} * weight[k];
      }
      for (const int64_t sum : sums) *to++ = static_cast<uint8_t>(std::clamp<int64_t>(sum >> kBits, 0, 255));
    }
  }
  return out;
}

uint8_t of_255(int value, int alpha) { return static_cast<uint8_t>((value * alpha + 127) / 255); }

Pixels premultiplied(Pixels pixels) {
  for (size_t i = 0; i < pixels.bytes.size(); i += 4) {
    for (size_t c = 0; c < 3; ++c) pixels.bytes[i + c] = of_255(pixels.bytes[i + c], pixels.bytes[i + 3]);
  }
  return pixels;
}
Pixels divided(Pixels pixels) {
  for (size_t i = 0; i < pixels.bytes.size(); i += 4) {
    const int alpha = pixels.bytes[i + 3];
    if (alpha == 0 || alpha == 255) continue;
    for (size_t c = 0; c < 3; ++c) pixels.bytes[i + c] = static_cast<uint8_t>(std::min(255, 255 * pixels.bytes[i + c] / alpha));
  }
  return pixels;
}

}  // namespace

Pixels resampled(const Pixels& pixels, const Window& window, int64_t height, int64_t width) {
  const bool has_alpha = pixels.channels == 4;
  const Pixels weighed = has_alpha ? premultiplied(pixels) : Pixels();
  const uint8_t* const bytes = has_alpha ? weighed.bytes.data() : pixels.bytes.data();
  // Rows that the window does not reach are left out of the first pass.
  const auto reach = static_cast<int64_t>(std::ceil(std::max((window.bottom - window.top) / static_cast<double>(height), 1.0))) + 1;
  const int64_t first = std::max<int64_t>(static_cast<int64_t>(window.top) - reach, 0);
  const int64_t end = std::min<int64_t>(static_cast<int64_t>(window.bottom) + reach + 1, pixels.height);
  const Weights across = triangle(pixels.width, window.left, window.right, width);
  Weights down = triangle(pixels.height, window.top, window.bottom, height);
  for (int64_t& each : down.firsts) each -= first;
  const int64_t row = pixels.width * pixels.channels;
  const std::vector<uint8_t> rows = along(bytes + first * row, end - first, pixels.width, pixels.channels, across);
  Pixels out{height, width, pixels.channels, along(rows.data(), 1, end - first, width * pixels.channels, down)};
  return has_alpha ? divided(std::move(out)) : out;
}

}  // namespace gradus::data
