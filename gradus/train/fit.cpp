// The loops of training, evaluation and prediction.
#include "gradus/train/fit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>

#include "gradus/array/buffer.hpp"
#include "gradus/array/memory.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/io/datum_json.hpp"
#include "gradus/nn/precision.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/update.hpp"
#include "gradus/optim/kinds.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/train/averages.hpp"
#include "gradus/train/best.hpp"
#include "gradus/train/forecast.hpp"
#include "gradus/train/gradient_sums.hpp"
#include "gradus/train/interrupt.hpp"
#include "gradus/train/moving_average.hpp"
#include "gradus/train/private_training.hpp"
#include "gradus/train/progress.hpp"
#include "gradus/train/set_scores.hpp"
#include "gradus/train/watch.hpp"

namespace gradus::train {

using namespace core;

namespace detail {

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }
// Of a run or an epoch, with those of earlier sessions.
struct Stopwatch {
  double before = 0;
  Clock::time_point start = Clock::now();
  double seconds() const { return before + seconds_since(start); }
};

Logs measure(Task& task, const data::Dataset& set, int64_t batch_size, std::string_view prefix, const std::function<bool()>& stop) {
  const nn::TrainingMode inference(false);
  Averages averages;
  SetScores scores;
  for (const data::Batch& batch : data::batches(set, {.batch_size = batch_size})) {
    const Measured measured = task.measure(batch);
    check_names(measured);
    std::vector<Array> roots = values_of(measured);
    roots.push_back(measured.loss);
    gradus::evaluate(roots);
    averages.add(measured, batch.size());
    scores.hold(measured);
    scores.take();
    if (stop()) return {};
  }
  Logs logs = averages.logs(prefix);
  scores.write(logs, prefix);
  return logs;
}

void check_options(const FitOptions& options, const data::Dataset& set) {
  const auto at_least = [](const char* name, int64_t value, int64_t least) {
    if (value < least) fail("fit", name, " is ", value, "; it must be at least ", least);
  };
  at_least("epochs", options.epochs, 0);
  at_least("batch_size", options.batch_size, 1);
  at_least("accumulate", options.accumulate, 1);
  if (options.accumulate > std::numeric_limits<int64_t>::max() / options.batch_size) {
    fail("fit", "accumulate is ", options.accumulate, " and batch_size ", options.batch_size,
         "; their product leaves the range of integers");
  }
  at_least("patience", options.patience, 0);
  at_least("checkpoint.steps", options.checkpoint.steps, 0);
  at_least("checkpoint.keep", options.checkpoint.keep, 1);
  if (!(options.checkpoint.minutes >= 0)) fail("fit", "checkpoint.minutes is ", options.checkpoint.minutes, "; it must not be negative");
  if (!(options.validation_fraction >= 0 && options.validation_fraction < 1)) {
    fail("fit", "validation_fraction is ", options.validation_fraction, "; it must be at least 0 and below 1");
  }
  if (!(options.clip_norm >= 0) || !(options.clip_value >= 0)) {
    fail("fit", "clip_norm is ", options.clip_norm, " and clip_value ", options.clip_value, "; they must not be negative (0: no clipping)");
  }
  if (!(options.ema >= 0 && options.ema < 1)) fail("fit", "ema is ", options.ema, "; it must be at least 0 and below 1");
  if (options.ema_warmup && options.ema == 0) fail("fit", "ema_warmup is true and ema is 0; give the decay, for example .ema = 0.999");
  if (set.size() == 0) fail("fit", "the data set is empty");
  for (size_t i = 0; i < options.callbacks.size(); ++i) {
    if (!options.callbacks[i]) fail("fit", "callbacks[", i, "] is null; for example std::make_shared<train::CsvLogger>(\"epochs.csv\")");
  }
}

// "x[17, 3] is nan" for the first element that is not finite; empty if all are.
std::string first_not_finite(const char* name, const Array& array) {
  if (!array.dtype().is_float()) return "";
  return visit_dtype(array.dtype(), [&]<class T>(T) -> std::string {
    const T* values = static_cast<const T*>(row_major_data(array));
    for (int64_t i = 0; i < array.size(); ++i) {
      const auto value = static_cast<double>(values[i]);
      if (!std::isfinite(value)) return concat(name, data::index_text(array.shape(), i), " is ", value);
    }
    return "";
  });
}

// "the labels of the data set go from 0 (y[1]) to 12 (y[7])"; empty if they are no integers.
std::string integer_range(const char* what, const char* name, const Array& array) {
  if (!array.exists() || !array.dtype().is_integer() || array.size() == 0) return "";
  const std::vector<int64_t> values = array.to_vector<int64_t>();
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return concat("the ", what, " of the data set go from ", *low, " (", name, data::index_text(array.shape(), low - values.begin()), ") to ",
                *high, " (", name, data::index_text(array.shape(), high - values.begin()), ")");
}

int64_t divided_up(int64_t a, int64_t b) { return (a - 1) / b + 1; }

// One call of fit.
class Run {
 public:
  Run(Task& task, const data::Dataset& set, FitOptions& options)
      : task_(task),
        set_(set),
        options_(options),
        optimizer_(options.resume ? *options.resume : options.optimizer),
        monitor_(options),
        best_(monitor_.more_is_better, options.patience),
        mean_(options.ema, options.ema_warmup),
        forecast_(options.epochs, options.validation.size() > 0,
                  static_cast<double>(options.validation.size()) / static_cast<double>(set.size())),
        watch_(task, set, options, optimizer_) {
    if (options.verbose) observers_.push_back(std::make_shared<ProgressPrinter>());
    observers_.insert(observers_.end(), options.callbacks.begin(), options.callbacks.end());
    if (const optim::PlateauOptions* given = optimizer_.schedule().on_plateau()) {
      optim::PlateauOptions plateau = *given;
      plateau.more_is_better |= monitor_.more_is_better;
      plateau_.emplace(plateau);
    }
    if (options.privacy.exists()) private_.emplace(options, set);
  }
  ~Run() {
    for (const CellPtr& cell : frozen_) cell->is_trainable = true;
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  History run() {
    try {
      train();
    } catch (...) {
      mean_.put_in(variables_);
      throw;
    }
    return std::move(history_);
  }

 private:
  void train() {
    std::optional<InterruptScope> interrupts;
    if (options_.interrupts) interrupts.emplace();
    const auto start = Clock::now();
    const int64_t steps = divided_up(divided_up(set_.size(), options_.batch_size), options_.accumulate);
    lock_checkpoints();
    if (options_.resume_from.empty()) refuse_others();
    else go_on();
    run_watch_ = {history_.seconds, start};
    for (const auto& observer : observers_)
      observer->on_begin(
          {options_.epochs, steps, set_.size(), options_.batch_size, history_, options_.precision, private_ ? private_->text() : ""});
    for (int64_t number = first_epoch_; number <= options_.epochs && !must_stop() && !history_.is_stopped_early; ++number)
      epoch(number, steps);
    history_.is_interrupted = must_stop();
    mean_.put_in(variables_);
    if (!history_.is_interrupted && options_.patience > 0 && options_.restore_best && best_.epoch() != 0 && !history_.epochs.empty() &&
        best_.epoch() != history_.epochs.back().number) {
      best_.restore(task_.variables());
      history_.best_epoch = best_.epoch();
    }
    history_.seconds = run_watch_.seconds();
    if (private_) history_.privacy = private_->report();
    if (!history_.is_interrupted) watch_.note_end(history_);
    history_.findings = watch_.findings();
    for (const auto& observer : observers_) observer->on_end(history_);
  }

  bool is_interrupted() const { return options_.interrupts && InterruptScope::is_requested(); }
  bool must_stop() const { return is_asked_to_stop_ || is_interrupted(); }

  void epoch(int64_t number, int64_t count) {
    const auto start = Clock::now();
    Averages averages;
    int64_t done = std::exchange(first_step_, 0), examples = 0;
    scores_ = {};
    if (done > 0) {
      averages.go_on(std::move(first_totals_), first_examples_);
      scores_.go_on(std::exchange(first_scores_, {}));
    }
    epoch_watch_ = {std::exchange(first_seconds_, 0.0), start};
    const bool has_checkpoints = !options_.checkpoint.folder.empty();
    auto batches = pass(number, done);
    while (done < count) {
      const auto begun = Clock::now();
      const Averages before = averages;
      const Place place{number, done + 1, count};
      const std::optional<int64_t> of_step = private_ ? private_step(place, averages) : step(batches, place, averages);
      if (!of_step) {
        if (has_checkpoints && history_.steps > 0) save(number, done, before);
        break;
      }
      ++done;
      ++history_.steps;
      examples += *of_step;
      mean_.note(variables_);
      forecast_.note_step(seconds_since(begun));
      const double seconds = seconds_since(start);
      const Logs logs = logs_of(averages);
      const Progress progress{.epoch = number,
                              .step = done,
                              .steps_per_epoch = count,
                              .seconds = seconds,
                              .examples_per_second = static_cast<double>(examples) / seconds,
                              .logs = logs,
                              .seconds_left = forecast_.seconds_left(number, done, count),
                              .peak_bytes = memory_use().peak};
      for (const auto& observer : observers_) is_asked_to_stop_ |= observer->on_step(progress);
      const bool stops = must_stop();
      if (done < count && (checkpoints_.is_due(history_.steps) || (stops && has_checkpoints))) save(number, done, averages);
      if (stops) break;
    }
    if (done < count) return;  // an epoch that was cut short has no numbers of its own
    Epoch epoch{number, logs_of(averages), optimizer_.learning_rate(), epoch_watch_.seconds(), 0, history_.steps};
    scores_.write(epoch.logs);
    epoch.examples_per_second = averages.examples() / epoch.seconds;
    mean_.put_in(variables_);
    validate(epoch);
    // The validation may have been cut short: a run that goes on does it again.
    const bool is_cut = is_interrupted() && options_.validation.size() > 0;
    if (is_cut && has_checkpoints) save(number, done, averages);
    history_.epochs.push_back(epoch);
    for (const auto& observer : observers_) is_asked_to_stop_ |= observer->on_epoch(epoch);
    watch_.note_epoch(epoch);
    const bool is_measured = !is_cut || epoch.logs.contains(monitor_.name);
    if (is_measured && plateau_ && plateau_->note(monitor_.of(epoch))) optimizer_.set_rate_factor(first_rate_factor_ * plateau_->factor());
    if (is_measured && options_.patience > 0 && best_.note(epoch, monitor_.of(epoch), task_.variables(), options_.restore_best) &&
        number < options_.epochs) {
      history_.is_stopped_early = true;
      options_.epochs = number;
    }
    mean_.take_out(variables_);
    const bool ends = number >= options_.epochs || must_stop();
    if (!is_cut && (checkpoints_.is_due(history_.steps) || (ends && has_checkpoints))) save(number + 1, 0, {});
  }

  Logs logs_of(const Averages& averages) const {
    Logs logs = averages.logs();
    if (private_) logs.set("epsilon", private_->epsilon());
    return logs;
  }

  void validate(Epoch& epoch) {
    if (options_.validation.size() == 0) return;
    const auto start = Clock::now();
    const Logs logs = measure(task_, options_.validation, options_.batch_size, "val_", [this] { return is_interrupted(); });
    if (is_interrupted()) return;  // perhaps cut short: a part of the set has no number to tell
    for (const auto& [name, value] : logs) epoch.logs.set(name, value);
    forecast_.note_validation(seconds_since(start));
  }

  // The batches of an epoch from step number `first` on.
  data::Batches pass(int64_t epoch, int64_t first) const {
    return data::batches(set_, {.batch_size = options_.batch_size,
                                .shuffle = options_.shuffle,
                                .seed = options_.seed,
                                .epoch = static_cast<uint64_t>(epoch - 1),
                                .first = first * options_.accumulate});
  }

  // What a checkpoint must agree with. The number of epochs may change: a run may be made longer.
  RunIdentity identity() const {
    FieldWriting writing;
    Datum::Table facts{{"examples", set_.size()},
                       {"batch_size", options_.batch_size},
                       {"accumulate", options_.accumulate},
                       {"shuffle", options_.shuffle},
                       {"seed", static_cast<int64_t>(options_.seed)},
                       {"class_weight", to_text(options_.class_weight)},
                       {"optimizer", optimizer_text()},
                       {"groups", io::json_text(FieldType<std::vector<optim::ParameterGroup>>::write(optimizer_.groups(), writing))},
                       {"ema", options_.ema},
                       {"ema_warmup", options_.ema_warmup},
                       {"precision", std::string(enum_names(options_.precision)[static_cast<size_t>(options_.precision)])},
                       {"privacy", private_ ? private_->text() : "none"},
                       {"callbacks", static_cast<int64_t>(options_.callbacks.size())}};
    std::string shapes, fixed;
    for (const Variable& variable : variables_) {
      if (!variable.exists()) continue;
      shapes += concat(variable.path, " ", variable.get().dtype(), " ", variable.get().shape(), "; ");
      if (!variable.is_trainable()) fixed += variable.path + "; ";
    }
    facts.emplace_back("parameters", shapes);
    facts.emplace_back("not trained", fixed);
    return {std::move(facts), variables_};
  }

  // What it keeps tells which of its kinds it is: moments that are read as others would be nonsense.
  std::string optimizer_text() const {
    std::string text(optimizer_.name()), kept;
    for (const std::string_view name : optimizer_.state_names()) kept += concat(kept.empty() ? "" : ", ", name);
    return kept.empty() ? text : concat(text, " with ", kept);
  }

  // The state before step `step` + 1 of epoch `epoch`.
  void save(int64_t epoch, int64_t step, const Averages& averages) {
    RunState state{.epoch = epoch, .step = step, .totals = averages.totals(), .examples = averages.examples(), .history = history_};
    if (step > 0) state.scores = scores_.states();
    state.seconds = step > 0 ? epoch_watch_.seconds() : 0;
    state.history.seconds = run_watch_.seconds();
    for (size_t i = 0; i < variables_.size(); ++i) state.variables.push_back(mean_.value(variables_, i));
    best_.save(state);
    state.mean_steps = mean_.steps();
    state.means = mean_.means();
    state.optimizer = optimizer_.state();
    if (plateau_) state.plateau = plateau_->state();
    state.generator = random::state();
    if (private_) state.privacy = private_->state();
    for (const auto& callback : options_.callbacks) state.callbacks.push_back(callback->state());
    save_checkpoint(options_.checkpoint, identity(), state);
    checkpoints_.note(history_.steps);
  }

  // Before the first step: the model gets its parameters, so that they can be filled, and all else is as the checkpoint has it.
  void go_on() {
    {
      const nn::TrainingMode training;
      auto batches = pass(1, 0);
      build(*batches.next());
    }
    RunState state = load_checkpoint(options_.resume_from, identity());
    refuse_others();
    for (size_t i = 0; i < variables_.size(); ++i) {
      if (variables_[i].exists()) variables_[i].set(state.variables[i]);
    }
    mean_.go_on(state.mean_steps, std::move(state.means));
    optimizer_.set_state(state.optimizer);
    if (plateau_) plateau_->set_state(state.plateau);
    random::set_state(state.generator);
    if (private_) private_->go_on(state.privacy, state.history.steps);
    best_.go_on(state);
    for (size_t i = 0; i < options_.callbacks.size() && i < state.callbacks.size(); ++i)
      options_.callbacks[i]->set_state(state.callbacks[i]);
    if (!options_.checkpoint.folder.empty()) set_aside_later(options_.checkpoint.folder, state.history.steps);
    history_ = std::move(state.history);
    first_epoch_ = state.epoch;
    first_step_ = state.step;
    first_totals_ = std::move(state.totals);
    first_scores_ = std::move(state.scores);
    first_examples_ = state.examples;
    first_seconds_ = state.seconds;
    checkpoints_.note(history_.steps);
  }

  void lock_checkpoints() {
    const std::string& folder = options_.checkpoint.folder;
    if (folder.empty()) return;
    file::make_folder(folder);
    lock_.emplace(folder);
    if (!lock_->is_held()) fail_io(folder, "another run is writing its checkpoints there; two cannot go on with one run");
    file::remove_unfinished(folder, "step-");
  }

  // Checkpoints of another run, perhaps of later steps, would be taken for those of this one.
  void refuse_others() const {
    const std::string& folder = options_.checkpoint.folder;
    if (folder.empty() || !has_checkpoint(folder) || goes_on_in(folder)) return;
    fail_io(folder, "holds checkpoints of an earlier run, beside which those of a new one would not last; .resume_from = \"", folder,
            "\" goes on with it, else remove them or name another folder");
  }
  // Whether the checkpoint that the run goes on from lies in this folder, or is the folder.
  bool goes_on_in(const std::string& folder) const {
    if (options_.resume_from.empty()) return false;
    const std::string from = std::filesystem::path(options_.resume_from).parent_path().string();
    return file::is_same_file(options_.resume_from, folder) || file::is_same_file(from.empty() ? "." : from, folder);
  }

  void build(const data::Batch& batch) {
    try {
      task_.build(batch);
    } catch (const Error& error) {
      watch_.examine(task_.variables(), batch, error.what());  // it may know more of what is wrong
      throw;
    }
    variables_ = task_.variables();
    if (!options_.freeze.empty()) frozen_ = nn::detail::set_trainable(variables_, options_.freeze, false);
    const bool can_train =
        std::any_of(variables_.begin(), variables_.end(), [](const Variable& variable) { return variable.is_trainable(); });
    if (!can_train) {
      fail("fit", "the model has no parameter that is trained; ",
           frozen_.empty() ? "nn::unfreeze(model) trains frozen ones" : concat("freeze is [", join(options_.freeze), "], which names all"));
    }
    if (private_) private_->begin(variables_);
    watch_.examine(variables_, batch);
  }

  // What a step writes besides parameters: running statistics, generators. The optimiser puts back its own.
  using Written = std::vector<std::pair<const Variable*, Array>>;
  struct Place {
    int64_t epoch, number, count;
    std::string text() const { return concat("step ", number, " of ", count, " in epoch ", epoch); }
  };

  // One step of the optimiser, on `accumulate` batches or what the epoch has left. Returns how many examples they had; nothing if a request
  // to stop came in between: then nothing has happened.
  std::optional<int64_t> step(data::Batches& batches, const Place& place, Averages& averages) {
    const nn::TrainingMode training;
    const int64_t each = options_.batch_size * options_.accumulate, of_step = std::min(each, set_.size() - (place.number - 1) * each);
    GradientSums sums;
    Written before;
    random::GeneratorState generator;
    for (int64_t seen = 0; seen < of_step;) {
      const data::Batch& batch = *batches.next();
      if (variables_.empty()) build(batch);
      if (seen == 0) {
        before = states();
        generator = random::state();
      } else if (is_interrupted()) {
        undo(before);
        random::set_state(generator);
        scores_.drop();
        return std::nullopt;
      }
      seen += batch.size();
      const Part part{batch, batch.size(), batch.size() == of_step, seen == of_step};
      const Measured measured = run_part(part, sums, before, place);
      averages.add(measured, part.count);
      scores_.hold(measured);
    }
    scores_.take();
    return of_step;
  }

  // The same of a private run, on samples that are drawn each by itself, perhaps none; in batches that memory has room for.
  std::optional<int64_t> private_step(const Place& place, Averages& averages) {
    const nn::TrainingMode training;
    if (variables_.empty()) {
      for (const data::Batch& first : data::batches(data::subset(set_, 0, 1), {.batch_size = 1, .prefetch = false})) build(first);
    }
    const std::vector<int64_t> positions = private_->sample(history_.steps);
    const auto of_step = static_cast<int64_t>(positions.size());
    if (of_step == 0) {
      optimizer_.step(variables_, private_->noisy({}, variables_, history_.steps), {});
      private_->note_step();
      return 0;
    }
    GradientSums sums;
    const Written before = states();
    const random::GeneratorState generator = random::state();
    int64_t seen = 0;
    for (const data::Batch& batch : data::batches(private_->drawn(positions), {.batch_size = private_->micro_batch(), .prefetch = false})) {
      if (seen > 0 && is_interrupted()) {
        undo(before);
        random::set_state(generator);
        return std::nullopt;
      }
      const int64_t count = std::min(batch.size(), of_step - seen);
      seen += count;
      const Part part{batch, count, count == of_step, seen == of_step};
      averages.add(run_part(part, sums, before, place), count);
    }
    private_->note_step();
    return of_step;
  }

  std::pair<Measured, Gradients> differentiate(const data::Batch& batch, int64_t count) {
    std::optional<nn::MixedPrecision> mixed;
    if (options_.precision != Precision::float32) mixed.emplace(bfloat16);
    return private_ ? private_->differentiate(task_, batch, count) : task_.differentiate(batch);
  }

  // A batch of a step, of which `count` samples count.
  struct Part {
    const data::Batch& batch;
    int64_t count;
    bool is_alone, is_last;
  };
  Measured run_part(const Part& part, GradientSums& sums, const Written& before, const Place& place) {
    Array loss, divisor;
    const random::GeneratorState generator = random::state();
    try {
      auto [measured, grads] = differentiate(part.batch, part.count);
      check_names(measured);
      loss = measured.loss;
      divisor = measured.divisor;
      if (!part.is_alone) {
        sums.add(grads, measured, part.count);
        // One batch may have no label that counts; a step must have some.
        if (measured.divisor.exists()) {
          measured.loss = where(measured.divisor == 0, 0, loss);
          if (part.is_last) measured.loss = where(sums.divisor() == 0, loss, measured.loss);
          divisor = sums.divisor();
        }
        if (part.is_last) grads = sums.take();
      }
      // Handles keep what the step computes: no bit of it changes.
      const Gradients watched = part.is_last && watch_.wants_gradients(history_.steps) ? grads : Gradients();
      if (options_.stop_on_nan && loss.dtype().is_float()) measured.loss = finite(measured.loss);
      // The numbers to show are computed in the same run as the update: reading them costs nothing more.
      std::vector<Array> shown = values_of(measured);
      shown.push_back(measured.loss);
      if (part.is_last) {
        if (private_) grads = private_->noisy(grads, variables_, history_.steps);
        if (options_.clip_value > 0) grads = optim::clip_by_value(grads, options_.clip_value);
        if (options_.clip_norm > 0) grads = optim::clip_by_norm(grads, options_.clip_norm);
        optimizer_.step(variables_, std::move(grads), shown);
        if (!watched.empty()) watch_.note_gradients(watched, variables_);
        if (measured.loss.dtype().is_float()) watch_.note_loss(measured.loss.item());
      } else {
        sums.collect(shown);
        grads = Gradients();
        gradus::evaluate(shown);
      }
      return std::move(measured);
    } catch (const Error& error) {
      undo(before);
      if (error.kind() != Error::Kind::invalid || !loss.exists()) throw;
      explain(error, loss, divisor, place.text(), {part, before, generator});
    }
  }

  Written states() const {
    Written all;
    for (const Variable& variable : variables_) {
      if (!variable.is_trainable() && variable.exists()) all.emplace_back(&variable, variable.get());
    }
    return all;
  }
  static void undo(const Written& before) {
    for (const auto& [variable, value] : before) variable->set(value);
    take_pending_cells();  // what the failed step would have written
  }

  // A part of a step that failed, and what it began with.
  struct Replay {
    const Part& part;
    const Written& before;
    random::GeneratorState generator;
  };
  // Makes the part again, op by op, and gives what is said of the first op that makes a nan of none; nothing if there is none.
  std::optional<Error> first_nan(const Replay& replay) {
    if (options_.doctor == Doctor::off || private_ || is_check_nan()) return {};
    const random::GeneratorState now = random::state();
    random::set_state(replay.generator);
    set_check_nan(true);
    std::optional<Error> found;
    try {
      auto [measured, grads] = differentiate(replay.part.batch, replay.part.count);
      gradus::evaluate({measured.loss});
    } catch (const Error& error) {
      if (error.problem().find("holds a nan") != std::string::npos) found = error;
    }
    set_check_nan(false);
    undo(replay.before);
    random::set_state(now);
    return found;
  }

  // The step has not happened, for a reason that lies in the numbers: says where, and which.
  [[noreturn]] void explain(const Error& error, const Array& loss, const Array& divisor, const std::string& where, const Replay& replay) {
    double value = 0, counted = 1;
    try {
      value = loss.item();
      if (divisor.exists()) counted = divisor.item();
    } catch (const Error&) {
    }
    if (options_.stop_on_nan && !std::isfinite(value)) {
      if (counted == 0) {
        throw Error(Error::Kind::invalid, "fit",
                    concat("the loss is ", value, " at ", where,
                           ": the targets there are all labels that it leaves out; a step must have one "
                           "that counts"))
            .with_hint("larger batches, or leave out samples without labels");
      }
      const std::string bad = first_not_finite("x", set_.stored_x());
      const std::optional<Error> op = bad.empty() ? first_nan(replay) : std::nullopt;
      Error said(Error::Kind::invalid, "fit",
                 concat("the loss is ", value, " at ", where, "; it must be finite", op ? concat("; the first nan is made by ", op->place()) : ""));
      if (op) said.set_path(op->path());
      throw std::move(said).with_hint(bad.empty() ? std::string(not_finite_hint) : bad + " in the data set");
    }
    if (error.problem().find("out of range") == std::string::npos) throw error;
    const bool is_input = error.place() == "embedding";
    const std::string range = is_input ? integer_range("ids", "x", set_.stored_x()) : integer_range("labels", "y", set_.y);
    if (range.empty()) throw error;
    throw Error(error).with_hint(range);
  }

  Task& task_;
  const data::Dataset& set_;
  FitOptions& options_;
  optim::Optimizer& optimizer_;
  Monitor monitor_;
  Best best_;
  MovingAverage mean_;
  Forecast forecast_;
  std::optional<optim::Plateau> plateau_;
  std::optional<PrivateTraining> private_;
  double first_rate_factor_ = optimizer_.rate_factor();
  std::vector<std::shared_ptr<Callback>> observers_;
  std::vector<Variable> variables_;
  std::vector<CellPtr> frozen_;  // by this run
  History history_;
  SetScores scores_;  // of the epoch in work
  Watch watch_;
  bool is_asked_to_stop_ = false;
  CheckpointClock checkpoints_{options_.checkpoint};
  int64_t first_epoch_ = 1, first_step_ = 0;
  std::vector<Total> first_totals_;  // of the epoch that is gone on with
  std::vector<ScoreState> first_scores_;
  double first_examples_ = 0, first_seconds_ = 0;
  Stopwatch run_watch_, epoch_watch_;
  std::optional<file::FolderLock> lock_;
};

}  // namespace

void check_loss(const FitOptions& options, const data::Dataset& set) {
  if (!options.loss.exists()) fail("fit", "no loss is given; for example .loss = loss::sparse_categorical_crossentropy");
  if (!set.has_targets()) fail("fit", "the data set has no targets; give an objective of your own: fit(model, objective, set, options)");
  const bool has_weights = options.class_weight.exists() || set.weights.exists() || options.validation.weights.exists();
  if (has_weights && !options.loss.takes_weights()) {
    fail("fit", "there are weights of examples or classes, and the loss \"", options.loss.name(),
         "\" takes none; loss::Loss(name, function, weighted) makes one that does, and an objective of your own finds them in "
         "batch.weights");
  }
}

History fit(Task& task, const data::Dataset& set, FitOptions& options) {
  check_options(options, set);
  data::Dataset rest = set;
  if (options.validation.size() == 0 && options.validation_fraction > 0) {
    std::tie(options.validation, rest) = data::split(set, options.validation_fraction, options.seed);
    if (rest.size() == 0 || options.validation.size() == 0) {
      fail("fit", "validation_fraction is ", options.validation_fraction, " of ", set.size(), " examples, which leaves ", rest.size(),
           " to train on and ", options.validation.size(), " to validate on; each must be at least 1");
    }
  }
  if (options.class_weight.exists()) rest = options.class_weight.applied_to(rest);
  check_weights(rest);
  if (rest.weights.exists() && sum(rest.weights).item() == 0) fail("fit", "all training samples weigh 0; at least one must count");
  return Run(task, rest, options).run();
}

Logs evaluate(Task& task, const data::Dataset& set, int64_t batch_size, bool verbose) {
  if (set.size() == 0) fail("evaluate", "the data set is empty");
  const auto start = Clock::now();
  const Logs logs = measure(task, set, batch_size, "", [] { return false; });
  if (verbose) {
    const double seconds = seconds_since(start);
    const std::string line = concat("evaluate: ", to_text(logs), ", ", with_commas(set.size()), " examples, ",
                                    with_commas(std::llround(static_cast<double>(set.size()) / std::max(seconds, 1e-9))), "/s\n");
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fflush(stdout);
  }
  return logs;
}

Array predict(const std::function<Array(const Array&)>& model, const data::Dataset& set, int64_t batch_size) {
  if (set.size() == 0) fail("predict", "there are no inputs");
  const nn::TrainingMode inference(false);
  std::vector<Array> outputs;
  for (const data::Batch& batch : data::batches(set, {.batch_size = batch_size})) outputs.push_back(Array(model(batch.x)).eval());
  return outputs.size() == 1 ? outputs[0] : concatenate(outputs, 0).eval();
}

}  // namespace detail

}  // namespace gradus::train
