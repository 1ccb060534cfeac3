// CTC by forward and backward variables (Graves et al. 2006), in logarithms, one example after the other.
//
// The states are blank, label, blank, ..., label, blank. Labels and blanks lie in two arrays, so that vectors run along the states:
//   b'(s) = e_blank    + log(e^b(s) + e^a(s-1))                        s = 0 .. n-1, n = labels + 1
//   a'(s) = e_label(s) + log(e^a(s) + e^b(s) + e^(a(s-1) + skip(s)))   skip: 0 where label s differs from the one before, else -infinity
// There is one label state more than labels, of probability 0, so that both have n states. Every row is relative to the maximum of the
// one before: its numbers stay small, however long the input is, and what was taken off is added up in double.
#include "gradus/cpu/ctc/ctc.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/round_up.hpp"
#include "gradus/cpu/ctc/example.hpp"
#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/loop/loop_kernel.hpp"
#include "gradus/cpu/normalize/rows.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/ctc/ctc.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/elementwise/math-inl.hpp"
#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// log(sum of e^x); -infinity of nothing but -infinities.
template <class D, class... V>
HWY_INLINE hn::Vec<D> log_add(D d, hn::Vec<D> first, V... rest) {
  auto largest = hn::Max(first, hn::Set(d, std::numeric_limits<hn::TFromD<D>>::lowest()));
  ((largest = hn::Max(rest, largest)), ...);
  auto sum = exp_lanes(d, hn::Sub(first, largest));
  ((sum = hn::Add(sum, exp_lanes(d, hn::Sub(rest, largest)))), ...);
  return hn::Add(largest, log(d, sum));
}

template <class T>
class CtcRun {
 public:
  using C = Compute<T>;

  CtcRun(const CtcExample& example, void* scratch, double* sums)
      : example_(example),
        x_(static_cast<const T*>(example.logits)),
        slopes_(static_cast<C*>(example.slopes)),
        states_(example.label_count + 1),
        row_(row_size(example.label_count)),
        forward_(static_cast<C*>(scratch)),
        log_sums_(sums),
        taken_off_(sums + example.steps),
        largest_(sums + 2 * example.steps) {
    C* next = forward_ + example.steps * row_;
    const auto take = [&](int64_t size) {
      next += size;
      return next - size;
    };
    emitted_ = take(states_);
    skip_ = take(states_ + 1);
    label_after_ = take(states_ + 1);
    blank_after_ = take(states_ + 1);
    occupied_ = take(states_);
  }

  void run() {
    double log_likelihood = 0;
    if (!find_log_sums()) {
      log_likelihood = std::numeric_limits<double>::quiet_NaN();
    } else {
      lay_out_labels();
      log_likelihood = run_forward();
    }
    const bool is_possible = log_likelihood != -std::numeric_limits<double>::infinity();
    if (auto* loss = static_cast<T*>(example_.loss)) {
      *loss = T(static_cast<C>(is_possible ? -log_likelihood : example_.options.zero_infinity ? 0 : -log_likelihood));
    }
    if (!slopes_) return;
    const bool is_known = std::isfinite(log_likelihood);
    if (is_known) run_backward(log_likelihood);
    const int64_t done = is_known ? example_.steps : 0, broken = std::isnan(log_likelihood) ? example_.steps : 0;
    std::fill(slopes_ + done * example_.classes, slopes_ + example_.all_steps * example_.classes, C(0));
    std::fill_n(slopes_, broken * example_.classes, std::numeric_limits<C>::quiet_NaN());
  }

 private:
  static constexpr C kNever = -kInfinity<C>;

  // log sum e^(x - largest) of each step; false if one is NaN. Added up they would lose what is small beside a large logit.
  bool find_log_sums() {
    const Tag<T> d;
    bool is_number = true;
    for (int64_t t = 0; t < example_.steps; ++t) {
      const T* x = x_ + t * example_.classes;
      const C largest = max_of_row(d, x, example_.classes);
      const auto shift = hn::Set(d, largest);
      const double sum = sum_vectors(
          d, example_.classes, [&](auto part, int64_t i) HWY_ATTR { return exp_lanes(d, hn::Sub(load(d, part, x + i), shift)); });
      log_sums_[t] = std::log(sum);
      largest_[t] = static_cast<double>(largest);
      is_number &= !std::isnan(log_sums_[t]);
    }
    return is_number;
  }

