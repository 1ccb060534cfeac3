// Batches: rows gathered by plain copies, ahead of their use. The thread holds addresses and buffers, never an Array.
#include "gradus/data/batches.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/fork.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr size_t kAhead = 2;

// What a batch's rows are copied from, and how they are converted.
struct Rows {
  const std::byte* from = nullptr;
  DType stored{}, delivered{};
  Shape shape{};            // of the whole array
  int64_t row_size = 0;     // elements
  bool is_divided = false;  // bytes to float32 / 255
  double scale = 0;         // other inputs to float32 * scale, if not 0

  explicit Rows(const Array& array) : stored(array.dtype()), delivered(array.dtype()), shape(array.shape()) {
    from = static_cast<const std::byte*>(row_major_data(array));
    row_size = shape[0] ? shape.size() / shape[0] : 0;
  }
  void copy_row(int64_t position, int64_t count, std::byte* to) const;
  BufferPtr gather(std::span<const int64_t> positions, int64_t steps) const;
  Array wrap(BufferPtr buffer, int64_t rows, int64_t steps) const;
  // Elements of a row that is cut to so many steps; -1: it is not cut.
  int64_t elements(int64_t steps) const { return steps < 0 || shape[1] == 0 ? row_size : row_size / shape[1] * steps; }
};

// The first `count` elements of a row.
void Rows::copy_row(int64_t position, int64_t count, std::byte* to) const {
  const std::byte* row = from + position * row_size * stored.size();
  if (is_divided) {
    auto* out = reinterpret_cast<float*>(to);
    const auto* bytes = reinterpret_cast<const uint8_t*>(row);
    for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(bytes[i]) / 255.0f;
    if (scale != 0) {
      for (int64_t i = 0; i < count; ++i) out[i] *= static_cast<float>(scale);
    }
  } else if (scale != 0) {
    visit_dtype(stored, [&]<class T>(T) {
      auto* out = reinterpret_cast<float*>(to);
      const T* values = reinterpret_cast<const T*>(row);
      for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(values[i]) * static_cast<float>(scale);
    });
  } else {
    std::memcpy(to, row, static_cast<size_t>(count * stored.size()));
  }
}

BufferPtr Rows::gather(std::span<const int64_t> positions, int64_t steps) const {
  const int64_t count = elements(steps), row_bytes = count * delivered.size();
  BufferPtr out = allocate(row_bytes * static_cast<int64_t>(positions.size()), "batch");
  for (size_t i = 0; row_bytes && i < positions.size(); ++i)
    copy_row(positions[i], count, out->data() + static_cast<int64_t>(i) * row_bytes);
  return out;
}

Array Rows::wrap(BufferPtr buffer, int64_t rows, int64_t steps) const {
  std::vector<int64_t> sizes = shape.to_vector();
  sizes[0] = rows;
  if (steps >= 0) sizes[1] = steps;
  return make_leaf(std::move(buffer), delivered, Shape(sizes));
}

// An array of the samples: x, y, weights or an extra.
struct Column {
  Array held;  // keeps the memory that rows points to
  Rows rows;
  std::vector<int64_t> lengths;  // of its samples, where batches are cut; else empty
};

struct Piece {
  BufferPtr buffer;
  int64_t steps = -1;  // -1: as many as there are
};
struct Prepared {
  std::vector<Piece> pieces;  // one a column
  int64_t rows = 0;
};

// Samples in random order; by turns so many of them as the window has batches are sorted by length, and the full batches put in a random
// order again. The samples of a last batch that is not full are drawn before that: they are not all long ones.
std::vector<int64_t> bucketed_order(const Bucketing& bucketing, const BatchOptions& options, const std::vector<int64_t>& lengths,
                                    const std::vector<int64_t>& further) {
  std::vector<int64_t> order = permutation(static_cast<int64_t>(lengths.size()), options.seed, options.epoch);
  const auto size = static_cast<int64_t>(order.size()), batch = std::min(options.batch_size, std::max<int64_t>(size, 1));
  const int64_t full = size / batch, whole = full * batch, most = std::max<int64_t>(full, 1);
  const int64_t window = std::min(bucketing.window, most) * batch;
  const auto is_shorter = [&](int64_t a, int64_t b) {
    const auto i = static_cast<size_t>(a), j = static_cast<size_t>(b);
    return lengths[i] != lengths[j] ? lengths[i] < lengths[j] : !further.empty() && further[i] < further[j];
  };
  for (int64_t begin = 0; begin < whole; begin += window)
    std::stable_sort(order.begin() + begin, order.begin() + std::min(whole, begin + window), is_shorter);
  std::vector<int64_t> out;
  out.reserve(order.size());
  for (const int64_t index : permutation(full, ~options.seed, options.epoch))
    out.insert(out.end(), order.begin() + index * batch, order.begin() + (index + 1) * batch);
  out.insert(out.end(), order.begin() + whole, order.end());
  return out;
}

}  // namespace

struct Batches::State {
  State(const Dataset& set, const BatchOptions& options);
  ~State();

  Prepared prepare(int64_t index) const;
  void work();
  bool take(Prepared& out);
  // In the child of a fork there is no worker, and what it waits for or holds locked cannot even be destroyed.
  bool has_worker_here() const { return generation == fork_generation(); }

  void add_column(const Dataset& set, const Array& values, const std::string& lengths);
  int64_t steps_of(const Column& column, std::span<const int64_t> positions) const;

  std::vector<Column> columns;  // x, y and weights where there are any, the extras
  bool has_targets, has_weights;
  std::vector<Extra> extras;  // without values
  std::vector<int64_t> order;
  int64_t batch_size, count, first, next_index, multiple = 0;  // multiple 0: batches are not cut
  Batch current;

