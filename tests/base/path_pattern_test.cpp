// Patterns of parameter paths.
#include "gradus/base/path_pattern.hpp"

#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;

TEST(PathPattern, AStarStaysWithinAPart) {
  EXPECT_TRUE(matches_path("*.bias", "0.bias"));
  EXPECT_FALSE(matches_path("*.bias", "bias"));
  EXPECT_FALSE(matches_path("*.bias", "0.body.bias"));
  EXPECT_TRUE(matches_path("layers.1*.kernel", "layers.12.kernel"));
  EXPECT_FALSE(matches_path("layers.1*.kernel", "layers.2.kernel"));
  EXPECT_TRUE(matches_path("*e*l", "kernel"));
  EXPECT_FALSE(matches_path("*e*b", "kernel"));
  EXPECT_TRUE(matches_path("0.kernel", "0.kernel"));
  EXPECT_FALSE(matches_path("0.kernel", "10.kernel"));
  EXPECT_FALSE(matches_path("0.kern", "0.kernel"));
}

TEST(PathPattern, TwoStarsStandForAnyNumberOfParts) {
  for (const char* path : {"bias", "0.bias", "0.body.1.bias"}) EXPECT_TRUE(matches_path("**.bias", path)) << path;
  for (const char* path : {"encoder", "encoder.0", "encoder.0.kernel"}) EXPECT_TRUE(matches_path("encoder.**", path)) << path;
  EXPECT_FALSE(matches_path("encoder.**", "encoders.0"));
  EXPECT_TRUE(matches_path("a.**.z", "a.z"));
  EXPECT_TRUE(matches_path("a.**.z", "a.b.c.z"));
  EXPECT_FALSE(matches_path("a.**.z", "a.b.c.y"));
  EXPECT_TRUE(matches_path("**", "anything.at.all"));
}

TEST(PathPattern, NoneTakesLong) {
  std::string pattern, path;
  for (int i = 0; i < 400; ++i) {
    pattern += "**.*a*a*a*.";
    path += "aaaaaaaaaaaaaaaa.";
  }
  EXPECT_FALSE(matches_path(pattern + "b", path + "a"));
}

TEST(PathPattern, OneThatStandsForNothingIsAnErrorWithTheNearest) {
  const std::vector<std::string> paths{"0.kernel", "0.bias", "1.kernel"};
  check_patterns("freeze", "the pattern", std::vector<std::string>{"0.*", "**.bias"}, paths);
  EXPECT_EQ(error_of([&] {
              check_patterns("freeze", "the pattern", std::vector<std::string>{"0.*", "0.bais"}, paths);
            }),
            "freeze: the pattern \"0.bais\" matches no parameter; the nearest is 0.bias");
  EXPECT_EQ(error_of([&] { check_patterns("adam", "the group", std::vector<std::string>{"encoder.**"}, paths); }),
            "adam: the group \"encoder.**\" matches no parameter; there are 0.kernel, 0.bias, 1.kernel");
}

}  // namespace
}  // namespace gradus
