// One call of a golden case as the table's functions see it: named arrays and attributes in, named arrays out.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "gradus/gradus.hpp"

namespace golden {

using gradus::Array, gradus::DType, gradus::Shape;
using Json = nlohmann::ordered_json;

/// Thrown by a function of the table for what Gradus does not have (yet): the case is skipped, with the reason.
struct NotCovered : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An argument of a case: one array, or a list of them.
struct Argument {
  std::vector<Array> arrays;
  bool is_list = false;
};
using Arguments = std::map<std::string, Argument>;

/// Inputs and attributes of one call. `dtype` is the float type of the run.
class Call {
 public:
  Call(const Arguments& inputs, const Json& attrs, DType dtype) : dtype(dtype), inputs_(inputs), attrs_(attrs) {}

  const DType dtype;
  const Arguments& inputs() const { return inputs_; }
  const Json& attrs() const { return attrs_; }

  bool has(const std::string& name) const { return inputs_.count(name) > 0; }
  const Array& operator[](const std::string& name) const { return find(name).arrays.at(0); }
  const std::vector<Array>& list(const std::string& name) const { return find(name).arrays; }

  /// Whether the attribute is there and not null.
  bool is_set(const std::string& name) const { return attrs_.contains(name) && !attrs_[name].is_null(); }
  int64_t integer(const std::string& name) const { return at(name).get<int64_t>(); }
  int64_t integer(const std::string& name, int64_t fallback) const { return is_set(name) ? integer(name) : fallback; }
  double number(const std::string& name) const {
    const Json& value = at(name);
    if (!value.is_string()) return value.get<double>();
    const double infinity = std::numeric_limits<double>::infinity();
    if (value == "inf") return infinity;
    if (value == "-inf") return -infinity;
    if (value == "nan") return std::numeric_limits<double>::quiet_NaN();
    throw std::runtime_error("attribute " + name + " is no number: " + value.dump());
  }
  double number(const std::string& name, double fallback) const { return is_set(name) ? number(name) : fallback; }
  bool flag(const std::string& name, bool fallback = false) const { return is_set(name) ? at(name).get<bool>() : fallback; }
  std::string text(const std::string& name) const { return at(name).get<std::string>(); }
  std::string text(const std::string& name, const std::string& fallback) const { return is_set(name) ? text(name) : fallback; }
  /// A list of integers; one integer is a list of one.
  std::vector<int64_t> integers(const std::string& name) const {
    const Json& value = at(name);
    return value.is_array() ? value.get<std::vector<int64_t>>() : std::vector<int64_t>{value.get<int64_t>()};
  }

 private:
  const Argument& find(const std::string& name) const {
    const auto found = inputs_.find(name);
    if (found == inputs_.end()) throw std::runtime_error("the case has no input " + name);
    return found->second;
  }
  const Json& at(const std::string& name) const {
    if (!is_set(name)) throw std::runtime_error("the case has no attribute " + name);
    return attrs_[name];
  }

  const Arguments& inputs_;
  const Json& attrs_;
};

/// Outputs of a call: by name, or one array (or one list) for the case's only output.
class Results {
 public:
  Results(Array only) { named_[""].arrays = {std::move(only)}; }  // NOLINT: implicit on purpose
  Results(std::vector<Array> only) { named_[""] = {std::move(only), true}; }  // NOLINT: implicit on purpose
  Results(std::initializer_list<std::pair<std::string, Array>> named) {
    for (const auto& [name, array] : named) named_[name].arrays = {array};
  }
  Results() = default;
  void set(const std::string& name, Array array) { named_[name].arrays = {std::move(array)}; }
  bool has(const std::string& name) const { return named_.count(name) > 0 || named_.count("") > 0; }
  const Argument& at(const std::string& name) const {
    const auto found = named_.find(name);
    if (found != named_.end()) return found->second;
    const auto only = named_.find("");
    if (only == named_.end()) throw std::runtime_error("the runner computes no output " + name);
    return only->second;
  }

 private:
  std::map<std::string, Argument> named_;
};

/// One line of the table from golden op names to Gradus.
struct Entry {
  std::string_view op;
  Results (*run)(const Call&);
};
using Table = std::span<const Entry>;

// One table a family, each in the file of its name.
Table unary_table();
Table binary_table();
Table reduce_table();
Table shape_table();
Table linalg_table();
Table conv_table();
Table pool_table();
Table norm_table();
Table nnfunc_table();
Table attention_table();
Table recurrent_table();
Table loss_table();
Table optim_table();
Table sched_table();
Table init_table();
Table edge_table();      ///< ops that only the group `edge` has
Table function_table();  ///< the functions of the groups gradgrad and jvp
Table scalar_table();    ///< the functions of the group hessian

/// The function for `op` of `group`, or null.
const Entry* find_entry(std::string_view group, std::string_view op);

}  // namespace golden
