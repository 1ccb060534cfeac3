// Steps of an optimiser: host counts, state cells, one evaluation.
#include "gradus/optim/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/base/path_pattern.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/graph/host_input.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/optim/checks.hpp"

namespace gradus::optim {

using namespace core;

double Rule::first_value(size_t, double) const { return 0; }
std::vector<double> Rule::numbers(int64_t, double rate, double&) const { return {rate}; }
RulePtr Rule::with_weight_decay(double) const { return nullptr; }

std::span<const FieldNote> ParameterGroup::field_notes() {
  static constexpr FieldNote notes[] = {{"parameters", "patterns of their paths, [\"**.bias\", \"0.**\"]", {}, true},
                                        {"rate_factor", "their rate is the optimiser's times this", range::not_negative},
                                        {"learning_rate", "their own, with the same schedule", range::not_negative},
                                        {"weight_decay", "in place of the optimiser's", range::not_negative}};
  return notes;
}

namespace {

// Steps of one parameter, what its rule remembers of them, and the parameter's group (-1: none).
struct Count {
  int64_t t = 0;
  double memory = 1;
  int64_t group = -1;
  friend bool operator==(const Count&, const Count&) = default;
};

// Moments of 16-bit parameters are kept in float32.
DType state_dtype(DType dtype) { return dtype == float64 ? float64 : float32; }

}  // namespace

struct Optimizer::Host {
  explicit Host(Schedule schedule) : schedule(std::move(schedule)) {}
  Schedule schedule;
  int64_t steps = 0;
  double factor = 1;
  std::vector<Count> counts;
  std::vector<ParameterGroup> groups;
  std::vector<RulePtr> group_rules;
  bool are_groups_checked = true;

  double rate_of(int64_t group) const {
    if (group < 0) return schedule(steps) * factor;
    const ParameterGroup& own = groups[static_cast<size_t>(group)];
    const Schedule& rate = own.learning_rate ? *own.learning_rate : schedule;
    return rate(steps) * own.rate_factor * factor;
  }
  const RulePtr& rule_of(int64_t group, const RulePtr& otherwise) const {
    return group < 0 ? otherwise : group_rules[static_cast<size_t>(group)];
  }
  int64_t group_of(const std::string& path) const {
    const std::string_view name = std::string_view(path).substr(0, path.find('#'));
    for (size_t i = 0; i < groups.size(); ++i) {
      if (matches_any(groups[i].parameters, name)) return static_cast<int64_t>(i);
    }
    return -1;
  }
};

namespace {

// A value that an array had, without holding it: its memory may be reused while nobody else does.
class Seen {
 public:
  Seen() = default;
  explicit Seen(const Array& array) : node_(array.node()), index_(array.output_index()) { node_->retain(); }
  Seen(const Seen& other) : node_(other.node_), index_(other.index_) {
    if (node_) node_->retain();
  }
  Seen& operator=(Seen other) noexcept {
    std::swap(node_, other.node_);
    std::swap(index_, other.index_);
    return *this;
  }
  ~Seen() {
    if (node_) Node::release(node_);
  }
  bool is_value_of(const Array& array) const { return node_ == array.node() && index_ == array.output_index(); }
  /// Whether there is none, or no Array holds it any more.
  bool is_gone() const { return !node_ || node_->output(index_).handles.load(std::memory_order_acquire) == 0; }

