// The stack of calls of modules, and recorded calls.
#include "gradus/nn/module.hpp"

#include "gradus/base/path_pattern.hpp"
#include "gradus/base/per_thread.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/nn/initializer.hpp"
#include "gradus/ops/random.hpp"

namespace gradus::nn {

namespace detail {

namespace {

thread_local CallScope* innermost = nullptr;
constinit thread_local PerThread<std::string> next_name;
thread_local std::vector<CallRow>* open_rows = nullptr;

// Puts the default generator back, whatever happens.
class GeneratorScope {
 public:
  GeneratorScope() : before_(random::state()) {}
  ~GeneratorScope() { random::set_state(before_); }

 private:
  random::GeneratorState before_;
};

class RowScope {
 public:
  explicit RowScope(std::vector<CallRow>* rows) : before_(std::exchange(open_rows, rows)) {}
  ~RowScope() { open_rows = before_; }

 private:
  std::vector<CallRow>* before_;
};

}  // namespace

std::string short_type_name(std::string_view raw) {
  std::string out;
  size_t word = 0;  // where the current qualified name starts in out
  int depth = 0;    // in parentheses: f(int, int)::Local, (anonymous namespace)::Block
  for (size_t i = 0; i < raw.size(); ++i) {
    if (depth == 0 && raw.substr(i, 2) == "::") {
      out.resize(word);
      ++i;
      continue;
    }
    if (raw.substr(i, 2) == " >") continue;  // GCC writes A<B<C> >
    out += raw[i];
    depth += (raw[i] == '(') - (raw[i] == ')');
    if (depth == 0 && (raw[i] == '<' || raw[i] == ',' || raw[i] == ' ')) word = out.size();
  }
  return out;
}

NameScope::NameScope(std::string_view name) { *next_name = name; }
NameScope::~NameScope() { next_name->clear(); }

std::string name_of_child(const Child& child) { return innermost ? innermost->type_.child_name(innermost->module_, child) : std::string(); }

CallScope::CallScope(const void* module, const ModuleType& type) : module_(module), type_(type), outer_(innermost) {
  std::string name = next_name->empty() ? name_of_child({module, type.tag}) : std::exchange(*next_name, {});
  const std::string details = type.describe(module);
  std::string part;
  if (name.empty()) part = details.empty() ? type.name : concat(type.name, " (", details, ")");
  else part = concat(name, " (", type.name, details.empty() ? "" : ", ", details, ")");
  path_.emplace(part);
  innermost = this;
  if (!open_rows) return;
  row_ = static_cast<int32_t>(open_rows->size());
  int depth = 0;
  for (const CallScope* scope = outer_; scope; scope = scope->outer_) ++depth;
  open_rows->push_back({depth, name.empty() ? type.name : name, type.name, {}, *current_path(), std::nullopt, {}});
}

CallScope::~CallScope() { innermost = outer_; }

bool CallScope::is_outermost() { return innermost != nullptr && innermost->outer_ == nullptr; }

std::vector<Variable> CallScope::outermost_variables() {
  const CallScope* scope = innermost;
  while (scope && scope->outer_) scope = scope->outer_;
  return scope ? scope->type_.variables(scope->module_) : std::vector<Variable>();
}

void CallScope::returned(const Array& result) {
  if (row_ < 0 || !open_rows) return;
  CallRow& row = (*open_rows)[static_cast<size_t>(row_)];
  row.output = result.shape();
  row.details = type_.describe(module_);
  row.variables = type_.variables(module_);
}

void CallScope::locate(Error& error) { error.set_path(*current_path()); }

Recorded record(const std::vector<InputSpec>& inputs, const std::function<Array(const std::vector<Array>&)>& model) {
  const TraceScope trace(TraceKind::building);
  const CellScope cells;  // its writes are forgotten
  const GeneratorScope generator;
  // Parameters are as the input, but in the scope of a dtype: there the model is built as a call builds it, and float32, which is what an input is
  // if nobody says more, stands for that dtype.
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
