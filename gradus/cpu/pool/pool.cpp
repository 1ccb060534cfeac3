// Pooling with vectors along the channels: a window's positions are combined one by one, so that memory is read in rows.
#include "gradus/cpu/pool/pool.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "gradus/base/half.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/cpu/highway_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/pool/pool.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/normalize/rows-inl.hpp"

#ifndef GRADUS_CPU_POOL_ONCE
#define GRADUS_CPU_POOL_ONCE
namespace gradus::cpu {
namespace {

// 16-bit floats are added in float32; all else in its own type.
template <class T>
using WideOf = std::conditional_t<std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>, float, T>;

template <class T>
constexpr bool is_vector_type() {
  return std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, bfloat16_t>;
}

// The positions of the window that output `index` of an image has: calls body(element offset of the position, tap).
template <class Body>
HWY_INLINE void for_each_tap(const PoolShape& s, int64_t index, const Body& body) {
  const PoolAxis &d = s.axes[0], &h = s.axes[1], &w = s.axes[2];
  const auto ow = static_cast<size_t>(index % w.out()), oh = static_cast<size_t>(index / w.out() % h.out()),
             od = static_cast<size_t>(index / w.out() / h.out());
  for (int64_t kd = d.first[od]; kd < d.last[od]; ++kd) {
    const int64_t plane = (d.begin[od] + kd * d.step) * h.in;
    for (int64_t kh = h.first[oh]; kh < h.last[oh]; ++kh) {
      const int64_t row = (plane + h.begin[oh] + kh * h.step) * w.in;
      for (int64_t kw = w.first[ow]; kw < w.last[ow]; ++kw) {
        body((row + w.begin[ow] + kw * w.step) * s.channels, (kd * h.kernel + kh) * w.kernel + kw);
      }
    }
  }
}

// Windows that lie inside the image are all alike: their positions are `base` plus the same offsets, in the order of the taps.
struct Pool {
  PoolShape shape;
  std::vector<int64_t> offsets;
  bool is_disjoint = false, is_tiling = false;  // no position in two windows; each in one

  explicit Pool(const PoolShape& s) : shape(s) {
    const PoolAxis &d = s.axes[0], &h = s.axes[1], &w = s.axes[2];
    is_disjoint = d.is_disjoint() && h.is_disjoint() && w.is_disjoint();
    is_tiling = is_disjoint;
    for (const PoolAxis& axis : s.axes) {
      int64_t covered = 0;
      for (int64_t o = 0; o < axis.out(); ++o) covered += axis.last[static_cast<size_t>(o)] - axis.first[static_cast<size_t>(o)];
      is_tiling = is_tiling && covered == axis.in;
    }
    // A window larger than the image never lies inside.
    if (std::any_of(std::begin(s.axes), std::end(s.axes), [](const PoolAxis& axis) { return (axis.kernel - 1) * axis.step >= axis.in; }))
      return;
    for (int64_t kd = 0; kd < d.kernel; ++kd) {
      for (int64_t kh = 0; kh < h.kernel; ++kh) {
        for (int64_t kw = 0; kw < w.kernel; ++kw) offsets.push_back(((kd * d.step * h.in + kh * h.step) * w.in + kw * w.step) * s.channels);
      }
    }
  }
  // Rows of windows in an image.
  int64_t rows() const { return shape.axes[0].out() * shape.axes[1].out(); }
  // Calls body(window, base) for the windows of row `row` of an image; base is the first position, or -1 for a window that reaches out of
  // the image.
  template <class Body>
  HWY_INLINE void for_each_window(int64_t row, const Body& body) const {
    const PoolAxis &d = shape.axes[0], &h = shape.axes[1], &w = shape.axes[2];
    const auto oh = static_cast<size_t>(row % h.out()), od = static_cast<size_t>(row / h.out());
    const bool is_inside = d.first[od] == 0 && d.last[od] == d.kernel && h.first[oh] == 0 && h.last[oh] == h.kernel;
    const int64_t start = (d.begin[od] * h.in + h.begin[oh]) * w.in, count = w.out();
    for (int64_t i = 0; i < count; ++i) {
      const auto ow = static_cast<size_t>(i);
      body(row * count + i, is_inside && w.first[ow] == 0 && w.last[ow] == w.kernel ? (start + w.begin[ow]) * shape.channels : -1);
    }
  }
};

int64_t divisor_of(const PoolShape& s, int64_t index) {
  if (s.divisor) return s.divisor;
  const PoolAxis &d = s.axes[0], &h = s.axes[1], &w = s.axes[2];
  return d.count[static_cast<size_t>(index / w.out() / h.out())] * h.count[static_cast<size_t>(index / w.out() % h.out())] *
         w.count[static_cast<size_t>(index % w.out())];
}

// Chunks of `items` items of `work` elements each.
int64_t chunks_of(int64_t items, int64_t work) {
  return std::clamp<int64_t>(items * std::max<int64_t>(work, 1) / 20000, 1, std::max<int64_t>(items, 1));
}

}  // namespace
}  // namespace gradus::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