 private:
  Node* node_ = nullptr;
  uint32_t index_ = 0;
};

}  // namespace

struct Optimizer::Record {
  std::string path;
  Shape shape;
  std::vector<CellPtr> state{};
  Seen last{};  // of a plain array: what the last step gave it
};

Optimizer::Optimizer(RulePtr rule, Schedule schedule) : rule_(std::move(rule)), host_(std::make_shared<Host>(std::move(schedule))) {}
Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer::~Optimizer() = default;

Optimizer::Optimizer(const Optimizer& other) : rule_(other.rule_), host_(std::make_shared<Host>(*other.host_)) {
  for (const auto& record : other.records_) {
    records_.push_back(std::make_unique<Record>(Record{record->path, record->shape, {}, record->last}));
    for (const CellPtr& cell : record->state) {
      records_.back()->state.push_back(std::make_shared<Cell>(Cell::Kind::state));
      records_.back()->state.back()->commit(cell->get());
    }
  }
}

Optimizer& Optimizer::operator=(Optimizer other) noexcept {
  rule_ = std::move(other.rule_);
  host_ = std::move(other.host_);
  records_ = std::move(other.records_);
  return *this;
}

int64_t Optimizer::steps() const { return host_->steps; }
double Optimizer::learning_rate() const { return host_->schedule(host_->steps) * host_->factor; }
void Optimizer::set_schedule(Schedule schedule) { host_->schedule = std::move(schedule); }
const Schedule& Optimizer::schedule() const { return host_->schedule; }
double Optimizer::rate_factor() const { return host_->factor; }

Optimizer Optimizer::with_groups(std::vector<ParameterGroup> groups) const {
  Optimizer out(*this);
  out.host_->group_rules.clear();
  for (const ParameterGroup& group : groups) {
    if (group.parameters.empty()) fail(name(), "a group names no parameters; for example .parameters = {\"**.bias\"}");
    check_not_negative(name(), "the rate_factor of a group", group.rate_factor);
    if (group.learning_rate && group.learning_rate->on_plateau() && !schedule().on_plateau())
      fail(name(), "the learning_rate of a group has a plateau, which counts for all of a run; give it to the optimiser's own schedule");
    RulePtr rule = rule_;
    if (group.weight_decay) {
      check_not_negative(name(), "the weight_decay of a group", *group.weight_decay);
      rule = rule_->with_weight_decay(*group.weight_decay);
      if (!rule) fail(name(), "a group has weight_decay ", *group.weight_decay, "; ", name(), " has none");
    }
    out.host_->group_rules.push_back(std::move(rule));
  }
  out.host_->groups = std::move(groups);
  out.host_->are_groups_checked = false;
  for (size_t i = 0; i < out.records_.size(); ++i) out.host_->counts[i].group = out.host_->group_of(out.records_[i]->path);
  return out;
}
const std::vector<ParameterGroup>& Optimizer::groups() const { return host_->groups; }

// A pattern that stands for nothing is a mistake that nothing else would tell.
void Optimizer::check_groups(const std::vector<Variable>& variables) const {
  if (host_->are_groups_checked) return;
  std::vector<std::string> paths;
  for (const Variable& variable : variables) {
    if (variable.is_trainable()) paths.push_back(variable.path);
  }
  for (const ParameterGroup& group : host_->groups) check_patterns(name(), "the group", group.parameters, paths);
  host_->are_groups_checked = true;
}
void Optimizer::set_rate_factor(double factor) {
  if (!(factor >= 0) || !std::isfinite(factor)) fail(name(), "the rate factor is ", factor, "; it must be finite and not negative");
  host_->factor = factor;
}

size_t Optimizer::record_of(const std::string& path, const Array& parameter) {
  size_t index = 0;
  while (index < records_.size() && records_[index]->path != path) ++index;
  if (index == records_.size()) return add_record(path, parameter);
  if (records_[index]->shape != parameter.shape()) {
    fail(name(), "its state of parameter \"", path, "\" is of shape ", records_[index]->shape, ", the parameter is ", parameter.shape(),
         "; each model needs an optimizer of its own");
  }
  return index;
}

size_t Optimizer::add_record(const std::string& path, const Array& parameter) {
  auto record = std::make_unique<Record>(Record{path, parameter.shape()});
  const int64_t group = host_->group_of(path);
  for (size_t i = 0; i < rule_->state_names().size(); ++i) {
    record->state.push_back(std::make_shared<Cell>(Cell::Kind::state));
    const double first = rule_->first_value(i, host_->rate_of(group));
    record->state.back()->commit(filled(parameter.shape(), first, state_dtype(parameter.dtype())));
  }
  records_.push_back(std::move(record));
  host_->counts.push_back({.group = group});
  return records_.size() - 1;
}

// The record of a plain array at `path`, its place in the call. Several arrays that had the same place have it with "#1", "#2", ... behind.
size_t Optimizer::record_of_loose(const std::string& path, const Array& parameter, const std::vector<size_t>& taken) {
  const auto is_free = [&](size_t index) { return std::find(taken.begin(), taken.end(), index) == taken.end(); };
  for (size_t index = 0; index < records_.size(); ++index) {
    if (is_free(index) && records_[index]->last.is_value_of(parameter)) return index;
  }
  // Rebound, or restored: the first at that place whose value is gone.
  size_t first_gone = records_.size();
  int64_t alike = 0;
  for (size_t index = 0; index < records_.size(); ++index) {
    const std::string& own = records_[index]->path;
    if (own != path && !own.starts_with(path + "#")) continue;
    ++alike;
    if (!is_free(index) || !records_[index]->last.is_gone()) continue;
    if (records_[index]->shape == parameter.shape()) return index;
    first_gone = std::min(first_gone, index);
  }
  if (first_gone < records_.size() && alike == 1) return record_of(path, parameter);  // says that the shapes differ
  return add_record(alike == 0 ? path : concat(path, "#", alike), parameter);
}

void Optimizer::build(const std::vector<Variable>& variables) {
  check_groups(variables);
  for (const Variable& variable : variables) {
    if (variable.is_trainable() && variable.exists()) record_of(variable.path, variable.get());
  }
}

void Optimizer::step(const std::vector<Variable>& variables, Gradients grads, std::span<const Array> shown) {
  std::unordered_map<std::string_view, Array*> by_path;
  for (auto& [path, grad] : grads) by_path.emplace(path, &grad);
  std::vector<Array> ordered;
  size_t found = 0;
  for (const Variable& variable : variables) {
    const auto at = by_path.find(variable.path);
    ordered.push_back(at == by_path.end() ? Array() : std::move(*at->second));
    found += at != by_path.end();
  }
  if (found == 0) {
    fail(name(), "none of the ", grads.size(), " gradients belongs to one of the model's ", variables.size(),
         " parameters; step(model, grads) needs the gradients of that model");
  }
  step(variables, std::move(ordered), shown);
}

void Optimizer::step(Array& parameter, const Array& grad) {
  const std::vector<Variable> variables{{"", nullptr, &parameter}};
  step_records(variables, {grad}, {}, true);
}

void Optimizer::step(std::vector<Array>& parameters, const std::vector<Array>& grads) {
  std::vector<Array*> pointers;
  for (Array& parameter : parameters) pointers.push_back(&parameter);
  step_arrays(pointers, grads);
}

void Optimizer::step_arrays(const std::vector<Array*>& parameters, std::vector<Array> grads) {
  std::vector<Variable> variables;
  for (Array* parameter : parameters) variables.push_back({std::to_string(variables.size()), nullptr, parameter});
  step_records(variables, std::move(grads), {}, true);
}

// The numbers of the records `moving` for the next step: which the host counts and computes when the step runs.
std::vector<std::vector<Array>> Optimizer::next_numbers(const std::vector<size_t>& moving) {
  // Parameters of a group that have made equally many steps share their numbers. A compiled step may not rely on that.
  std::vector<size_t> heads, head_of;
  const bool is_shared = !is_tracing(TraceKind::compile);
  for (const size_t index : moving) {
    size_t head = 0;
    while (head < heads.size() && !(is_shared && host_->counts[heads[head]] == host_->counts[index])) ++head;
    if (head == heads.size()) heads.push_back(index);
    head_of.push_back(head);
  }
  double unused = 1;
  const size_t each = rule_->numbers(1, learning_rate(), unused).size();
  const auto compute = [host = host_, rule = rule_, heads, head_of, moving] {
    std::vector<double> numbers;
    std::vector<Count> after;
    for (const size_t index : heads) {
      Count count = host->counts[index];
      ++count.t;
      const RulePtr& own = host->rule_of(count.group, rule);
      for (const double number : own->numbers(count.t, host->rate_of(count.group), count.memory)) numbers.push_back(number);
      after.push_back(count);
    }
    for (size_t i = 0; i < moving.size(); ++i) host->counts[moving[i]] = after[head_of[i]];
    ++host->steps;
    return numbers;
  };
  const std::vector<Array> all = host_numbers(each * heads.size(), compute);
  std::vector<std::vector<Array>> numbers;
  for (const size_t head : head_of) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(head * each);
    numbers.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(each));
  }
  return numbers;
}

