// Sums of windows: copied where they are disjoint, else added in order.
#include "gradus/cpu/pool/window_sums.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>

#include "gradus/base/round_up.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/cpu/move/copy.hpp"

namespace gradus::cpu {

namespace {

constexpr int64_t kChunk = 32768;  // elements worth starting a thread for

// ---- which windows overlap

class DisjointTest {
 public:
  DisjointTest(std::span<const WindowPlace> places, std::span<const Shape> sizes) : places_(places), sizes_(sizes) {}

  bool run() const {
    std::vector<size_t> all;
    for (size_t i = 0; i < places_.size(); ++i) {
      if (sizes_[i].size() > 0) all.push_back(i);
    }
    return all.size() < 2 || holds(all, 0);
  }

 private:
  // The first and the last position on an axis.
  std::pair<int64_t, int64_t> range(size_t window, size_t axis) const {
    const int64_t first = places_[window].starts[axis], last = first + (sizes_[window].dims()[axis] - 1) * places_[window].steps[axis];
    return std::minmax(first, last);
  }
  int64_t step(size_t window, size_t axis) const {
    return sizes_[window].dims()[axis] == 1 ? 0 : std::abs(places_[window].steps[axis]);
  }

  // Windows that may meet on this axis must be apart on a later one.
  bool holds(std::vector<size_t>& windows, size_t axis) const {
    if (axis == places_[windows[0]].starts.size()) return false;
    const int64_t common = common_step(windows, axis);
    const auto before = [&](size_t a, size_t b) {
      const auto [low_a, high_a] = range(a, axis);
      const auto [low_b, high_b] = range(b, axis);
      return std::pair(low_a % common, low_a) < std::pair(low_b % common, low_b);
    };
    std::sort(windows.begin(), windows.end(), before);
    for (size_t begin = 0; begin < windows.size();) {
      int64_t low = 0, high = 0;
      std::tie(low, high) = range(windows[begin], axis);
      size_t end = begin + 1;
      for (; end < windows.size(); ++end) {
        const auto [next_low, next_high] = range(windows[end], axis);
        if (next_low % common != low % common || next_low > high) break;
        high = std::max(high, next_high);
      }
      std::vector<size_t> meeting(windows.begin() + static_cast<std::ptrdiff_t>(begin), windows.begin() + static_cast<std::ptrdiff_t>(end));
      if (meeting.size() > 1 && !holds(meeting, axis + 1)) return false;
      begin = end;
    }
    return true;
  }
  // The step of all windows of more than one element, 1 if they differ.
  int64_t common_step(const std::vector<size_t>& windows, size_t axis) const {
    int64_t common = 0;
    for (const size_t window : windows) {
      const int64_t own = step(window, axis);
      if (own && common && own != common) return 1;
      if (own) common = own;
    }
    return std::max<int64_t>(common, 1);
  }

  std::span<const WindowPlace> places_;
  std::span<const Shape> sizes_;
};

// ---- adding one window

// Elements of a window beside those of its value; axes that run on are merged.
struct WindowWalk {
  size_t input = 0;
  int64_t offset = 0, size = 0;  // elements
  Dims sizes, in_strides, out_strides;

  WindowWalk(const Layout& value, const WindowPlace& place, const Dims& strides) : size(value.size()) {
    for (size_t i = 0; i < strides.size(); ++i) {
      if (size) offset += place.starts[i] * strides[i];
      const int64_t count = value.shape.dims()[i], in = value.strides[i], out = strides[i] * place.steps[i];
      if (count == 1) continue;
      if (!sizes.empty() && in_strides.back() == in * count && out_strides.back() == out * count) {
        sizes.back() *= count;
        in_strides.back() = in;
        out_strides.back() = out;
      } else {
        sizes.push_back(count);
        in_strides.push_back(in);
        out_strides.push_back(out);
      }
    }
    if (sizes.empty()) {
      sizes.push_back(1);
      in_strides.push_back(1);
      out_strides.push_back(1);
    }
  }

  template <class Place, class Source>
  void add(const Source* in, Place* out) const {
    if (!size) return;
    const size_t last = sizes.size() - 1;
    const int64_t length = sizes[last], rows = size / length, rows_a_chunk = std::max<int64_t>(1, kChunk / length);
    const int64_t in_step = in_strides[last], out_step = out_strides[last];
    parallel_for(divide_up(rows, rows_a_chunk), [&](int64_t chunk) {
      const int64_t end = std::min(rows, (chunk + 1) * rows_a_chunk);
      for (int64_t row = chunk * rows_a_chunk; row < end; ++row) {
        int64_t from = 0, to = offset;
        for (int64_t rest = row, axis = static_cast<int64_t>(last); axis-- > 0; rest /= sizes[static_cast<size_t>(axis)]) {
          from += rest % sizes[static_cast<size_t>(axis)] * in_strides[static_cast<size_t>(axis)];
          to += rest % sizes[static_cast<size_t>(axis)] * out_strides[static_cast<size_t>(axis)];
        }
        if (in_step == 1 && out_step == 1) add_row(in + from, out + to, length, 1, 1);
        else add_row(in + from, out + to, length, in_step, out_step);
      }
    });
  }

