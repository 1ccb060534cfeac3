// The text of progress: what fits stays, the loss to the last.
#include "gradus/train/progress.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <string_view>

#include "gradus/train/forecast.hpp"

namespace gradus {
namespace {

std::string bar(int width) {
  train::Logs logs;
  logs.set("loss", 0.3121);
  logs.set("accuracy", 0.8912);
  return train::bar_text({.epochs = 10, .steps_per_epoch = 100, .examples = 12800, .batch_size = 128}, {3, 50, 100, 2.0, 3200, logs},
                         width);
}

TEST(Progress, AWideTerminalShowsAll) {
  EXPECT_EQ(bar(120), "epoch  3/10 [===============>              ]  50% loss 0.3121, accuracy 0.8912, 3,200/s, 0:30 left");
}

TEST(Progress, WhatTheFirstStepsForetell) {
  const train::Logs logs;
  const train::Run run{.epochs = 10, .steps_per_epoch = 1875};
  EXPECT_EQ(train::forecast_text(run, {.logs = logs}), "") << "nothing is known yet";
  EXPECT_EQ(train::forecast_text(run, {.logs = logs, .seconds_left = 150, .peak_bytes = int64_t{310} << 20}),
            "10 epochs of 1,875 steps, about 2:30 left, arrays take up to 310 MiB");
  train::Logs some;
  some.set("loss", 0.5);
  const train::Progress progress{3, 50, 100, 2.0, 3200, some, 75, int64_t{1536} << 20};
  EXPECT_EQ(train::bar_text({.epochs = 10}, progress, 100),
            "epoch  3/10 [===============>              ]  50% loss 0.5000, 3,200/s, 1.5 GiB, 1:15 left");
  EXPECT_EQ(train::bar_text({.epochs = 10}, progress, 50), "epoch  3/10  50% loss 0.5000, 3,200/s, 1:15 left");
}

// Ten steps an epoch, three epochs, half as many examples to validate; the first step plans, and does not count.
TEST(Forecast, IsByTheStepsAndValidationsSoFar) {
  train::detail::Forecast forecast(3, true, 0.5);
  EXPECT_EQ(forecast.seconds_left(1, 0, 10), -1);
  forecast.note_step(100);
  EXPECT_EQ(forecast.seconds_left(1, 1, 10), -1);
  forecast.note_step(1);
  EXPECT_DOUBLE_EQ(forecast.seconds_left(1, 2, 10), 8 + 2 * 10 + 3 * (10 * 0.5 / 3));
  forecast.note_validation(4);
  EXPECT_DOUBLE_EQ(forecast.seconds_left(2, 5, 10), 5 + 10 + 2 * 4);
  EXPECT_DOUBLE_EQ(train::detail::Forecast(1, false, 0).seconds_left(1, 0, 10), -1);
}

TEST(Progress, ANarrowTerminalShowsTheLossToTheLast) {
  EXPECT_EQ(bar(80), "epoch  3/10 [=====>     ]  50% loss 0.3121, accuracy 0.8912, 3,200/s, 0:30 left");
  EXPECT_EQ(bar(60), "epoch  3/10  50% loss 0.3121, accuracy 0.8912, 0:30 left");
  EXPECT_EQ(bar(45), "epoch  3/10  50% loss 0.3121, 0:30 left");
  EXPECT_EQ(bar(32), "epoch  3/10  50% loss 0.3121");
}

TEST(Progress, NeverWiderThanTheTerminal) {
  for (int width = 0; width < 150; ++width) EXPECT_LE(static_cast<int>(bar(width).size()), std::max(width - 1, 0)) << width;
}

TEST(Progress, ALineHoldsAllOfAnEpoch) {
  train::Epoch epoch{.number = 3, .seconds = 4.2, .examples_per_second = 14285};
  epoch.logs.set("loss", 0.25);
  EXPECT_EQ(train::line_text({.epochs = 10}, epoch), "epoch 3/10: loss 0.2500, 4.2 s, 14,285/s");
  epoch.seconds = 0.0042;
  EXPECT_EQ(train::line_text({.epochs = 10}, epoch), "epoch 3/10: loss 0.2500, 4.2 ms, 14,285/s");
}

TEST(Progress, NumbersAreForReading) {
  EXPECT_EQ(train::with_commas(1234567), "1,234,567");
  EXPECT_EQ(train::with_commas(-123), "-123");
  EXPECT_EQ(train::clock_text(63.4), "1:03");
  EXPECT_EQ(train::memory_text(512 << 10), "512 KiB");
  EXPECT_EQ(train::memory_text(int64_t{20} << 30), "20 GiB");
  EXPECT_EQ(train::clock_text(3700), "1:01:40");
  EXPECT_EQ(train::clock_text(std::numeric_limits<double>::infinity()), "0:00");
}

// Two ends: what is written to `writer` comes out of `reader`.
struct Ends {
  int reader = -1, writer = -1;
  ~Ends() {
    ::close(reader);
    ::close(writer);
  }
  std::string text() const {
    ::fcntl(reader, F_SETFL, O_NONBLOCK);
    std::string out;
    char part[4096];
    for (ssize_t count; (count = ::read(reader, part, sizeof part)) > 0;) out.append(part, static_cast<size_t>(count));
    return out;
  }
};

TEST(Printer, OutsideATerminalSaysOnceWhatIsToCome) {
  Ends ends;
  int both[2];
  ASSERT_EQ(::pipe(both), 0);
  ends.reader = both[0];
  ends.writer = both[1];
  train::ProgressPrinter printer(ends.writer);
  const train::Logs logs;
  printer.on_begin({.epochs = 2, .steps_per_epoch = 9});
  for (int64_t step = 1; step <= 5; ++step) {
    printer.on_step({.step = step, .steps_per_epoch = 9, .logs = logs, .seconds_left = step < 2 ? -1.0 : 100.0, .peak_bytes = 2048});
  }
  EXPECT_EQ(ends.text(), "2 epochs of 9 steps, about 1:40 left, arrays take up to 2 KiB\n");
  train::ProgressPrinter other(ends.writer);
  other.on_begin({.epochs = 2, .steps_per_epoch = 9});
  for (int64_t step = 1; step <= 5; ++step) other.on_step({.step = step, .steps_per_epoch = 9, .logs = logs, .seconds_left = 5});
  EXPECT_EQ(ends.text(), "") << "not of what is over soon";
}

train::Epoch an_epoch() {
  train::Epoch epoch{.number = 1, .seconds = 2, .examples_per_second = 100};
  epoch.logs.set("loss", 0.5);
  return epoch;
}

TEST(Printer, OnATerminalRewritesItsBarAndLeavesALineAnEpoch) {
  Ends ends;
  ends.reader = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (ends.reader < 0 || ::grantpt(ends.reader) != 0 || ::unlockpt(ends.reader) != 0) GTEST_SKIP() << "there are no pseudo-terminals";
  ends.writer = ::open(::ptsname(ends.reader), O_RDWR | O_NOCTTY);
  if (ends.writer < 0) GTEST_SKIP() << "there are no pseudo-terminals";
  const winsize size{.ws_row = 20, .ws_col = 45, .ws_xpixel = 0, .ws_ypixel = 0};
  ASSERT_EQ(::ioctl(ends.writer, TIOCSWINSZ, &size), 0);
  ::setenv("TERM", "xterm", 1);
  train::ProgressPrinter printer(ends.writer);
  const train::Run run{.epochs = 2, .steps_per_epoch = 4};
  const train::Logs logs = an_epoch().logs;
  const train::Progress progress{.epoch = 1, .step = 4, .steps_per_epoch = 4, .seconds = 2, .examples_per_second = 100, .logs = logs};
  printer.on_begin(run);
  EXPECT_FALSE(printer.on_step(progress));  // the last step of an epoch is always shown
  EXPECT_EQ(ends.text(), "\r\033[K" + train::bar_text(run, progress, 45));
  printer.on_epoch(an_epoch());
  EXPECT_EQ(ends.text(), "\r\033[Kepoch 1/2: loss 0.5000, 2.0 s, 100/s\r\n");
  printer.on_epoch(an_epoch());  // no bar to take away
  EXPECT_EQ(ends.text(), "epoch 1/2: loss 0.5000, 2.0 s, 100/s\r\n");
  printer.on_step(progress);
  ends.text();
  printer.on_end({.is_interrupted = true, .steps = 4});
  EXPECT_EQ(ends.text(), "\r\nstopped after step 4; the model is as of that step\r\n");
}

TEST(Printer, ElsewhereWritesLinesOnly) {
  Ends ends;
  int both[2];
  ASSERT_EQ(::pipe(both), 0);
  ends.reader = both[0], ends.writer = both[1];
  train::ProgressPrinter printer(ends.writer);
  printer.on_begin({.epochs = 2, .steps_per_epoch = 4});
  const train::Logs logs;
  printer.on_step({.epoch = 1, .step = 4, .steps_per_epoch = 4, .seconds = 0, .examples_per_second = 0, .logs = logs});
  EXPECT_EQ(ends.text(), "");
  printer.on_epoch(an_epoch());
  train::History history{.is_stopped_early = true, .best_epoch = 1};
  history.epochs = {an_epoch()};
  printer.on_end(history);
  EXPECT_EQ(ends.text(), "epoch 1/2: loss 0.5000, 2.0 s, 100/s\nstopped early after epoch 1\nkept the parameters of epoch 1\n");
}

}  // namespace
}  // namespace gradus
