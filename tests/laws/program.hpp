// Random programs: what the laws of programs run planned, op by op, differentiated, batched, cut and read.
#pragma once

#include "gradus/gradus.hpp"
#include "tests/laws/driver.hpp"

namespace laws {

using namespace gradus;
using namespace gradus::core;

// One random program: the same seed makes the same calls on any inputs of the same dtypes and shapes.
class Program {
 public:
  /// What a program is made of besides element-wise ops, reductions and rearrangements.
  struct Kinds {
    bool has_products = false;  ///< products, convolutions, pooling, biases and relu behind them
    int length = 50;
  };
  explicit Program(unsigned seed) : Program(seed, Kinds{}) {}
  Program(unsigned seed, Kinds kinds) : seed_(seed), kinds_(kinds) {}

  /// All values, in the order in which they were made.
  Arrays operator()(const Arrays& inputs) {
    engine_.seed(seed_);
    pool_ = inputs;
    for (int step = 0; step < kinds_.length; ++step) {
      pool_.push_back(kinds_.has_products && draw(4) == 0 ? product(any_float()) : next());
      if (look) look(pool_.back());
    }
    return std::move(pool_);
  }
  /// Called with each value as soon as it is made.
  std::function<void(const Array&)> look{};

 private:
  size_t draw(size_t count) { return engine_() % count; }
  // New values as often as old ones, so that programs grow deep.
  const Array& any() {
    return draw(2) == 0 ? pool_[pool_.size() - 1 - draw(std::min<size_t>(pool_.size(), 6))] : pool_[draw(pool_.size())];
  }
  Array any_float() {
    const Array& x = any();
    return x.dtype().is_float() ? x : x.astype(float32);
  }
  bool fits(const Array& x, const Array& y) const {
    for (int64_t axis = 1; axis <= std::min(x.rank(), y.rank()); ++axis)
      if (x.shape(-axis) != y.shape(-axis) && x.shape(-axis) != 1 && y.shape(-axis) != 1) return false;
    return true;
  }
  Array partner(const Array& x) {
    for (int attempt = 0; attempt < 4; ++attempt) {
      const Array& y = any();
      if (fits(x, y)) return y;
    }
    return x;
  }
  // Bools go on as numbers.
  static Array number(const Array& x) { return x.dtype().is_bool() ? x.astype(int32) : x; }

  Array next() {
    switch (draw(5)) {
      case 0: return unary(any_float());
      case 1: {
        const Array x = any();
        return binary(x, partner(x));
      }
      case 2: return with_number(number(any()));
      case 3: return reduction(any_float());
      default: return rearranged(any());
    }
  }
  Array unary(const Array& x) {
    switch (draw(16)) {
      case 0: return sin(x);
      case 1: return tanh(x);
      case 2: return exp(tanh(x));
      case 3: return sigmoid(x);
      case 4: return relu(x);
      case 5: return abs(x);
      case 6: return -x;
      case 7: return sqrt(abs(x) + 0.5);
      case 8: return gelu(x);
      case 9: return square(tanh(x));
      case 10: return x.astype(float32);
      case 11: return x.astype(float64);
      case 12: return x.astype(bfloat16);
      case 13: return clip(x, -3, 3).astype(int32);
      case 14: return log1p(abs(x));
      default: return stop_gradient(x);
    }
  }
  Array binary(const Array& x, const Array& y) {
    switch (draw(9)) {
      case 0: return number(x) + y;
      case 1: return number(x) - number(y);
      case 2: return tanh(number(x)) * y;
      case 3: return number(x) / (2 + square(tanh(number(y))));
      case 4: return maximum(x, y);
      case 5: return minimum(x, y);
      case 6: return x > y;
      case 7: return where(x < y, x, y);
      default: return clip(number(x), -2, 2) * number(y);
    }
  }
  Array with_number(const Array& x) {
    switch (draw(5)) {
      case 0: return 0.5 * x;
      case 1: return 1 - x;
      case 2: return x + 0.25;
      case 3: return x / 3;
      default: return pow(clip(x, -2, 2), 2);
    }
  }
  Array reduction(const Array& x) {
    if (x.rank() == 0) return tanh(x);
    const auto axis = static_cast<int64_t>(draw(static_cast<size_t>(x.rank())));
    if (x.shape(axis) == 0) return x;
    switch (draw(9)) {
      case 0: return sum(x, axis);
      case 1: return mean(x, axis, keepdims);
      case 2: return max(x, axis);
      case 3: return min(x, axis, keepdims);
      case 4: return var(x, axis);
      case 5: return logsumexp(tanh(x), axis);
      case 6: return cumsum(x, axis);
      case 7: return softmax(tanh(x), axis);
      default: return sum(x);
    }
  }
  Array rearranged(const Array& x) {
    if (x.rank() == 0) return broadcast_to(x, {3});
    const auto axis = static_cast<int64_t>(draw(static_cast<size_t>(x.rank())));
    switch (draw(8)) {
      case 0: return transpose(x);
      case 1: return ravel(x);
      case 2: return flip(x, axis);
      case 3: return x.shape(0) > 1 ? x[slice(1, {})] : x;
      case 4: return x.shape(0) > 0 ? x[-1] : x;
      case 5: return x.size() < 200 ? concatenate({x, flip(x, axis)}, axis) : x;
      case 6: return expand_dims(x, axis);
      default: return x[{ellipsis, slice({}, {}, 2)}];
    }
  }