  void lay_out_labels() {
    const int64_t* labels = example_.labels;
    for (int64_t s = 0; s < states_ - 1; ++s) skip_[s] = s > 0 && labels[s] != labels[s - 1] ? C(0) : kNever;
    skip_[states_ - 1] = skip_[states_] = kNever;
  }

  C emission(int64_t t, int64_t label) const {
    return static_cast<C>(static_cast<double>(static_cast<C>(x_[t * example_.classes + label])) - largest_[t] - log_sums_[t]);
  }
  void emit(int64_t t) {
    for (int64_t s = 0; s < states_ - 1; ++s) emitted_[s] = emission(t, example_.labels[s]);
    emitted_[states_ - 1] = kNever;
  }
  // Label states, the first of which is the one before all; blank states.
  C* labels_at(int64_t t) { return forward_ + t * row_; }
  C* blanks_at(int64_t t) { return labels_at(t) + states_ + 1; }

  // The logarithm of the likelihood.
  double run_forward() {
    if (example_.steps == 0) return states_ == 1 ? 0 : -std::numeric_limits<double>::infinity();
    std::fill_n(labels_at(0), row_size(states_ - 1), kNever);
    blanks_at(0)[0] = emission(0, example_.options.blank);
    if (states_ > 1) labels_at(0)[1] = emission(0, example_.labels[0]);
    C largest = std::max(blanks_at(0)[0], labels_at(0)[1]);
    taken_off_[0] = 0;
    for (int64_t t = 1; t < example_.steps; ++t) {
      if (largest == kNever) return -std::numeric_limits<double>::infinity();
      taken_off_[t] = taken_off_[t - 1] + static_cast<double>(largest);
      largest = step_forward(t, largest);
    }
    const double a = static_cast<double>(labels_at(example_.steps - 1)[states_ - 1]),
                 b = static_cast<double>(blanks_at(example_.steps - 1)[states_ - 1]), most = std::max(a, b);
    if (most == -std::numeric_limits<double>::infinity()) return most;
    return taken_off_[example_.steps - 1] + most + std::log(std::exp(a - most) + std::exp(b - most));
  }

  C step_forward(int64_t t, C offset) {
    const Tag<T> d;
    emit(t);
    const C *a = labels_at(t - 1), *b = blanks_at(t - 1);
    C *next_a = labels_at(t), *next_b = blanks_at(t);
    const auto off = hn::Set(d, offset), blank = hn::Set(d, emission(t, example_.options.blank));
    auto largest = hn::Set(d, kNever);
    next_a[0] = kNever;
    for_vectors(d, states_, [&](auto part, int64_t s) HWY_ATTR {
      const auto before = hn::Sub(load(d, part, a + s), off), label = hn::Sub(load(d, part, a + s + 1), off),
                 own = hn::Sub(load(d, part, b + s), off), skipping = hn::Add(before, load(d, part, skip_ + s));
      const auto to_blank = hn::Add(blank, log_add(d, own, before));
      const auto to_label = hn::Add(load(d, part, emitted_ + s), log_add(d, label, own, skipping));
      store(d, part, next_b + s, to_blank);
      store(d, part, next_a + s + 1, to_label);
      largest = hn::Max(largest, fill_rest(d, part, hn::Max(to_blank, to_label), hn::Set(d, kNever)));
    });
    return hn::GetLane(hn::MaxOfLanes(d, largest));
  }

  // slope_t[c] = softmax_t[c] - (share of the likelihood whose alignments have c at t).
  // With what comes after, t included, relative as above: (b^, a^)(s) = e(s) + (b_after, a_after)(s),
  //   b_after(s) = log(e^b^(s) + e^a^(s)),  a_after(s) = log(e^a^(s) + e^b^(s+1) + e^(a^(s+1) + skip(s+1)))
  void run_backward(double log_likelihood) {
    C largest = 0;
    double taken_off = 0;
    for (int64_t t = example_.steps; t-- > 0;) {
      const bool is_last = t + 1 == example_.steps;
      emit(t);
      if (!is_last) taken_off += static_cast<double>(largest);
      const C rest = static_cast<C>(taken_off_[t] + taken_off - log_likelihood);
      const double blanks = is_last ? end_backward(t, rest, largest) : step_backward(t, rest, largest);
      put_slopes(t, blanks);
    }
  }

