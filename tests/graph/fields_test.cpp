// Fields of structs: reading, writing, ranges, and what is said of mistakes.
#include "gradus/graph/fields.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;

enum class Colour { red, green };
std::span<const std::string_view> enum_names(Colour) {
  static constexpr std::string_view names[] = {"red", "green"};
  return names;
}

struct Paint {
  double share = 0.5;
  int64_t layers = 2;
  bool is_dry = false;
  std::string name = "oil";
  Colour colour = Colour::red;
  std::optional<int64_t> limit{};
  std::vector<double> weights{1, 2};
  void* not_a_field = nullptr;
  GRADUS_OPTIONS(share, layers, is_dry, name, colour, limit, weights, not_a_field)
};
std::span<const FieldNote> Paint::field_notes() {
  static constexpr FieldNote notes[] = {{"share", "of the wall", range::part}, {"layers", "of paint", range::positive, true}};
  return notes;
}

namespace {

using testing::error_of;

Paint read(const Datum::Table& given, bool is_file = false) {
  Paint paint;
  FieldReading reading{.is_file = is_file};
  read_fields(fields_of(paint), &paint, given, reading);
  return paint;
}
std::string mistake(const Datum::Table& given, bool is_file = false) {
  return error_of([&] { read(given, is_file); });
}

TEST(Fields, AreReadByNameAndOthersStay) {
  const Paint paint = read({{"layers", 3}, {"share", 1}, {"colour", "green"}, {"limit", 7}, {"weights", Datum::List{3, 0.5}}});
  EXPECT_EQ(paint.layers, 3);
  EXPECT_EQ(paint.share, 1);
  EXPECT_EQ(paint.colour, Colour::green);
  EXPECT_EQ(paint.limit, 7);
  EXPECT_EQ(paint.weights, (std::vector<double>{3, 0.5}));
  EXPECT_EQ(paint.name, "oil");
  EXPECT_FALSE(read({{"layers", 3}, {"limit", "none"}}).limit);
  EXPECT_EQ(read({{"layers", 3}, {"weights", 4}}).weights, std::vector<double>{4}) << "one number is a list of one";
}

TEST(Fields, WhatIsWrittenIsReadBack) {
  Paint paint{.share = 0.1, .layers = 5, .is_dry = true, .name = "chalk", .colour = Colour::green, .limit = 9, .weights = {}};
  FieldWriting writing;
  const Datum::Table written = write_fields(fields_of(paint), &paint, writing);
  EXPECT_EQ(written.size(), 7u) << "a pointer is no field";
  const Paint back = read(written, true);
  EXPECT_EQ(back.share, 0.1);
  EXPECT_EQ(back.layers, 5);
  EXPECT_TRUE(back.is_dry);
  EXPECT_EQ(back.name, "chalk");
  EXPECT_EQ(back.colour, Colour::green);
  EXPECT_EQ(back.limit, 9);
  EXPECT_TRUE(back.weights.empty());
}

TEST(Fields, MistakesNameTheFieldWhatIsExpectedAndWhatIsGiven) {
  EXPECT_EQ(mistake({{"layers", "three"}}), "layers: expected a positive integer, got \"three\"");
  EXPECT_EQ(mistake({{"layers", 0}}), "layers: expected a positive integer, got 0");
  EXPECT_EQ(mistake({{"layers", 2.0}}), "layers: expected a positive integer, got 2");
  EXPECT_EQ(mistake({{"layers", 1}, {"share", 1.5}}), "share: expected a number from 0 to 1, got 1.5");
  EXPECT_EQ(mistake({{"layers", 1}, {"share", std::numeric_limits<double>::quiet_NaN()}}), "share: expected a number from 0 to 1, got nan");
  EXPECT_EQ(mistake({{"layers", 1}, {"is_dry", 1}}), "is_dry: expected true or false, got 1");
  EXPECT_EQ(mistake({{"layers", 1}, {"name", 1}}), "name: expected a text in quotes, got 1");
  EXPECT_EQ(mistake({{"layers", 1}, {"colour", "gren"}}), "colour: \"gren\" is unknown; did you mean \"green\"?");
  EXPECT_EQ(mistake({{"layers", 1}, {"colour", "ultramarine"}}), "colour: expected one of red, green, got \"ultramarine\"");
  EXPECT_EQ(mistake({{"layers", 1}, {"limit", 1.5}}), "limit: expected an integer, or \"none\", got 1.5");
  EXPECT_EQ(mistake({{"layers", 1}, {"weights", Datum::List{1, "x"}}}), "weights: expected a list of numbers, got [1, \"x\"]");
}

TEST(Fields, UnknownAndMissingOnesAreNamed) {
  EXPECT_EQ(mistake({}), "layers: is missing; it must be a positive integer");
  EXPECT_EQ(mistake({{"layer", 1}}), "layer: unknown key; did you mean \"layers\"?");
  EXPECT_EQ(mistake({{"layers", 1}, {"shar", 1}}), "shar: unknown key; did you mean \"share\"?");
  EXPECT_EQ(mistake({{"layers", 1}, {"viscosity", 1}}),
            "viscosity: unknown key; known here: share, layers, is_dry, name, colour, limit, weights");
  EXPECT_EQ(mistake({{"layers", 1}}, true), "share: is missing; it must be a number from 0 to 1") << "files hold all";
}

TEST(Fields, AFailedReadingLeavesWhatComesAfterAlone) {
  Paint paint;
  FieldReading reading;
  EXPECT_THROW(read_fields(fields_of(paint), &paint, {{"layers", 0}, {"share", 0.25}, {"name", "x"}}, reading), FieldError);
  EXPECT_EQ(paint.name, "oil");
}

TEST(Fields, NumbersAreChecked) {
  EXPECT_EQ(error_of([] { checked("paint", Paint{.share = -1}); }), "paint: share is -1; it must be from 0 to 1");
  EXPECT_EQ(error_of([] { checked("paint", Paint{.layers = 0}); }), "paint: layers is 0; it must be at least 1");
  EXPECT_EQ(error_of([] { checked("paint", Paint{.share = std::numeric_limits<double>::infinity()}); }),
            "paint: share is inf; it must be from 0 to 1");
  EXPECT_EQ(error_of([] { checked("paint", Paint{}); }), "");
}

TEST(Ranges, SayTheirRule) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(range::any.rule(), "must be finite");
  EXPECT_EQ(range::not_negative.rule(), "must not be negative");
  EXPECT_EQ(range::above_zero.rule(), "must be above 0");
  EXPECT_EQ(range::positive.rule(), "must be at least 1");
  EXPECT_EQ(range::part.rule(), "must be from 0 to 1");
  EXPECT_EQ(range::share.rule(), "must be at least 0 and below 1");
  EXPECT_EQ((Range{.low = 0, .high = 1, .excludes_low = true, .excludes_high = true}.rule()), "must lie between 0 and 1");
  EXPECT_EQ((Range{.high = 3}.rule()), "must be at most 3");
  EXPECT_EQ(range::above_zero.expected(false), "a number above 0");
  EXPECT_EQ(range::share.expected(false), "a number from 0 to below 1");
  EXPECT_EQ(range::positive.expected(true), "a positive integer");
  EXPECT_EQ((Range{.low = 2, .high = 100'000'000}.expected(true)), "an integer from 2 to 100000000");
  EXPECT_FALSE(range::any.contains(infinity));
  EXPECT_FALSE(range::share.contains(1));
  EXPECT_TRUE(range::part.contains(1));
  EXPECT_FALSE(range::above_zero.contains(0));
}

}  // namespace
}  // namespace gradus
