// Training of a model on a data set, its evaluation, and prediction.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "gradus/data/batches.hpp"
#include "gradus/metrics/metrics.hpp"
#include "gradus/nn/loss.hpp"
#include "gradus/nn/module.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/optim/optim.hpp"
#include "gradus/train/checkpoint.hpp"
#include "gradus/train/class_weights.hpp"
#include "gradus/train/history.hpp"
#include "gradus/train/precision.hpp"
#include "gradus/train/privacy.hpp"
#include "gradus/transform/build.hpp"
#include "gradus/transform/grad.hpp"

namespace gradus::train {

/// What fit takes besides the model, the set and an objective of one's own.
struct FitOptions {
  loss::Loss loss{};  ///< (output, target) -> one number; needed unless an objective is given
  optim::Optimizer optimizer = optim::Adam();
  std::vector<metrics::Metric> metrics{};
  int64_t epochs = 1;
  int64_t batch_size = 32;
  data::Dataset validation{};        ///< measured after each epoch; may be empty
  double validation_fraction = 0.0;  ///< if `validation` is empty: this share of the set is held out for it
  bool shuffle = true;
  uint64_t seed = 0;      ///< of the order of examples, and of what is held out
  int64_t patience = 0;   ///< stop after so many epochs without progress of `monitor`; 0: never
  std::string monitor{};  ///< "val_loss" by default, "loss" without validation
  std::optional<bool>
      more_is_better{};      ///< of `monitor`; by default what its name says: more for accuracy, top_k, f1, auc, r2 and the like
  bool restore_best = true;  ///< with patience: put back the parameters of the best epoch
  double clip_norm = 0.0;    ///< gradients scaled to at most this norm; 0: not
  double clip_value = 0.0;   ///< each gradient element cut to this size; 0: not
  std::vector<std::shared_ptr<Callback>> callbacks{};
  bool verbose = true;                 ///< print progress to standard output
  bool stop_on_nan = true;             ///< a loss that is not finite is an error
  optim::Optimizer* resume = nullptr;  ///< this optimizer, whose state goes on, instead of a copy of `optimizer`
  CheckpointOptions checkpoint{};      ///< where and how often the state of the run is written
  std::string resume_from{};           ///< a checkpoint, or a folder of them, of the same run: goes on from it bit for bit
  bool interrupts = false;             ///< the first Ctrl-C, SIGTERM or SIGHUP stops after the step in work; false: no signal is touched
  /// So many batches make one step, by the gradient of the loss over all their examples: that of one batch accumulate times as large, up to
  /// rounding, in the memory of a small one. The last step of an epoch has the batches that are left. Steps count in schedules, checkpoints
  /// and progress; clipping is of the whole gradient. Batch norm and dropout see the single batches. A request to stop gives up the step in
  /// work.
  int64_t accumulate = 1;
  ClassWeights class_weight{};  ///< of the training examples; not of `validation`, which has the weights of its examples only
  /// Decay of a running mean of the parameters (0.999, say): what is validated, given to callbacks after each epoch, kept as the best, and
  /// left in the model by fit, however it ends. The parameters themselves are in checkpoints. 0: none.
  double ema = 0.0;
  bool ema_warmup = false;  ///< in step t the decay is at most (1 + t) / (10 + t)
  /// Patterns of parameters (base/path_pattern.hpp) that this fit leaves as they are: {"0.**", "**.bias"}.
  std::vector<std::string> freeze{};
  /// mixed_bfloat16: steps multiply in bfloat16, some of what they keep is bfloat16; parameters, their gradients, the optimiser's state and
  /// the loss are float32, and so is validation, which measures what evaluate and predict give.
  Precision precision = Precision::float32;
  /// Noisy steps on random batches that hide each single sample (train/privacy.hpp). Not covered are what is measured: the losses and
  /// metrics of training that are printed and logged, `validation`, and what is chosen by it. With clip_norm and clip_value the noisy
  /// gradient is clipped once more. Refused: batch norm, accumulate, balanced class weights, and patience or a plateau without
  /// `validation`.
  PrivacyOptions privacy{};
  PrivacyAccountant privacy_spent{};  ///< of earlier private runs on the same samples: counts in epsilon, and in target_epsilon
  /// Looks for mistakes in set, loss, metrics, model and optimizer before the first step, and watches gradients, activations and losses
  /// while training (train/doctor.hpp). Changes no bit of what is trained.
  Doctor doctor = Doctor::automatic;
  std::vector<Finding> findings{};  ///< of an examination before fit: not said again, and part of History::findings
};

/// Named parts of an objective: summed for the derivative, each logged.
///   train::Terms{{"nll", nll}, {"kl", kl}}
struct Term {
  std::string name;
  Array value;
  Array divisor{};  ///< of a number that is logged: what its mean in a batch divides by, where that is not the examples
};
class Terms {
 public:
  Terms(std::initializer_list<Term> terms) : terms_(terms) {}
  explicit Terms(std::vector<Term> terms) : terms_(std::move(terms)) {}
  const std::vector<Term>& terms() const { return terms_; }
  /// The sum of all.
  Array total() const;

