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
  Shape shape{};           // of the whole array
  int64_t row_size = 0;    // elements
  bool is_divided = false; // bytes to float32 / 255
  double scale = 0;        // other inputs to float32 * scale, if not 0

  explicit Rows(const Array& array) : stored(array.dtype()), delivered(array.dtype()), shape(array.shape()) {
    from = static_cast<const std::byte*>(row_major_data(array));
    row_size = shape[0] ? shape.size() / shape[0] : 0;
  }
  void copy_row(int64_t position, std::byte* to) const;
  BufferPtr gather(std::span<const int64_t> positions) const;
  Array wrap(BufferPtr buffer, int64_t rows) const;
};

void Rows::copy_row(int64_t position, std::byte* to) const {
  const std::byte* row = from + position * row_size * stored.size();
  if (is_divided) {
    auto* out = reinterpret_cast<float*>(to);
    const auto* bytes = reinterpret_cast<const uint8_t*>(row);
    for (int64_t i = 0; i < row_size; ++i) out[i] = static_cast<float>(bytes[i]) / 255.0f;
    if (scale != 0) {
      for (int64_t i = 0; i < row_size; ++i) out[i] *= static_cast<float>(scale);
    }
  } else if (scale != 0) {
    visit_dtype(stored, [&]<class T>(T) {
      auto* out = reinterpret_cast<float*>(to);
      const T* values = reinterpret_cast<const T*>(row);
      for (int64_t i = 0; i < row_size; ++i) out[i] = static_cast<float>(values[i]) * static_cast<float>(scale);
    });
  } else {
    std::memcpy(to, row, static_cast<size_t>(row_size * stored.size()));
  }
}

BufferPtr Rows::gather(std::span<const int64_t> positions) const {
  const int64_t row_bytes = row_size * delivered.size();
  BufferPtr out = allocate(row_bytes * static_cast<int64_t>(positions.size()), "batch");
  for (size_t i = 0; row_bytes && i < positions.size(); ++i) copy_row(positions[i], out->data() + static_cast<int64_t>(i) * row_bytes);
  return out;
}

Array Rows::wrap(BufferPtr buffer, int64_t rows) const {
  std::vector<int64_t> sizes = shape.to_vector();
  sizes[0] = rows;
  return make_leaf(std::move(buffer), delivered, Shape(sizes));
}

struct Prepared {
  BufferPtr x, y, weights;
  int64_t rows = 0;
};

}  // namespace

struct Batches::State {
  State(const Dataset& set, const BatchOptions& options);
  ~State();

  Prepared prepare(int64_t index) const;
  void work();
  bool take(Prepared& out);
  // In the child of a fork there is no worker, and what it waits for or holds locked cannot even be destroyed.
  bool has_worker_here() const { return generation == fork_generation(); }

  Array held_x, held_y, held_weights;  // keep the memory that rows points to
  Rows x_rows;
  std::unique_ptr<Rows> y_rows, weight_rows;
  std::vector<int64_t> order;
  int64_t batch_size, count, first, next_index;
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
    : held_x(set.stored_x()),
      held_y(set.y),
      held_weights(set.weights),
      x_rows(held_x),
      batch_size(options.batch_size),
      first(options.first),
      next_index(options.first) {
  x_rows.is_divided = set.is_from_bytes();
  x_rows.scale = options.scale;
  if (x_rows.is_divided || options.scale != 0) x_rows.delivered = float32;
  if (held_y.exists()) y_rows = std::make_unique<Rows>(held_y);
  if (held_weights.exists()) weight_rows = std::make_unique<Rows>(held_weights);

  const int64_t size = set.size();
  if (options.shuffle) {
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

Prepared Batches::State::prepare(int64_t index) const {
  const auto begin = static_cast<size_t>(index * batch_size);
  const std::span<const int64_t> positions(order.data() + begin, std::min(static_cast<size_t>(batch_size), order.size() - begin));
  const auto gather = [&](const std::unique_ptr<Rows>& rows) { return rows ? rows->gather(positions) : BufferPtr(); };
  return {x_rows.gather(positions), gather(y_rows), gather(weight_rows), static_cast<int64_t>(positions.size())};
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
  state_->current.x = state_->x_rows.wrap(std::move(prepared.x), prepared.rows);
  state_->current.y = state_->y_rows ? state_->y_rows->wrap(std::move(prepared.y), prepared.rows) : Array();
  state_->current.weights = state_->weight_rows ? state_->weight_rows->wrap(std::move(prepared.weights), prepared.rows) : Array();
  return &state_->current;
}

Batches batches(const Dataset& set, BatchOptions options) { return Batches(set, options); }

}  // namespace gradus::data
