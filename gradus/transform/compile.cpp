// Signatures, recordings and runs of compiled functions.
#include "gradus/transform/compile.hpp"

#include <bit>
#include <unordered_map>
#include <unordered_set>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/host_input.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/mode.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/transform/prepared_graph.hpp"
#include "gradus/transform/recording_scope.hpp"

namespace gradus::core {

namespace {

// Signatures kept of one function; ragged batches make many.
constexpr size_t kMaxRecordings = 256;

// The variables of the state, each once, and a hash of all other parts.
class StateCollector final : public PartVisitor {
 public:
  void on_cell(const std::string&, const CellPtr& cell) override {
    if (seen_.insert(cell.get()).second) variables.push_back({{}, cell, nullptr});
  }
  void on_array(const std::string&, Array& array) override {
    if (seen_.insert(&array).second) variables.push_back({{}, nullptr, &array});
  }
  void on_value(const std::string&, const FieldValue& value) override {
    value.visit([&](const auto& plain) { hash_field(values, plain_field(plain)); });
  }
  std::vector<Variable> variables;
  Hasher values;

 private:
  std::unordered_set<const void*> seen_;
};

// What stands where in an argument, and its numbers, texts and flags.
class FormCollector final : public PartVisitor {
 public:
  void on_cell(const std::string& path, const CellPtr&) override { add(path, 1); }
  void on_array(const std::string& path, Array&) override { add(path, 2); }
  void on_value(const std::string& path, const FieldValue& value) override {
    add(path, 3 + static_cast<uint64_t>(value.kind()));
    value.visit([&](const auto& plain) { hash_field(form, plain_field(plain)); });
  }
  Hasher form;

 private:
  void add(const std::string& path, uint64_t kind) {
    hash_field(form, path);
    form.add(kind);
  }
};

void hash_aval(Hasher& hasher, const Array& x) {
  if (!x.exists()) {
    hasher.add(0);
    return;
  }
  const Aval& aval = x.aval();
  hasher.add(static_cast<uint64_t>(aval.dtype.code()) << 2 | uint64_t{aval.is_weak} << 1 | 1);
  hash_field(hasher, aval.shape);
}

// The value of a variable as it is between runs; empty if there is none.
Array current(const Variable& variable) {
  if (variable.member) return *variable.member;
  return variable.cell->has_value() ? variable.cell->get() : Array();
}

}  // namespace

// Inputs of the graph: arrays of the arguments, plain arrays of models among them, values of the state's variables, numbers of the host, a
// key if there are draws. Outputs: results, then what is assigned to the variables in `written`.
struct CompileRecording {
  std::optional<PreparedGraph> graph;
  std::vector<size_t> written;
  std::vector<HostInputScope::Source> numbers;
  bool has_draws = false;
  size_t results = 0;
  std::shared_ptr<void> prototype;
  uint64_t last_used = 0;
};

class CompileCache {
 public:
  std::unordered_map<Hash128, std::shared_ptr<CompileRecording>, Hash128Low> recordings;
  int64_t made = 0;
  uint64_t calls = 0;
  bool was_built = false;
};

std::shared_ptr<CompileCache> make_compile_cache() { return std::make_shared<CompileCache>(); }
int64_t recordings_of(const CompileCache& cache) { return cache.made; }

struct CompileCall::Impl {
  std::vector<Variable> variables;           // of the state
  std::vector<Variable> argument_members;    // plain arrays of models among the arguments
  FunctionTag function = nullptr;
  Hash128 key;
  std::shared_ptr<CompileRecording> recording;

  // While recording; in this order of construction and the reverse of destruction.
  std::optional<RecordingScope> scope;
  std::optional<HostInputScope> host;
  std::vector<Array> symbols;
  Array base;
  size_t next = 0;

