// Schedules by name, in epochs. `rate` is the optimiser's learning_rate.
#include <algorithm>
#include <cmath>

#include "gradus/optim/kinds.hpp"

namespace gradus::optim {

using namespace core;

int64_t RunLength::steps_of(double count) const { return std::llround(count * static_cast<double>(steps_per_epoch)); }

namespace {

int64_t whole_steps(const RunLength& length, double epochs) { return std::max<int64_t>(1, length.steps_of(epochs)); }

constexpr FieldNote kFinalRate{"final_rate", "the rate at the end", range::not_negative};
constexpr Range kSomeEpochs{.low = 1e-3};

struct Constant : NoFields {
  Schedule make(double rate, const RunLength&) const { return rate; }
};

struct Cosine {
  double final_rate = 0;
  Schedule make(double rate, const RunLength& length) const { return cosine(rate, {.steps = length.steps(), .final_rate = final_rate}); }
  GRADUS_OPTIONS(final_rate)
};
std::span<const FieldNote> Cosine::field_notes() {
  static constexpr FieldNote notes[] = {kFinalRate};
  return notes;
}

struct CosineRestarts {
  double period = 1, multiplier = 1, final_rate = 0;
  Schedule make(double rate, const RunLength& length) const {
    return cosine_restarts(rate, {.period = whole_steps(length, period), .multiplier = multiplier, .final_rate = final_rate});
  }
  GRADUS_OPTIONS(period, multiplier, final_rate)
};
std::span<const FieldNote> CosineRestarts::field_notes() {
  static constexpr FieldNote notes[] = {{"period", "epochs until the first restart", kSomeEpochs},
                                        {"multiplier", "each period is that many times as long as the one before", range::positive},
                                        {"final_rate", "the rate at the end of each period", range::not_negative}};
  return notes;
}

struct Linear {
  double final_rate = 0;
  Schedule make(double rate, const RunLength& length) const { return linear(rate, final_rate, length.steps()); }
  GRADUS_OPTIONS(final_rate)
};
std::span<const FieldNote> Linear::field_notes() {
  static constexpr FieldNote notes[] = {kFinalRate};
  return notes;
}

struct Polynomial {
  double power = 1;
  Schedule make(double rate, const RunLength& length) const { return polynomial(rate, length.steps(), power); }
  GRADUS_OPTIONS(power)
};
std::span<const FieldNote> Polynomial::field_notes() {
  static constexpr FieldNote notes[] = {{"power", "of the share of the run that is left", range::not_negative}};
  return notes;
}

struct Exponential {
  double factor = 0.9, every = 1;
  Schedule make(double rate, const RunLength& length) const { return exponential(rate, factor, whole_steps(length, every)); }
  GRADUS_OPTIONS(factor, every)
};
std::span<const FieldNote> Exponential::field_notes() {
  static constexpr FieldNote notes[] = {{"factor", "what the rate is multiplied by in that time", range::part},
                                        {"every", "epochs, bit by bit", kSomeEpochs}};
  return notes;
}

struct Step {
  double factor = 0.1, every = 10;
  Schedule make(double rate, const RunLength& length) const { return step(rate, factor, whole_steps(length, every)); }
  GRADUS_OPTIONS(factor, every)
};
std::span<const FieldNote> Step::field_notes() {
  static constexpr FieldNote notes[] = {{"factor", "what the rate is multiplied by at each drop", range::part},
                                        {"every", "epochs between drops", kSomeEpochs}};
  return notes;
}

struct Milestones {
  double factor = 0.1;
  std::vector<double> epochs{};
  Schedule make(double rate, const RunLength& length) const {
    std::vector<int64_t> steps;
    for (const double epoch : epochs) steps.push_back(length.steps_of(epoch));
    return milestones(rate, factor, steps);
  }
  GRADUS_OPTIONS(factor, epochs)
};
std::span<const FieldNote> Milestones::field_notes() {
  static constexpr FieldNote notes[] = {
      {"factor", "what the rate is multiplied by at each of them", range::part},
      {"epochs", "when the rate drops", range::not_negative, true, "a list of epochs, for example [6, 8]"}};
  return notes;
}

struct InverseTime {
  double decay = 1;
  Schedule make(double rate, const RunLength& length) const {
    return inverse_time(rate, decay / static_cast<double>(length.steps_per_epoch));
  }
  GRADUS_OPTIONS(decay)
};
std::span<const FieldNote> InverseTime::field_notes() {
  static constexpr FieldNote notes[] = {{"decay", "rate / (1 + decay epochs)", range::not_negative}};
  return notes;
}

struct OneCycle {
  double rising = OneCycleOptions().rising, initial_divisor = OneCycleOptions().initial_divisor,
         final_divisor = OneCycleOptions().final_divisor;
  Schedule make(double rate, const RunLength& length) const {
    return one_cycle(rate, {.steps = length.steps(), .rising = rising, .initial_divisor = initial_divisor, .final_divisor = final_divisor});
  }
  GRADUS_OPTIONS(rising, initial_divisor, final_divisor)
};
std::span<const FieldNote> OneCycle::field_notes() {
  static constexpr FieldNote notes[] = {
      {"rising", "share of the run in which the rate rises", {.low = 0, .high = 1, .excludes_low = true, .excludes_high = true}},
      {"initial_divisor", "the run starts at learning_rate over this", range::positive},
      {"final_divisor", "and ends at that over this", range::positive}};
  return notes;
}

struct Cyclic {
  double low = 0, rising = 1, falling = 0, peak_factor = 1;
  Schedule make(double rate, const RunLength& length) const {
    const int64_t down = falling == 0 ? 0 : whole_steps(length, falling);
    return cyclic(std::min(low, rate), rate,
                  {.rising_steps = whole_steps(length, rising), .falling_steps = down, .peak_factor = peak_factor});
  }
  GRADUS_OPTIONS(low, rising, falling, peak_factor)
};
std::span<const FieldNote> Cyclic::field_notes() {
  static constexpr FieldNote notes[] = {{"low", "the rate between peaks, whose rate is learning_rate", range::not_negative},
                                        {"rising", "epochs up to a peak", kSomeEpochs},
                                        {"falling", "epochs down again; 0: as many", range::not_negative},
                                        {"peak_factor", "each peak is that many times as high as the one before", range::part}};
  return notes;
}

struct OnPlateau {
  double factor = 0.1;
  int64_t patience = 10;
  double threshold = 1e-4;
  bool relative = true;
  int64_t cooldown = 0;
  double smallest_factor = 0;
  Schedule make(double rate, const RunLength&) const {
    return plateau(rate, {.factor = factor,
                          .patience = patience,
                          .threshold = threshold,
                          .is_relative = relative,
                          .cooldown = cooldown,
                          .smallest_factor = smallest_factor});
  }
  GRADUS_OPTIONS(factor, patience, threshold, relative, cooldown, smallest_factor)
};
std::span<const FieldNote> OnPlateau::field_notes() {
  static constexpr FieldNote notes[] = {
      {"factor", "what the rate is multiplied by", {.low = 0, .high = 1, .excludes_low = true, .excludes_high = true}},
      {"patience", "epochs without progress before that", range::not_negative},
      {"threshold", "progress smaller than this does not count", range::not_negative},
      {"relative", "whether the threshold is a share of the best number so far"},
      {"cooldown", "epochs after a reduction that do not count", range::not_negative},
      {"smallest_factor", "of the first rate, below which it does not go", range::part}};
  return notes;
}

template <class Kind>
MakeSchedule read_kind(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) {
  Kind kind;
  read_fields(fields_of(kind), &kind, given, reading, others);
  return [kind](double rate, const RunLength& length) { return kind.make(rate, length); };
}

constexpr ScheduleKind kKinds[] = {
    {"constant", "the same rate throughout", false, described<Constant>, read_kind<Constant>},
    {"cosine", "half a cosine over the run", true, described<Cosine>, read_kind<Cosine>},
    {"linear", "a straight line over the run", true, described<Linear>, read_kind<Linear>},
    {"polynomial", "a power of the share of the run that is left", true, described<Polynomial>, read_kind<Polynomial>},
    {"step", "drops at regular times", false, described<Step>, read_kind<Step>},
    {"exponential", "falls by a factor, bit by bit", false, described<Exponential>, read_kind<Exponential>},
    {"milestones", "drops at given times", false, described<Milestones>, read_kind<Milestones>},
    {"one_cycle", "up and down again over the run", true, described<OneCycle>, read_kind<OneCycle>},
    {"cosine_restarts", "half cosines that start again", false, described<CosineRestarts>, read_kind<CosineRestarts>},
    {"inverse_time", "falls as one over the time", false, described<InverseTime>, read_kind<InverseTime>},
    {"cyclic", "straight lines up and down, over and over", false, described<Cyclic>, read_kind<Cyclic>},
    {"plateau", "drops when the validation loss (or, without one, the loss) stands still", false, described<OnPlateau>,
     read_kind<OnPlateau>},
};

}  // namespace

const Named<ScheduleKind>& schedule_kinds() {
  static constexpr Named<ScheduleKind> kinds("schedule", kKinds);
  return kinds;
}

}  // namespace gradus::optim