template <class T>
bool is_greater(T a, T b) {
  if constexpr (std::is_integral_v<T>) return a > b;
  else return static_cast<WideOf<T>>(a) > static_cast<WideOf<T>>(b) || std::isnan(static_cast<WideOf<T>>(a));
}
template <class T>
T least() {
  if constexpr (std::is_integral_v<T>) return std::numeric_limits<T>::lowest();
  else return T(-std::numeric_limits<WideOf<T>>::infinity());
}

// Tap numbers as lanes beside floats, and as stored.
template <class D>
using TapLanes = hn::RebindToSigned<D>;
template <class D, class Tap>
HWY_INLINE void store_taps(D, hn::Vec<TapLanes<D>> taps, Tap* to) {
  if constexpr (sizeof(Tap) == sizeof(hn::TFromD<TapLanes<D>>)) {
    hn::StoreU(taps, TapLanes<D>(), to);
  } else {
    using Stored = std::conditional_t<sizeof(Tap) == 1, uint8_t, uint32_t>;
    const hn::Rebind<Stored, D> ds;
    hn::StoreU(hn::TruncateTo(ds, hn::BitCast(hn::RebindToUnsigned<D>(), taps)), ds, reinterpret_cast<Stored*>(to));
  }
}
template <class D, class Tap>
HWY_INLINE hn::Vec<TapLanes<D>> load_taps(D, const Tap* from) {
  const TapLanes<D> di;
  if constexpr (sizeof(Tap) == sizeof(hn::TFromD<TapLanes<D>>)) {
    return hn::LoadU(di, from);
  } else if constexpr (sizeof(Tap) == 4) {
    return hn::PromoteTo(di, hn::LoadU(hn::Rebind<int32_t, D>(), from));
  } else {
    const auto bytes = hn::LoadU(hn::Rebind<uint8_t, D>(), from);
    if constexpr (sizeof(hn::TFromD<D>) == 4) return hn::PromoteTo(di, bytes);
    else return hn::PromoteTo(di, hn::PromoteTo(hn::Rebind<int32_t, D>(), bytes));
  }
}

// A window inside the image, for whole vectors of channels; returns how many channels are done.
template <class T, class Tap>
HWY_INLINE int64_t max_inside(const Pool& pool, const T* x, T* y, Tap* taps) {
  const Tag<T> d;
  const TapLanes<decltype(d)> di;
  using Lane = hn::TFromD<decltype(di)>;
  constexpr auto lanes = static_cast<int64_t>(HWY_LANES(Compute<T>));
  const int64_t* HWY_RESTRICT offsets = pool.offsets.data();
  const auto count = static_cast<int64_t>(pool.offsets.size());
  int64_t c = 0;
  for (; c + lanes <= pool.shape.channels; c += lanes) {
    auto best = load(d, Whole{}, x + c);
    auto found = hn::Zero(di);
    for (int64_t tap = 1; tap < count; ++tap) {
      const auto value = load(d, Whole{}, x + offsets[tap] + c);
      const auto is_new = hn::Or(hn::Gt(value, best), hn::IsNaN(value));
      best = hn::IfThenElse(is_new, value, best);
      found = hn::IfThenElse(hn::RebindMask(di, is_new), hn::Set(di, static_cast<Lane>(tap)), found);
    }
    if (y) store(d, Whole{}, y + c, best);
    if (taps) store_taps(d, found, taps + c);
  }
  return c;
}

