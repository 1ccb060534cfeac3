// Datasets: what enters is checked, parts are exact, generated sets follow their seed.
#include "gradus/array/memory.hpp"
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

using namespace core;
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

// ---- text as other programs write it

struct Read {
  std::vector<std::string> columns;
  Shape shape;
  std::vector<double> values;
};
Read read_text_of(const std::string& text, data::FirstLine first_line = data::FirstLine::detect) {
  const TemporaryFolder folder;
  testing::write_text(folder / "a.csv", text);
  const data::Numbers numbers = data::read_numbers(folder / "a.csv", first_line);
  return {numbers.columns, numbers.values.shape(), numbers.values.to_vector<double>()};
}
void expect_numbers(const std::string& text, const std::vector<std::string>& columns, const Shape& shape,
                    const std::vector<double>& values) {
  const Read read = read_text_of(text);
  EXPECT_EQ(read.columns, columns) << text;
  EXPECT_EQ(read.shape, shape) << text;
  ASSERT_EQ(read.values.size(), values.size()) << text;
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_TRUE(read.values[i] == values[i] || (std::isnan(read.values[i]) && std::isnan(values[i]))) << read.values[i] << " in " << text;
  }
}
std::string read_error_of(const std::string& text) {
  const TemporaryFolder folder;
  testing::write_text(folder / "a.csv", text);
  return testing::without_path(error_of([&] { data::read_numbers(folder / "a.csv"); }), folder.path());
}

TEST(Numbers, MayFollowAByteOrderMark) {
  expect_numbers("\xEF\xBB\xBF" "0.5\n1\n2\n", {}, {3, 1}, {0.5, 1, 2});
  expect_numbers("\xEF\xBB\xBF" "a,b\n1,2\n", {"a", "b"}, {1, 2}, {1, 2});
  expect_numbers("\xEF\xBB\xBF" "\"a\",b\n1,2\n", {"a", "b"}, {1, 2}, {1, 2});
  for (const std::string& text : {std::string("\xFF\xFE" "1\0\n\0", 6), std::string("\xFE\xFF\0" "1\0\n", 6), std::string("1\0\n\0", 4)}) {
    EXPECT_EQ(read_error_of(text), "PATH/a.csv: the text is UTF-16 or UTF-32, or no text; save it as UTF-8");
  }
}

TEST(Numbers, LinesMayEndInAnyWay) {
  for (const char* end : {"\n", "\r\n", "\r"}) {
    const std::string e = end;
    expect_numbers("a,b" + e + "1,2" + e + e + "3,4" + e, {"a", "b"}, {2, 2}, {1, 2, 3, 4});
    expect_numbers("1,2" + e + "3,4", {}, {2, 2}, {1, 2, 3, 4});
    EXPECT_EQ(read_error_of("1,2" + e + e + "3" + e), "PATH/a.csv:3: the line has 1 cells, the first one 2; they must be equal");
  }
}

TEST(Numbers, BeyondTheRangeOfDoubleStayNumbers) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  expect_numbers("1e-400\n1\n", {}, {2, 1}, {0, 1});
  expect_numbers("1e400\n-1e400\n-1E-400\n", {}, {3, 1}, {inf, -inf, 0});
  EXPECT_TRUE(std::signbit(read_text_of("-1e-400\n").values[0]));
  expect_numbers("0." + std::string(500, '0') + "1e3\n1" + std::string(400, '0') + "\n1" + std::string(400, '0') + "e-400\n", {}, {3, 1},
                 {0, inf, 1});
  expect_numbers("1e-99999999999999999999\n1e99999999999999999999\n4.9e-324\n1e-310\n", {}, {4, 1}, {0, inf, 4.9e-324, 1e-310});
  expect_numbers("+1,-1,.5,5.,1E+2,nan,-inf,Infinity,\n", {}, {1, 8}, {1, -1, 0.5, 5, 100, std::nan(""), -inf, inf});
}

