// Data without a meaning yet, and tables of things by name.
#include "gradus/base/datum.hpp"

#include <gtest/gtest.h>

#include "gradus/base/error.hpp"
#include "gradus/base/named.hpp"
#include "gradus/base/text.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;

TEST(Datum, IsShownAsItWouldBeWritten) {
  EXPECT_EQ(to_text(Datum()), "nothing");
  EXPECT_EQ(to_text(Datum(true)), "true");
  EXPECT_EQ(to_text(Datum(8)), "8");
  EXPECT_EQ(to_text(Datum(0.1)), "0.1");
  EXPECT_EQ(to_text(Datum("four")), "\"four\"");
  EXPECT_EQ(to_text(Datum(std::string(100, 'a'))), "\"" + std::string(60, 'a') + "\"");
  EXPECT_EQ(to_text(Datum(Datum::List{1, 2.5, "x"})), "[1, 2.5, \"x\"]");
  EXPECT_EQ(to_text(Datum(Datum::List{Datum::List{1}, 2})), "[[...], 2]");
  EXPECT_EQ(to_text(Datum(Datum::List{1, 2, 3, 4, 5, 6, 7})), "[1, 2, 3, 4, 5, 6, ...]");
  EXPECT_EQ(to_text(Datum(Datum::Table{{"a", 1}})), "a table");
}

TEST(Datum, AnIntegerIsANumberButNoDouble) {
  const Datum three(3), half(0.5);
  EXPECT_TRUE(three.is_number());
  EXPECT_EQ(three.number(), 3);
  EXPECT_FALSE(three.get_if<double>());
  EXPECT_EQ(half.number(), 0.5);
  EXPECT_FALSE(Datum("3").is_number());
  EXPECT_FALSE(Datum(true).is_number());
  EXPECT_FALSE(three == Datum(3.0));
}

TEST(Datum, TablesAreSearchedByName) {
  const Datum table(Datum::Table{{"a", 1}, {"b", "two"}});
  ASSERT_TRUE(table.find("b"));
  EXPECT_EQ(*table.find("b"), Datum("two"));
  EXPECT_FALSE(table.find("c"));
  EXPECT_FALSE(Datum(1).find("a"));
}

struct Row {
  std::string_view name, alias;
  int value;
};
constexpr Row kRows[] = {{"adam", "", 1}, {"mean_squared_error", "mse", 2}};
constexpr Named<Row> kThings("thing", kRows);

TEST(Named, FindsByNameAndAlias) {
  EXPECT_EQ(kThings["adam"].value, 1);
  EXPECT_EQ(kThings["mse"].value, 2);
  EXPECT_EQ(kThings["mean_squared_error"].value, 2);
  EXPECT_FALSE(kThings.find(""));
  EXPECT_EQ(kThings.names(), (std::vector<std::string>{"adam", "mean_squared_error"}));
  EXPECT_EQ(kThings.aliases(), std::vector<std::string>{"mse"});
}

TEST(Named, SaysWhatIsKnownAndWhatIsNear) {
  EXPECT_EQ(error_of([] { kThings["adm"]; }), "thing: there is none called \"adm\"; known are adam, mean_squared_error; did you mean adam?");
  EXPECT_EQ(error_of([] { kThings["msr"]; }), "thing: there is none called \"msr\"; known are adam, mean_squared_error; did you mean mse?");
  EXPECT_EQ(error_of([] { kThings["transformer"]; }), "thing: there is none called \"transformer\"; known are adam, mean_squared_error");
}

}  // namespace
}  // namespace gradus
