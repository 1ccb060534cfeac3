// Recorded calls of modules, and the variables of a model.
#include "gradus/nn/module.hpp"

#include "gradus/base/path_pattern.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/nn/initializer.hpp"
#include "gradus/transform/recording_scope.hpp"

namespace gradus::nn {

using namespace core;

namespace detail {

Recorded record(const std::vector<InputSpec>& inputs, const std::function<Array(const std::vector<Array>&)>& model) {
  RecordingScope scope(TraceKind::building);  // what is written inside is forgotten
  scope.forget_draws();
  // Parameters are as the input, but in the scope of a dtype: there the model is built as a call builds it, and float32, which is what an
  // input is if nobody says more, stands for that dtype.
  const DType in_scope = ParameterDType::current();
  std::optional<ParameterDType> dtype;
  std::vector<Array> placeholders;
  for (const InputSpec& input : inputs) {
    if (input.dtype.is_float() && in_scope == float32) dtype.emplace(input.dtype);
    placeholders.push_back(make_placeholder({input.dtype == float32 ? in_scope : input.dtype, input.shape, false}));
  }
  Recorded recorded;
  const RowScope rows(&recorded.rows);
  if (Array output = model(placeholders); output.exists()) recorded.outputs.push_back(std::move(output));
  return recorded;
}

const Variable& find_variable(const std::vector<Variable>& all, std::string_view path) {
  std::vector<std::string> paths;
  for (const Variable& variable : all) {
    if (variable.path == path) return variable;
    paths.push_back(variable.path);
  }
  const std::string near = nearest(path, paths);
  fail("parameter", "the model has none at \"", path, "\"; ",
       near.empty() ? concat("there are ", join(paths)) : concat("the nearest is ", near));
}

void set_trainable(const std::vector<Variable>& all, bool is_on) {
  for (const Variable& variable : all) {
    if (variable.cell && variable.cell->kind == Cell::Kind::parameter) variable.cell->is_trainable = is_on;
  }
}

std::vector<CellPtr> set_trainable(const std::vector<Variable>& all, const std::vector<std::string>& patterns, bool is_on) {
  const std::string_view op = is_on ? "unfreeze" : "freeze";
  std::vector<std::string> paths;
  for (const Variable& variable : all) {
    if (variable.is_trainable() || (variable.cell && variable.cell->kind == Cell::Kind::parameter)) paths.push_back(variable.path);
  }
  check_patterns(op, "the pattern", patterns, paths);
  std::vector<CellPtr> changed;
  for (const Variable& variable : all) {
    if (!matches_any(patterns, variable.path)) continue;
    if (!variable.cell) fail(op, "\"", variable.path, "\" is a plain array, which is always trained; make it a Parameter");
    if (variable.cell->kind != Cell::Kind::parameter || variable.cell->is_trainable == is_on) continue;
    variable.cell->is_trainable = is_on;
    changed.push_back(variable.cell);
  }
  return changed;
}

int64_t count_elements(const std::vector<Variable>& all) {
  int64_t count = 0;
  for (const Variable& variable : all) {
    if (variable.exists()) count += variable.get().size();
  }
  return count;
}

void cast(const std::vector<Variable>& all, DType dtype) {
  if (!dtype.is_float()) fail("cast", "the dtype is ", dtype, "; parameters must be float16, bfloat16, float32 or float64");
  for (const Variable& variable : all) {
    if (variable.exists() && variable.get().dtype().is_float()) variable.set(variable.get().astype(dtype));
  }
}

}  // namespace detail

}  // namespace gradus::nn
