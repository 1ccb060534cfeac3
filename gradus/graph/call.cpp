// The stack of calls of modules.
#include "gradus/graph/call.hpp"

#include <utility>

#include "gradus/base/per_thread.hpp"

namespace gradus::nn::detail {

using namespace core;

namespace {

thread_local CallScope* innermost = nullptr;
constinit thread_local PerThread<std::string> next_name;
thread_local std::vector<CallRow>* open_rows = nullptr;
thread_local ResultScope* open_results = nullptr;

// Arrays of the open outermost call whose sequences have lengths.
struct Noted {
  Array x, lengths;
};
constinit thread_local PerThread<std::vector<Noted>> noted;
thread_local bool has_noted = false;  // the list need not be made to see that it is empty

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
  name_ = name.empty() ? type.name : std::move(name);
  if (!open_rows) return;
  row_ = static_cast<int32_t>(open_rows->size());
  int depth = 0;
  for (const CallScope* scope = outer_; scope; scope = scope->outer_) ++depth;
  open_rows->push_back({depth, name_, type.name, {}, *current_path(), std::nullopt, {}});
}

CallScope::~CallScope() {
  innermost = outer_;
  if (!outer_ && std::exchange(has_noted, false)) noted->clear();
}

void CallScope::note_lengths(const Array& x, Array lengths) {
  if (!innermost) return;
  noted->push_back({x, std::move(lengths)});
  has_noted = true;
}
Array CallScope::lengths_of(const Array& x) {
  if (!has_noted) return {};
  for (auto at = noted->rbegin(); at != noted->rend(); ++at) {
    if (at->x.node() == x.node() && at->x.output_index() == x.output_index()) return at->lengths;
  }
  return {};
}
void CallScope::pass_lengths_of(const Array& result, const Array& argument) {
  if (!has_noted || result.rank() < 3 || argument.rank() < 2 || lengths_of(result).exists()) return;
  if (result.shape()[0] != argument.shape()[0] || result.shape()[1] != argument.shape()[1]) return;
  if (Array lengths = lengths_of(argument); lengths.exists()) note_lengths(result, std::move(lengths));
}

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

void CallScope::change(Array& result) const {
  if (!open_results) return;
  // What the change itself calls is not changed.
  struct Closed {
    ResultScope* const scope = std::exchange(open_results, nullptr);
    ~Closed() { open_results = scope; }
  } const closed;
  Array changed = closed.scope->change_({name_, type_.name, *current_path()}, result);
  if (changed.shape() != result.shape()) {
    fail("result_scope", "the layer gives ", result.shape(), ", the change ", changed.shape(), "; the shape must stay");
  }
  // It stands for the same sequences.
  if (Array lengths = lengths_of(result); lengths.exists() && !lengths_of(changed).exists()) note_lengths(changed, std::move(lengths));
  result = std::move(changed);
}

void CallScope::locate(Error& error) { error.set_path(*current_path()); }

RowScope::RowScope(std::vector<CallRow>* rows) : before_(std::exchange(open_rows, rows)) {}
RowScope::~RowScope() { open_rows = before_; }

}  // namespace gradus::nn::detail

namespace gradus::nn {

ResultScope::ResultScope(Change change) : change_(std::move(change)), outer_(std::exchange(detail::open_results, this)) {}
ResultScope::~ResultScope() { detail::open_results = outer_; }

}  // namespace gradus::nn