 private:
  template <class Place, class Source>
  static void add_row(const Source* in, Place* out, int64_t count, int64_t in_step, int64_t out_step) {
    for (int64_t i = 0; i < count; ++i) {
      Place& place = out[i * out_step];
      if constexpr (std::same_as<Place, float16_t> || std::same_as<Place, bfloat16_t>) {
        place = Place(static_cast<float>(place) + static_cast<float>(in[i * in_step]));
      } else {
        place = static_cast<Place>(place + static_cast<Place>(in[i * in_step]));
      }
    }
  }
};

// ---- the kernel

void fill_zeros(void* out, int64_t bytes) {
  constexpr int64_t kPiece = int64_t{1} << 18;
  parallel_for(divide_up(bytes, kPiece), [&](int64_t piece) {
    const int64_t begin = piece * kPiece;
    std::memset(static_cast<std::byte*>(out) + begin, 0, static_cast<size_t>(std::min(kPiece, bytes - begin)));
  });
}
template <class To, class From>
void convert(const From* in, To* out, int64_t size) {
  parallel_for(divide_up(size, kChunk), [&](int64_t chunk) {
    const int64_t end = std::min(size, (chunk + 1) * kChunk);
    for (int64_t i = chunk * kChunk; i < end; ++i) out[i] = To(in[i]);
  });
}

// Disjoint windows in an array of zeros.
class CopiedWindows final : public Kernel {
 public:
  CopiedWindows(std::span<const Layout> values, std::span<const WindowPlace> places, const Layout& out)
      : count_(values.size()), bytes_(out.bytes()) {
    int64_t covered = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      Dims strides = out.strides;
      int64_t offset = 0;
      for (size_t axis = 0; axis < strides.size(); ++axis) {
        offset += places[i].starts[axis] * strides[axis];
        strides[axis] *= places[i].steps[axis];
      }
      covered += values[i].size();
      copies_.add(StridedCopy(values[i].shape, values[i].strides, strides, out.dtype.size()), i, offset, values[i].size(),
                  out.dtype.size());
    }
    is_covered_ = covered == out.size();
  }
  Status run(void* const* p, void*) const override {
    if (!is_covered_) fill_zeros(p[count_], bytes_);
    copies_.run(p, p[count_]);
    return {};
  }

 private:
  ManyCopies copies_;
  size_t count_;
  int64_t bytes_;
  bool is_covered_ = false;
};

// Windows that overlap, or on a base.
class AddedWindows final : public Kernel {
 public:
  AddedWindows(const Layout* base, std::span<const Layout> values, std::span<const WindowPlace> places, const Layout& out, bool are_apart)
      : dtype_(out.dtype), size_(out.size()), has_base_(base != nullptr), is_widened_(out.dtype.is_16_bit() && !are_apart) {
    partial.in_place = 0;
    if (base) start_.emplace(base->shape, base->strides, out.strides, dtype_.size());
    for (size_t i = 0; i < values.size(); ++i) {
      walks_.emplace_back(values[i], places[i], out.strides).input = i + (base ? 1 : 0);
      partial.in_place += 3 * values[i].bytes();
    }
    if (is_widened_) {
      scratch_bytes = size_ * 4;
      partial.in_place += 2 * out.bytes();
    }
  }
  Status run(void* const* p, void* scratch) const override {
    void* out = p[walks_.size() + (has_base_ ? 1 : 0)];
    if (!has_base_) fill_zeros(out, size_ * dtype_.size());
    else if (out != p[0]) start_->run(p[0], out);
    visit_dtype(dtype_, [&]<class T>(T) {
      if constexpr (std::same_as<T, float16_t> || std::same_as<T, bfloat16_t>) {
        if (!is_widened_) return add_all<T>(p, static_cast<T*>(out));
        float* wide = static_cast<float*>(scratch);
        convert(static_cast<const T*>(out), wide, size_);
        add_all<T>(p, wide);
        convert(wide, static_cast<T*>(out), size_);
      } else if constexpr (std::signed_integral<T>) {  // wraps
        using Unsigned = std::make_unsigned_t<T>;
        add_all<Unsigned>(p, static_cast<Unsigned*>(out));
      } else {
        add_all<T>(p, static_cast<T*>(out));
      }
    });
    return {};
  }

 private:
  template <class Source, class Place>
  void add_all(void* const* p, Place* out) const {
    for (const WindowWalk& walk : walks_) walk.add(static_cast<const Source*>(p[walk.input]), out);
  }

  DType dtype_;
  int64_t size_;
  bool has_base_, is_widened_;
  std::optional<StridedCopy> start_;
  std::vector<WindowWalk> walks_;
};

}  // namespace

bool are_disjoint(std::span<const WindowPlace> places, std::span<const Shape> sizes) { return DisjointTest(places, sizes).run(); }

KernelPtr sum_windows(const Layout* base, std::span<const Layout> values, std::span<const WindowPlace> places, const Layout& out) {
  std::vector<Shape> sizes;
  for (const Layout& value : values) sizes.push_back(value.shape);
  const bool are_apart = are_disjoint(places, sizes);
  if (!base && are_apart) return std::make_shared<CopiedWindows>(values, places, out);
  return std::make_shared<AddedWindows>(base, values, places, out, are_apart);
}

}  // namespace gradus::cpu