// The old value of a variable that a pending node still reads. No handle: that would keep its memory from being updated in place.
struct Optimizer::Old {
  const Variable* variable;
  CellPtr state;
  Node* node;
  uint32_t index;

  void put_back() const {
    if (state) state->commit(Array(node, index));
    else if (variable->cell) variable->cell->commit(Array(node, index));
    else *variable->member = Array(node, index);
  }
};

namespace {

std::string name_of(const Variable& variable) {
  return variable.path.empty() ? "the parameter" : concat("the parameter \"", variable.path, "\"");
}
void check_gradient(std::string_view name, const Variable& variable, const Array& grad) {
  const Array& parameter = variable.get();
  if (grad.shape() == parameter.shape()) return;
  fail(name, "the gradient is ", grad.shape(), " and ", name_of(variable), " is ", parameter.shape(), "; they must be equal");
}
void check_float(std::string_view name, const Variable& variable) {
  const DType dtype = variable.get().dtype();
  if (!dtype.is_float()) fail(name, name_of(variable), " has dtype ", dtype, "; it must be a float");
}

}  // namespace

void Optimizer::step(const std::vector<Variable>& variables, std::vector<Array> grads, std::span<const Array> shown) {
  step_records(variables, std::move(grads), shown, false);
}

void Optimizer::step_records(const std::vector<Variable>& variables, std::vector<Array> grads, std::span<const Array> shown,
                             bool are_loose) {
  if (variables.size() != grads.size()) {
    fail(name(), "there are ", variables.size(), " parameters and ", grads.size(), " gradients; they must be equally many");
  }
  check_groups(variables);
  std::vector<size_t> moving, chosen;
  for (size_t i = 0; i < variables.size(); ++i) {
    if (!grads[i].exists()) continue;
    if (variables[i].member) check_float(name(), variables[i]);
    if (!variables[i].is_trainable()) continue;
    check_gradient(name(), variables[i], grads[i]);
    chosen.push_back(i);
    const Array& parameter = variables[i].get();
    moving.push_back(are_loose && !is_tracing() ? record_of_loose(variables[i].path, parameter, moving)
                                                : record_of(variables[i].path, parameter));
  }
  nn::detail::warn_if_forgotten(variables);
  const auto before = std::pair(host_->steps, host_->counts);
  const std::vector<std::vector<Array>> numbers = next_numbers(moving);
  // The old values may be overwritten; whatever happens, the values that the arrays have in the end are those to know them by.
  for (const size_t index : moving) records_[index]->last = Seen();
  const auto remember = [&](const int*) {
    for (size_t k = 0; are_loose && k < moving.size(); ++k) records_[moving[k]]->last = Seen(variables[chosen[k]].get());
  };
  const int anything = 0;
  const std::unique_ptr<const int, decltype(remember)> at_the_end(&anything, remember);
  std::vector<Array> roots(shown.begin(), shown.end());
  std::vector<Old> olds;
  for (size_t k = 0; k < moving.size(); ++k) {
    // The gradient's handle goes: nobody else asks for it, so it need not be kept.
    const Array grad = std::move(grads[chosen[k]]);
    update(variables[chosen[k]], grad, moving[k], numbers[k], roots, olds);
  }
  if (is_tracing()) return;
  try {
    evaluate(roots);
  } catch (...) {
    // The step has not happened: no run writes anything before all that can fail has succeeded, so the old values are still there.
    std::vector<Array> others = take_pending_cells();
    std::erase_if(others, [&](const Array& value) {
      for (const Array& root : roots) {
        if (root.node() == value.node()) return true;
      }
      return false;
    });
    for (const Old& old : olds) old.put_back();
    for (Array& other : others) keep_pending_cell(std::move(other));
    std::tie(host_->steps, host_->counts) = before;
    throw;
  }
}

