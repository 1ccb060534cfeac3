// Cross-entropy with integer labels: one pass for the maximum, one for the exponentials; backward one pass.
#include "gradus/cpu/normalize/cross_entropy.hpp"

#include <cmath>

#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/normalize/rows.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/normalize/cross_entropy.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// Logarithm of the sum of exponentials of a row, apart from its maximum.
template <class T>
HWY_INLINE double log_sum_exp(const T* x, int64_t n, Compute<T>& largest) {
  const Tag<T> d;
  largest = max_of_row(d, x, n);
  const auto shift = hn::Set(d, largest);
  return std::log(sum_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR { return exp_lanes(d, hn::Sub(load(d, part, x + i), shift)); }));
}

// The shift leaves infinity - infinity where a row has an infinite maximum: NaN, as softmax.
template <class T>
void forward_row(const T* x, int64_t n, int64_t label, const CrossEntropy& options, T* loss, Compute<T>* lse) {
  const Tag<T> d;
  Compute<T> largest;
  const double log_sum = log_sum_exp(x, n, largest);
  if (lse) *lse = static_cast<Compute<T>>(log_sum + static_cast<double>(largest));
  if (!loss) return;
  if (label < 0 || label >= n) {
    *loss = T(0);
    return;
  }
  double target = static_cast<double>(static_cast<Compute<T>>(x[label])) - static_cast<double>(largest);
  if (options.smoothing != 0) {
    const auto shift = hn::Set(d, largest);
    const double total = sum_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR { return hn::Sub(load(d, part, x + i), shift); });
    target = (1 - options.smoothing) * target + options.smoothing * total / static_cast<double>(n);
  }
  *loss = T(static_cast<Compute<T>>(log_sum - target));
}

template <class T>
void backward_row(const T* x, int64_t n, int64_t label, const CrossEntropy& options, double lse, double dloss, T* dx) {
  const Tag<T> d;
  using C = Compute<T>;
  if (label < 0 || label >= n) {
    for_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR { store(d, part, dx + i, hn::Zero(d)); });
    return;
  }
  const double spread = dloss * options.smoothing / static_cast<double>(n);
  const auto scale = hn::Set(d, static_cast<C>(dloss)), shift = hn::Set(d, static_cast<C>(lse)), even = hn::Set(d, static_cast<C>(spread));
  const auto slope = [&](auto part, int64_t i)
                         HWY_ATTR { return hn::Sub(hn::Mul(scale, exp_lanes<false>(d, hn::Sub(load(d, part, x + i), shift))), even); };
  const C at_label = hn::GetLane(slope(Part{1}, label));  // before dx, which may be x
  for_vectors(d, n, [&](auto part, int64_t i) HWY_ATTR { store(d, part, dx + i, slope(part, i)); });
  dx[label] = T(static_cast<C>(static_cast<double>(at_label) - dloss * (1 - options.smoothing)));
}

template <class Label>
int64_t label_at(const void* labels, int64_t row) {
  return static_cast<int64_t>(static_cast<const Label*>(labels)[row]);
}

template <class T, class Label>
void forward_rows(void* const* p, int64_t begin, int64_t end, int64_t n, const CrossEntropy& options) {
  T* const loss = static_cast<T*>(p[2]);
  auto* const lse = static_cast<Compute<T>*>(p[3]);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t label = label_at<Label>(p[1], row);
    forward_row(static_cast<const T*>(p[0]) + row * n, n, label == options.ignored_label ? -1 : label, options, loss ? loss + row : nullptr,
                lse ? lse + row : nullptr);
  }
}
template <class T, class Label>
void backward_rows(void* const* p, int64_t begin, int64_t end, int64_t n, const CrossEntropy& options) {
  using C = Compute<T>;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t label = label_at<Label>(p[1], row);
    backward_row(static_cast<const T*>(p[0]) + row * n, n, label == options.ignored_label ? -1 : label, options,
                 static_cast<double>(static_cast<const C*>(p[2])[row]),
                 static_cast<double>(static_cast<C>(static_cast<const T*>(p[3])[row])), static_cast<T*>(p[4]) + row * n);
  }
}

}  // namespace

using EntropyLoop = void (*)(void* const*, int64_t, int64_t, int64_t, const CrossEntropy&);
template <class T>
EntropyLoop find_loop(DType labels, bool is_backward) {
  if (is_backward) return labels == int32 ? backward_rows<T, int32_t> : backward_rows<T, int64_t>;
  return labels == int32 ? forward_rows<T, int32_t> : forward_rows<T, int64_t>;
}
EntropyLoop find_cross_entropy(DType logits, DType labels, bool is_backward) {
  if (logits == float64) return find_loop<double>(labels, is_backward);
  if (logits == float16) return find_loop<float16_t>(labels, is_backward);
  if (logits == bfloat16) return find_loop<bfloat16_t>(labels, is_backward);
  return find_loop<float>(labels, is_backward);
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_cross_entropy);

namespace {

int64_t label_of(const void* labels, DType dtype, int64_t row) {
  return dtype == int32 ? static_cast<const int32_t*>(labels)[row] : static_cast<const int64_t*>(labels)[row];
}

// All labels first: nothing is computed from bad ones.
Status check_labels(const void* labels, DType dtype, int64_t rows, int64_t n, int64_t ignored) {
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t label = label_of(labels, dtype, row);
    if ((label < 0 || label >= n) && label != ignored) {
      constexpr const char *low = "label is out of range: element {} is {}; it must be at least {}",
                           *high = "label is out of range: element {} is {}; it must be at most {}";
      return {false, label < 0 ? low : high, row, static_cast<double>(label), label < 0 ? 0 : n - 1};
    }
  }
  return {};
}

int64_t class_count(const Layout& logits) { return logits.shape[logits.rank() - 1]; }
int64_t row_count(const Layout& logits) {
  int64_t rows = 1;
  for (int64_t a = 0; a + 1 < logits.rank(); ++a) rows *= logits.shape[a];
  return rows;
}

}  // namespace

KernelPtr prepare_cross_entropy(const Layout& logits, DType labels, const CrossEntropy& options) {
  const auto loop = HWY_DYNAMIC_DISPATCH(find_cross_entropy)(logits.dtype, labels, false);
  const int64_t n = class_count(logits), rows = row_count(logits);
  return make_kernel(
      [=](void* const* p, void*) {
        const Status status = check_labels(p[1], labels, rows, n, options.ignored_label);
        if (!status.is_ok) return status;
        for_rows(rows, n, [&](int64_t begin, int64_t end) { loop(p, begin, end, n, options); });
        return Status{};
      },
      0, true);
}

KernelPtr prepare_cross_entropy_backward(const Layout& logits, DType labels, const CrossEntropy& options) {
  const auto loop = HWY_DYNAMIC_DISPATCH(find_cross_entropy)(logits.dtype, labels, true);
  const int64_t n = class_count(logits), rows = row_count(logits);
  return make_kernel([=](void* const* p, void*) {
    for_rows(rows, n, [&](int64_t begin, int64_t end) { loop(p, begin, end, n, options); });
    return Status{};
  });
}

}  // namespace gradus::cpu
#endif