 private:
  std::vector<Term> terms_;
};

namespace detail {

/// The hint of fit's error for a loss that is not finite, where the data is finite. The command line says it in the words of recipes.
inline constexpr std::string_view not_finite_hint =
    "a smaller learning rate, .clip_norm = 1, or inputs without nan; GRADUS_CHECK_NAN=1 names the op";

/// What an objective gives: the number to make small, and what else is logged.
struct Measured {
  Array loss;
  std::vector<Term> others;
  Array divisor{};                        ///< of a mean that is not over the examples: loss::Loss::divisor
  bool is_sum = false;                    ///< over the examples
  std::vector<metrics::Metric> of_set{};  ///< scores that are measured over all batches together,
  Array output{}, target{};               ///< from these; empty where there are none
};
Measured to_measured(const Array& loss);
Measured to_measured(const Terms& terms);
inline Measured to_measured(Measured measured) { return measured; }

/// A model with its objective, for the loop that is the same for all.
class Task {
 public:
  virtual ~Task() = default;
  virtual std::vector<Variable> variables() const = 0;
  /// Makes the parameters that a first call makes.
  virtual void build(const data::Batch& batch) = 0;
  virtual std::pair<Measured, Gradients> differentiate(const data::Batch& batch) = 0;
  virtual Measured measure(const data::Batch& batch) = 0;
  /// Whether it is a model with a loss, so that output() is what the model gives for inputs, recorded. An objective of one's own decides
  /// by itself how a model is called.
  virtual bool calls_model() const { return false; }
  virtual Array output(const Array& /*x*/) { return {}; }
};

/// Makes the variables that `call` reaches, and evaluates them.
void build_and_evaluate(const std::vector<Variable>& variables, core::FunctionTag function, core::FunctionRef<void()> call);
/// All of them but the loss.
std::vector<Array> values_of(const Measured& measured);
void set_values(Measured& measured, const std::vector<Array>& values);

struct LossObjective;

/// An objective is called with the model and a batch and gives an Array, Terms, or Measured.
template <class M, class F>
class ObjectiveTask final : public Task {
 public:
  ObjectiveTask(M& model, const F& objective) : model_(model), objective_(objective) {}

  std::vector<Variable> variables() const override { return gradus::variables(model_); }
  void build(const data::Batch& batch) override {
    build_and_evaluate(variables(), &core::tag_of_function<ObjectiveTask>, [&] { to_measured(objective_(std::as_const(model_), batch)); });
  }
  std::pair<Measured, Gradients> differentiate(const data::Batch& batch) override {
    Measured measured;
    auto [values, grads] = value_and_grad([&](const auto& model) {
      measured = to_measured(objective_(model, batch));
      return std::tuple(measured.loss, values_of(measured));
    })(model_);
    measured.loss = std::get<0>(values);
    set_values(measured, std::get<1>(values));
    return {std::move(measured), std::move(grads)};
  }
  Measured measure(const data::Batch& batch) override { return to_measured(objective_(std::as_const(model_), batch)); }
  bool calls_model() const override { return std::same_as<F, LossObjective>; }
  Array output(const Array& x) override {
    if constexpr (std::same_as<F, LossObjective>) return std::as_const(model_)(x);
    else return {};
  }

