// Reductions: brings any layout to blocks of (outputs x reduced elements), splits them among threads, folds them.
#include "gradus/cpu/reduce/reduce.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "gradus/base/parallel.hpp"
#include "gradus/cpu/reduce/fold.hpp"

namespace gradus::cpu {

namespace {

constexpr int64_t kBlockOutputs = 1024;  // states of a block stay in L1
constexpr int64_t kMaxStateBytes = 16;
constexpr int64_t kFoldWidth = 128;  // columns that narrow tiles are widened to

// An axis of the walk. Reduced ones have no output stride.
struct Axis {
  int64_t size = 1, in = 0, out = 0;
  bool is_reduced = false;
};

// Steps over the index space of some axes.
struct Space {
  std::vector<Axis> axes;
  int64_t size() const {
    int64_t count = 1;
    for (const Axis& axis : axes) count *= axis.size;
    return count;
  }
  // Offsets of the element with row-major number `index`.
  void offsets(int64_t index, int64_t& in, int64_t& out) const {
    in = out = 0;
    for (size_t a = axes.size(); a-- > 0;) {
      const int64_t at = index % axes[a].size;
      index /= axes[a].size;
      in += at * axes[a].in;
      out += at * axes[a].out;
    }
  }
};

FoldKind fold_kind(ReduceKind kind, DType dtype) {
  switch (kind) {
    case ReduceKind::sum:
      return FoldKind::sum;
    case ReduceKind::mean:
      return dtype == int64 ? FoldKind::sum_in_double : FoldKind::sum;
    case ReduceKind::prod:
      return FoldKind::prod;
    case ReduceKind::max:
      return FoldKind::max;
    case ReduceKind::min:
      return FoldKind::min;
    case ReduceKind::any:
      return FoldKind::any;
    case ReduceKind::all:
      return FoldKind::all;
    case ReduceKind::argmax:
      return FoldKind::argmax;
    case ReduceKind::argmin:
      return FoldKind::argmin;
    case ReduceKind::var:
    case ReduceKind::stddev:
    case ReduceKind::norm:
      return FoldKind::squared_deviation;
    case ReduceKind::logsumexp:
      break;
  }
  return FoldKind::exponentials;
}

// A fold with the loop for tiles of unit stride, where there is one.
struct Pass {
  Pass(FoldKind kind, DType dtype)
      : fold(plain_fold(kind, dtype)),
        vectors(vector_tile(kind, dtype)),
        knows_position(kind == FoldKind::argmax || kind == FoldKind::argmin) {}
  void tile(const FoldTile& t) const {
    if (vectors && (t.stride == 1 || (t.output_stride == 1 && !knows_position))) vectors(t);
    else fold.tile(t);
  }
  Fold fold;
  void (*vectors)(const FoldTile&);
  bool knows_position;
};

class ReduceKernel final : public Kernel {
 public:
  ReduceKernel(const Layout& in, DType out, const Reduction& reduction);
  Status run(void* const* pointers, void* scratch) const override;

 private:
  // Where a block of outputs lies.
  struct Block {
    const std::byte* x;
    int64_t outputs, out;
  };
  void order_axes(std::vector<Axis> axes, bool is_order_free);
  void choose_blocks();
  Block block_at(int64_t index, const void* x) const;
  void fold_units(const Pass& pass, const Block& block, int64_t begin, int64_t end, const double* constants, void* states) const;
  void fold_tile(const Pass& pass, FoldTile tile) const;
  void run_whole(const void* x, void* out, int64_t index) const;
  void run_split(const void* x, void* out, void* scratch) const;
  void finish_block(const Block& block, const void* states, const double* constants, void* out) const;
  double root_in_range(const Block& block, int64_t output) const;

  DType in_dtype_, out_dtype_;
  ReduceKind kind_;
  Pass main_;
  Pass first_;  // var, stddev, logsumexp: where the constants come from
  bool has_first_;
  Finish first_finish_ = Finish::value, finish_ = Finish::value;
  double count_ = 0, divisor_ = 1;

