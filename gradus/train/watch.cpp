// Watching a run.
#include "gradus/train/watch.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/optim/kinds.hpp"
#include "gradus/train/doctor_parts.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr int64_t kStepsBetweenLooks = 64, kLooksInARow = 3, kEpochsInARow = 5;
// A gradient a thousand times as large as what it is of; a layer's gradients a millionth of another's.
constexpr double kExploding = 1e3, kVanishing = 1e-6;
// Of losses of one's own less is known: adversaries raise each other's.
constexpr double kLossExplodes = 20, kOwnLossExplodes = 1000, kLossRises = 2, kDeadShare = 0.5, kNothingLearnt = 0.99, kOverfit = 1.1;

// Tables of embeddings get gradients for the rows that a batch has, which may be few.
bool is_table(const std::string& path) { return path.find("table") != std::string::npos || path.find("embed") != std::string::npos; }

std::string layer_of(const std::string& parameter) { return concat("layer of \"", parameter, "\""); }

double loss_of(Task& task, const data::Batch& batch) {
  const nn::TrainingMode inference(false);
  return task.measure(batch).loss.item();
}

}  // namespace

Watch::Watch(Task& task, const data::Dataset& set, const FitOptions& options, optim::Optimizer& optimizer)
    : task_(task),
      set_(set),
      options_(options),
      optimizer_(optimizer),
      is_on_(options.doctor == Doctor::automatic ? options.verbose : options.doctor != Doctor::off),
      findings_(options.findings) {
  told_ = findings_.size();
}

double Watch::usual_rate() const {
  const optim::OptimizerKind* kind = optim::optimizer_kinds().find(optimizer_.name());
  return kind ? kind->learning_rate : 0;
}

void Watch::add(Finding finding) {
  const auto is_same = [&](const Finding& each) { return each.kind == finding.kind && each.where == finding.where; };
  if (std::none_of(findings_.begin(), findings_.end(), is_same)) findings_.push_back(std::move(finding));
}

// Prints what is new; strict: stops, before the first step for anything, later for what is serious.
void Watch::tell(size_t from) {
  const std::vector<Finding> fresh(findings_.begin() + static_cast<std::ptrdiff_t>(from), findings_.end());
  told_ = findings_.size();
  if (options_.doctor == Doctor::strict && !fresh.empty() && (steps_ == 0 || has_serious(fresh))) {
    std::string all;
    for (size_t i = 0; i < fresh.size(); ++i)
      all += concat(i ? "; " : "", "(", i + 1, ") ", fresh[i].where, ": ", fresh[i].what, ", remedy: ", fresh[i].remedy);
    throw Error(Error::Kind::invalid, "fit",
                concat("the doctor found ", fresh.size(), fresh.size() == 1 ? " mistake: " : " mistakes: ", all))
        .with_hint(".doctor = off trains all the same");
  }
  if (options_.verbose) print(fresh);
}

void Watch::examine(const std::vector<Variable>& variables, const data::Batch& batch, const std::string& error) {
  if (!is_on_ || std::exchange(is_examined_, true)) return;
  const size_t from = told_;
  ExaminedModel model;
  ExamineOptions options{.validation = options_.validation};
  options.optimizer = optimizer_;
  model.variables = variables;
  if (task_.calls_model()) {
    options.loss = options_.loss;
    options.metrics = options_.metrics;
    model.output = [this](const Array& x) { return task_.output(x); };
    prior_ = prior_loss(options_.loss, set_);
  }
  std::vector<Finding> found = detail::examine(model, set_, options);
  if (error.empty() && !has_serious(found)) find_rate(variables, batch, found);
  for (Finding& finding : found) add(std::move(finding));
  tell(from);
}

// Where the rate is far above the usual one: three steps on the first batch, which are taken back.
void Watch::find_rate(const std::vector<Variable>& variables, const data::Batch& batch, std::vector<Finding>& findings) {
  const double rate = optimizer_.learning_rate(), usual = usual_rate();
  if (!task_.calls_model() || usual == 0 || rate < 9.9 * usual || options_.privacy.exists()) return;
  const random::GeneratorState generator = random::state();
  std::vector<std::pair<const Variable*, Array>> before;
  for (const Variable& variable : variables) {
    if (variable.exists()) before.emplace_back(&variable, variable.get());
  }
  double first = 0, last = 0;
  try {
    first = loss_of(task_, batch);
    optim::Optimizer copy = optimizer_;
    for (int i = 0; i < 3 && std::isfinite(last); ++i) {
      const nn::TrainingMode training;
      auto [measured, grads] = task_.differentiate(batch);
      copy.step(variables, std::move(grads), std::vector<Array>{measured.loss});
      last = loss_of(task_, batch);
    }
  } catch (const Error&) {
    last = first;  // the training itself says what is wrong
  }
  for (const auto& [variable, value] : before) variable->set(value);
  random::set_state(generator);
  const double most = (rate >= 99 * usual ? 1.5 : 10) * std::max(first, prior_.value_or(0));
  if (std::isfinite(last) && last <= most) return;
  findings.push_back({.where = "optimizer",
                      .what = concat(optimizer_.name(), "'s learning rate is ", short_number(rate),
                                     ": three steps on one batch take its loss from ", short_number(first), " to ", short_number(last)),
                      .why = "each step jumps over what it looks for: the loss explodes",
                      .remedy = rate_remedy(optimizer_.name(), usual),
                      .severity = Severity::serious,
                      .kind = "learning rate too large"});
}

