// Random arrays from Philox 4x32-10. Element i of a draw depends on the key and i alone: word i of a key is word i % 4 of
// philox(i / 4, stream, key). Stream 0 gives an element's upper 32 bits, stream 1 its lower 32; so a float32 draw is the float64 draw
// of the same key, rounded or cut. Vector code uses exactly rounded operations only: every processor gives the same bits.
#pragma once

#include "gradus/base/philox.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// Word streams of a key, and the stream that makes keys from keys.
enum class RandomStream : uint64_t { upper = 0, lower = 1, keys = 2 };

/// The n-th key below `key`.
constexpr int64_t fold_in(int64_t key, int64_t n) {
  const auto words = philox(static_cast<uint64_t>(n), static_cast<uint64_t>(RandomStream::keys), static_cast<uint64_t>(key));
  return static_cast<int64_t>(uint64_t{words[1]} << 32 | words[0]);
}

// Each draws for every key of an int64 array `out.size() / keys.size()` elements, a row of the output. Input: keys.
KernelPtr uniform(const Layout& keys, const Layout& out);  ///< [0, 1): 24 bits, float64 53; 16-bit dtypes: 24, rounded down
KernelPtr normal(const Layout& keys, const Layout& out);   ///< inverse distribution function of 32 bits, float64 52
/// Standard normal between low < high, from the tail that is nearer; see normal_interval.
KernelPtr truncated_normal(const Layout& keys, const Layout& out, double low, double high);
/// Probabilities of a standard normal number: to lie below an interval, in it, and above it.
struct NormalInterval {
  double below, span, above;
};
NormalInterval normal_interval(double low, double high);
/// low + floor(r * range / 2^64) with 64 random bits r; range 0 stands for 2^64.
KernelPtr integers(const Layout& keys, const Layout& out, int64_t low, uint64_t range);
KernelPtr permutation(const Layout& keys, const Layout& out);
/// x / (1 - rate) where word i of the key is at least rate * 2^32, else 0. The keys stand for the leading axes of x (sizes equal or 1).
/// Inputs x, keys, contiguous.
KernelPtr dropout(const Layout& x, const Layout& keys, double rate);
/// out[i] = fold_in(keys[i], numbers[i]), int64, contiguous, one shape.
KernelPtr fold_in(const Layout& keys);

}  // namespace gradus::cpu