  int64_t in_start_ = 0, out_start_ = 0;  // where the walk begins, after turning negative strides round
  Axis inner_kept_, inner_reduced_;       // a tile's two axes
  Space kept_, reduced_;                  // the others
  int64_t total_ = 0, block_outputs_ = 1, blocks_per_row_ = 1, blocks_ = 0;
  int64_t unit_length_ = 1, units_per_run_ = 1, units_ = 1, pieces_ = 1;  // units: pieces of the reduced space
};

ReduceKernel::ReduceKernel(const Layout& in, DType out, const Reduction& reduction)
    : in_dtype_(in.dtype),
      out_dtype_(out),
      kind_(reduction.kind),
      main_(fold_kind(reduction.kind, in.dtype), in.dtype),
      first_(reduction.kind == ReduceKind::logsumexp ? FoldKind::max : FoldKind::sum, in.dtype),
      has_first_(reduction.kind == ReduceKind::var || reduction.kind == ReduceKind::stddev || reduction.kind == ReduceKind::logsumexp) {
  std::vector<Axis> axes(static_cast<size_t>(in.rank()));
  int64_t out_stride = 1, count = 1;
  for (int64_t a = in.rank(); a-- > 0;) {
    const bool is_reduced = std::find(reduction.axes.begin(), reduction.axes.end(), a) != reduction.axes.end();
    axes[static_cast<size_t>(a)] = {in.shape[a], in.strides[static_cast<size_t>(a)], is_reduced ? 0 : out_stride, is_reduced};
    (is_reduced ? count : out_stride) *= in.shape[a];
  }
  total_ = in.size();
  count_ = static_cast<double>(count);
  if (kind_ == ReduceKind::mean) finish_ = Finish::divided, divisor_ = count_;
  if (kind_ == ReduceKind::norm) finish_ = Finish::root;
  if (kind_ == ReduceKind::var || kind_ == ReduceKind::stddev) {
    first_finish_ = Finish::divided;
    finish_ = kind_ == ReduceKind::var ? Finish::divided : Finish::root;
    divisor_ = std::max(0.0, count_ - static_cast<double>(reduction.ddof));
  }
  if (kind_ == ReduceKind::logsumexp) first_finish_ = Finish::finite_double, finish_ = Finish::log_plus;
  order_axes(std::move(axes), kind_ != ReduceKind::argmax && kind_ != ReduceKind::argmin);
  choose_blocks();
}

// Brings the axes into the order of memory and joins neighbours, then picks the innermost kept and reduced one as the axes of a tile.
void ReduceKernel::order_axes(std::vector<Axis> axes, bool is_order_free) {
  std::erase_if(axes, [](const Axis& axis) { return axis.size == 1; });
  if (is_order_free) {
    for (Axis& axis : axes) {
      if (axis.in >= 0 || axis.size == 0) continue;
      in_start_ += (axis.size - 1) * axis.in;
      out_start_ += (axis.size - 1) * axis.out;
      axis.in = -axis.in;
      axis.out = -axis.out;
    }
    // Repeated axes (stride 0) go outside, where they cost a pass each, not inside, where they would stop vectors.
    const auto rank = [](const Axis& axis) { return axis.in == 0 ? std::numeric_limits<int64_t>::max() : axis.in; };
    std::stable_sort(axes.begin(), axes.end(), [&](const Axis& a, const Axis& b) { return rank(a) > rank(b); });
  }
  std::vector<Axis> joined;
  for (const Axis& axis : axes) {
    if (!joined.empty() && joined.back().is_reduced == axis.is_reduced && joined.back().in == axis.in * axis.size &&
        joined.back().out == axis.out * axis.size) {
      joined.back() = {joined.back().size * axis.size, axis.in, axis.out, axis.is_reduced};
    } else {
      joined.push_back(axis);
    }
  }
  inner_kept_ = {1, 0, 0, false};
  inner_reduced_ = {1, 0, 0, true};
  bool has_kept = false, has_reduced = false;
  for (size_t a = joined.size(); a-- > 0;) {
    bool& is_taken = joined[a].is_reduced ? has_reduced : has_kept;
    if (!is_taken) (joined[a].is_reduced ? inner_reduced_ : inner_kept_) = joined[a];
    else (joined[a].is_reduced ? reduced_ : kept_).axes.insert((joined[a].is_reduced ? reduced_ : kept_).axes.begin(), joined[a]);
    is_taken = true;
  }
}

// Blocks of outputs, and pieces of the reduced elements where there are too few blocks to share out. From shapes only.
void ReduceKernel::choose_blocks() {
  const int64_t kept = kept_.size(), outer_reduced = reduced_.size(), m = inner_kept_.size, n = inner_reduced_.size;
  const int64_t per_output = std::max<int64_t>(1, n * outer_reduced);
  const bool is_columns = m > 1 && inner_kept_.in == 1;
  block_outputs_ = is_columns ? kBlockOutputs : std::clamp<int64_t>(32768 / per_output, 1, 512);
  block_outputs_ = std::max<int64_t>(1, std::min(block_outputs_, m));
  blocks_per_row_ = (m + block_outputs_ - 1) / block_outputs_;
  blocks_ = kept * blocks_per_row_;
  unit_length_ = std::max<int64_t>(1, is_columns ? 16384 / block_outputs_ : 16384);
  units_per_run_ = (n + unit_length_ - 1) / unit_length_;
  units_ = units_per_run_ * outer_reduced;
  if (blocks_ > 0 && blocks_ < 16 && total_ >= 65536) {
    pieces_ = std::clamp<int64_t>(std::min(units_, std::min<int64_t>(total_ / 32768, 16) / blocks_), 1, 16);
  }
  if (pieces_ > 1) {
    scratch_bytes = blocks_ * block_outputs_ * (pieces_ * kMaxStateBytes + static_cast<int64_t>(sizeof(double)));
  }
}

ReduceKernel::Block ReduceKernel::block_at(int64_t index, const void* x) const {
  int64_t in, out;
  kept_.offsets(index / blocks_per_row_, in, out);
  const int64_t first = index % blocks_per_row_ * block_outputs_;
  return {static_cast<const std::byte*>(x) + (in_start_ + in + first * inner_kept_.in) * in_dtype_.size(),
          std::min(block_outputs_, inner_kept_.size - first), out_start_ + out + first * inner_kept_.out};
}

// Folds units begin .. end-1 of the reduced space into the block's states.
void ReduceKernel::fold_units(const Pass& pass, const Block& block, int64_t begin, int64_t end, const double* constants,
                              void* states) const {
  while (begin < end) {
    const int64_t run = begin / units_per_run_, first_unit = begin % units_per_run_;
    const int64_t last_unit = std::min(units_per_run_, first_unit + end - begin);
    int64_t in, out;
    reduced_.offsets(run, in, out);
    const int64_t first = first_unit * unit_length_, last = std::min(inner_reduced_.size, last_unit * unit_length_);
    FoldTile tile;
    tile.states = states;
    tile.x = block.x + (in + first * inner_reduced_.in) * in_dtype_.size();
    tile.outputs = block.outputs;
    tile.output_stride = inner_kept_.in;
    tile.count = last - first;
    tile.stride = inner_reduced_.in;
    tile.first = run * inner_reduced_.size + first;
    tile.constants = constants;
    fold_tile(pass, tile);
    begin += last_unit - first_unit;
  }
}

// Few columns in adjacent rows: several rows are one wide row; its states are combined at the end.
void ReduceKernel::fold_tile(const Pass& pass, FoldTile tile) const {
  const int64_t m = tile.outputs;
  const bool is_narrow = tile.output_stride == 1 && tile.stride == m && m > 1 && 2 * m <= kFoldWidth && tile.count >= 8;
  if (!is_narrow || !pass.vectors || pass.knows_position) return pass.tile(tile);
  alignas(64) std::byte states[kFoldWidth * kMaxStateBytes];
  double constants[kFoldWidth];
  const int64_t rows = std::min(kFoldWidth / m, tile.count), width = rows * m;
  if (tile.constants) {
    for (int64_t j = 0; j < width; ++j) constants[j] = tile.constants[j % m];
  }
  pass.fold.start(states, width);
  FoldTile wide = tile;
  wide.states = states;
  wide.outputs = width;
  wide.count = tile.count / rows;
  wide.stride = width;
  wide.constants = tile.constants ? constants : nullptr;
  pass.tile(wide);
  const int64_t rest = tile.count % rows;
  if (rest) {
    wide.x = static_cast<const std::byte*>(tile.x) + wide.count * width * in_dtype_.size();
    wide.outputs = rest * m;
    wide.count = 1;
    pass.tile(wide);
  }
  for (int64_t r = 0; r < rows; ++r) pass.fold.combine(tile.states, states + r * m * pass.fold.state_bytes, m);
}

void ReduceKernel::finish_block(const Block& block, const void* states, const double* constants, void* out) const {
  main_.fold.finish(states, block.outputs, finish_, divisor_, constants, out_dtype_,
                    static_cast<std::byte*>(out) + block.out * out_dtype_.size(), inner_kept_.out);
  if (finish_ != Finish::root || in_dtype_ != float64) return;
  for (int64_t j = 0; j < block.outputs; ++j) {  // squares of floats never leave the range of double
    const double squares = static_cast<const double*>(states)[j];
    if (squares > 1e-280 && squares <= std::numeric_limits<double>::max()) continue;
    static_cast<double*>(out)[block.out + j * inner_kept_.out] = root_in_range(block, j);
  }
}

// One output whose squares are too large or too small for double, by numbers of a wider range.
double ReduceKernel::root_in_range(const Block& block, int64_t output) const {
  const auto sum_of = [&](const auto& term) {
    long double sum = 0;
    for (int64_t run = 0; run < reduced_.size(); ++run) {
      int64_t in, unused;
      reduced_.offsets(run, in, unused);
      const double* x = reinterpret_cast<const double*>(block.x) + in + output * inner_kept_.in;
      for (int64_t i = 0; i < inner_reduced_.size; ++i) sum += term(static_cast<long double>(x[i * inner_reduced_.in]));
    }
    return sum;
  };
  const long double mean = kind_ == ReduceKind::stddev ? sum_of([](long double x) { return x; }) / static_cast<long double>(count_) : 0;
  const long double squares = sum_of([&](long double x) { return (x - mean) * (x - mean); });
  return static_cast<double>(std::sqrt(squares / static_cast<long double>(divisor_)));
}

// One block in one go: both passes while its elements are in cache.
void ReduceKernel::run_whole(const void* x, void* out, int64_t index) const {
  alignas(64) std::byte states[kBlockOutputs * kMaxStateBytes];
  alignas(64) double constants[kBlockOutputs];
  const Block block = block_at(index, x);
  if (has_first_) {
    first_.fold.start(states, block.outputs);
    fold_units(first_, block, 0, units_, nullptr, states);
    first_.fold.finish(states, block.outputs, first_finish_, count_, nullptr, float64, constants, 1);
  }
  main_.fold.start(states, block.outputs);
  fold_units(main_, block, 0, units_, has_first_ ? constants : nullptr, states);
  finish_block(block, states, constants, out);
}

// Few blocks: pieces of each are folded apart, then combined in order.
void ReduceKernel::run_split(const void* x, void* out, void* scratch) const {
  auto* const states = static_cast<std::byte*>(scratch);
  auto* const constants = reinterpret_cast<double*>(states + blocks_ * block_outputs_ * pieces_ * kMaxStateBytes);
  const auto states_of = [&](int64_t block, int64_t piece) { return states + (block * pieces_ + piece) * block_outputs_ * kMaxStateBytes; };
  const auto fold_all = [&](const Pass& pass, bool has_constants) {
    parallel_for(blocks_ * pieces_, [&](int64_t item) {
      const int64_t b = item / pieces_, piece = item % pieces_;
      const Block block = block_at(b, x);
      void* const to = states_of(b, piece);
      pass.fold.start(to, block.outputs);
      fold_units(pass, block, units_ * piece / pieces_, units_ * (piece + 1) / pieces_,
                 has_constants ? constants + b * block_outputs_ : nullptr, to);
    });
    for (int64_t b = 0; b < blocks_; ++b) {
      const int64_t outputs = block_at(b, x).outputs;
      for (int64_t piece = 1; piece < pieces_; ++piece) pass.fold.combine(states_of(b, 0), states_of(b, piece), outputs);
    }
  };
  if (has_first_) {
    fold_all(first_, false);
    for (int64_t b = 0; b < blocks_; ++b) {
      first_.fold.finish(states_of(b, 0), block_at(b, x).outputs, first_finish_, count_, nullptr, float64, constants + b * block_outputs_,
                         1);
    }
  }
  fold_all(main_, has_first_);
  for (int64_t b = 0; b < blocks_; ++b) finish_block(block_at(b, x), states_of(b, 0), constants + b * block_outputs_, out);
}

Status ReduceKernel::run(void* const* pointers, void* scratch) const {
  if (pieces_ > 1) {
    run_split(pointers[0], pointers[1], scratch);
    return {};
  }
  if (total_ < 20000) {
    for (int64_t b = 0; b < blocks_; ++b) run_whole(pointers[0], pointers[1], b);
  } else {
    parallel_for(blocks_, [&](int64_t b) { run_whole(pointers[0], pointers[1], b); });
  }
  return {};
}

}  // namespace

KernelPtr prepare_reduce(const Layout& in, DType out, const Reduction& reduction) {
  return std::make_shared<ReduceKernel>(in, out, reduction);
}

}  // namespace gradus::cpu