template <class T, class Tap>
void max_window(const Pool& pool, int64_t index, int64_t base, const T* x, T* y, Tap* taps) {
  const PoolShape& s = pool.shape;
  int64_t c = 0;
  if constexpr (is_vector_type<T>()) {
    const Tag<T> d;
    const TapLanes<decltype(d)> di;
    using Lane = hn::TFromD<decltype(di)>;
    constexpr auto lanes = static_cast<int64_t>(HWY_LANES(Compute<T>));
    if (base >= 0) c = max_inside(pool, x + base, y, taps);
    for (; c + lanes <= s.channels; c += lanes) {
      auto best = hn::Set(d, static_cast<Compute<T>>(least<T>()));
      auto found = hn::Set(di, static_cast<Lane>(s.taps()));
      for_each_tap(s, index, [&](int64_t offset, int64_t tap) HWY_ATTR {
        const auto value = load(d, Whole{}, x + offset + c);
        // An empty best takes anything: -infinity is a value, too.
        const auto is_new =
            hn::Or(hn::Or(hn::Gt(value, best), hn::IsNaN(value)),
                   hn::And(hn::Eq(value, best), hn::RebindMask(d, hn::Eq(found, hn::Set(di, static_cast<Lane>(s.taps()))))));
        best = hn::IfThenElse(is_new, value, best);
        found = hn::IfThenElse(hn::RebindMask(di, is_new), hn::Set(di, static_cast<Lane>(tap)), found);
      });
      if (y) store(d, Whole{}, y + c, best);
      if (taps) store_taps(d, found, taps + c);
    }
  }
  for (; c < s.channels; ++c) {
    T best = least<T>();
    int64_t found = s.taps();
    for_each_tap(s, index, [&](int64_t offset, int64_t tap) {
      const T value = x[offset + c];
      if (found == s.taps() || is_greater(value, best)) {
        best = value;
        found = tap;
      }
    });
    if (y) y[c] = best;
    if (taps) taps[c] = static_cast<Tap>(found);
  }
}

template <class T, class Tap>
void max_windows(const Pool& pool, void* const* pointers) {
  const PoolShape& s = pool.shape;
  const T* x = static_cast<const T*>(pointers[0]);
  T* y = static_cast<T*>(pointers[1]);
  Tap* taps = static_cast<Tap*>(pointers[2]);
  const int64_t rows = s.batch * pool.rows(), out_size = s.out_size();
  const int64_t chunks = chunks_of(rows, s.axes[2].out() * s.channels * s.taps());
  parallel_for(chunks, [&](int64_t chunk) {
    for (int64_t i = rows * chunk / chunks; i < rows * (chunk + 1) / chunks; ++i) {
      const int64_t image = i / pool.rows();
      const T* from = x + image * s.in_size() * s.channels;
      pool.for_each_window(i % pool.rows(), [&](int64_t window, int64_t base) HWY_ATTR {
        const int64_t at = (image * out_size + window) * s.channels;
        max_window(pool, window, base, from, y ? y + at : nullptr, taps ? taps + at : nullptr);
      });
    }
  });
}