void Optimizer::update(const Variable& variable, const Array& grad, size_t index, const std::vector<Array>& numbers,
                       std::vector<Array>& roots, std::vector<Old>& olds) {
  Record& record = *records_[index];
  const RulePtr& rule = host_->rule_of(host_->counts[index].group, rule_);
  const Array& parameter = variable.get();
  const DType dtype = parameter.dtype(), wide = state_dtype(dtype);
  std::vector<Array> state;
  for (const CellPtr& cell : record.state) state.push_back(cell->get());
  Updated updated =
      rule->update(dtype == wide ? parameter : parameter.astype(wide), grad.dtype() == wide ? grad : grad.astype(wide), state, numbers);
  if (dtype != wide) updated.parameter = updated.parameter.astype(dtype);
  olds.push_back({&variable, nullptr, parameter.node(), parameter.output_index()});
  for (size_t i = 0; i < state.size(); ++i) {
    olds.push_back({nullptr, record.state[i], state[i].node(), state[i].output_index()});
    state[i] = Array();
    roots.push_back(updated.state[i]);
    record.state[i]->set(std::move(updated.state[i]));
  }
  roots.push_back(updated.parameter);
  variable.set(std::move(updated.parameter));
}

void Optimizer::visit_parts(PartVisitor& visitor, const std::string& path) const {
  const std::vector<std::string_view> names = rule_->state_names();
  for (const auto& record : records_) {
    for (size_t i = 0; i < names.size(); ++i) visitor.on_cell(join_path(join_path(path, record->path), names[i]), record->state[i]);
  }
}

OptimizerState Optimizer::state() const {
  OptimizerState out{host_->steps, host_->factor, {}};
  for (size_t i = 0; i < records_.size(); ++i) {
    ParameterState one{records_[i]->path, records_[i]->shape, host_->counts[i].t, host_->counts[i].memory, {}};
    for (const CellPtr& cell : records_[i]->state) one.arrays.push_back(cell->get());
    out.parameters.push_back(std::move(one));
  }
  return out;
}

