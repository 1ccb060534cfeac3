// Start and end: static arrays record before main and are destroyed after it, whatever order the files come in.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <thread>

#include "gradus/base/threads.hpp"
#include "gradus/gradus.hpp"

namespace {

using namespace gradus;

// Recorded before main; destroyed, still pending, after it.
const Array early = array({1.0f, 2.0f}) + 1;
const Array never_evaluated = cumsum(early * 2);

TEST(statics, record_before_main) { EXPECT_EQ(early.to_vector<float>(), (std::vector<float>{2, 3})); }

TEST(statics, outlive_main) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static const Array computed = (matmul(ones({64, 64}), ones({64, 64})) + 1).eval();
        static const Array pending = exp(computed) + random::normal({64, 64});
        static const Array view = computed[slice(1, 3)];
        std::exit(computed.to_vector<float>()[0] == 65 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// Destroyed after everything that was made later, the plan cache and the allocator among it if they were ordinary objects.
struct LastUser {
  Array x;
  ~LastUser() {
    if (x.exists() && (x + 1).to_vector<float>()[0] != 2) std::_Exit(3);
  }
};

TEST(statics, may_still_compute_when_they_are_destroyed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static LastUser user;
        user.x = ones({1000});
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

// Calls what it holds when it is destroyed; the one of this file is made before anything has been computed and outlives all that was.
struct AtEnd {
  std::function<void()> call{};
  ~AtEnd() {
    if (call) call();
  }
};
AtEnd at_end;
std::function<void()> at_exit;  // of handlers, which take no argument

// One of each kind of work: kernels of the library and of oneDNN, the stack of traces, cells that are pending, generators, files, output.
struct Work {
  const char* name;
  bool (*is_right)();
};
bool adds() { return sum(exp(zeros({300'000})) + 1).item<float>() == 600'000; }
bool multiplies() { return matmul(ones({300, 300}), ones({300, 300})).to_vector<float>()[17] == 300; }
bool convolves() { return conv2d(ones({4, 28, 28, 16}), ones({3, 3, 16, 32})).to_vector<float>()[0] == 144; }
bool differentiates() { return grad([](const Array& x) { return sum(x * x); })(ones({10})).to_vector<float>()[9] == 2; }
bool maps() { return vmap([](const Array& x) { return x * x; })(full({10}, 3.0f)).to_vector<float>()[9] == 9; }
bool draws() {
  random::seed(1);
  return random::uniform({10}).to_vector<float>()[0] < 1;
}
bool keeps_statistics() {
  nn::Sequential model{nn::Dense(4), nn::BatchNorm()};
  const nn::TrainingMode training;
  return model(ones({3, 4})).to_vector<float>()[0] == 0;
}
bool trains() {
  nn::Sequential model{nn::Dense(4), nn::Dropout(0.5), nn::Dense(3)};
  const train::History history = train::fit(model, data::make_blobs(100), {.loss = loss::sparse_categorical_crossentropy, .epochs = 2});
  return history.epochs.size() == 2;
}
bool refuses() {
  try {
    matmul(ones({2, 3}), ones({2, 3}));
  } catch (const Error&) {
    return true;
  }
  return false;
}
constexpr Work kWork[] = {{"add", adds},   {"matmul", multiplies},       {"conv2d", convolves}, {"grad", differentiates}, {"vmap", maps},
                          {"random", draws}, {"batch_norm", keeps_statistics}, {"fit", trains},       {"error", refuses}};

enum class Moment { static_destructor, atexit_handler, quick_exit_handler, thread_local_destructor, other_thread_ends, exit_inside_grad };
constexpr Moment kMoments[] = {Moment::static_destructor,       Moment::atexit_handler,    Moment::quick_exit_handler,
                               Moment::thread_local_destructor, Moment::other_thread_ends, Moment::exit_inside_grad};

// Ends the process; exit code 0 if the work was right at the moment asked for.
[[noreturn]] void end_with(const Work& work, Moment moment, bool is_used_before) {
  set_threads(2);
  if (is_used_before && !work.is_right()) std::_Exit(4);
  // A transform that is still open may refuse, as it does before the end.
  const auto check = [&work, may_refuse = moment == Moment::exit_inside_grad] {
    try {
      std::_Exit(work.is_right() ? 0 : 3);
    } catch (const Error&) {
      std::_Exit(may_refuse ? 0 : 6);
    }
  };
  if (moment == Moment::atexit_handler || moment == Moment::quick_exit_handler) {
    at_exit = check;
    moment == Moment::atexit_handler ? std::atexit([] { at_exit(); }) : std::at_quick_exit([] { at_exit(); });
    moment == Moment::atexit_handler ? std::exit(5) : std::quick_exit(5);
  }
  if (moment == Moment::thread_local_destructor) {
    thread_local AtEnd end;
    end.call = check;
    std::exit(5);
  }
  if (moment == Moment::other_thread_ends) {
    std::thread([&] {
      thread_local AtEnd end;
      if (is_used_before) work.is_right();
      end.call = check;
    }).join();
    std::exit(5);
  }
  at_end.call = check;
  if (moment == Moment::exit_inside_grad) {
    grad([](const Array& x) {
      std::exit(5);
      return sum(x);
    })(ones({2}));
  }
  std::exit(5);
}

TEST(statics, may_do_all_kinds_of_work_at_any_moment_of_the_end) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const Work& work : kWork) {
    for (const Moment moment : kMoments) {
      for (const bool is_used_before : {false, true}) {
        EXPECT_EXIT(end_with(work, moment, is_used_before), testing::ExitedWithCode(0), "")
            << work.name << " at moment " << static_cast<int>(moment) << (is_used_before ? ", used before" : "");
      }
    }
  }
}

}  // namespace