bool Watch::wants_gradients(int64_t step) const {
  if (!is_on_ || options_.privacy.exists()) return false;
  return step % kStepsBetweenLooks == 0 ? step > 0 : step < kStepsBetweenLooks && (step == 1 || step == 4 || step == 16);
}

void Watch::note_gradients(const Gradients& grads, const std::vector<Variable>& variables) {
  std::vector<Array> sizes;  // of each gradient and its parameter, as root mean squares
  std::vector<const Variable*> of;
  for (const Variable& variable : variables) {
    if (!variable.exists() || variable.get().rank() < 2 || is_table(variable.path) || !grads.contains(variable.path)) continue;
    const Array& grad = grads[variable.path];
    if (!grad.exists()) continue;
    sizes.push_back(sqrt(mean(square(grad.astype(float32)))));
    sizes.push_back(sqrt(mean(square(variable.get().astype(float32)))));
    of.push_back(&variable);
  }
  gradus::evaluate(sizes);
  if (layers_.size() != of.size()) {
    layers_.clear();
    for (const Variable* variable : of) layers_.push_back({variable->path});
  }
  ++looks_;
  double largest = 0;
  for (size_t i = 0; i < of.size(); ++i) largest = std::max(largest, sizes[2 * i].item());
  for (size_t i = 0; i < of.size(); ++i) {
    Layer& layer = layers_[i];
    const double grad = sizes[2 * i].item(), value = sizes[2 * i + 1].item();
    const double ratio = grad / std::max(value, 1e-3);
    layer.exploding = !(ratio <= kExploding) ? layer.exploding + 1 : 0;
    layer.zero = grad == 0 ? layer.zero + 1 : 0;
    layer.vanishing = grad > 0 && grad < kVanishing * largest ? layer.vanishing + 1 : 0;
    if (layer.exploding == kLooksInARow) {
      add({layer_of(layer.path),
           concat("its gradient is ", short_number(ratio), " times as large as the parameter itself (root mean squares)"),
           "steps along such gradients throw away what was learnt",
           ".clip_norm = 1, scaled inputs, or a smaller rate (recipe: train.clip_norm = 1)", Severity::warning, "exploding gradients"});
    }
    if (layer.zero == kLooksInARow && largest > 0) {
      add({layer_of(layer.path), "its gradient is zero in all steps that were looked at",
           "nothing reaches the layer: units behind it are dead, or its output is not used",
           "leaky_relu or gelu instead of relu, a smaller rate; nn::freeze, if it is meant", Severity::warning, "no gradient"});
    }
    if (layer.vanishing == kLooksInARow) {
      add({layer_of(layer.path), concat("its gradient is ", short_number(grad / largest), " of the largest layer's"),
           "the layer hardly learns: what it is taught fades on the way",
           "relu or gelu instead of sigmoid and tanh, nn::BatchNorm or nn::LayerNorm between layers, shortcuts around them",
           Severity::warning, "vanishing gradients"});
    }
  }
}

void Watch::note_loss(double loss) {
  if (!is_on_ || !std::isfinite(loss)) return;
  smooth_loss_ = steps_ == 0 ? loss : 0.8 * smooth_loss_ + 0.2 * loss;
  if (steps_ == 0) first_loss_ = loss;
  ++steps_;
  const double most = (task_.calls_model() ? kLossExplodes : kOwnLossExplodes) * std::max(first_loss_, prior_.value_or(0));
  if (steps_ < 5 || first_loss_ <= 0 || !(smooth_loss_ > most)) return;
  const double rate = optimizer_.learning_rate();
  add({"loss", concat("went from ", short_number(first_loss_), " to ", short_number(smooth_loss_), " in ", steps_, " steps"),
       "training runs away: the steps are too long for this loss",
       concat("a learning rate below ", short_number(rate), ", by a factor of 10, or .clip_norm = 1 (recipe: optimizer.learning_rate = ",
              short_number(rate / 10), ", train.clip_norm = 1)"),
       Severity::serious, "loss explodes"});
}