  // The last step: it ends in the last blank or the last label. Returns the share of the blanks.
  double end_backward(int64_t t, C rest, C& largest) {
    std::fill_n(label_after_, states_ + 1, kNever);
    std::fill_n(blank_after_, states_ + 1, kNever);
    std::fill_n(occupied_, states_, C(0));
    const int64_t last = states_ - 1;
    blank_after_[last] = emission(t, example_.options.blank);
    largest = blank_after_[last];
    if (last > 0) {
      label_after_[last - 1] = emitted_[last - 1];
      occupied_[last - 1] = std::exp(std::min(labels_at(t)[last] + rest, C(0)));
      largest = std::max(largest, label_after_[last - 1]);
    }
    return std::exp(std::min(static_cast<double>(blanks_at(t)[last] + rest), 0.0));
  }

  // In place: a vector reads what lies before it last.
  double step_backward(int64_t t, C rest, C& largest) {
    const Tag<T> d;
    const C *forward_a = labels_at(t) + 1, *forward_b = blanks_at(t);
    const auto off = hn::Set(d, largest), blank = hn::Set(d, emission(t, example_.options.blank)), others = hn::Set(d, rest);
    auto most = hn::Set(d, kNever), blanks = hn::Zero(d);
    for_vectors(d, states_, [&](auto part, int64_t s) HWY_ATTR {
      const auto label = hn::Sub(load(d, part, label_after_ + s), off), own = hn::Sub(load(d, part, blank_after_ + s), off),
                 next_blank = hn::Sub(load(d, part, blank_after_ + s + 1), off),
                 next_label = hn::Add(hn::Sub(load(d, part, label_after_ + s + 1), off), load(d, part, skip_ + s + 1));
      const auto from_blank = log_add(d, own, label), from_label = log_add(d, label, next_blank, next_label);
      // Logarithms of probabilities; rounding beside large logits must not make them positive.
      const auto probability = [&](auto log) HWY_ATTR { return exp_lanes<false>(d, hn::Min(log, hn::Zero(d))); };
      const auto share_of_blank = probability(hn::Add(hn::Add(load(d, part, forward_b + s), from_blank), others));
      blanks = hn::Add(blanks, fill_rest(d, part, share_of_blank, hn::Zero(d)));
      store(d, part, occupied_ + s, probability(hn::Add(hn::Add(load(d, part, forward_a + s), from_label), others)));
      const auto to_blank = hn::Add(blank, from_blank), to_label = hn::Add(load(d, part, emitted_ + s), from_label);
      store(d, part, blank_after_ + s, to_blank);
      store(d, part, label_after_ + s, to_label);
      most = hn::Max(most, fill_rest(d, part, hn::Max(to_blank, to_label), hn::Set(d, kNever)));
    });
    largest = hn::GetLane(hn::MaxOfLanes(d, most));
    return static_cast<double>(hn::GetLane(hn::SumOfLanes(d, blanks)));
  }

  void put_slopes(int64_t t, double blanks) {
    const Tag<T> d;
    const T* x = x_ + t * example_.classes;
    C* slope = slopes_ + t * example_.classes;
    const auto largest = hn::Set(d, static_cast<C>(largest_[t])), log_sum = hn::Set(d, static_cast<C>(log_sums_[t]));
    for_vectors(d, example_.classes, [&](auto part, int64_t i) HWY_ATTR {
      store(d, part, slope + i, exp_lanes<false>(d, hn::Sub(hn::Sub(load(d, part, x + i), largest), log_sum)));
    });
    for (int64_t s = 0; s < states_ - 1; ++s) slope[example_.labels[s]] -= occupied_[s];
    slope[example_.options.blank] -= static_cast<C>(blanks);
  }

  const CtcExample& example_;
  const T* x_;
  C* slopes_;
  int64_t states_, row_;
  C* forward_;
  double *log_sums_, *taken_off_, *largest_;  // of each step
  C *emitted_, *skip_, *label_after_, *blank_after_, *occupied_;
};

