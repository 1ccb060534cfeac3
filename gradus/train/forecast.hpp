// How long the rest of a training run will take. Not for users.
#pragma once

#include <cstdint>

namespace gradus::train::detail {

/// By the steps so far, without the first one, which plans; in seconds.
class Forecast {
 public:
  Forecast(int64_t epochs, bool has_validation, double validation_share)
      : epochs_(epochs), validations_(has_validation ? 1 : 0), share_(validation_share) {}

  void note_step(double seconds) {
    if (++steps_ > 1) stepping_ += seconds;
  }
  void note_validation(double seconds) { validation_ = seconds; }
  /// -1 before the second step.
  double seconds_left(int64_t epoch, int64_t step, int64_t count) const {
    if (steps_ < 2) return -1;
    const double each = stepping_ / static_cast<double>(steps_ - 1), whole = each * static_cast<double>(count);
    const auto later = static_cast<double>(epochs_ - epoch);
    // Forwards alone takes about a third of a step.
    const double validation = validations_ * (validation_ >= 0 ? validation_ : whole * share_ / 3);
    return each * static_cast<double>(count - step) + later * whole + (later + 1) * validation;
  }

 private:
  int64_t epochs_, steps_ = 0;
  double validations_, share_, stepping_ = 0, validation_ = -1;
};

}  // namespace gradus::train::detail