template <class T, class Tap>
void take_window(const PoolShape& s, int64_t index, const T* x, const Tap* taps, T* y) {
  std::fill_n(y, s.channels, T(0));
  for_each_tap(s, index, [&](int64_t offset, int64_t tap) HWY_ATTR {
    int64_t c = 0;
    if constexpr (is_vector_type<T>()) {
      const Tag<T> d;
      const TapLanes<decltype(d)> di;
      const auto wanted = hn::Set(di, static_cast<hn::TFromD<decltype(di)>>(tap));
      for (; c + static_cast<int64_t>(HWY_LANES(Compute<T>)) <= s.channels; c += static_cast<int64_t>(HWY_LANES(Compute<T>))) {
        const auto is_taken = hn::RebindMask(d, hn::Eq(load_taps(d, taps + c), wanted));
        store(d, Whole{}, y + c, hn::IfThenElse(is_taken, load(d, Whole{}, x + offset + c), load(d, Whole{}, y + c)));
      }
    }
    for (; c < s.channels; ++c) {
      if (taps[c] == static_cast<Tap>(tap)) y[c] = x[offset + c];
    }
  });
}

template <class T, class Tap>
void take_windows(const PoolShape& s, void* const* pointers) {
  const T* x = static_cast<const T*>(pointers[0]);
  const Tap* taps = static_cast<const Tap*>(pointers[1]);
  T* y = static_cast<T*>(pointers[2]);
  const int64_t out_size = s.out_size(), count = s.batch * out_size;
  const int64_t chunks = chunks_of(count, s.channels * s.taps());
  parallel_for(chunks, [&](int64_t chunk) {
    for (int64_t i = count * chunk / chunks; i < count * (chunk + 1) / chunks; ++i) {
      take_window(s, i % out_size, x + i / out_size * s.in_size() * s.channels, taps + i * s.channels, y + i * s.channels);
    }
  });
}

template <bool kIsDisjoint, class T, class Tap>
HWY_INLINE int64_t put_inside(const Pool& pool, const T* dy, const Tap* taps, WideOf<T>* dx) {
  const Tag<T> d;
  const TapLanes<decltype(d)> di;
  using Lane = hn::TFromD<decltype(di)>;
  constexpr auto lanes = static_cast<int64_t>(HWY_LANES(Compute<T>));
  const int64_t* HWY_RESTRICT offsets = pool.offsets.data();
  const auto count = static_cast<int64_t>(pool.offsets.size());
  int64_t c = 0;
  for (; c + lanes <= pool.shape.channels; c += lanes) {
    const auto value = load(d, Whole{}, dy + c);
    const auto found = load_taps(d, taps + c);
    for (int64_t tap = 0; tap < count; ++tap) {
      WideOf<T>* to = dx + offsets[tap] + c;
      const auto taken = hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(found, hn::Set(di, static_cast<Lane>(tap)))), value);
      hn::StoreU(kIsDisjoint ? taken : hn::Add(taken, hn::LoadU(d, to)), d, to);
    }
  }
  return c;
}

template <bool kIsDisjoint, class T, class Tap>
void put_window(const Pool& pool, int64_t index, int64_t base, const T* dy, const Tap* taps, WideOf<T>* dx) {
  const PoolShape& s = pool.shape;
  int64_t done = 0;
  if constexpr (is_vector_type<T>()) {
    if (base >= 0) done = put_inside<kIsDisjoint>(pool, dy, taps, dx + base);
    if (done == s.channels) return;
  }
  for_each_tap(s, index, [&](int64_t offset, int64_t tap) HWY_ATTR {
    int64_t c = done;
    if constexpr (is_vector_type<T>()) {
      const Tag<T> d;
      const TapLanes<decltype(d)> di;
      const auto wanted = hn::Set(di, static_cast<hn::TFromD<decltype(di)>>(tap));
      for (; c + static_cast<int64_t>(HWY_LANES(Compute<T>)) <= s.channels; c += static_cast<int64_t>(HWY_LANES(Compute<T>))) {
        const auto is_taken = hn::RebindMask(d, hn::Eq(load_taps(d, taps + c), wanted));
        auto value = hn::IfThenElseZero(is_taken, load(d, Whole{}, dy + c));
        if (!kIsDisjoint) value = hn::Add(value, hn::LoadU(d, dx + offset + c));
        hn::StoreU(value, d, dx + offset + c);
      }
    }
    for (; c < s.channels; ++c) {
      if (taps[c] != static_cast<Tap>(tap)) continue;
      const auto value = static_cast<WideOf<T>>(dy[c]);
      // Stored where nothing is added, as whole vectors are: 0 + -0 would be 0.
      dx[offset + c] = kIsDisjoint ? value : static_cast<WideOf<T>>(dx[offset + c] + value);
    }
  });
}

