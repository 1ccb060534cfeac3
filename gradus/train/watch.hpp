// The doctor while fit trains: gradients by layer, units that died, losses that rise or stand still. Not for users; see doctor.hpp.
//
// It changes no bit of the training: it reads gradients that the step has made anyway, calls the model as evaluation does, and puts the
// default generator back. It looks at a few steps and epochs, so that it takes about a hundredth of the time.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gradus/train/fit.hpp"

namespace gradus::train::detail {

class Watch {
 public:
  /// Of a run on `set`; all is nothing if options.doctor says so.
  Watch(Task& task, const data::Dataset& set, const FitOptions& options, optim::Optimizer& optimizer);
  bool is_on() const { return is_on_; }

  /// Before the first step, once: `batch` is the first one, `error` why the model could not be built. strict: throws what was found.
  void examine(const std::vector<Variable>& variables, const data::Batch& batch, const std::string& error = "");

  /// Whether the gradients of a step (from 0) are to be kept for note_gradients.
  bool wants_gradients(int64_t step) const;
  /// The gradients of a step that was made.
  void note_gradients(const Gradients& grads, const std::vector<Variable>& variables);
  void note_loss(double loss);
  /// After an epoch and its validation. strict: throws where something serious was found.
  void note_epoch(const Epoch& epoch);
  /// At the end of a run that was not interrupted: what only the whole of it shows.
  void note_end(const History& history);

  const std::vector<Finding>& findings() const { return findings_; }

 private:
  struct Layer {
    std::string path{};
    int64_t exploding = 0, vanishing = 0, zero = 0;  ///< looks in a row that found it so
  };
  void add(Finding finding);
  void tell(size_t from);
  void find_rate(const std::vector<Variable>& variables, const data::Batch& batch, std::vector<Finding>& findings);
  void find_dead_units();
  void find_standstill(const Epoch& epoch);
  double usual_rate() const;

  Task& task_;
  const data::Dataset& set_;
  const FitOptions& options_;
  optim::Optimizer& optimizer_;
  bool is_on_, is_examined_ = false;
  size_t told_ = 0;
  std::vector<Finding> findings_;
  std::vector<Layer> layers_;
  int64_t looks_ = 0, steps_ = 0;
  double first_loss_ = 0, smooth_loss_ = 0, best_loss_ = 0;  // best_loss_: of epochs
  int64_t falling_ = 0;                                      // epochs that stood still at the prior's loss
  std::optional<double> prior_;                              // the loss of the best constant answer
};

/// What the epochs of a run show when it has ended: a validation that got worse while training went on.
/// keeps_best: the model has the parameters of the best epoch, so that what came after it does not matter.
std::vector<Finding> examine_history(const History& history, bool keeps_best);

/// The loss of the best constant answer: the entropy of the labels, the variance of the numbers; nothing for other losses, for weighted
/// samples, and for targets of more than one label a sample.
std::optional<double> prior_loss(const loss::Loss& loss, const data::Dataset& set);

/// Relu units that are zero for all of these samples.
struct DeadUnits {
  std::string path{};  ///< of the layer
  int64_t dead = 0, units = 0;
};
/// By layer; at most `samples` of the set, evenly spaced, in batches of `batch_size`.
struct DeadUnitsLook {
  int64_t samples = 512, batch_size = 32;
};
std::vector<DeadUnits> dead_units(const std::function<Array(const Array&)>& model, const data::Dataset& set, DeadUnitsLook look = {});

}  // namespace gradus::train::detail
