// Weights of samples go where their samples go.
#include <limits>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

// Sample i is i, and weighs i.
data::Dataset counting(int64_t count) { return data::weighted(data::Dataset(arange(count).astype(float32), arange(count)), arange(count)); }

void expect_together(const Array& x, const Array& weights) {
  EXPECT_EQ(weights.dtype(), float32);
  EXPECT_EQ(x.to_vector<float>(), weights.to_vector<float>());
}

TEST(Weights, GoAlongWithSubsetsSplitsAndBatches) {
  const data::Dataset set = counting(23);
  expect_together(data::subset(set, 4, 9).x, data::subset(set, 4, 9).weights);
  const auto [a, b] = data::split(set, 0.3, 5);
  expect_together(a.x, a.weights);
  expect_together(b.x, b.weights);
  int64_t seen = 0;
  for (const data::Batch& batch : data::batches(set, {.batch_size = 5, .shuffle = true, .seed = 3})) {
    expect_together(batch.x, batch.weights);
    seen += batch.size();
  }
  EXPECT_EQ(seen, 23);
  for (const data::Batch& batch : data::batches(data::Dataset(arange(3), arange(3)))) EXPECT_FALSE(batch.weights.exists());
}

TEST(Weights, OfBytesToo) {
  const data::Dataset set = data::weighted(data::Dataset::from_bytes(full({4, 2}, 255).astype(uint8), arange(4)), arange(4));
  EXPECT_TRUE(set.is_from_bytes());
  EXPECT_EQ(data::subset(set, 2, 4).weights.to_vector<float>(), (std::vector<float>{2, 3}));
}

TEST(Weights, ThatAreNoneAreRefused) {
  const data::Dataset set(arange(3).astype(float32), arange(3));
  EXPECT_EQ(error_of([&] {
              data::weighted(set, array({1, 2}));
            }),
            "dataset: the weights are (2,) and there are 3 samples; they must be (3,), one a sample");
  EXPECT_EQ(error_of([&] { data::weighted(set, ones({3, 1})); }).rfind("dataset: the weights are (3, 1)", 0), 0u);
  EXPECT_EQ(error_of([&] {
              data::weighted(set, array({1.0, -0.5, 1.0}));
            }),
            "dataset: the weight of sample 1 is -0.5; weights must be finite and not negative");
  EXPECT_EQ(error_of([&] {
              data::weighted(set, array({1.0, 1.0, std::numeric_limits<double>::quiet_NaN()}));
            }),
            "dataset: the weight of sample 2 is nan; weights must be finite and not negative");
  data::Dataset own = set;
  own.weights = array({1.0, 2.0});
  EXPECT_NE(error_of([&] { data::batches(own); }), "") << "who sets the member is not spared";
}

}  // namespace
}  // namespace gradus
