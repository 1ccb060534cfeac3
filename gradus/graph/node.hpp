// Node: one recorded op with its inputs and outputs. Users hold Arrays; transforms, plans and printing walk nodes.
#pragma once

#include <atomic>
#include <memory>

#include "gradus/array/buffer.hpp"
#include "gradus/graph/op_def.hpp"

namespace gradus::core {

/// Where the computed elements of an output lie: `offset` and `strides` count elements of the buffer.
struct Value {
  BufferPtr buffer{};
  Dims strides{};
  int64_t offset = 0;
};

/// One output of a node. `handles` counts the Arrays that hold it; the value is published once, under the evaluation lock.
struct Output {
  Aval aval{};
  std::atomic<int32_t> handles{0};
  std::atomic<bool> is_ready{false};
  Value value{};
  BufferPtr row_major{};  ///< a contiguous copy of a strided value, made when data() asks; under the evaluation lock
};

/// One input of a node: an output of another.
struct Edge {
  Node* node = nullptr;
  uint32_t index = 0;
};

/// The number a scalar leaf holds: `real` for float64, `integer` for int64 and bool.
union ScalarValue {
  double real;
  int64_t integer;
};

/// A node is immutable but for the values of its outputs, and but for dropping its inputs once they are not needed any more.
/// It lives as long as an Array or an edge refers to it.
class Node {
 public:
  /// Records a node; it owns one reference until adopted by the returned Arrays.
  static Node* make(const OpDef& op, Args args, std::span<const Array> inputs, std::span<const Aval> avals);

  const OpDef& op() const { return *op_; }
  const Args& args() const { return args_; }
  std::span<const Edge> inputs() const { return {many_inputs_ ? many_inputs_.get() : few_inputs_, input_count_}; }
  uint32_t output_count() const { return output_count_; }
  Output& output(uint32_t index) { return index == 0 ? first_ : rest_[index - 1]; }
  const Output& output(uint32_t index) const { return index == 0 ? first_ : rest_[index - 1]; }
  /// A handle to input or output number `index`.
  Array input_array(size_t index) const { return Array(inputs()[index].node, inputs()[index].index); }
  std::vector<Array> input_arrays() const;
  std::vector<Array> output_arrays();

  bool is_ready(uint32_t index) const { return output(index).is_ready.load(std::memory_order_acquire); }
  /// A leaf has no inputs: data, a number, or a placeholder of a transform.
  bool is_leaf() const { return input_count_ == 0; }
  bool is_scalar() const;       ///< a number, held in scalar()
  bool is_placeholder() const;  ///< a symbol without a value
  const ScalarValue& scalar() const { return scalar_; }
  /// The trace this node depends on (0: none); such nodes keep their history while it is open.
  uint32_t session() const { return session_; }
  /// Path of the module that recorded it ("" outside modules).
  const std::string& path() const { return *path_; }
  uint64_t serial() const { return serial_; }

  void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  /// Drops one reference; frees this node and what it alone kept alive, without recursion.
  static void release(Node* node);
  int64_t references() const { return references_.load(std::memory_order_acquire); }
  int64_t handles() const;

  /// Publishes the value of an output. Under the evaluation lock.
  void publish(uint32_t index, Value value);
  /// Drops the inputs. Under the evaluation lock.
  void detach();

  // Scratch of the evaluator's walk, under its lock: `walk` tells which walk wrote `number` and `edges_seen`.
  uint64_t walk = 0;
  uint32_t number = 0;
  uint32_t edges_seen = 0;

 private:
  friend Array make_scalar(DType dtype, ScalarValue value, bool is_weak);
  friend Array make_placeholder(const Aval& aval);
  Node() = default;
  ~Node() = default;

  const OpDef* op_ = nullptr;
  Args args_;
  uint32_t input_count_ = 0, output_count_ = 0, session_ = 0;
  Edge few_inputs_[3];
  std::unique_ptr<Edge[]> many_inputs_;
  std::atomic<int64_t> references_{0};
  Output first_;
  std::unique_ptr<Output[]> rest_;
  ScalarValue scalar_{};
  uint64_t serial_ = 0;
  const std::string* path_ = nullptr;
};

/// A fresh number for a walk.
uint64_t new_walk();

}  // namespace gradus::core
