// Progress of training as text: a live bar on a terminal, plain lines anywhere else.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "gradus/train/history.hpp"

namespace gradus::train {

/// "epoch  3/10 [=======>        ]  47% loss 0.3121, accuracy 0.8912, 14,285/s, 310 MiB, 0:03 left", fitted into `width` columns: where
/// they are few, the bar, the memory, the rate, the metrics and the time are left out, in this order.
std::string bar_text(const Run& run, const Progress& progress, int width);
/// "epoch 3/10: loss 0.3121, accuracy 0.8912, val_loss 0.3301, val_accuracy 0.8840, 4.2 s, 14,285/s"
std::string line_text(const Run& run, const Epoch& epoch);
/// "10 epochs of 1,875 steps, about 2:30 left, arrays take up to 310 MiB": what the first steps foretell; "" before the second.
std::string forecast_text(const Run& run, const Progress& progress);
/// 14285 as "14,285".
std::string with_commas(int64_t number);
/// Bytes as "512 KiB", "310 MiB", "1.5 GiB".
std::string memory_text(int64_t bytes);
/// 63.4 seconds as "1:03", 3700 as "1:01:40".
std::string clock_text(double seconds);

/// Writes to a file descriptor: a bar that is redrawn at most 20 times a second if it is a terminal (and TERM is not dumb), else one line
/// an epoch (and one every half minute within an epoch, and after the first steps a line of what is to come, if that is more than half a
/// minute).
class ProgressPrinter final : public Callback {
 public:
  explicit ProgressPrinter(int descriptor = 1);

  void on_begin(const Run& run) override;
  bool on_step(const Progress& progress) override;
  bool on_epoch(const Epoch& epoch) override;
  void on_end(const History& history) override;

 private:
  using Clock = std::chrono::steady_clock;
  void write(const std::string& text) const;
  int width() const;

  int descriptor_;
  bool is_terminal_, has_bar_ = false, has_forecast_ = false;
  Run run_;
  Clock::time_point last_{};
};

}  // namespace gradus::train