template <class T>
void run_example(const CtcExample& example, void* scratch, double* sums) {
  CtcRun<T>(example, scratch, sums).run();
}

}  // namespace

CtcLoop find_ctc(DType logits) {
  if (logits == float64) return run_example<double>;
  if (logits == float16) return run_example<float16_t>;
  if (logits == bfloat16) return run_example<bfloat16_t>;
  return run_example<float>;
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_ctc);

namespace {

int64_t compute_size(DType logits) { return logits == float64 ? 8 : 4; }

class CtcKernel final : public LoopKernel {
 public:
  CtcKernel(const Layout& logits, int64_t labels, const Ctc& options)
      : loop_(HWY_DYNAMIC_DISPATCH(find_ctc)(logits.dtype)),
        dtype_(logits.dtype),
        examples_(logits.shape[0]),
        steps_(logits.shape[1]),
        classes_(logits.shape[2]),
        labels_(labels),
        options_(options) {
    may_fail = true;
    constexpr int64_t kStateCost = 16;  // of a logarithm and some exponentials, in elements of a softmax
    at_a_time_ = rows_per_chunk(examples_, steps_ * (classes_ + kStateCost * (labels + 1)));
    sums_bytes_ = round_up(3 * steps_ * static_cast<int64_t>(sizeof(double)));
    const int64_t chunks = std::max<int64_t>(1, (examples_ + at_a_time_ - 1) / at_a_time_);
    set_loop(chunks, sums_bytes_ + scratch_size(steps_, labels) * compute_size(dtype_));
  }

  Status run_chunk(int64_t chunk, void* const* p, void*, void* scratch) const override {
    for (int64_t n = chunk * at_a_time_; n < std::min(examples_, (chunk + 1) * at_a_time_); ++n) {
      const int64_t steps = static_cast<const int64_t*>(p[2])[n], count = static_cast<const int64_t*>(p[3])[n];
      const int64_t* labels = static_cast<const int64_t*>(p[1]) + n * labels_;
      if (const Status status = check(n, steps, count, labels); !status.is_ok) return status;
      CtcExample example{.logits = moved(p[0], n * steps_ * classes_, dtype_.size()),
                         .labels = labels,
                         .steps = steps,
                         .label_count = count,
                         .all_steps = steps_,
                         .classes = classes_,
                         .options = options_,
                         .loss = moved(p[4], n, dtype_.size()),
                         .slopes = moved(p[5], n * steps_ * classes_, compute_size(dtype_))};
      loop_(example, static_cast<std::byte*>(scratch) + sums_bytes_, static_cast<double*>(scratch));
    }
    return {};
  }

 private:
  static void* moved(void* first, int64_t elements, int64_t size) {
    return first ? static_cast<std::byte*>(first) + elements * size : nullptr;
  }

  Status check(int64_t n, int64_t steps, int64_t count, const int64_t* labels) const {
    if (steps < 0 || steps > steps_)
      return {false, "input length {} is {}; it must be from 0 to {}, the steps of logits", n, static_cast<double>(steps), steps_};
    if (count < 0 || count > labels_)
      return {false, "target length {} is {}; it must be from 0 to {}, the labels of a row of targets", n, static_cast<double>(count), labels_};
    for (int64_t s = 0; s < count; ++s) {
      const double value = static_cast<double>(labels[s]);
      if (labels[s] < 0 || labels[s] >= classes_)
        return {false, "target is out of range: element {} is {}; it must be from 0 to {}", n * labels_ + s, value, classes_ - 1};
      if (labels[s] == options_.blank)
        return {false, "target holds the blank: element {} is {}; labels must be other classes", n * labels_ + s, value};
    }
    return {};
  }

  CtcLoop loop_;
  DType dtype_;
  int64_t examples_, steps_, classes_, labels_, at_a_time_ = 1, sums_bytes_ = 0;
  Ctc options_;
};

}  // namespace

KernelPtr prepare_ctc(const Layout& logits, int64_t labels, const Ctc& options) {
  return std::make_shared<CtcKernel>(logits, labels, options);
}

}  // namespace gradus::cpu
#endif
