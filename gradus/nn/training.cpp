// The stack of training scopes.
#include "gradus/nn/training.hpp"

namespace gradus::nn {

namespace {
thread_local TrainingMode* innermost = nullptr;
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