// The images of a batch are divided among the chunks; 16-bit floats are summed in `scratch`. With is_overwritten no zeros are laid first.
template <class T, class Window>
void scatter_images(const Pool& pool, T* dx, void* scratch, bool is_overwritten, const Window& window) {
  using Wide = WideOf<T>;
  const PoolShape& s = pool.shape;
  const int64_t image = s.in_size() * s.channels, chunks = chunks_of(s.batch, image);
  parallel_for(chunks, [&](int64_t chunk) {
    for (int64_t n = s.batch * chunk / chunks; n < s.batch * (chunk + 1) / chunks; ++n) {
      Wide* to;
      if constexpr (std::is_same_v<T, Wide>) to = dx + n * image;
      else to = static_cast<Wide*>(scratch) + n * image;
      if (!is_overwritten) std::fill_n(to, image, Wide(0));
      for (int64_t row = 0; row < pool.rows(); ++row) {
        pool.for_each_window(row, [&](int64_t i, int64_t base) HWY_ATTR { window(n, i, base, to); });
      }
      if constexpr (!std::is_same_v<T, Wide>) {
        const Tag<T> d;
        for_vectors(d, image, [&](auto part, int64_t i) HWY_ATTR { store(d, part, dx + n * image + i, load(d, part, to + i)); });
      }
    }
  });
}

template <class T, class Tap>
void put_windows(const Pool& pool, void* const* pointers, void* scratch) {
  const PoolShape& s = pool.shape;
  const T* dy = static_cast<const T*>(pointers[0]);
  const Tap* taps = static_cast<const Tap*>(pointers[1]);
  const int64_t out_size = s.out_size();
  // Whole vectors are stored at every tap, taken or not.
  const bool is_overwritten = is_vector_type<T>() && pool.is_tiling && s.channels % static_cast<int64_t>(64 / sizeof(WideOf<T>)) == 0;
  scatter_images(pool, static_cast<T*>(pointers[2]), scratch, is_overwritten,
                 [&](int64_t n, int64_t i, int64_t base, WideOf<T>* to) HWY_ATTR {
                   const int64_t at = (n * out_size + i) * s.channels;
                   if (pool.is_disjoint) put_window<true>(pool, i, base, dy + at, taps + at, to);
                   else put_window<false>(pool, i, base, dy + at, taps + at, to);
                 });
}

// Terms of a window added up. Of many, rows are summed, and then their sums: one sum of 10,000 terms would lose two digits.
constexpr int64_t kAddedInARow = 64;

template <bool is_large, class V, class Add>
struct WindowSum {
  V zero;
  Add add;
  V row = zero, rows = zero;
  int64_t taken = 0;

  HWY_INLINE void take(V term) {
    row = add(row, term);
    if (!is_large || ++taken % kAddedInARow != 0) return;
    rows = add(rows, row);
    row = zero;
  }
  HWY_INLINE V total() const { return is_large ? add(rows, row) : row; }
};
template <bool is_large, class V, class Add>
HWY_INLINE WindowSum<is_large, V, Add> window_sum(V zero, Add add) {
  return {zero, add};
}