void Optimizer::set_state(const OptimizerState& state) {
  const std::vector<std::string_view> names = rule_->state_names();
  std::vector<std::unique_ptr<Record>> records;
  std::vector<Count> counts;
  for (const ParameterState& one : state.parameters) {
    if (one.arrays.size() != names.size()) {
      fail(name(), "the state of parameter \"", one.path, "\" has ", one.arrays.size(), " arrays; ", name(), " keeps ", names.size());
    }
    records.push_back(std::make_unique<Record>(Record{one.path, one.shape}));
    for (const Array& array : one.arrays) {
      if (array.shape() != one.shape)
        fail(name(), "a state array of parameter \"", one.path, "\" is ", array.shape(), ", the parameter ", one.shape);
      records.back()->state.push_back(std::make_shared<Cell>(Cell::Kind::state));
      records.back()->state.back()->commit(array);
    }
    counts.push_back({one.t, one.memory, host_->group_of(one.path)});
  }
  records_ = std::move(records);
  host_->steps = state.steps;
  host_->factor = state.rate_factor;
  host_->counts = std::move(counts);
}

namespace {

void check_limit(const char* name, const char* what, double limit) {
  if (!(limit > 0)) fail(name, what, " is ", limit, "; it must be above 0");
}
std::vector<Array> arrays_of(const Gradients& grads) {
  std::vector<Array> arrays;
  for (const auto& entry : grads) arrays.push_back(entry.second);
  return arrays;
}
// Powers are taken of shares of the largest: they would leave the range of numbers long before the root does.
Array norm_of(const Array& x, double order) {
  if (order == 2 || x.size() == 0) return linalg::norm(x);
  const Array sizes = abs(x), largest = max(sizes);
  if (std::isinf(order)) return largest;
  const Array scale = where((largest > 0) & isfinite(largest), largest, 1);
  return scale * pow(sum(pow(sizes / scale, order)), 1 / order);
}
// max(1, (norm + 1e-6) / max_norm)
Array clipping_divisor(const std::vector<Array>& grads, double max_norm, double order) {
  check_limit("clip_by_norm", "max_norm", max_norm);
  return maximum((global_norm(grads, order) + 1e-6) / max_norm, 1.0);
}

}  // namespace

Array global_norm(const std::vector<Array>& grads, double order) {
  if (!(order >= 1)) fail("global_norm", "order is ", order, "; it must be at least 1");
  // The norm of the norms: squares would leave the range of numbers long before the root does.
  std::vector<Array> norms;
  DType dtype = float32;
  for (const Array& grad : grads) {
    if (!grad.exists()) continue;
    norms.push_back(norm_of(grad.dtype() == float64 ? grad : grad.astype(float32), order));
    dtype = promote(dtype, norms.back().dtype());
  }
  if (norms.empty()) return Array(0.0);
  for (Array& norm : norms) norm = norm.astype(dtype);
  return norm_of(stack(norms), order);
}
Array global_norm(const Gradients& grads, double order) { return global_norm(arrays_of(grads), order); }

std::vector<Array> clip_by_norm(const std::vector<Array>& grads, double max_norm, double order) {
  const Array divisor = clipping_divisor(grads, max_norm, order);
  std::vector<Array> out = grads;
  for (Array& grad : out) {
    if (grad.exists()) grad = (grad / divisor).astype(grad.dtype());
  }
  return out;
}
Gradients clip_by_norm(const Gradients& grads, double max_norm, double order) {
  const Array divisor = clipping_divisor(arrays_of(grads), max_norm, order);
  return grads.map([&](const Array& grad) { return (grad / divisor).astype(grad.dtype()); });
}
Array clip_by_norm(const Array& grad, double max_norm, double order) { return clip_by_norm(std::vector<Array>{grad}, max_norm, order)[0]; }

Array clip_by_value(const Array& grad, double limit) {
  check_limit("clip_by_value", "limit", limit);
  return clip(grad, -limit, limit);
}
Gradients clip_by_value(const Gradients& grads, double limit) {
  return grads.map([&](const Array& grad) { return clip_by_value(grad, limit); });
}
std::vector<Array> clip_by_value(const std::vector<Array>& grads, double limit) {
  std::vector<Array> out = grads;
  for (Array& grad : out) {
    if (grad.exists()) grad = clip_by_value(grad, limit);
  }
  return out;
}

}  // namespace gradus::optim