  // Numbers of a shape, the same for the same draw.
  Array weights(const Shape& shape, DType dtype) { return uniform(shape, -1, 1, static_cast<unsigned>(draw(50))).astype(dtype); }
  Array flat(const Array& x, int64_t columns) {
    const int64_t rows = std::max<int64_t>(1, (x.size() + columns - 1) / columns);
    return reshape(pad(ravel(x), std::vector<PadWidth>{{0, rows * columns - x.size()}}), {rows, columns});
  }
  // Products and convolutions, most with a bias or relu behind them that a plan may absorb.
  Array product(const Array& given) {
    const Array x = tanh(given.dtype() == float64 ? given : given.astype(float32));
    const DType dtype = x.dtype();
    Array y;
    switch (draw(5)) {
      case 0: y = matmul(flat(x, 4), weights({4, 5}, dtype)); break;
      case 1: {
        const Array rows = flat(x, 3);
        y = matmul(transpose(rows), weights({rows.shape(0), 4}, dtype));
        break;
      }
      case 2: y = conv1d(reshape(flat(x, 6), {1, -1, 6}), weights({1, 6, 3}, dtype)); break;
      case 3: y = conv2d(reshape(flat(x, 16), {-1, 4, 4, 1}), weights({3, 3, 1, 2}, dtype), {.padding = same}); break;
      default: y = max_pool2d(relu(conv2d(reshape(flat(x, 16), {-1, 4, 4, 1}), weights({3, 3, 1, 2}, dtype), {.padding = same})), 2);
    }
    switch (draw(6)) {
      case 0: return y;
      case 1: return relu(y);
      case 2: return y + weights({y.shape(-1)}, dtype);
      case 3: return relu(y + weights({y.shape(-1)}, dtype));
      case 4: return (y + weights({y.shape(-1)}, dtype)) * sum(y);  // the product is read twice
      default: return relu(y + weights({1}, dtype));
    }
  }

  unsigned seed_;
  Kinds kinds_;
  std::mt19937 engine_;
  Arrays pool_;
};

inline Arrays inputs_of(unsigned seed) {
  const DType dtype = seed % 3 == 0 ? float64 : float32;
  return {uniform({4, 6}, -1, 1, seed).astype(dtype).eval(), uniform({6}, -1, 1, seed + 1).astype(dtype).eval(),
          uniform({4, 1}, -1, 1, seed + 2).astype(float64).eval(), uniform({}, -1, 1, seed + 3).astype(float32).eval(),
          laws::integers({4, 6}, -3, 4, seed).astype(int32).eval(), bools({6}, seed)};
}
// Some of the values, the same for the same seed.
inline Arrays chosen(const Arrays& values, unsigned seed) {
  std::mt19937 engine(seed + 1000);
  Arrays out{values.back()};
  for (int k = 0; k < 4; ++k) out.push_back(values[engine() % values.size()]);
  return out;
}

}  // namespace laws