  std::thread worker;
  int64_t generation = fork_generation();
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Prepared> ready;
  std::exception_ptr failure;
  bool is_stopping = false;
};

Batches::State::State(const Dataset& set, const BatchOptions& options)
    : has_targets(set.y.exists()),
      has_weights(set.weights.exists()),
      batch_size(options.batch_size),
      first(options.first),
      next_index(options.first) {
  const bool is_bucketed = set.bucketing && options.shuffle;
  if (is_bucketed) multiple = set.bucketing->multiple;
  add_column(set, set.stored_x(), set.x_lengths);
  Rows& x_rows = columns[0].rows;
  x_rows.is_divided = set.is_from_bytes();
  x_rows.scale = options.scale;
  if (x_rows.is_divided || options.scale != 0) x_rows.delivered = float32;
  if (has_targets) add_column(set, set.y, set.y_lengths);
  if (has_weights) add_column(set, set.weights, {});
  for (const Extra& extra : set.extras) {
    add_column(set, extra.values, extra.lengths);
    extras.push_back({extra.name, {}, extra.lengths});
  }

  const int64_t size = set.size();
  if (is_bucketed) {
    order = bucketed_order(*set.bucketing, options, columns[0].lengths, has_targets ? columns[1].lengths : std::vector<int64_t>());
  } else if (options.shuffle) {
    order = permutation(size, options.seed, options.epoch);
  } else {
    order.resize(static_cast<size_t>(size));
    for (int64_t i = 0; i < size; ++i) order[static_cast<size_t>(i)] = i;
  }
  count = options.drop_last ? size / batch_size : size / batch_size + (size % batch_size != 0);
  first = next_index = std::min(first, count);
  if (!options.prefetch || count - first <= 1) return;
  try {
    worker = std::thread([this] { work(); });
  } catch (const std::system_error&) {  // no thread to be had: batches are made when they are asked for
  }
}

Batches::State::~State() {
  if (!worker.joinable()) return;
  {
    std::lock_guard lock(mutex);
    is_stopping = true;
  }
  changed.notify_all();
  worker.join();
}

void Batches::State::add_column(const Dataset& set, const Array& values, const std::string& lengths) {
  columns.push_back({values, Rows(values), {}});
  if (multiple > 0 && !lengths.empty()) columns.back().lengths = set[lengths].to_vector<int64_t>();
}

// The steps of the longest sample, rounded up; at least one step is left.
int64_t Batches::State::steps_of(const Column& column, std::span<const int64_t> positions) const {
  if (column.lengths.empty()) return -1;
  int64_t longest = 1;
  for (const int64_t position : positions) longest = std::max(longest, column.lengths[static_cast<size_t>(position)]);
  const int64_t all = column.rows.shape[1];
  return multiple >= all ? all : std::min(all, (longest + multiple - 1) / multiple * multiple);
}

Prepared Batches::State::prepare(int64_t index) const {
  const auto begin = static_cast<size_t>(index * batch_size);
  const std::span<const int64_t> positions(order.data() + begin, std::min(static_cast<size_t>(batch_size), order.size() - begin));
  Prepared out{{}, static_cast<int64_t>(positions.size())};
  for (const Column& column : columns) {
    const int64_t steps = steps_of(column, positions);
    out.pieces.push_back({column.rows.gather(positions, steps), steps});
  }
  return out;
}

void Batches::State::work() {
  const SerialScope serial;
  try {
    for (int64_t index = first; index < count; ++index) {
      Prepared prepared = prepare(index);
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return is_stopping || ready.size() < kAhead; });
      if (is_stopping) return;
      ready.push_back(std::move(prepared));
      changed.notify_all();
    }
  } catch (...) {
    std::lock_guard lock(mutex);
    failure = std::current_exception();
    changed.notify_all();
  }
}

// The next prepared batch; false at the end.
bool Batches::State::take(Prepared& out) {
  if (next_index == count) return false;
  if (!worker.joinable()) {
    out = prepare(next_index++);
    return true;
  }
  if (!has_worker_here()) fail("batches", "the process was forked after they were begun; begin anew in the child");
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return failure || !ready.empty(); });
  if (ready.empty()) std::rethrow_exception(failure);
  out = std::move(ready.front());
  ready.pop_front();
  changed.notify_all();
  ++next_index;
  return true;
}

Batches::Batches(const Dataset& set, BatchOptions options) {
  if (options.batch_size < 1) fail("batches", "batch_size is ", options.batch_size, "; it must be 1 or more");
  if (options.first < 0) fail("batches", "first is ", options.first, "; it must not be negative");
  if (!set.x.exists()) fail("batches", "the dataset is empty; give it x and y first");
  check_weights(set);
  check_extras(set);
  state_ = std::make_unique<State>(set, options);
}
Batches::~Batches() {
  if (state_ && state_->worker.joinable() && !state_->has_worker_here()) state_.release();
}
Batches::Batches(Batches&&) noexcept = default;

int64_t Batches::count() const { return state_->count; }

const Batch* Batches::next() {
  Prepared prepared;
  if (!state_->take(prepared)) return nullptr;
  size_t column = 0;
  const auto next_array = [&] {
    Piece& piece = prepared.pieces[column];
    return state_->columns[column++].rows.wrap(std::move(piece.buffer), prepared.rows, piece.steps);
  };
  Batch& current = state_->current;
  current.x = next_array();
  current.y = state_->has_targets ? next_array() : Array();
  current.weights = state_->has_weights ? next_array() : Array();
  current.extras = state_->extras;
  for (Extra& extra : current.extras) extra.values = next_array();
  return &state_->current;
}

Batches batches(const Dataset& set, BatchOptions options) { return Batches(set, options); }

}  // namespace gradus::data
