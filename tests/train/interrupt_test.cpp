// Signals while fit runs: the program's own unless it asks; then the first one stops between two steps.
#include "gradus/train/interrupt.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

// The validation is interrupted at its first batch.
struct Interrupting {
  nn::Dense dense{3};
  Array forward(const Array& x) const {
    if (!is_training()) std::raise(SIGINT);
    return dense(x);
  }
  GRADUS_PARTS(dense)
};

namespace {

using train::InterruptScope;

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t heard = 0;
void on_own_signal(int) { heard = heard + 1; }

using Handler = void (*)(int);
Handler handler_of(int number) {
  struct sigaction now {};
  sigaction(number, nullptr, &now);
  return now.sa_handler;
}

// The three signals as the test wants them, and as they were again at its end.
class Handlers {
 public:
  explicit Handlers(Handler handler) {
    heard = 0;
    for (const int number : kSignals) before_.push_back(std::signal(number, handler));
  }
  ~Handlers() {
    for (size_t i = 0; i < before_.size(); ++i) std::signal(kSignals[i], before_[i]);
  }
  Handlers(const Handlers&) = delete;
  Handlers& operator=(const Handlers&) = delete;

 private:
  std::vector<Handler> before_;
};

struct OnStep final : train::Callback {
  explicit OnStep(std::function<void(const train::Progress&)> function) : call(std::move(function)) {}
  bool on_step(const train::Progress& progress) override {
    call(progress);
    return false;
  }
  std::function<void(const train::Progress&)> call;
};

train::History fit(bool interrupts, std::function<void(const train::Progress&)> on_step, int64_t epochs = 2) {
  nn::Sequential model{nn::Dense(1)};
  train::FitOptions options{
      .loss = loss::mean_squared_error, .optimizer = optim::SGD(0.1), .epochs = epochs, .batch_size = 16, .verbose = false};
  options.callbacks = {std::make_shared<OnStep>(std::move(on_step))};
  options.interrupts = interrupts;
  return train::fit(model, data::make_linear(64), options);
}

TEST(Interrupt, WithoutBeingAskedFitLeavesSignalsToTheProgram) {
  const Handlers own(on_own_signal);
  const train::History history = fit(false, [](const train::Progress& progress) {
    if (progress.epoch != 1 || progress.step != 2) return;
    for (const int number : kSignals) {
      EXPECT_EQ(handler_of(number), on_own_signal);
      std::raise(number);
    }
  });
  EXPECT_EQ(heard, 3);
  EXPECT_FALSE(history.is_interrupted);
  EXPECT_EQ(history.steps, 8);
}

TEST(Interrupt, AskedForEachSignalStopsAfterTheStepInWork) {
  const Handlers own(on_own_signal);
  for (const int number : kSignals) {
    const train::History history = fit(true, [&](const train::Progress& progress) {
      if (progress.step == 2) std::raise(number);
    });
    EXPECT_TRUE(history.is_interrupted);
    EXPECT_EQ(history.steps, 2);
    EXPECT_EQ(InterruptScope::last_signal(), number);
    EXPECT_EQ(handler_of(number), on_own_signal);
  }
  EXPECT_EQ(heard, 0);
}

TEST(Interrupt, HandlersComeBackAfterAnException) {
  const Handlers own(on_own_signal);
  EXPECT_THROW(fit(true, [](const train::Progress&) { throw std::runtime_error("of the program"); }), std::runtime_error);
  for (const int number : kSignals) EXPECT_EQ(handler_of(number), on_own_signal);
}

TEST(Interrupt, WhatWasIgnoredStaysIgnored) {
  const Handlers own(SIG_IGN);
  const train::History history = fit(true, [](const train::Progress&) {
    for (const int number : kSignals) {
      EXPECT_EQ(handler_of(number), SIG_IGN);
      std::raise(number);
    }
  });
  EXPECT_FALSE(history.is_interrupted);
}

TEST(Interrupt, TheSecondSignalIsHandledAsBefore) {
  const Handlers own(on_own_signal);
  fit(true, [](const train::Progress&) {
    std::raise(SIGINT);
    EXPECT_EQ(heard, 0);
    std::raise(SIGTERM);
    EXPECT_EQ(heard, 1);
  });
  EXPECT_EQ(heard, 1);
  for (const int number : kSignals) EXPECT_EQ(handler_of(number), on_own_signal);
}

TEST(Interrupt, TheSecondSignalEndsAProgramWithoutHandlers) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int number : kSignals) {
    EXPECT_EXIT(
        {
          const Handlers own(SIG_DFL);
          const InterruptScope scope;
          std::raise(number);
          std::raise(number);
          ::_exit(0);
        },
        ::testing::KilledBySignal(number), "");
  }
}

