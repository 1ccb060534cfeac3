// Data sets of sequences, and batches of like lengths.
#include "gradus/data/text/sequences.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>

#include "gradus/data/batches.hpp"
#include "gradus/data/text/tokenizer_training.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/creation.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using Ids = std::vector<int64_t>;
using Rows = std::vector<Ids>;
using Texts = std::vector<std::string>;

Ids flat(const Array& array) { return array.to_vector<int64_t>(); }
Ids counting(int64_t count) {
  Ids out(static_cast<size_t>(count));
  std::iota(out.begin(), out.end(), int64_t{0});
  return out;
}

TEST(Pad, RowsGetOneLength) {
  const data::Padded padded = data::pad(Rows{{5, 6, 7}, {8}, {}});
  EXPECT_EQ(padded.values.shape(), (Shape{3, 3}));
  EXPECT_EQ(flat(padded.values), (Ids{5, 6, 7, 8, 0, 0, 0, 0, 0}));
  EXPECT_EQ(flat(padded.lengths), (Ids{3, 1, 0}));
  const data::Padded cut = data::pad(Rows{{5, 6, 7}, {8}}, {.length = 2, .value = -1});
  EXPECT_EQ(flat(cut.values), (Ids{5, 6, 8, -1}));
  EXPECT_EQ(flat(cut.lengths), (Ids{2, 1}));
  EXPECT_EQ(data::pad(Rows{}).values.shape(), (Shape{0, 0}));
  EXPECT_EQ(error_of([] { data::pad(Rows{}, {.length = -1}); }), "pad: length is -1; it must not be negative");
}

TEST(Pad, TheMaskIsTrueWhereThereIsNoPadding) {
  EXPECT_EQ(data::padding_mask(array({2, 0, 3}), 3).astype(int64).to_vector<int64_t>(), (Ids{1, 1, 0, 0, 0, 0, 1, 1, 1}));
}