template <bool is_large, class T>
void average_window(const Pool& pool, int64_t index, int64_t base, const T* x, T* y) {
  using Wide = WideOf<T>;
  const PoolShape& s = pool.shape;
  const auto divisor = static_cast<Wide>(divisor_of(s, index));
  int64_t c = 0;
  if constexpr (is_vector_type<T>()) {
    const Tag<T> d;
    constexpr auto lanes = static_cast<int64_t>(HWY_LANES(Compute<T>));
    using V = hn::Vec<Tag<T>>;
    const auto add = [](V a, V b) HWY_ATTR { return hn::Add(a, b); };
    if (base >= 0) {
      for (; c + lanes <= s.channels; c += lanes) {
        auto sum = window_sum<is_large>(hn::Zero(d), add);
        for (const int64_t offset : pool.offsets) sum.take(load(d, Whole{}, x + base + offset + c));
        store(d, Whole{}, y + c, hn::Div(sum.total(), hn::Set(d, divisor)));
      }
    }
    for (; c + lanes <= s.channels; c += lanes) {
      auto sum = window_sum<is_large>(hn::Zero(d), add);
      for_each_tap(s, index, [&](int64_t offset, int64_t) HWY_ATTR { sum.take(load(d, Whole{}, x + offset + c)); });
      store(d, Whole{}, y + c, hn::Div(sum.total(), hn::Set(d, divisor)));
    }
  }
  for (; c < s.channels; ++c) {
    auto sum = window_sum<is_large>(Wide{0}, [](Wide a, Wide b) { return static_cast<Wide>(a + b); });
    for_each_tap(s, index, [&](int64_t offset, int64_t) { sum.take(static_cast<Wide>(x[offset + c])); });
    y[c] = static_cast<T>(sum.total() / divisor);
  }
}

template <class T>
void average_windows(const Pool& pool, void* const* pointers) {
  const PoolShape& s = pool.shape;
  const T* x = static_cast<const T*>(pointers[0]);
  T* y = static_cast<T*>(pointers[1]);
  const int64_t rows = s.batch * pool.rows(), out_size = s.out_size();
  const int64_t chunks = chunks_of(rows, s.axes[2].out() * s.channels * s.taps());
  parallel_for(chunks, [&](int64_t chunk) {
    for (int64_t i = rows * chunk / chunks; i < rows * (chunk + 1) / chunks; ++i) {
      const int64_t image = i / pool.rows();
      const T* from = x + image * s.in_size() * s.channels;
      pool.for_each_window(i % pool.rows(), [&](int64_t window, int64_t base) HWY_ATTR {
        T* to = y + (image * out_size + window) * s.channels;
        if (s.taps() > kAddedInARow) average_window<true>(pool, window, base, from, to);
        else average_window<false>(pool, window, base, from, to);
      });
    }
  });
}

template <class T>
void average_gradient_windows(const Pool& pool, void* const* pointers, void* scratch) {
  const PoolShape& s = pool.shape;
  using Wide = WideOf<T>;
  const T* dy = static_cast<const T*>(pointers[0]);
  const int64_t out_size = s.out_size();
  scatter_images(pool, static_cast<T*>(pointers[1]), scratch, false, [&](int64_t n, int64_t i, int64_t, Wide* to) HWY_ATTR {
    const auto divisor = static_cast<Wide>(divisor_of(s, i));
    const T* from = dy + (n * out_size + i) * s.channels;
    for_each_tap(s, i, [&](int64_t offset, int64_t) HWY_ATTR {
      int64_t c = 0;
      if constexpr (is_vector_type<T>()) {
        const Tag<T> d;
        for (; c + static_cast<int64_t>(HWY_LANES(Compute<T>)) <= s.channels; c += static_cast<int64_t>(HWY_LANES(Compute<T>))) {
          hn::StoreU(hn::Add(hn::LoadU(d, to + offset + c), hn::Div(load(d, Whole{}, from + c), hn::Set(d, divisor))), d, to + offset + c);
        }
      }
      for (; c < s.channels; ++c) to[offset + c] += static_cast<Wide>(from[c]) / divisor;
    });
  });
}

enum class Pooling : uint8_t { max, take, put, average, average_gradient };

