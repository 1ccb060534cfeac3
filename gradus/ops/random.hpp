// Random arrays: counter-based (Philox 4x32-10), from keys or from the process's seeded default generator.
#pragma once

#include <array>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::random {

/// Decides a draw: the same key gives the same numbers, whatever the threads, the fusion and the batching. Wraps an int64 array
/// (of rank 0, or more for a batch of keys), so that transforms carry it. Made by key(), split() and fold_in() only.
class Key {
 public:
  /// For transforms and modules.
  static Key from_array(const Array& words);
  const Array& array() const { return words_; }

 private:
  struct FromWords {};  // a constructor from one argument would make normal({5}, ...) ambiguous
  Key(FromWords, Array words) : words_(std::move(words)) {}
  Array words_;
};

/// The key of a seed: any int64. Equal seeds give equal keys.
Key key(int64_t seed);
/// Independent keys from one, which should not be used again; fold_in(key, i) is the i-th.
std::vector<Key> split(const Key& key, int64_t count);
template <size_t N>
std::array<Key, N> split(const Key& key);
/// The key of number `n` below `key`: n is a number or an integer array.
Key fold_in(const Key& key, const Array& n);

/// Seeds the default generator, from which the functions without a key draw. It starts with seed 0.
void seed(int64_t seed);
/// The next key of the default generator.
Key next_key();
/// The next key of its second stream, from which parameters get their first values: building a model moves no other draw. Seeded by
/// seed(); not part of state().
Key next_initializer_key();
/// Where the default generator stands; set_state(state()) makes it repeat.
struct GeneratorState {
  int64_t seed = 0, counter = 0;
};
GeneratorState state();
void set_state(GeneratorState state);

/// Evenly distributed in [low, high): element i is low + (high - low) * u_i, with u_i a multiple of 2^-24 (float64: 2^-53) in [0, 1),
/// rounded down to a number of `dtype` wherever numbers of `dtype` lie so wide apart that rounding shows: so `high` never comes, and the
/// ends come as often as what lies between. low and high count as `dtype` holds them; with low = high all elements are low. Numbers with
/// low > high, nan, or beyond the range of `dtype` are errors; of arrays, elements with low > high give low. Differentiable in low and
/// high. The result has the dtype that is asked for, whatever those of the parameters; the same holds for all draws.
Array uniform(const Shape& shape);
Array uniform(const Shape& shape, const Array& low, const Array& high, DType dtype = float32);
Array uniform(const Key& key, const Shape& shape);
Array uniform(const Key& key, const Shape& shape, const Array& low, const Array& high, DType dtype = float32);
/// Normally distributed, mean + deviation * z; by inversion of the distribution function (Wichura, Applied Statistics 37, 1988). |z| is at
/// most 6.3 (float64: 8.2). 16-bit dtypes are computed in float32 and rounded once. Numbers that are not finite in `dtype`, and a deviation
/// below 0, are errors. Differentiable in mean and deviation.
Array normal(const Shape& shape);
Array normal(const Shape& shape, const Array& mean, const Array& deviation, DType dtype = float32);
Array normal(const Key& key, const Shape& shape);
Array normal(const Key& key, const Shape& shape, const Array& mean, const Array& deviation, DType dtype = float32);
/// Standard normal, given that it lies in [low, high], by inversion in float64 from the nearer tail; both ends may be infinite. The result
/// lies within the bounds in every dtype. Bounds between which there is a probability below 2^-960, or no number of `dtype`, are errors.
Array truncated_normal(const Shape& shape, double low = -2, double high = 2, DType dtype = float32);
Array truncated_normal(const Key& key, const Shape& shape, double low = -2, double high = 2, DType dtype = float32);
/// true with the given probability (a number or an array that broadcasts to shape): u < probability, with u of 53 bits for arrays and
/// for numbers that are near 0 or 1, else of 24.
Array bernoulli(const Shape& shape, const Array& probability);
Array bernoulli(const Key& key, const Shape& shape, const Array& probability);
/// Integers in [low, high), each with the same probability but for (high - low) / 2^64 of it.
Array integers(const Shape& shape, int64_t low, int64_t high, DType dtype = int64);
Array integers(const Key& key, const Shape& shape, int64_t low, int64_t high, DType dtype = int64);
/// 0 .. count-1 in random order: (count,), int64.
Array permutation(int64_t count);
Array permutation(const Key& key, int64_t count);
/// The slices of x along an axis in random order.
Array shuffle(const Array& x, int64_t axis = 0);
Array shuffle(const Key& key, const Array& x, int64_t axis = 0);

/// A scope in which draws of this thread without a key use fold_in(base, 0), fold_in(base, 1), ...: how compile makes them inputs. Under a
/// vmap that is opened inside the scope such draws are still an error; a scope opened inside vmap says what they mean.
class BaseScope {
 public:
  explicit BaseScope(Key base);
  ~BaseScope();
  BaseScope(const BaseScope&) = delete;
  BaseScope& operator=(const BaseScope&) = delete;

 private:
  struct Draws {
    Key base;
    int64_t count = 0;
  };
  friend Key next_key();
  Draws draws_;
  bool is_batching_;
  BaseScope* before_;
};

/// split<N>(key), declared above.
template <size_t N>
std::array<Key, N> split(const Key& key) {
  return [&]<size_t... I>(std::index_sequence<I...>) {
    return std::array<Key, N>{fold_in(key, static_cast<int64_t>(I))...};
  }(std::make_index_sequence<N>());
}

}  // namespace gradus::random

namespace gradus {

/// x with each element set to zero with probability `rate`, the others divided by 1 - rate. rate 0 returns x.
Array dropout(const Array& x, double rate);
Array dropout(const Array& x, double rate, const random::Key& key);

}  // namespace gradus
