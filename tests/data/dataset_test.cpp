// Datasets: what enters is checked, parts are exact, generated sets follow their seed.
#include "gradus/data/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/array/buffer.hpp"
#include "gradus/data/batches.hpp"
#include "gradus/data/generate.hpp"
#include "gradus/data/numbers.hpp"
#include "gradus/graph/pending.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using data::Dataset;
using testing::error_of;
using testing::TemporaryFolder;

TEST(Dataset, LabelsOutOfRangeAreNamedWithTheirPosition) {
  EXPECT_EQ(error_of([] { Dataset(zeros({3, 1}), array({0, 2, 1}), {.class_names = {"a", "b"}}); }),
            "dataset: y[1] is 2; labels of 2 classes must be 0 to 1");
  EXPECT_EQ(error_of([] { Dataset(zeros({3, 1}), array({0, 1, -1}), {.class_names = {"a", "b"}}); }),
            "dataset: y[2] is -1; labels of 2 classes must be 0 to 1");
  EXPECT_EQ(error_of([] { Dataset(zeros({2, 1}), array({0.0, 1.0}), {.class_names = {"a", "b"}}); }),
            "dataset: y is (2,) of float32; with class names it must be (N,) of an integer dtype");
}

TEST(Dataset, NanTargetsAreNamedWithTheirPosition) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(error_of([&] { Dataset(zeros({2, 1}), array({{1.0, 2.0}, {3.0, nan}})); }), "dataset: y[1, 1] is nan; targets must be numbers");
}

TEST(Dataset, NumbersOfSamplesMustAgree) {
  EXPECT_EQ(error_of([] { Dataset(zeros({3, 2}), zeros({2, 2})); }),
            "dataset: x is (3, 2) and y is (2, 2): their first sizes, the numbers of samples, must be equal");
  EXPECT_EQ(error_of([] { Dataset(Array(1.0)); }), "dataset: x is a single number; its first axis must count the samples");
}

TEST(Dataset, ASplitSharesNoSampleAndLosesNone) {
  const Dataset set(arange(101).astype(float32), arange(101));
  const auto [first, rest] = data::split(set, 0.3, 5);
  EXPECT_EQ(first.size(), 30);
  EXPECT_EQ(rest.size(), 71);
  std::vector<int64_t> all = first.y.to_vector<int64_t>(), others = rest.y.to_vector<int64_t>();
  all.insert(all.end(), others.begin(), others.end());
  std::sort(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], static_cast<int64_t>(i));
  EXPECT_EQ(first.y.to_vector<int64_t>(), data::split(set, 0.3, 5).first.y.to_vector<int64_t>());
  EXPECT_EQ(error_of([&] { data::split(set, 1.5); }), "split: fraction is 1.5; it must be 0 to 1");
}

TEST(Dataset, SubsetsOfBytesStayBytes) {
  const Dataset set = Dataset::from_bytes(arange(12).astype(uint8).eval(), arange(12));
  const Dataset part = data::subset(set, 3, 5);
  EXPECT_TRUE(part.is_from_bytes());
  EXPECT_EQ(part.x.to_vector<float>(), (std::vector<float>{3 / 255.0f, 4 / 255.0f}));
  EXPECT_EQ(error_of([&] { data::subset(set, 3, 13); }), "subset: samples 3 to 13 are asked for; the set has 12");
  const std::vector<int64_t> wrong = {0, 12};
  EXPECT_EQ(error_of([&] { data::subset(set, wrong); }), "subset: position 1 is 12; the set has 12 samples");
}

TEST(Dataset, BytesAreNotConvertedBeforeSomebodyReadsThem) {
  const Array bytes = array(std::vector<uint8_t>(1 << 20, 255), {1024, 1024}).eval();
  set_pending_bound(20'000, 1 << 20);  // far less than the bytes as floats
  const int64_t before = memory_use().live;
  const Dataset set = Dataset::from_bytes(bytes, {});
  const Dataset part = data::subset(set, 0, 2);
  for (const data::Batch& batch : data::batches(part, {.batch_size = 1})) EXPECT_EQ(batch.x.dtype(), float32);
  const Array other = (ones({3}) + 1).eval();
  EXPECT_LT(memory_use().live - before, 1 << 16);
  set_pending_bound(20'000, int64_t{2} << 30);
  EXPECT_EQ(sum(set.x).item<float>(), 1 << 20);
}

TEST(Dataset, GeneratedSetsFollowTheirSeed) {
  for (const auto& make : {+[](uint64_t seed) { return data::make_linear(20, {.seed = seed}); },
                           +[](uint64_t seed) { return data::make_blobs(20, {.seed = seed}); },
                           +[](uint64_t seed) { return data::make_moons(20, {.seed = seed}); },
                           +[](uint64_t seed) { return data::make_spirals(20, {.classes = 3, .seed = seed}); }}) {
    EXPECT_EQ(make(1).size(), 20);
    EXPECT_EQ(make(1).x.to_vector<float>(), make(1).x.to_vector<float>());
    EXPECT_NE(make(1).x.to_vector<float>(), make(2).x.to_vector<float>());
  }
  EXPECT_EQ(error_of([] { data::make_linear(0); }), "make_linear: samples is 0; it must be 1 or more");
}

TEST(Dataset, LinearDataIsLinear) {
  const Dataset set = data::make_linear(50, {.weights = {2, -1}, .bias = 0.5, .noise = 0});
  const std::vector<float> x = set.x.to_vector<float>(), y = set.y.to_vector<float>();
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], 2 * x[2 * i] - x[2 * i + 1] + 0.5, 1e-5);
}

TEST(Numbers, AreReadWithOrWithoutNames) {
  const TemporaryFolder folder;
  testing::write_text(folder / "a.csv", "a, b\r\n1,-2.5\r\n\r\n3e2,\r\n");
  const data::Numbers numbers = data::read_numbers(folder / "a.csv");
  EXPECT_EQ(numbers.columns, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(numbers.values.shape(), (Shape{2, 2}));
  const std::vector<double> values = numbers.values.to_vector<double>();
  EXPECT_EQ(values[1], -2.5);
  EXPECT_EQ(values[2], 300);
  EXPECT_TRUE(std::isnan(values[3]));
  testing::write_text(folder / "b.csv", "1,2\n3,4");
  EXPECT_TRUE(data::read_numbers(folder / "b.csv").columns.empty());
}

TEST(Numbers, ErrorsNameLineAndColumn) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& text) {
    testing::write_text(folder / "a.csv", text);
    return testing::without_path(error_of([&] { data::read_numbers(folder / "a.csv"); }), folder.path());
  };
  EXPECT_EQ(message("1,2\n3,x\n"), "PATH/a.csv:2: column 2: expected a number, got \"x\"");
  EXPECT_EQ(message("1,2\n3\n"), "PATH/a.csv:2: the line has 1 cells, the first one 2; they must be equal");
  EXPECT_EQ(message("a,b\n"), "PATH/a.csv: there are no numbers in it");
}

}  // namespace
}  // namespace gradus
