// The handle: counting, facts, reading of values.
#include "gradus/graph/array.hpp"

#include <cstring>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/node.hpp"

namespace gradus {

using namespace core;

namespace {

void hold(Node* node, uint32_t index) {
  if (!node) return;
  node->retain();
  node->output(index).handles.fetch_add(1, std::memory_order_relaxed);
}

void drop(Node* node, uint32_t index) {
  if (!node) return;
  node->output(index).handles.fetch_sub(1, std::memory_order_release);
  Node::release(node);
}

}  // namespace

Array::Array(Node* node, uint32_t index) : node_(node), index_(index) { hold(node_, index_); }

Array::Array(FromNumber, DType kind, ScalarValue value) {
  core::ScalarValue same;
  std::memcpy(&same, &value, sizeof same);
  *this = make_scalar(kind, same, true);
}

void Array::refuse_number(uint64_t above_int64) {
  fail("array", above_int64, " is above the largest int64, ", std::numeric_limits<int64_t>::max());
}

Array::Array(const Array& other) : node_(other.node_), index_(other.index_) { hold(node_, index_); }

Array& Array::operator=(const Array& other) & {
  hold(other.node_, other.index_);
  drop(node_, index_);
  node_ = other.node_;
  index_ = other.index_;
  return *this;
}

Array& Array::operator=(Array&& other) & noexcept {
  if (this == &other) return *this;
  drop(node_, index_);
  node_ = std::exchange(other.node_, nullptr);
  index_ = other.index_;
  return *this;
}

Array::~Array() { drop(node_, index_); }

const Aval& Array::aval() const {
  if (!node_) fail("array", "this Array is empty; give it a value before using it");
  return node_->output(index_).aval;
}

const Shape& Array::shape() const { return aval().shape; }
int64_t Array::shape(int64_t axis) const { return shape()[normalize_axis("shape", axis, rank())]; }
int64_t Array::rank() const { return aval().shape.rank(); }
int64_t Array::size() const { return aval().shape.size(); }
DType Array::dtype() const { return aval().dtype; }

const Array& Array::eval() const {
  aval();
  evaluate(std::span<const Array>(this, 1));
  return *this;
}

Array::Item Array::read_item() const {
  if (size() != 1) fail("item", "the array is ", shape(), " and has ", size(), " elements; item() reads an array of exactly 1");
  Item item{0, 0, dtype().is_float()};
  if (node_->is_scalar()) {
    (item.is_float ? (void)(item.real = node_->scalar().real) : (void)(item.integer = node_->scalar().integer));
  } else if (item.is_float) {
    copy_elements(*this, float64, &item.real);
  } else {
    copy_elements(*this, int64, &item.integer);
  }
  return item;
}

const void* Array::raw_data(DType wanted, bool has_storage) const {
  if (!has_storage || dtype() != wanted) {
    fail("data", "the array has dtype ", dtype(), ", not ", wanted, "; read it as its own type, or convert with astype or to_vector");
  }
  return row_major_data(*this);
}

void Array::copy_to(DType wanted, void* out) const {
  aval();
  copy_elements(*this, wanted, out);
}

}  // namespace gradus
