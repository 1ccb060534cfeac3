// Parameter and State: the variables that modules hold. Handles on cells.
#pragma once

#include <concepts>

#include "gradus/base/function_ref.hpp"
#include "gradus/graph/cell.hpp"

namespace gradus::core {

/// What Parameter and State share. Copying makes a new cell with the same value, so that a copy of a module is a module of its own;
/// assignment copies the value into this variable's cell; moving takes the cell along.
class VariableHandle {
 public:
  VariableHandle(const VariableHandle& other);
  VariableHandle(VariableHandle&& other) noexcept = default;
  VariableHandle& operator=(const VariableHandle& other);
  VariableHandle& operator=(VariableHandle&& other) noexcept = default;

  /// The value; at the first call it is made by `init(shape)`. The sizes are fixed from then on: another shape is an error. Inside a
  /// transform nothing is made, but in the recorded call with which transforms over modules begin.
  template <class Init>
    requires std::convertible_to<std::invoke_result_t<const Init&, const Shape&>, Array>
  const Array& operator()(const Shape& shape, const Init& init) const {
    if (!has_value()) build(shape, init);
    return checked(shape);
  }
  const Array& operator()(const Shape& shape, Array (*init)(const Shape&)) const {
    if (!has_value()) build(shape, init);
    return checked(shape);
  }
  /// The value; throws if there is none yet.
  const Array& get() const { return cell()->get(); }
  operator const Array&() const { return get(); }
  bool has_value() const { return cell()->has_value(); }
  /// Assigns (in a transform: when it has succeeded). Forward functions are const and may assign.
  void set(Array value) const { cell()->set(std::move(value)); }
  const Shape& shape() const { return get().shape(); }

  const CellPtr& cell() const { return cell_; }

 protected:
  explicit VariableHandle(Cell::Kind kind) : cell_(std::make_shared<Cell>(kind)) {}

 private:
  void build(const Shape& shape, FunctionRef<Array(const Shape&)> init) const;
  const Array& checked(const Shape& shape) const;
  CellPtr cell_;
};

}  // namespace gradus::core

namespace gradus {

/// An array that training changes. It has no value before the first call of its module, which knows the sizes:
///
///   const Array& k = kernel({x.shape(-1), units}, nn::init::glorot_uniform());
class Parameter : public core::VariableHandle {
 public:
  Parameter() : core::VariableHandle(core::Cell::Kind::parameter) {}
  explicit Parameter(Array value) : Parameter() { cell()->commit(std::move(value)); }

  /// A frozen parameter gets no gradient and no update.
  bool is_trainable() const { return cell()->is_trainable; }
  void set_trainable(bool is_on) const { cell()->is_trainable = is_on; }
  /// A layer says here that it goes without this parameter (use_bias = false): it is then no variable of the module.
  void set_used(bool is_on) const { cell()->is_used = is_on; }
};

/// An array that is saved but not trained: running statistics, counts.
class State : public core::VariableHandle {
 public:
  State() : core::VariableHandle(core::Cell::Kind::state) {}
  explicit State(Array value) : State() { cell()->commit(std::move(value)); }
};

namespace nn {
using gradus::Parameter;
using gradus::State;
}  // namespace nn

}  // namespace gradus