TEST(Interrupt, AHandlerThatTheProgramSetsMeanwhileStays) {
  const Handlers own(SIG_DFL);
  {
    const InterruptScope scope;
    std::signal(SIGINT, on_own_signal);
  }
  EXPECT_EQ(handler_of(SIGINT), on_own_signal);
  EXPECT_EQ(handler_of(SIGTERM), SIG_DFL);
}

TEST(Interrupt, ARequestFromCodeIsNoSignal) {
  const Handlers own(on_own_signal);
  const InterruptScope scope;
  InterruptScope::request();
  EXPECT_TRUE(InterruptScope::is_requested());
  std::raise(SIGTERM);
  EXPECT_EQ(heard, 0);  // the first one
}

TEST(Interrupt, AllRunsOfSeveralThreadsStop) {
  const Handlers own(on_own_signal);
  std::atomic<int> started{0}, stopped{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      bool is_first = true;
      const train::History history = fit(true, [&](const train::Progress&) {
        if (is_first && ++started == 4) std::raise(SIGINT);
        is_first = false;
      }, 1'000'000);
      if (history.is_interrupted) ++stopped;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stopped, 4);
  EXPECT_EQ(heard, 0);
  for (const int number : kSignals) EXPECT_EQ(handler_of(number), on_own_signal);
}

TEST(Interrupt, TheModelIsAsOfTheLastStepEvenIfAnotherEpochWasBetter) {
  const Handlers own(on_own_signal);
  nn::Sequential model{nn::Dense(1)};
  std::vector<float> last;
  train::FitOptions options{
      .loss = loss::mean_squared_error, .optimizer = optim::SGD(1.5), .epochs = 20, .batch_size = 64, .patience = 10, .verbose = false};
  options.callbacks = {std::make_shared<OnStep>([&](const train::Progress& progress) {
    last = variables(model)[0].get().to_vector<float>();
    if (progress.epoch == 4) std::raise(SIGINT);
  })};
  options.interrupts = true;
  const train::History history = train::fit(model, data::make_linear(64), options);
  EXPECT_TRUE(history.is_interrupted);
  EXPECT_EQ(history.best_epoch, 0);
  EXPECT_GT(history.series("loss").back(), history.series("loss").front());
  EXPECT_EQ(variables(model)[0].get().to_vector<float>(), last);
}

TEST(Interrupt, InAValidationLeavesTheEpochWithoutItsNumbers) {
  const Handlers handlers(on_own_signal);
  const data::Dataset set = data::make_blobs(64, {.classes = 3, .seed = 7});
  Interrupting model;
  const train::History history = train::fit(model, set, {.loss = loss::sparse_categorical_crossentropy, .epochs = 5, .batch_size = 16,
                                                         .validation = set, .verbose = false, .interrupts = true});
  EXPECT_TRUE(history.is_interrupted);
  ASSERT_EQ(history.epochs.size(), 1u);
  EXPECT_TRUE(history.epochs[0].logs.contains("loss"));
  EXPECT_FALSE(history.epochs[0].logs.contains("val_loss")) << "a part of the set has no number to tell";
  EXPECT_EQ(heard, 0) << "one signal, and it was fit's";
}

}  // namespace
}  // namespace gradus
