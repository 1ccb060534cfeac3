// Parts of model files: what fits is loaded, what does not is told.
#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using testing::TemporaryFolder;
using Paths = std::vector<std::string>;

nn::Sequential network(int64_t classes, uint64_t seed, int64_t width = 4) {
  random::seed(static_cast<int64_t>(seed));
  nn::Sequential model{nn::Dense(width, relu), nn::BatchNorm(), nn::Dense(classes)};
  nn::build(model, {1, 2});
  return model;
}
std::vector<float> values(const nn::Sequential& model, std::string_view path) {
  return nn::parameter(model, path).get().to_vector<float>();
}

struct Backbone {
  nn::Sequential encoder{nn::Dense(4, relu), nn::BatchNorm()};
  nn::Dense head{5};
  Array forward(const Array& x) const { return head(encoder(x)); }
  GRADUS_PARTS(encoder, head)
};

class LoadPart : public ::testing::Test {
 protected:
  LoadPart() { io::save(saved_, path_, {.name = "old"}); }
  std::string message(nn::Sequential& model, const io::LoadOptions& options) {
    return testing::without_path(error_of([&] { io::load(model, path_, options); }), path_);
  }
  const TemporaryFolder folder_;
  const std::string path_ = folder_ / "old.gradus";
  nn::Sequential saved_ = network(3, 1);
};

TEST_F(LoadPart, AllButTheHead) {
  nn::Sequential model = network(10, 2);
  const std::vector<float> head = values(model, "2.kernel");
  const io::LoadReport report = io::load(model, path_, {.except = {"2.**"}});
  EXPECT_EQ(report.loaded, (Paths{"0.kernel", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_variance"}));
  EXPECT_EQ(report.left_out, (Paths{"2.kernel", "2.bias"}));
  EXPECT_TRUE(report.missing.empty() && report.unexpected.empty() && report.misfits.empty());
  EXPECT_EQ(report.info.name, "old");
  EXPECT_EQ(values(model, "0.kernel"), values(saved_, "0.kernel"));
  EXPECT_EQ(values(model, "2.kernel"), head);
}

TEST_F(LoadPart, WhatDoesNotFitStaysAndIsTold) {
  nn::Sequential model = network(10, 2);
  const std::vector<float> head = values(model, "2.kernel");
  const io::LoadReport report = io::load(model, path_, {.is_strict = false});
  ASSERT_EQ(report.misfits.size(), 2u);
  EXPECT_EQ(report.misfits[0].path, "2.kernel");
  EXPECT_EQ(report.misfits[0].problem, "is (4, 3) in the file and (4, 10) in the model");
  EXPECT_EQ(values(model, "2.kernel"), head);
  EXPECT_EQ(testing::without_path(io::to_text(report), path_),
            "PATH: 6 parameters loaded, 2 not fitting (2.kernel is (4, 3) in the file and (4, 10) in the model, ...)\n"
            "  does not fit  2.kernel is (4, 3) in the file and (4, 10) in the model\n"
            "  does not fit  2.bias is (3,) in the file and (10,) in the model\n");
}

TEST_F(LoadPart, PathsMayBeRenamed) {
  random::seed(9);
  Backbone model;
  nn::build(model, {1, 2});
  const io::LoadReport report = io::load(model, path_, {.rename = {{"0", "encoder.0"}, {"1", "encoder.1"}}});
  EXPECT_EQ(report.loaded.size(), 6u);
  EXPECT_EQ(report.missing, (Paths{"head.kernel", "head.bias"}));
  EXPECT_EQ(report.unexpected, (Paths{"2.kernel", "2.bias"}));
  EXPECT_EQ(nn::parameter(model, "encoder.0.kernel").get().to_vector<float>(), values(saved_, "0.kernel"));
  // And back: the beginning goes away.
  io::save(model, folder_ / "own.gradus");
  nn::Sequential plain = network(3, 4);
  EXPECT_EQ(io::load(plain, folder_ / "own.gradus", {.rename = {{"encoder", ""}}}).loaded.size(), 6u);
  EXPECT_EQ(values(plain, "0.kernel"), values(saved_, "0.kernel"));
  nn::Sequential below = network(3, 4);
  io::save(below, folder_ / "below.gradus");
  EXPECT_EQ(io::load(model, folder_ / "below.gradus", {.rename = {{"", "encoder"}}}).loaded.size(), 6u);
}

TEST_F(LoadPart, OnlyWhatAPatternNames) {
  nn::Sequential model = network(3, 2);
  EXPECT_EQ(io::load(model, path_, {.only = {"**.bias", "0.*"}, .except = {"1.*"}}).loaded, (Paths{"0.kernel", "0.bias", "2.bias"}));
}

TEST_F(LoadPart, OfAnUnbuiltModelShapesAreTheFiles) {
  nn::Sequential model{nn::Dense(4, relu), nn::BatchNorm(), nn::Dense(3)};
  EXPECT_EQ(io::load(model, path_, {.is_strict = true}).loaded.size(), 8u);
  EXPECT_EQ(values(model, "2.kernel"), values(saved_, "2.kernel"));
}

TEST_F(LoadPart, OnErrorsTheModelIsAsItWas) {
  nn::Sequential model = network(10, 2), other = network(3, 2, 5);
  const std::vector<float> before = values(model, "0.kernel");
  EXPECT_EQ(
      message(model, {.is_strict = true}),
      "PATH: it does not fit the model, as is_strict asks: 2 not fitting (2.kernel is (4, 3) in the file and (4, 10) in the model, ...)");
  EXPECT_EQ(message(model, {.only = {"0.kernl"}}), "load: only: \"0.kernl\" matches no parameter; the nearest is 0.kernel");
  EXPECT_EQ(message(model, {.except = {"7.**"}}).rfind("load: except: \"7.**\" matches no parameter; ", 0), 0u);
  EXPECT_EQ(message(model, {.rename = {{"encoder", ""}}}),
            "PATH: rename: no path of it begins with \"encoder\"; its first one is \"0.kernel\"");
  EXPECT_EQ(message(model, {.rename = {{"0", "2"}}}), "PATH: two of its parameters become \"2.kernel\"");
  EXPECT_EQ(message(other, {.only = {"0.**"}})
                .rfind("PATH: nothing of it could be loaded: 2 not fitting (0.kernel is (2, 4) in the file and (2, 5)", 0),
            0u);
  EXPECT_EQ(message(model, {.only = {"2.**"}}).rfind("PATH: nothing of it could be loaded: 2 not fitting (2.kernel", 0), 0u);
  nn::Sequential half = network(3, 2);
  nn::cast(half, float16);
  EXPECT_EQ(message(half, {}).rfind(
                "PATH: nothing of it could be loaded: 8 not fitting (0.kernel is float32 in the file and float16 in the model", 0),
            0u);
  std::string damaged = testing::read_text(path_);
  damaged[damaged.size() - 3] = static_cast<char>(damaged[damaged.size() - 3] ^ 4);
  testing::write_text(path_, damaged);
  EXPECT_NE(message(model, {.except = {"2.**"}}).find("checksum"), std::string::npos);
  EXPECT_EQ(values(model, "0.kernel"), before);
}

}  // namespace
}  // namespace gradus