 private:
  M& model_;
  const F& objective_;
};

/// The objective of a model with a loss and metrics.
struct LossObjective {
  loss::Loss loss;
  std::vector<metrics::Metric> metrics;
  template <class M>
  Measured operator()(const M& model, const data::Batch& batch) const {
    return measure(model(batch.x), batch.y, batch.weights);
  }
  /// weights: (N,), or empty.
  Measured measure(const Array& output, const Array& given, const Array& weights) const;
};

/// Whether M is a module that can be called with one array; if not, the compiler says what it lacks.
template <class M>
constexpr bool must_take_one_array() {
  if constexpr (::gradus::core::must_be_module<M>()) {
    constexpr bool takes_one = requires(const M& model, const Array& x) {
      { model(x) } -> std::convertible_to<Array>;
    };
    constexpr bool is_const = !nn::detail::HasMutableForward<M, const Array&>;
    static_assert(is_const, "forward must be const: Array forward(const Array& x) const");
    static_assert(
        takes_one,
        "the model is called with one array and returns one: Array forward(const Array& x) const; others are trained with an objective");
    return takes_one && is_const;
  } else {
    return false;
  }
}

History fit(Task& task, const data::Dataset& set, FitOptions& options);
Logs evaluate(Task& task, const data::Dataset& set, int64_t batch_size, bool verbose);
Array predict(const std::function<Array(const Array&)>& model, const data::Dataset& set, int64_t batch_size);
void check_loss(const FitOptions& options, const data::Dataset& set);
/// The target in the shape of an output that has one number an example, (N, 1) of (N,); as it is where the loss takes labels, or is one's
/// own.
Array fitted_target(const loss::Loss& loss, const Array& output, const Array& target);
/// Loss and metrics that suit an output and a target: cross-entropies and accuracy for integer targets, else squared and absolute errors.
LossObjective usual_objective(const Array& output, const Array& target);

}  // namespace detail

/// Trains a model on a set of inputs and targets; the model is called with one array. Parameters are made by the first batch. Progress is
/// printed unless `verbose` is off. With `interrupts` Ctrl-C stops after the step in work, and the model is as of that step; signals are
/// the program's own otherwise.
///
///   train::fit(model, train_set, {.loss = loss::sparse_categorical_crossentropy, .optimizer = optim::Adam(1e-3),
///                                 .metrics = {metrics::accuracy}, .epochs = 10, .batch_size = 128, .validation = test_set});
template <class M>
History fit(M& model, const data::Dataset& set, FitOptions options) {
  if constexpr (detail::must_take_one_array<M>()) {
    detail::check_loss(options, set);
    const detail::LossObjective objective{options.loss, options.metrics};
    detail::ObjectiveTask<M, detail::LossObjective> task(model, objective);
    return detail::fit(task, set, options);
  } else {
    return {};
  }
}
/// Trains with an objective of one's own: (model, batch) -> an Array of rank 0, or Terms. `loss` and `metrics` of the options do not count;
/// weights of classes and examples are in batch.weights, which it has to use itself.
template <class M, class F, class S>
History fit(M& model, const F& objective, const S& set, FitOptions options) {
  if constexpr (::gradus::core::must_be_module<M>()) {
    constexpr bool is_set = std::convertible_to<const S&, const data::Dataset&>;
    static_assert(is_set, "fit takes a data set: train::fit(model, data::Dataset(x, y), {...})");
    constexpr bool is_objective = !is_set || std::invocable<const F&, const M&, const data::Batch&>;
    static_assert(is_objective,
                  "an objective takes the model and a batch: [](const auto& model, const data::Batch& batch) { return ...; }");
    if constexpr (is_set && is_objective) {
      detail::ObjectiveTask<M, F> task(model, objective);
      return detail::fit(task, set, options);
    }
  }
  return {};
}

/// Options of evaluate.
struct EvaluateOptions {
  loss::Loss loss{};  ///< by default what suits output and target: see usual_objective
  std::vector<metrics::Metric> metrics{};
  int64_t batch_size = 128;
  bool verbose = true;
};
/// Loss and metrics over a set, without training: "loss", "accuracy", ...
template <class M>
Logs evaluate(const M& model, const data::Dataset& set, EvaluateOptions options = {}) {
  if constexpr (!detail::must_take_one_array<M>()) {
    return {};
  } else {
    const nn::TrainingMode inference(false);
    detail::LossObjective objective{options.loss, options.metrics};
    if (!options.loss.exists()) {
      const data::Dataset first = data::subset(set, 0, std::min<int64_t>(1, set.size()));
      for (const data::Batch& batch : data::batches(first, {.batch_size = 1, .prefetch = false})) {
        objective = detail::usual_objective(model(batch.x), batch.y);
        if (!options.metrics.empty()) objective.metrics = options.metrics;
      }
    }
    detail::ObjectiveTask<const M, detail::LossObjective> task(model, objective);
    return detail::evaluate(task, set, options.batch_size, options.verbose);
  }
}

/// Options of predict.
struct PredictOptions {
  int64_t batch_size = 128;
};
/// The model's outputs for all inputs, computed batch by batch and joined along axis 0.
template <class M>
Array predict(const M& model, const data::Dataset& set, PredictOptions options = {}) {
  if constexpr (detail::must_take_one_array<M>())
    return detail::predict([&](const Array& x) -> Array { return model(x); }, set, options.batch_size);
  else return {};
}
template <class M>
Array predict(const M& model, const Array& x, PredictOptions options = {}) {
  return predict(model, data::Dataset(x), options);
}

}  // namespace gradus::train
