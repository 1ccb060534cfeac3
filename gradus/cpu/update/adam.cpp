// Adam's update, everything in registers: memory is read and written once.
#include "gradus/cpu/update/adam.hpp"

#include <algorithm>

#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/loop/loop_kernel.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/update/adam.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

template <class T>
void adam_range(void* const* pointers, int64_t begin, int64_t end, const AdamRates& rates) {
  const Tag<T> d;
  const auto at = [&](int which) { return static_cast<T*>(pointers[which]) + begin; };
  const auto number = [&](int which) HWY_ATTR { return hn::Set(d, static_cast<T>(*static_cast<const double*>(pointers[which]))); };
  const T *p = at(0), *g = at(1), *m = at(2), *v = at(3);
  T *new_p = pointers[7] ? at(7) : nullptr, *new_m = pointers[8] ? at(8) : nullptr, *new_v = pointers[9] ? at(9) : nullptr;
  const auto rate = number(4), epsilon = number(5), keep = number(6);
  const auto beta_1 = hn::Set(d, static_cast<T>(rates.beta_1)), rest_1 = hn::Set(d, static_cast<T>(1 - rates.beta_1));
  const auto beta_2 = hn::Set(d, static_cast<T>(rates.beta_2)), rest_2 = hn::Set(d, static_cast<T>(1 - rates.beta_2));
  for_vectors(d, end - begin, [&](auto part, int64_t i) HWY_ATTR {
    const auto slope = load(d, part, g + i);
    const auto mean = hn::MulAdd(beta_1, load(d, part, m + i), hn::Mul(rest_1, slope));
    const auto square = hn::MulAdd(beta_2, load(d, part, v + i), hn::Mul(rest_2, hn::Mul(slope, slope)));
    const auto move = hn::Div(hn::Mul(rate, mean), hn::Add(hn::Sqrt(square), epsilon));
    const auto moved = hn::Sub(hn::Mul(keep, load(d, part, p + i)), move);
    if (new_p) store(d, part, new_p + i, moved);
    if (new_m) store(d, part, new_m + i, mean);
    if (new_v) store(d, part, new_v + i, square);
  });
}

using AdamRange = void (*)(void* const* pointers, int64_t begin, int64_t end, const AdamRates& rates);
AdamRange find_adam(DType dtype) { return dtype == float64 ? adam_range<double> : adam_range<float>; }

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_adam);

KernelPtr prepare_adam(DType dtype, int64_t n, const AdamRates& rates) {
  constexpr int64_t chunk_size = 16 * 1024;  // about 15 us
  const auto range = HWY_DYNAMIC_DISPATCH(find_adam)(dtype);
  // An even number of chunks, for two threads.
  const int64_t chunks = n <= chunk_size ? 1 : (n + 2 * chunk_size - 1) / (2 * chunk_size) * 2;
  const int64_t chunk = (n + chunks * 64 - 1) / (chunks * 64) * 64;
  return make_loop_kernel(chunks, [=](int64_t k, void* const* pointers) {
    const int64_t begin = k * chunk, end = std::min(n, begin + chunk);
    if (begin < end) range(pointers, begin, end, rates);
  });
}

}  // namespace gradus::cpu
#endif