void Watch::find_dead_units() {
  if (!task_.calls_model() || options_.privacy.exists()) return;
  const int64_t samples = std::clamp<int64_t>(set_.size() / 32, 64, 512);
  for (const DeadUnits& layer : dead_units([this](const Array& x) { return task_.output(x); }, set_, {samples, options_.batch_size})) {
    if (static_cast<double>(layer.dead) <= kDeadShare * static_cast<double>(layer.units)) continue;
    add({layer.path.empty() ? "a relu" : concat("relu in ", layer.path),
         concat(layer.dead, " of ", layer.units, " units are zero for all of ", std::min(samples, set_.size()), " samples"),
         "a unit that is always zero gets no gradient any more, and stays so",
         "a smaller learning rate, and leaky_relu or gelu instead of relu (recipe: activation = \"gelu\")",
         layer.dead == layer.units ? Severity::serious : Severity::warning, "dead units"});
  }
}

// Nothing learnt beyond the best constant answer.
void Watch::find_standstill(const Epoch& epoch) {
  const double loss = epoch.logs["loss"];
  falling_ = prior_ && loss >= kNothingLearnt * *prior_ ? falling_ + 1 : 0;
  if (falling_ != kEpochsInARow || epoch.number != kEpochsInARow || steps_ < 50) return;
  const double rate = epoch.learning_rate, usual = usual_rate();
  const bool is_small = rate < usual / 50;
  add({"loss",
       concat("after ", epoch.number, " epochs it is ", short_number(loss), "; always giving the same answer has ", short_number(*prior_)),
       "nothing was learnt yet from the inputs",
       is_small ? rate_remedy(optimizer_.name(), usual)
                : std::string("inputs that say something of the target, in its order and scaled; another learning rate"),
       Severity::warning, is_small ? "learning rate too small" : "standstill"});
}

void Watch::note_epoch(const Epoch& epoch) {
  if (!is_on_) return;
  const double loss = epoch.logs["loss"];
  if (std::isfinite(loss)) {
    if (epoch.number == 1 || best_loss_ == 0) best_loss_ = loss;
    if (task_.calls_model() && loss > kLossRises * best_loss_ && loss > 0.25 * first_loss_ && best_loss_ > 0) {
      add({"loss", concat("rose to ", short_number(loss), " in epoch ", epoch.number, ", from ", short_number(best_loss_)),
           "training loses again what it had learnt: the steps are too long",
           concat("a learning rate that falls, or one below ", short_number(epoch.learning_rate), " (recipe: schedule.name = \"cosine\")"),
           Severity::warning, "loss rises"});
    }
    best_loss_ = std::min(best_loss_, loss);
    find_standstill(epoch);
  }
  // After epochs 1, 2, 4, 8, ...: units die early, if they do.
  if (std::has_single_bit(static_cast<uint64_t>(epoch.number))) find_dead_units();
  tell(told_);
}

void Watch::note_end(const History& history) {
  if (!is_on_) return;
  for (Finding& finding : examine_history(history, options_.patience > 0)) add(std::move(finding));
  if (options_.verbose) print({findings_.begin() + static_cast<std::ptrdiff_t>(told_), findings_.end()});
  told_ = findings_.size();
}

std::vector<Finding> examine_history(const History& history, bool keeps_best) {
  const auto [losses, watched] = std::pair(history.series("loss"), history.series("val_loss"));
  if (keeps_best || losses.size() < 6) return {};
  if (std::any_of(watched.begin(), watched.end(), [](double x) { return !std::isfinite(x); })) return {};
  const auto best = static_cast<size_t>(std::min_element(watched.begin(), watched.end()) - watched.begin());
  const size_t last = watched.size() - 1;
  if (last < best + 5 || !(watched[last] > kOverfit * watched[best]) || !(losses[last] < losses[best])) return {};
  return {{"val_loss",
           concat("rose from ", short_number(watched[best]), " in epoch ", history.epochs[best].number, " to ", short_number(watched[last]),
                  " in epoch ", history.epochs[last].number, ", while the loss fell from ", short_number(losses[best]), " to ",
                  short_number(losses[last])),
           "since then the model learns the training samples by heart",
           ".patience = 5, which keeps the best epoch; dropout, weight decay, more samples (recipe: train.patience = 5)", Severity::warning,
           "overfitting"}};
}

}  // namespace gradus::train::detail