  void close() {
    host.reset();
    scope.reset();
  }
};

CompileCall::CompileCall(CompileCache& cache, VisitState visit_state)
    : cache_(cache), visit_state_(visit_state), impl_(std::make_unique<Impl>()) {}
CompileCall::~CompileCall() { impl_->close(); }

void CompileCall::add_array(const Array& x) {
  if (!x.exists()) fail("compile", "an argument is an empty Array; give it a value first");
  arrays_.push_back(x);
}

void CompileCall::add_module(const std::vector<Variable>& variables) {
  for (const Variable& variable : variables) {
    if (variable.member && variable.member->exists()) impl_->argument_members.push_back(variable);
  }
}

void CompileCall::add_form(VisitState visit_parts) {
  FormCollector collector;
  visit_parts(collector);
  words_.push_back(collector.form.value().low);
  words_.push_back(collector.form.value().high);
}

bool CompileCall::find(FunctionTag function) {
  StateCollector state;
  visit_state_(state);
  impl_->function = function;
  impl_->variables = std::move(state.variables);
  std::erase_if(impl_->argument_members, [&](const Variable& each) {
    return std::any_of(impl_->variables.begin(), impl_->variables.end(), [&](const Variable& own) { return own.member == each.member; });
  });
  Hasher hasher;
  hasher.add(reinterpret_cast<uintptr_t>(function));
  hasher.add(mode_flags());
  for (const size_t count : {words_.size(), arrays_.size(), impl_->argument_members.size(), impl_->variables.size()}) hasher.add(count);
  for (const uint64_t word : words_) hasher.add(word);
  for (const Array& x : arrays_) hash_aval(hasher, x);
  for (const Variable& each : impl_->argument_members) hash_aval(hasher, *each.member);
  for (const Variable& variable : impl_->variables) {
    hash_aval(hasher, current(variable));
    hasher.add(variable.cell ? uint64_t{variable.cell->is_trainable} : 2);
  }
  hasher.add(state.values.value().low);
  hasher.add(state.values.value().high);
  impl_->key = hasher.value();
  const auto found = cache_.recordings.find(impl_->key);
  if (found == cache_.recordings.end()) return false;
  impl_->recording = found->second;
  return true;
}

void CompileCall::begin(FunctionTag function, FunctionRef<void()> plain_call) {
  Impl& impl = *impl_;
  const bool is_missing =
      std::any_of(impl.variables.begin(), impl.variables.end(), [&](const Variable& v) { return lacks_value(v, function); });
  if (!cache_.was_built || is_missing) {
    build_variables(impl.variables, function, plain_call);
    cache_.was_built = true;
    find(impl.function);  // the state may have grown
    impl.recording.reset();
  }
  std::erase_if(impl.variables, [](const Variable& variable) { return !current(variable).exists(); });
  std::vector<Array> values;
  for (const Variable& variable : impl.variables) values.push_back(current(variable));
  impl.scope.emplace(TraceKind::compile, "compile");
  impl.host.emplace();
  const auto symbol_of = [&](const Array& x) {
    impl.symbols.push_back(make_placeholder(x.aval()));
    return impl.symbols.back();
  };
  for (const Array& x : arrays_) symbol_of(x);
  for (const Variable& each : impl.argument_members) impl.scope->bind(each, symbol_of(*each.member));
  for (size_t i = 0; i < values.size(); ++i) impl.scope->bind(impl.variables[i], symbol_of(values[i]));
  impl.base = make_placeholder({int64, {}, false});
  impl.scope->draw_from(random::Key::from_array(impl.base));
}

const Array& CompileCall::next_symbol() { return impl_->symbols[impl_->next++]; }

namespace {

// Arrays that the graph takes from outside are constants. They are computed once, after the trace; one that is also an argument or a
// variable would keep its first value for ever.
void settle_captured(const std::vector<Array>& symbols, const std::vector<Array>& outputs, const std::vector<Array>& inputs) {
  NodeMap inside(64), is_input(inputs.size());
  for (const Array& input : inputs) {
    if (input.exists() && !input.node()->is_scalar()) is_input.set(input.node(), 1);
  }
  for (const Array& symbol : symbols) inside.set(symbol.node(), 1);
  const std::vector<Node*> nodes = nodes_between(symbols, outputs);
  for (Node* node : nodes) inside.set(node, 1);
  std::vector<Array> captured;
  const auto look_at = [&](Node* node, uint32_t index) {
    if (inside.find(node) != NodeMap::kNone) return;
    inside.set(node, 1);
    if (is_input.find(node) != NodeMap::kNone) {
      fail("compile", "the function captures an array ", node->output(index).aval.shape, " that is also an argument or part of the state; ",
           "inside it would keep its present value, so use the argument");
    }
    for (uint32_t k = 0; k < node->output_count(); ++k) captured.emplace_back(node, k);
  };
  for (Node* node : nodes) {
    for (const Edge& edge : node->inputs()) look_at(edge.node, edge.index);
  }
  for (const Array& output : outputs) look_at(output.node(), output.output_index());
  evaluate(captured);
}

}  // namespace

void CompileCall::end(const std::vector<Array>& results, std::shared_ptr<void> prototype) {
  Impl& impl = *impl_;
  auto recording = std::make_shared<CompileRecording>();
  std::vector<Array> outputs = results, inputs = arrays_;
  for (const Array& result : results) {
    if (!result.exists()) fail("compile", "the function returned an empty Array; it must return a value");
  }
  const size_t first_variable = arrays_.size() + impl.argument_members.size();
  std::unordered_map<const Cell*, Array> written;
  for (const CellWrite& write : impl.scope->writes()) written.emplace(write.cell.get(), write.value);
  for (size_t i = 0; i < impl.variables.size(); ++i) {
    const Variable& variable = impl.variables[i];
    Array value;
    if (variable.member) {
      if (variable.member->node() != impl.symbols[first_variable + i].node()) value = *variable.member;
    } else if (const auto at = written.find(variable.cell.get()); at != written.end()) {
      value = at->second;
    }
    if (!value.exists()) continue;
    recording->written.push_back(i);
    outputs.push_back(std::move(value));
  }
  recording->numbers = impl.host->sources();
  recording->results = results.size();
  std::vector<Array> symbols = impl.symbols;
  for (const HostInputScope::Source& source : recording->numbers)
    symbols.insert(symbols.end(), source.placeholders.begin(), source.placeholders.end());
  recording->has_draws = !nodes_between(std::span(&impl.base, 1), outputs).empty();
  if (recording->has_draws) symbols.push_back(impl.base);
  impl.close();
  for (const Variable& variable : impl.variables) inputs.push_back(current(variable));
  settle_captured(symbols, outputs, inputs);
  const Subgraph graph(std::move(symbols), std::move(outputs));
  recording->graph.emplace(graph, all_of(graph.outputs().size()));
  recording->prototype = std::move(prototype);
  if (cache_.recordings.size() >= kMaxRecordings) {
    const auto oldest = std::min_element(cache_.recordings.begin(), cache_.recordings.end(),
                                         [](const auto& a, const auto& b) { return a.second->last_used < b.second->last_used; });
    cache_.recordings.erase(oldest);
  }
  cache_.recordings[impl.key] = recording;
  ++cache_.made;
  impl.recording = std::move(recording);
}

const void* CompileCall::prototype() const { return impl_->recording->prototype.get(); }

std::vector<Array> CompileCall::run() {
  Impl& impl = *impl_;
  CompileRecording& recording = *impl.recording;
  recording.last_used = ++cache_.calls;
  std::vector<Array> inputs = std::move(arrays_);
  for (const Variable& each : impl.argument_members) inputs.push_back(*each.member);
  std::erase_if(impl.variables, [](const Variable& variable) { return !current(variable).exists(); });
  const size_t first_variable = inputs.size();
  for (const Variable& variable : impl.variables) inputs.push_back(current(variable));
  for (const HostInputScope::Source& source : recording.numbers) {
    const std::vector<Array> numbers = host_numbers(source.placeholders.size(), source.compute);
    inputs.insert(inputs.end(), numbers.begin(), numbers.end());
  }
  if (recording.has_draws) inputs.push_back(random::next_key().array());
  evaluate(inputs);
  // What is about to be replaced is handed over, so that it can be written in place; after a failure it is put back.
  for (const size_t i : recording.written) {
    if (impl.variables[i].cell) impl.variables[i].cell->release();
    else *impl.variables[i].member = Array();
  }
  const auto put = [&](size_t i, Array value) {
    if (impl.variables[i].cell) impl.variables[i].cell->commit(std::move(value));
    else *impl.variables[i].member = std::move(value);
  };
  std::vector<Array> outputs;
  try {
    outputs = recording.graph->run(inputs, true);
  } catch (...) {
    for (const size_t i : recording.written) put(i, inputs[first_variable + i]);
    throw;
  }
  for (size_t i = 0; i < recording.written.size(); ++i) put(recording.written[i], std::move(outputs[recording.results + i]));
  outputs.resize(recording.results);
  return outputs;
}

}  // namespace gradus::core