TEST(Numbers, SlipsInNumbersAreErrorsAndNoNames) {
  for (const std::string text : {"+-1", "--1", "0x10", "1e", "1.2.3", "1-2", "+"}) {
    EXPECT_EQ(read_error_of("1\n" + text + "\n"), "PATH/a.csv:2: column 1: expected a number, got \"" + text + "\"");
    EXPECT_EQ(read_error_of(text + "\n2\n"), "PATH/a.csv:1: column 1: expected a number, got \"" + text + "\"");
  }
}

TEST(Numbers, NamesMayLookLikeNumbers) {
  // In quotes above numbers without; or said to be names.
  expect_numbers("\"2019\",\"2020\"\n1,2\n", {"2019", "2020"}, {1, 2}, {1, 2});
  expect_numbers("\"1\",\"2\"\n\"3\",\"4\"\n", {}, {2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(read_error_of("year,2020\n1,2\n"),
            "PATH/a.csv:1: column 1: expected a number, got \"year\"; a first line of names beside numbers must be announced by "
            "FirstLine::names");
  const Read named = read_text_of("2019,2020\n1,2\n", data::FirstLine::names);
  EXPECT_EQ(named.columns, (std::vector<std::string>{"2019", "2020"}));
  EXPECT_EQ(named.values, (std::vector<double>{1, 2}));
  EXPECT_EQ(read_text_of("2019,2020\n1,2\n").values.size(), 4u);
  EXPECT_NE(error_of([] { read_text_of("a,b\n1,2\n", data::FirstLine::numbers); }), "");
  expect_numbers(",a,b\n0,1,2\n", {"", "a", "b"}, {1, 3}, {0, 1, 2});
}

TEST(Numbers, CellsMayBeQuoted) {
  expect_numbers("\"a, b\",\"say \"\"hi\"\"\",\"two\nlines\"\n1,\"2\", \"3\" \n", {"a, b", "say \"hi\"", "two\nlines"}, {1, 3}, {1, 2, 3});
  EXPECT_EQ(read_error_of("\"two\nlines\"\n1\nx\n"), "PATH/a.csv:4: column 1: expected a number, got \"x\"");
  EXPECT_EQ(read_error_of("1\n\"2\n3\n"), "PATH/a.csv:2: a quote that opens in this line is never closed");
  EXPECT_EQ(read_error_of("1,2\n\"3\"4,5\n"), "PATH/a.csv:2: \"4\" follows a closing quote; a cell ends there");
}

TEST(Numbers, ErrorsShowControlCharactersAsEscapes) {
  const TemporaryFolder folder;
  testing::write_text(folder / "a.csv", "x\n\x1b[31mred\x07\n");
  EXPECT_EQ(testing::without_path(error_of([&] { data::read_numbers(folder / "a.csv"); }), folder.path()),
            "PATH/a.csv:2: column 1: expected a number, got \"\\x1b[31mred\\x07\"");
}

TEST(Numbers, SeparatorsAreCommasSemicolonsOrTabs) {
  expect_numbers("a;b\n1;2\n", {"a", "b"}, {1, 2}, {1, 2});
  expect_numbers("a\tb\n1\t2\n", {"a", "b"}, {1, 2}, {1, 2});
  expect_numbers("1\t\t3\n", {}, {1, 3}, {1, std::nan(""), 3});
  expect_numbers("1,\t2\n", {}, {1, 2}, {1, 2});
  expect_numbers("\"a;b\",c\n1,2\n", {"a;b", "c"}, {1, 2}, {1, 2});
  EXPECT_EQ(read_error_of("1,5;2,5\n"), "PATH/a.csv:1: column 1: expected a number, got \"1,5\"");
  // At the end of every line a separator ends no cell; at the end of some it does.
  expect_numbers("a,b,\n1,2,\n3,4,\n", {"a", "b"}, {2, 2}, {1, 2, 3, 4});
  expect_numbers("1,2,\n3,4,5\n", {}, {2, 3}, {1, 2, std::nan(""), 3, 4, 5});
}

TEST(Numbers, LinesAreBounded) {
  EXPECT_EQ(read_error_of(std::string(1'000'001, ',')), "PATH/a.csv:1: the line has more than 1000000 cells");
}

}  // namespace
}  // namespace gradus
