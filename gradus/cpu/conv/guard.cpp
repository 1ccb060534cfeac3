// The pass over images that looks for outliers, and the kernels that act on it.
#include "gradus/cpu/conv/guard.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gradus/base/round_up.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/cpu/highway_targets.hpp"

#ifndef GRADUS_CPU_CONV_GUARD_ONCE
#define GRADUS_CPU_CONV_GUARD_ONCE
namespace gradus::cpu {
// Of some numbers: the largest size and the sum of sizes, which is not finite where one of them is not.
struct Sizes {
  double largest = 0, sum = 0;
};
}  // namespace gradus::cpu
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/conv/guard.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {

Sizes measure(const float* x, int64_t n) {
  const Tag<float> d;
  double largest = 0, sum = 0;
  for (int64_t begin = 0; begin < n; begin += 4096) {  // floats add up in blocks, these in double
    const int64_t end = std::min(n, begin + 4096), lanes = static_cast<int64_t>(hn::Lanes(d));
    auto a = hn::Zero(d), b = a, c = a, e = a, top = a, other = a;
    int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      const auto p = hn::Abs(hn::LoadU(d, x + i)), q = hn::Abs(hn::LoadU(d, x + i + lanes));
      const auto r = hn::Abs(hn::LoadU(d, x + i + 2 * lanes)), s = hn::Abs(hn::LoadU(d, x + i + 3 * lanes));
      a = hn::Add(a, p), b = hn::Add(b, q), c = hn::Add(c, r), e = hn::Add(e, s);
      top = hn::Max(top, hn::Max(p, q)), other = hn::Max(other, hn::Max(r, s));
    }
    for (; i < end; i += lanes) {
      const Part part{static_cast<size_t>(std::min(lanes, end - i))};
      const auto p = hn::Abs(load(d, part, x + i));
      a = hn::Add(a, p), top = hn::Max(top, p);
    }
    sum += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e)))));
    largest = std::max(largest, static_cast<double>(hn::GetLane(hn::MaxOfLanes(d, hn::Max(top, other)))));
  }
  return {largest, sum};
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(measure);

namespace {

constexpr double kLargestRatio = 256;
constexpr int64_t kPiece = 65536;

bool is_outlier(const Sizes& sizes, int64_t n) {
  return !std::isfinite(sizes.sum) || sizes.largest * static_cast<double>(n) > kLargestRatio * sizes.sum;
}

class GuardedKernel final : public Kernel {
 public:
  GuardedKernel(KernelPtr fast, KernelPtr plain, const Images& images, int outputs_at, int64_t out_size)
      : fast_(std::move(fast)), plain_(std::move(plain)), images_(images), outputs_at_(outputs_at), out_size_(out_size) {
    for (int input = 0; input < images.inspected; ++input) pieces_ = std::max(pieces_, (images.sizes[input] + kPiece - 1) / kPiece);
    kernel_bytes_ = round_up(std::max(fast_->scratch_bytes, plain_->scratch_bytes));
    scratch_bytes = kernel_bytes_ + pieces_ * images.images * static_cast<int64_t>(sizeof(Sizes));
  }

  Status run(void* const* pointers, void* scratch) const override {
    auto* const sizes = reinterpret_cast<Sizes*>(static_cast<std::byte*>(scratch) + kernel_bytes_);
    bool has_outlier = false, has_image_without = false;
    for (int input = 0; input < images_.inspected; ++input) {
      inspect(static_cast<const float*>(pointers[input]), images_.sizes[input], sizes);
      for (int64_t image = 0; image < images_.images; ++image)
        (sizes[image * pieces_].largest != 0 ? has_outlier : has_image_without) = true;
    }
    if (!has_outlier) return fast_->run(pointers, scratch);
    if (out_size_ == 0) return plain_->run(pointers, scratch);
    Status status = has_image_without ? fast_->run(pointers, scratch) : Status{};
    void* moved[4] = {};
    std::copy_n(pointers, outputs_at_ + 1, moved);
    for (int64_t image = 0; image < images_.images && status.is_ok; ++image) {
      if (sizes[image * pieces_].largest == 0) continue;
      moved[0] = static_cast<float*>(pointers[0]) + image * images_.sizes[0];
      moved[outputs_at_] = static_cast<float*>(pointers[outputs_at_]) + image * out_size_;
      status = plain_->run(moved, scratch);
    }
    return status;
  }

 private:
  // Leaves in the first piece of each image whether it has an outlier: largest 1 or 0.
  void inspect(const float* x, int64_t size, Sizes* sizes) const {
    const int64_t pieces = (size + kPiece - 1) / kPiece;
    parallel_for(images_.images * pieces, [&](int64_t item) {
      const int64_t image = item / pieces, piece = item % pieces, begin = piece * kPiece;
      sizes[image * pieces_ + piece] = HWY_DYNAMIC_DISPATCH(measure)(x + image * size + begin, std::min(kPiece, size - begin));
    });
    for (int64_t image = 0; image < images_.images; ++image) {
      Sizes all;
      for (int64_t piece = 0; piece < pieces; ++piece) {
        const Sizes& part = sizes[image * pieces_ + piece];
        all = {std::max(all.largest, part.largest), all.sum + part.sum};
      }
      sizes[image * pieces_] = {is_outlier(all, size) ? 1.0 : 0.0, 0};
    }
  }

  KernelPtr fast_, plain_;
  Images images_;
  int outputs_at_;
  int64_t out_size_, pieces_ = 1, kernel_bytes_ = 0;
};

}  // namespace

KernelPtr guarded_kernel(KernelPtr fast, KernelPtr plain, const Images& images, int outputs_at, int64_t out_size) {
  return std::make_shared<GuardedKernel>(std::move(fast), std::move(plain), images, outputs_at, out_size);
}

int64_t bytes_with_origin(int64_t bytes) { return round_up(bytes) + static_cast<int64_t>(sizeof(void*)); }

KernelPtr pack_with_origin(KernelPtr pack, int64_t bytes) {
  const int64_t scratch = pack->scratch_bytes;
  return make_kernel(
      [=, pack = std::move(pack)](void* const* pointers, void* space) {
        std::memcpy(static_cast<std::byte*>(pointers[1]) + round_up(bytes), &pointers[0], sizeof(void*));
        return pack->run(pointers, space);
      },
      scratch);
}

KernelPtr from_origin(KernelPtr plain, int64_t bytes) {
  const int64_t scratch = plain->scratch_bytes;
  return make_kernel(
      [=, plain = std::move(plain)](void* const* pointers, void* space) {
        void* all[4] = {pointers[0], nullptr, pointers[2], pointers[3]};
        std::memcpy(&all[1], static_cast<std::byte*>(pointers[1]) + round_up(bytes), sizeof(void*));
        return plain->run(all, space);
      },
      scratch);
}

bool has_outlier(const float* image, int64_t n) { return is_outlier(HWY_DYNAMIC_DISPATCH(measure)(image, n), n); }

}  // namespace gradus::cpu
#endif
