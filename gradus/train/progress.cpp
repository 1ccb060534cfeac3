// Text of the bar and the lines; writing of both.
#include "gradus/train/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "gradus/base/text.hpp"

namespace gradus::train {

using namespace core;

std::string with_commas(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = digits[0] == '-' ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string clock_text(double seconds) {
  const int64_t all = std::isfinite(seconds) ? std::llround(std::min(seconds, 1e9)) : 0;
  char text[48];
  if (all >= 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(all / 3600), static_cast<long long>(all / 60 % 60),
                  static_cast<long long>(all % 60));
  else std::snprintf(text, sizeof text, "%lld:%02lld", static_cast<long long>(all / 60), static_cast<long long>(all % 60));
  return text;
}

std::string memory_text(int64_t bytes) {
  char text[32];
  const auto size = static_cast<double>(bytes);
  if (bytes >= int64_t{10} << 30) std::snprintf(text, sizeof text, "%.0f GiB", size / (1 << 30));
  else if (bytes >= int64_t{1} << 30) std::snprintf(text, sizeof text, "%.1f GiB", size / (1 << 30));
  else if (bytes >= 1 << 20) std::snprintf(text, sizeof text, "%.0f MiB", size / (1 << 20));
  else std::snprintf(text, sizeof text, "%.0f KiB", size / (1 << 10));
  return text;
}

namespace {

std::string rate_text(double examples_per_second) { return with_commas(std::llround(std::min(examples_per_second, 1e15))) + "/s"; }

std::string padded(int64_t number, int64_t largest) {
  const std::string text = std::to_string(number), most = std::to_string(largest);
  return std::string(most.size() > text.size() ? most.size() - text.size() : 0, ' ') + text;
}

}  // namespace

std::string forecast_text(const Run& run, const Progress& progress) {
  if (progress.seconds_left < 0) return "";
  return concat(with_commas(run.epochs), " epochs of ", with_commas(run.steps_per_epoch), " steps, about ",
                clock_text(progress.seconds_left), " left, arrays take up to ", memory_text(progress.peak_bytes));
}

std::string bar_text(const Run& run, const Progress& progress, int width) {
  const double share =
      progress.steps_per_epoch > 0 ? static_cast<double>(progress.step) / static_cast<double>(progress.steps_per_epoch) : 1;
  const double left = progress.step > 0 ? progress.seconds / static_cast<double>(progress.step) *
                                              static_cast<double>(progress.steps_per_epoch - progress.step)
                                        : 0;
  const double epochs_left = static_cast<double>(run.epochs - progress.epoch);
  const double whole = share > 0 ? progress.seconds / share : 0;
  const std::string head = concat("epoch ", padded(progress.epoch, run.epochs), "/", run.epochs, " ");
  char percent[8];
  std::snprintf(percent, sizeof percent, "%3d%% ", static_cast<int>(share * 100));
  const std::string logs = to_text(progress.logs), first = logs.substr(0, logs.find(',')),
                    time_left =
                        ", " + clock_text(progress.seconds_left >= 0 ? progress.seconds_left : left + epochs_left * whole) + " left",
                    rate = ", " + rate_text(progress.examples_per_second),
                    memory = progress.peak_bytes > 0 ? ", " + memory_text(progress.peak_bytes) : "";
  // On a narrow terminal the memory goes first, then the rate, then the metrics, then the time: the loss stays.
  std::string tail;
  for (const std::string& fitting :
       {logs + rate + memory + time_left, logs + rate + time_left, logs + time_left, first + time_left, first}) {
    tail = percent + fitting;
    if (static_cast<int>(head.size() + tail.size()) < width) break;
  }
  const int room = width - 1 - static_cast<int>(head.size() + tail.size()) - 3;
  std::string text = head;
  if (room >= 4) {
    const int cells = std::min(room, 30), full = static_cast<int>(share * cells);
    text += "[" + std::string(static_cast<size_t>(full), '=') +
            (full < cells ? ">" + std::string(static_cast<size_t>(cells - full - 1), ' ') : "") + "] ";
  }
  text += tail;
  if (static_cast<int>(text.size()) > width - 1) text.resize(static_cast<size_t>(std::max(width - 1, 0)));
  return text;
}

std::string line_text(const Run& run, const Epoch& epoch) {
  char seconds[32];
  if (epoch.seconds < 0.1) std::snprintf(seconds, sizeof seconds, "%.1f ms", epoch.seconds * 1000);
  else std::snprintf(seconds, sizeof seconds, "%.1f s", epoch.seconds);
  return concat("epoch ", epoch.number, "/", run.epochs, ": ", to_text(epoch.logs), ", ", seconds, ", ",
                rate_text(epoch.examples_per_second));
}

ProgressPrinter::ProgressPrinter(int descriptor) : descriptor_(descriptor), is_terminal_(isatty(descriptor) != 0) {
  const char* terminal = std::getenv("TERM");
  if (terminal && std::string_view(terminal) == "dumb") is_terminal_ = false;  // It cannot go back to the start of a line.
}

// A closed pipe or a full disk must not stop training.
void ProgressPrinter::write(const std::string& text) const {
  for (size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(descriptor_, text.data() + done, text.size() - done);
    if (count <= 0) return;
    done += static_cast<size_t>(count);
  }
}

int ProgressPrinter::width() const {
  winsize size{};
  return ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void ProgressPrinter::on_begin(const Run& run) {
  run_ = run;
  last_ = Clock::now();
  if (run.precision != Precision::float32) write(concat("precision ", to_text(run.precision), "\n"));
  if (!run.privacy.empty()) write(concat("private: ", run.privacy, "\n"));
}

bool ProgressPrinter::on_step(const Progress& progress) {
  const auto now = Clock::now();
  if (is_terminal_) {
    if (now - last_ < std::chrono::milliseconds(50) && progress.step < progress.steps_per_epoch) return false;
    write("\r\033[K" + bar_text(run_, progress, width()));
    has_bar_ = true;
  } else {
    constexpr double kWorthALine = 30;  // seconds
    if (!has_forecast_ && progress.step > 2 && progress.seconds_left > kWorthALine) write(forecast_text(run_, progress) + "\n");
    has_forecast_ |= progress.step > 2;
    if (now - last_ < std::chrono::seconds(30)) return false;
    write(concat("epoch ", progress.epoch, "/", run_.epochs, ", step ", progress.step, "/", progress.steps_per_epoch, ": ",
                 to_text(progress.logs), "\n"));
  }
  last_ = now;
  return false;
}

bool ProgressPrinter::on_epoch(const Epoch& epoch) {
  write((has_bar_ ? "\r\033[K" : "") + line_text(run_, epoch) + "\n");
  has_bar_ = false;
  last_ = Clock::now();
  return false;
}

void ProgressPrinter::on_end(const History& history) {
  if (has_bar_) write("\n");
  has_bar_ = false;
  if (history.is_interrupted) write(concat("stopped after step ", history.steps, "; the model is as of that step\n"));
  if (history.is_stopped_early)
    write(concat("stopped early after epoch ", history.epochs.empty() ? 0 : history.epochs.back().number, "\n"));
  if (history.best_epoch) write(concat("kept the parameters of epoch ", history.best_epoch, "\n"));
}

}  // namespace gradus::train
