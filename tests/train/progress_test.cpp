// The text of progress: what fits stays, the loss to the last.
#include "gradus/train/progress.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace gradus {
namespace {

std::string bar(int width) {
  train::Logs logs;
  logs.set("loss", 0.3121);
  logs.set("accuracy", 0.8912);
  return train::bar_text({.epochs = 10, .steps_per_epoch = 100, .examples = 12800, .batch_size = 128}, {3, 50, 100, 2.0, 3200, logs}, width);
}

TEST(Progress, AWideTerminalShowsAll) {
  EXPECT_EQ(bar(120), "epoch  3/10 [===============>              ]  50% loss 0.3121, accuracy 0.8912, 3,200/s, 0:30 left");
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
  EXPECT_EQ(train::clock_text(3700), "1:01:40");
  EXPECT_EQ(train::clock_text(std::numeric_limits<double>::infinity()), "0:00");
}

}  // namespace
}  // namespace gradus
