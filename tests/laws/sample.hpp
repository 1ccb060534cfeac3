// Samples: calls of an op on which all laws are checked. One list a family in samples/; an op without one fails the laws.
#pragma once

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/nn/precision.hpp"
#include "gradus/transform/all_ops.hpp"
#include "tests/derive.hpp"
#include "tests/laws/plain.hpp"

namespace laws {

using gradus::Array, gradus::Axes, gradus::DType, gradus::Shape;
using tests::Arrays, tests::ListFunction;

using Reference = std::function<Plain(const std::vector<Plain>&)>;

/// One call.
struct Sample {
  std::string_view op;       ///< name of the op that the call records (among others)
  Arrays inputs{};           ///< floats in float64; away from kinks, ties and poles, for the sake of finite differences, if is_smooth
  ListFunction call{};
  Reference reference{};     ///< the first output by plain loops; empty: checked elsewhere (golden vectors)
  Reference gradient{};      ///< the cotangent of the first input where that of element k of the first output is k + 1; for ties and kinks
  int orders = 2;            ///< of derivatives that exist; 0: not differentiable
  double tolerance = 1e-6;   ///< relative, of derivatives against finite differences
  bool is_smooth = true;  ///< false: at a tie or kink, or constant on purpose: finite differences say nothing, forward equals reverse mode
  bool has_reverse = true;   ///< false: only forward mode
  bool has_vmap = true;      ///< false: the call reads values (its shapes depend on data)
  bool is_lowered = true;    ///< false: symbols that never run
  bool same_bits = true;     ///< false: planned and op by op may differ in bits (the passes that docs/plan.md names)
  bool refuses_specials = false;  ///< true: NaN and infinity are errors
  bool takes_specials = true;  ///< false: the reference says nothing about NaN and infinity (an identity; a padded zero times infinity)
  bool fits_bools = true;    ///< false: sums inside the call, which of bools are "or"
  double mode_tolerance = 1e-10;  ///< relative, of forward against reverse mode; more where the call rounds to less than double
  DType sums = gradus::float64;  ///< float32: what the call adds up in, whatever its inputs have; another order gives other last digits
  DType narrowest = gradus::float16;  ///< float16: the call makes sense in all float dtypes; float32: in 32 bits and above
};
using Samples = std::vector<Sample>;

/// What belongs together in one file of samples/.
struct Family {
  std::string_view name;
  Samples (*samples)();
};
Samples leaf_samples();
Samples elementwise_samples();
Samples shape_samples();
Samples reduce_samples();
Samples random_samples();
Samples linalg_samples();
Samples conv_samples();
Samples update_samples();
Samples normalize_samples();
Samples attention_samples();
Samples recurrent_samples();
Samples transform_samples();
Samples kink_samples();
Samples composed_samples();
Samples big_samples();
Samples ctc_samples();
inline constexpr Family kFamilies[] = {
    {"leaf", leaf_samples},     {"elementwise", elementwise_samples}, {"shape", shape_samples},         {"reduce", reduce_samples},
    {"random", random_samples}, {"linalg", linalg_samples},           {"conv", conv_samples},           {"normalize", normalize_samples},
    {"update", update_samples}, {"kink", kink_samples},               {"transform", transform_samples},
    {"composed", composed_samples}, {"big", big_samples},             {"attention", attention_samples},     {"recurrent", recurrent_samples},
    {"ctc", ctc_samples},
};

/// float64 numbers evenly distributed in [low, high), from a seed.
inline Array uniform(const Shape& shape, double low = -1.5, double high = 1.5, unsigned seed = 1) {
  std::mt19937 engine(seed * 7919 + static_cast<unsigned>(shape.size()));
  std::uniform_real_distribution<double> draw(low, high);
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (double& value : values) value = draw(engine);
  return gradus::array(values, shape);
}
/// Numbers that differ from each other by at least `step`, in random order: no ties.
inline Array distinct(const Shape& shape, double step = 0.05, unsigned seed = 1) {
  std::mt19937 engine(seed * 104729 + static_cast<unsigned>(shape.size()));
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = (static_cast<double>(i) - static_cast<double>(values.size()) / 2 + 0.3) * step;
  std::shuffle(values.begin(), values.end(), engine);
  return gradus::array(values, shape);
}
/// Integers in [low, high).
inline Array integers(const Shape& shape, int64_t low, int64_t high, unsigned seed = 1) {
  std::mt19937 engine(seed * 31337 + static_cast<unsigned>(shape.size()));
  std::uniform_int_distribution<int64_t> draw(low, high - 1);
  std::vector<int64_t> values(static_cast<size_t>(shape.size()));
  for (int64_t& value : values) value = draw(engine);
  return gradus::array(values, shape);
}
/// The same divided by 8, as float64: what every float dtype holds, and whose sums of products float32 holds.
inline Array eighths(const Shape& shape, unsigned seed = 1) {
  return (integers(shape, -12, 13, seed).astype(gradus::float64) / 8.0).eval();
}
/// A call under mixed precision, of float inputs in float32.
inline ListFunction mixed(ListFunction f) {
  return [f](const Arrays& inputs) {
    const gradus::nn::MixedPrecision precision(gradus::bfloat16);
    Arrays narrow;
    for (const Array& x : inputs) narrow.push_back(x.dtype().is_float() ? x.astype(gradus::float32) : x);
    return f(narrow);
  };
}
inline Array bools(const Shape& shape, unsigned seed = 1) { return integers(shape, 0, 2, seed).astype(gradus::bool_).eval(); }

/// The cotangent pulled back through f at x: for ops that only derivatives record.
inline ListFunction pulled(ListFunction f) {
  return [f](const Arrays& inputs) {  // the last input is the cotangent of f's first output
    const Arrays x(inputs.begin(), inputs.end() - 1);
    return tests::pull_back(f, x, {inputs.back()});
  };
}

}  // namespace laws