TEST(LanguageModelSet, TargetsAreTheNextTokens) {
  const data::Dataset set = data::language_model_set(counting(10), {.context = 3});
  EXPECT_EQ(flat(set.x), (Ids{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(flat(set.y), (Ids{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(data::language_model_set(counting(9), {.context = 3}).size(), 2);
  EXPECT_EQ(flat(data::language_model_set(counting(6), {.context = 3, .stride = 1}).x), (Ids{0, 1, 2, 1, 2, 3, 2, 3, 4}));
  EXPECT_EQ(error_of([] { data::language_model_set(counting(3), {.context = 3}); }),
            "language_model_set: there are 3 tokens; with a context of 3 at least 4 are needed");
  EXPECT_EQ(error_of([] { data::language_model_set(counting(3), {.context = 0}); }),
            "language_model_set: context is 0; it must be at least 1");
}

TEST(PackDocuments, RowsAreFilledOneAfterTheOther) {
  const data::Dataset set = data::pack_documents(Rows{{1, 2, 3}, {}, {4, 5, 6, 7, 8}}, {.context = 4, .separator = 9});
  EXPECT_EQ(flat(set.x), (Ids{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(flat(set.y), (Ids{2, 3, 9, 5, 6, 7, 8, 9}));
  EXPECT_EQ(flat(set["documents"]), (Ids{1, 1, 1, 2, 1, 1, 1, 1}));
}

TEST(PackDocuments, WithoutSplittingEachStandsInOneRow) {
  const data::Dataset set = data::pack_documents(Rows{{1, 2, 3}, {4, 5, 6, 7, 8, 10}, {11, 12, 13}, {14}}, {.context = 4, .splits = false});
  EXPECT_EQ(flat(set.x), (Ids{1, 2, 11, 12, 4, 5, 6, 7}));
  EXPECT_EQ(flat(set.y), (Ids{2, 3, 12, 13, 5, 6, 7, 8}));
  EXPECT_EQ(flat(set["documents"]), (Ids{1, 1, 2, 2, 1, 1, 1, 1}));
  const data::Dataset loose = data::pack_documents(Rows{{1, 2}}, {.context = 3});
  EXPECT_EQ(flat(loose.x), (Ids{1, 0, 0}));
  EXPECT_EQ(flat(loose.y), (Ids{2, -100, -100}));
  EXPECT_EQ(flat(loose["documents"]), (Ids{1, 0, 0}));
  EXPECT_EQ(error_of([] {
              data::pack_documents(Rows{{1}, {}});
            }),
            "pack_documents: no document has two tokens; there is nothing that follows another");
}

const Texts kTexts{"win money now", "see you", "", "ok"}, kLabels{"spam", "ham", "ham", "ham"};

TEST(ClassificationSet, LabelsBecomeClassesInOrder) {
  const data::Tokenizer tokenizer = data::train_tokenizer(data::TokenizerKind::word, kTexts);
  const data::Dataset set = data::classification_set(kTexts, kLabels, tokenizer);
  EXPECT_EQ(set.class_names, (Texts{"ham", "spam"}));
  EXPECT_EQ(flat(set.y), (Ids{1, 0, 0, 0}));
  EXPECT_EQ(set.x.shape(), (Shape{4, 3}));
  EXPECT_EQ(flat(set["lengths"]), (Ids{3, 2, 0, 1}));
  EXPECT_TRUE(set.bucketing);
  EXPECT_EQ(data::subset(set, 0, 1).tokenizer.to_datum(), tokenizer.to_datum());
  EXPECT_EQ(data::classification_set(kTexts, kLabels, tokenizer, {.most = 2}).x.shape(), (Shape{4, 2}));
  EXPECT_EQ(data::classification_set(Texts{"", ""}, Texts{"a", "b"}, tokenizer).x.shape(), (Shape{2, 1}));
  EXPECT_EQ(error_of([&] { data::classification_set(kTexts, Texts{"a"}, tokenizer); }),
            "classification_set: there are 4 texts and 1 labels; they must be equally many");
  EXPECT_EQ(error_of([&] { set["length"]; }), "dataset: there is no extra \"length\"; there are lengths; did you mean lengths?");
}

TEST(TranslationSet, TargetsAreShiftedByOne) {
  const std::vector<std::pair<std::string, std::string>> pairs{{"a b", "x"}, {"a", "x y z"}, {"a b a b", "y"}};
  const data::Tokenizer tokenizer = data::train_tokenizer(data::TokenizerKind::word, Texts{"a b x y z"});
  const int64_t a = tokenizer.id("a"), b = tokenizer.id("b"), x = tokenizer.id("x"), y = tokenizer.id("y"), z = tokenizer.id("z");
  const data::Dataset set = data::translation_set(pairs, tokenizer, tokenizer, {.most = 4});
  EXPECT_EQ(flat(set.x), (Ids{a, b, 3, a, 3, 0}));
  EXPECT_EQ(flat(set["decoder_input"]), (Ids{2, x, 0, 0, 2, x, y, z}));
  EXPECT_EQ(flat(set.y), (Ids{x, 3, -100, -100, x, y, z, 3}));
  EXPECT_EQ(flat(set["lengths"]), (Ids{3, 2}));
  EXPECT_EQ(flat(set["target_lengths"]), (Ids{2, 4}));
  const data::Dataset joined = data::translation_set(pairs, tokenizer, tokenizer, {.most = 4, .joins = true});
  EXPECT_EQ(joined.x.shape(), (Shape{2, 4, 2}));
  EXPECT_EQ(flat(joined.x[{slice(), slice(), 0}]), (Ids{a, b, 3, 0, a, 3, 0, 0}));
  EXPECT_EQ(flat(joined.x[{slice(), slice(), 1}]), (Ids{2, x, 0, 0, 2, x, y, z}));
  EXPECT_EQ(flat(joined.y), flat(set.y));
  EXPECT_EQ(flat(joined["lengths"]), (Ids{3, 4}));
  for (const data::Batch& batch : data::batches(joined, {.batch_size = 1, .shuffle = true})) EXPECT_EQ(batch.x.shape(1), batch.y.shape(1));
  EXPECT_EQ(error_of([&] { data::translation_set(pairs, tokenizer, tokenizer, {.most = 1}); }),
            "translation_set: none of 3 pairs is shorter than 1 tokens on both sides");
  EXPECT_NE(error_of([&] { data::translation_set(pairs, tokenizer, tokenizer, {.end = "<end>"}); }).find("there is no token \"<end>\""),
            std::string::npos);
}

TEST(SeriesSet, WindowsAreFollowedByTheirHorizon) {
  const data::Dataset set = data::series_set(array({0, 1, 2, 3, 4, 5}), {.steps = 3, .horizon = 2});
  EXPECT_EQ(set.x.shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(set.x.to_vector<float>(), (std::vector<float>{0, 1, 2, 1, 2, 3}));
  EXPECT_EQ(set.y.shape(), (Shape{2, 2, 1}));
  EXPECT_EQ(set.y.to_vector<float>(), (std::vector<float>{3, 4, 4, 5}));
  const data::Dataset column =
      data::series_set(array({{0, 10}, {1, 11}, {2, 12}, {3, 13}}), {.steps = 1, .horizon = 1, .stride = 2, .column = 1});
  EXPECT_EQ(column.x.to_vector<float>(), (std::vector<float>{0, 10, 2, 12}));
  EXPECT_EQ(column.y.to_vector<float>(), (std::vector<float>{11, 13}));
  EXPECT_EQ(column.y.shape(), (Shape{2, 1}));
  EXPECT_EQ(error_of([] {
              data::series_set(array({1, 2}), {.steps = 2});
            }),
            "series_set: there are 2 rows; 2 steps and a horizon of 1 need 3");
  EXPECT_EQ(error_of([] {
              data::series_set(array({1.0, std::numeric_limits<double>::quiet_NaN(), 2.0}), {.steps = 1});
            }),
            "series_set: values[1] is nan; a series must be finite, and within the range of float32");
  EXPECT_EQ(error_of([] {
              data::series_set(array(std::vector<double>{1.0, 1e300, 2.0}), {.steps = 1});
            }),
            "series_set: values[1] is 1e+300; a series must be finite, and within the range of float32");
  EXPECT_NE(error_of([] {
              data::series_set(array({1, 2}), {.steps = std::numeric_limits<int64_t>::max()});
            }).find("need 9223372036854775807"),
            std::string::npos);
  EXPECT_EQ(error_of([] {
              data::series_set(array({1, 2}), {.steps = 1, .column = 1});
            }),
            "series_set: column is 1, and values has 1; it must be 0 to 0, or -1 for all");
}

// Samples of every length of 1 to 40; step t of sample n is 100 n + t.
data::Dataset ragged(int64_t count) {
  Rows rows, targets;
  for (int64_t n = 0; n < count; ++n) {
    rows.emplace_back();
    for (int64_t t = 0; t < 1 + n * 7 % 40; ++t) rows.back().push_back(100 * n + t);
    targets.emplace_back(static_cast<size_t>(1 + n % 5), n);
  }
  const data::Padded x = data::pad(rows, {.value = -1}), y = data::pad(targets, {.value = -1});
  data::Dataset set(x.values, y.values);
  set.extras = {{"lengths", x.lengths, {}}, {"target_lengths", y.lengths, {}}};
  set.x_lengths = "lengths";
  set.y_lengths = "target_lengths";
  return data::bucketed(set, {.multiple = 4, .window = 4});
}

TEST(Bucketing, BatchesAreCutToTheirLongestSample) {
  const data::Dataset set = ragged(203);
  std::set<int64_t> seen;
  int64_t steps = 0;
  for (const auto& batch : data::batches(set, {.batch_size = 10, .shuffle = true, .seed = 3})) {
    const Ids lengths = flat(batch["lengths"]), x = flat(batch.x), y = flat(batch.y), target_lengths = flat(batch["target_lengths"]);
    const int64_t width = batch.x.shape(1), longest = *std::max_element(lengths.begin(), lengths.end());
    EXPECT_EQ(width, std::min<int64_t>(40, (longest + 3) / 4 * 4));
    EXPECT_EQ(batch.y.shape(1), std::min<int64_t>(5, (*std::max_element(target_lengths.begin(), target_lengths.end()) + 3) / 4 * 4));
    for (int64_t i = 0; i < batch.size(); ++i) {
      const int64_t sample = x[static_cast<size_t>(i * width)] / 100;
      EXPECT_TRUE(seen.insert(sample).second);
      EXPECT_EQ(lengths[static_cast<size_t>(i)], 1 + sample * 7 % 40);
      EXPECT_EQ(y[static_cast<size_t>(i * batch.y.shape(1))], sample);
      for (int64_t t = 0; t < width; ++t) {
        EXPECT_EQ(x[static_cast<size_t>(i * width + t)], t < lengths[static_cast<size_t>(i)] ? 100 * sample + t : -1);
      }
    }
    steps += batch.size() * width;
  }
  EXPECT_EQ(seen.size(), 203u);
  EXPECT_LT(steps, 203 * 40 * 7 / 10);
}

std::vector<Ids> pass(const data::Dataset& set, const data::BatchOptions& options) {
  std::vector<Ids> out;
  for (const auto& batch : data::batches(set, options)) out.push_back(flat(batch.x));
  return out;
}

TEST(Bucketing, TheOrderDependsOnSeedAndEpochOnlyAndMayBeGoneOnWith) {
  const data::Dataset set = ragged(203);
  const data::BatchOptions options{.batch_size = 10, .shuffle = true, .seed = 3, .epoch = 2};
  const std::vector<Ids> all = pass(set, options);
  data::BatchOptions serial = options, later = options, other_seed = options, other_epoch = options, dropped = options;
  serial.prefetch = false;
  later.first = 7;
  other_seed.seed = 4;
  other_epoch.epoch = 3;
  dropped.drop_last = true;
  EXPECT_EQ(pass(set, serial), all);
  EXPECT_EQ(pass(set, later), std::vector<Ids>(all.begin() + 7, all.end()));
  EXPECT_NE(pass(set, other_seed), all);
  EXPECT_NE(pass(set, other_epoch), all);
  EXPECT_EQ(pass(set, dropped), std::vector<Ids>(all.begin(), all.end() - 1));
  EXPECT_EQ(pass(set, {.batch_size = 1000, .shuffle = true}).size(), 1u);
}

TEST(Bucketing, PassesInOrderAreWhole) {
  for (const auto& batch : data::batches(ragged(23), {.batch_size = 5})) {
    EXPECT_EQ(batch.x.shape(1), 40);
    EXPECT_EQ(batch.y.shape(1), 5);
  }
}

TEST(Extras, GoAlongWithSubsetsAndSplits) {
  const data::Dataset set = ragged(50);
  const data::Dataset part = data::subset(set, 10, 13);
  EXPECT_EQ(flat(part["lengths"]), (Ids{31, 38, 5}));
  EXPECT_TRUE(part.bucketing);
  EXPECT_EQ(part.x_lengths, "lengths");
  const auto [held_out, rest] = data::split(set, 0.2, 1);
  EXPECT_EQ(held_out["lengths"].shape(), (Shape{10}));
  EXPECT_EQ(rest["target_lengths"].shape(), (Shape{40}));
}

TEST(Extras, ThatDoNotFitAreRefused) {
  const data::Dataset set(zeros({4, 3}));
  EXPECT_EQ(error_of([&] {
              data::with_extra(set, {"a", zeros({3}), {}});
            }),
            "dataset: extra \"a\" is (3,), and there are 4 samples; its first size must be that");
  EXPECT_EQ(error_of([&] {
              data::with_extra(data::with_extra(set, {"a", zeros({4}), {}}), {"a", zeros({4}), {}});
            }),
            "dataset: there are two extras \"a\"; names must differ");
  EXPECT_EQ(error_of([&] { data::with_extra(set, {"", zeros({4}), {}}); }), "dataset: extra 0 has no name; it is found by its name");
  EXPECT_EQ(error_of([&] { data::bucketed(set); }), "dataset: x_lengths is not given; samples are put together by their lengths");
  data::Dataset with = data::with_extra(set, {"lengths", array({1, 2, 3, 4}), {}});
  with.x_lengths = "lengths";
  EXPECT_EQ(error_of([&] { data::bucketed(with); }), "dataset: lengths[3] is 4, and x has 3 steps; lengths must be 0 to that");
  EXPECT_EQ(error_of([&] { data::batches(with, {}); }), "dataset: lengths[3] is 4, and x has 3 steps; lengths must be 0 to that");
  with.extras[0].values = array({1.0, 2.0, 3.0, 3.0});
  EXPECT_EQ(error_of([&] { data::bucketed(with); }), "dataset: lengths is (4,) of float32; lengths must be (4,) integers, one a sample");
}

}  // namespace
}  // namespace gradus