template <Pooling kPooling, class T, class Tap>
void run(const Pool& pool, void* const* pointers, void* scratch) {
  if constexpr (kPooling == Pooling::max) max_windows<T, Tap>(pool, pointers);
  if constexpr (kPooling == Pooling::take) take_windows<T, Tap>(pool.shape, pointers);
  if constexpr (kPooling == Pooling::put) put_windows<T, Tap>(pool, pointers, scratch);
  if constexpr (kPooling == Pooling::average && !std::is_integral_v<T>) average_windows<T>(pool, pointers);
  if constexpr (kPooling == Pooling::average_gradient && !std::is_integral_v<T>) average_gradient_windows<T>(pool, pointers, scratch);
}

using Run = void (*)(const Pool&, void* const*, void*);

template <Pooling kPooling>
Run find(DType dtype, DType tap) {
  return visit_dtype(dtype, [&]<class T>(T) -> Run {
    if constexpr (std::is_same_v<T, bool>) return nullptr;
    else return tap == uint8 ? run<kPooling, T, uint8_t> : run<kPooling, T, int32_t>;
  });
}

Run find_max(DType dtype, DType tap) { return find<Pooling::max>(dtype, tap); }
Run find_take(DType dtype, DType tap) { return find<Pooling::take>(dtype, tap); }
Run find_put(DType dtype, DType tap) { return find<Pooling::put>(dtype, tap); }
Run find_average(DType dtype, DType tap) { return find<Pooling::average>(dtype, tap); }
Run find_average_gradient(DType dtype, DType tap) { return find<Pooling::average_gradient>(dtype, tap); }

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {
namespace {

HWY_EXPORT(find_max);
HWY_EXPORT(find_take);
HWY_EXPORT(find_put);
HWY_EXPORT(find_average);
HWY_EXPORT(find_average_gradient);

using Run = void (*)(const Pool&, void* const*, void*);

KernelPtr prepare(const PoolShape& shape, Run run, int64_t scratch_bytes) {
  return make_kernel(
      [pool = Pool(shape), run](void* const* pointers, void* scratch) {
        if (pool.shape.channels > 0) run(pool, pointers, scratch);
        return Status{};
      },
      scratch_bytes);
}

// Room to sum 16-bit floats in float32.
int64_t sum_bytes(DType dtype, const PoolShape& shape) {
  return dtype.is_16_bit() ? shape.batch * shape.in_size() * shape.channels * 4 : 0;
}

}  // namespace

bool PoolAxis::is_disjoint() const {
  int64_t end = std::numeric_limits<int64_t>::min();
  for (size_t o = 0; o < begin.size(); ++o) {
    if (first[o] >= last[o]) continue;
    if (begin[o] + first[o] * step < end) return false;
    end = begin[o] + (last[o] - 1) * step + 1;
  }
  return true;
}

KernelPtr prepare_max_pool(DType dtype, const PoolShape& shape, bool wants_taps) {
  const Run run = HWY_DYNAMIC_DISPATCH(find_max)(dtype, shape.tap_dtype());
  return make_kernel([pool = Pool(shape), run, wants_taps](void* const* pointers, void* scratch) {
    void* const wanted[] = {pointers[0], pointers[1], wants_taps ? pointers[2] : nullptr};
    if (pool.shape.channels > 0) run(pool, wanted, scratch);
    return Status{};
  });
}
KernelPtr prepare_pool_take(DType dtype, const PoolShape& shape) {
  return prepare(shape, HWY_DYNAMIC_DISPATCH(find_take)(dtype, shape.tap_dtype()), 0);
}
KernelPtr prepare_pool_put(DType dtype, const PoolShape& shape) {
  return prepare(shape, HWY_DYNAMIC_DISPATCH(find_put)(dtype, shape.tap_dtype()), sum_bytes(dtype, shape));
}
KernelPtr prepare_average_pool(DType dtype, const PoolShape& shape) {
  return prepare(shape, HWY_DYNAMIC_DISPATCH(find_average)(dtype, shape.tap_dtype()), 0);
}
KernelPtr prepare_average_pool_gradient(DType dtype, const PoolShape& shape) {
  return prepare(shape, HWY_DYNAMIC_DISPATCH(find_average_gradient)(dtype, shape.tap_dtype()), sum_bytes(dtype, shape));
}

}  // namespace gradus::cpu
#endif
