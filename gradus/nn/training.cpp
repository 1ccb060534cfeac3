// The stack of training scopes.
#include "gradus/nn/training.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <utility>

#include "gradus/graph/leaf.hpp"
#include "gradus/graph/path.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/nn/module.hpp"

namespace gradus::nn {

using namespace core;

namespace {

thread_local TrainingMode* innermost = nullptr;

// A call that looks forgotten: a parameter of its model, and where it was. Nothing to destroy, so that static objects may train at exit.
struct Forgotten {
  const Cell* parameter = nullptr;
  const char* layer = nullptr;
  const std::string* path = nullptr;
};
thread_local Forgotten forgotten;
std::atomic<bool> has_warned{false};

// Whether a gradient is being taken by this variable.
bool is_marked(const Variable& variable) {
  return variable.cell && variable.exists() && variable.is_trainable() && &variable.get().node()->op() == &identity_op;
}

}  // namespace

void detail::note_call(const char* layer) {
  if (TrainingMode::is_on()) forgotten = {};
  if (innermost || forgotten.parameter || has_warned || !is_tracing(TraceKind::grad)) return;
  const std::vector<Variable> all = CallScope::outermost_variables();
  const auto marked = std::find_if(all.begin(), all.end(), is_marked);
  if (marked != all.end()) forgotten = {marked->cell.get(), layer, current_path()};
}

void detail::warn_if_forgotten(const std::vector<Variable>& moved) {
  if (!forgotten.parameter) return;
  const Forgotten noted = std::exchange(forgotten, {});
  const bool is_moved =
      std::any_of(moved.begin(), moved.end(), [&](const Variable& variable) { return variable.cell.get() == noted.parameter; });
  if (!is_moved || has_warned.exchange(true)) return;
  std::fprintf(
      stderr,
      "gradus: warning: %s was called outside of nn::TrainingMode in a model that is being trained: it did what it does in inference\n"
      "  in: %s\n"
      "  hint: nn::TrainingMode training; before the gradients are taken, or nn::TrainingMode inference(false); if that is meant\n",
      noted.layer, noted.path->c_str());
}

TrainingMode::TrainingMode(bool is_on) : flags_before_(mode_flags()), outer_(innermost) {
  set_mode_flags(is_on ? flags_before_ | kTrainingFlag : flags_before_ & ~kTrainingFlag);
  innermost = this;
}

TrainingMode::TrainingMode(const random::Key& dropout_key) : TrainingMode(true) { key_ = dropout_key; }

TrainingMode::~TrainingMode() {
  set_mode_flags(flags_before_);
  innermost = outer_;
}

random::Key TrainingMode::next_dropout_key() {
  for (TrainingMode* scope = innermost; scope; scope = scope->outer_) {
    if (scope->key_) return random::fold_in(*scope->key_, scope->drawn_++);
  }
  return random::next_key();
}

}  // namespace gradus::nn
