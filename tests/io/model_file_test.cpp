// Model files: what is saved comes back; what is damaged, foreign or of another version is refused by name.
#include "gradus/io/model_file.hpp"

#include <sys/resource.h>

#include <csignal>

#include "gradus/gradus.hpp"
#include "gradus/io/safetensors.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using testing::read_text;
using testing::TemporaryFolder;
using testing::without_path;
using testing::write_text;

nn::Sequential network() {
  nn::Sequential model{nn::Dense(4, relu), nn::BatchNorm(), nn::Dense(2)};
  nn::build(model, Shape{1, 3});
  return model;
}

TEST(ModelFile, WhatIsSavedComesBack) {
  const TemporaryFolder folder;
  const nn::Sequential model = network();
  io::save(model, folder / "a.gradus", {.name = "a", .class_names = {"no", "yes"}, .input_shape = {3}});
  const nn::Model loaded = io::load(folder / "a.gradus");
  EXPECT_EQ(loaded.info.class_names, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(loaded.info.input_shape, (std::vector<int64_t>{3}));
  const Array x = random::normal(random::key(1), {5, 3});
  EXPECT_EQ(train::predict(loaded, x).to_vector<float>(), train::predict(model, x).to_vector<float>());
}

TEST(ModelFile, LayersThatGoWithoutABiasAreSavedWithoutIt) {
  const TemporaryFolder folder;
  const nn::Sequential model{nn::Conv2D(4, 3, {.use_bias = false}), nn::BatchNorm({.center = false, .scale = false}), nn::LayerNorm({.center = false}),
                             nn::Flatten(), nn::Dense(2, {.use_bias = false})};
  nn::build(model, Shape{1, 5, 5, 1});
  EXPECT_EQ(parameters(model).size(), 3u);  // two kernels, the scale of the layer norm
  const nn::Sequential copy = model;
  EXPECT_EQ(parameters(copy).size(), 3u);
  io::save(model, folder / "a.gradus");
  const nn::Model loaded = io::load(folder / "a.gradus");
  const Array x = random::normal(random::key(1), {3, 5, 5, 1});
  EXPECT_EQ(train::predict(loaded, x).to_vector<float>(), train::predict(model, x).to_vector<float>());
}

TEST(ModelFile, CutAnywhereItIsRefused) {
  const TemporaryFolder folder;
  io::save(network(), folder / "a.gradus");
  const std::string whole = read_text(folder / "a.gradus");
  for (size_t length = 0; length < whole.size(); length += 1 + length / 8) {
    write_text(folder / "cut.gradus", whole.substr(0, length));
    EXPECT_NE(error_of([&] { io::load(folder / "cut.gradus"); }), "") << length;
  }
}

TEST(ModelFile, DamagedBytesOfItsHeaderNeverCrash) {
  const TemporaryFolder folder;
  io::save(network(), folder / "a.gradus");
  const std::string whole = read_text(folder / "a.gradus");
  for (size_t at = 0; at < std::min<size_t>(whole.size(), 1200); at += 13) {
    for (const char byte : {'\x00', '\xff', '9', '"'}) {
      std::string damaged = whole;
      damaged[at] = byte;
      write_text(folder / "damaged.gradus", damaged);
      try {
        io::load(folder / "damaged.gradus");  // a name may change without harm
      } catch (const Error& error) {
        EXPECT_NE(error.kind(), Error::Kind::bug) << error.what();
      }
    }
  }
}

TEST(ModelFile, AnotherVersionAndAForeignFileAreNamed) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.gradus";
  const std::vector<io::NamedArray> arrays = {{"x", zeros({2})}};
  io::save_safetensors(path, arrays, {{"format", "gradus"}, {"version", "2"}});
  EXPECT_EQ(without_path(error_of([&] { io::load(path); }), folder.path()), "PATH/a.gradus: it has version \"2\", this program reads 1");
  io::save_safetensors(path, arrays);
  EXPECT_EQ(without_path(error_of([&] { io::load(path); }), folder.path()),
            "PATH/a.gradus: it is a safetensors file but not a Gradus model; its metadata lacks format = gradus");
}

TEST(ModelFile, AModelOfAnotherShapeIsLeftAsItWas) {
  const TemporaryFolder folder;
  io::save(network(), folder / "a.gradus");
  nn::Sequential other{nn::Dense(5, relu), nn::BatchNorm(), nn::Dense(2)};
  nn::build(other, Shape{1, 3});
  const std::vector<float> before = variables(other)[0].get().to_vector<float>();
  const std::string error = error_of([&] { io::load(other, folder / "a.gradus"); });
  EXPECT_NE(error.find("must be equal"), std::string::npos) << error;
  EXPECT_EQ(variables(other)[0].get().to_vector<float>(), before);
}

TEST(ModelFile, NoSpaceLeavesTheOldFileWhole) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.gradus";
  io::save(network(), path);
  const std::string before = read_text(path);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{200, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string error = error_of([&] { io::save(network(), path); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_NE(error.find("cannot be written: the file would be larger than this process may write"), std::string::npos) << error;
  EXPECT_EQ(read_text(path), before);
  EXPECT_EQ(folder.count(), 1);
}

TEST(ModelFile, ADeviceThatIsFullIsAnError) {
  EXPECT_NE(error_of([] { io::save(network(), "/dev/full"); }).find("/dev/full: cannot be written: no space left on the disk"), std::string::npos);
}

TEST(ModelFile, MetadataNestedTooDeepIsRefused) {
  const TemporaryFolder folder;
  nn::Sequential model{nn::Dense(2)};
  nn::build(model, {1, 3});
  io::save(model, folder / "a.gradus");
  const io::Safetensors file = io::load_safetensors(folder / "a.gradus");
  for (const char* name : {"architecture", "info", "fields"}) {
    for (const auto& [open, close] : {std::pair("[", "]"), std::pair("{\"a\":", "}")}) {
      std::string deep;
      for (int i = 0; i < 300'000; ++i) deep += open;
      deep += "1";
      for (int i = 0; i < 300'000; ++i) deep += close;
      std::map<std::string, std::string> metadata = file.metadata;
      metadata[name] = deep;
      io::save_safetensors(folder / "b.gradus", file.arrays, metadata);
      EXPECT_NE(testing::error_of([&] { io::load(folder / "b.gradus"); io::load(model, folder / "b.gradus"); }), "") << name;
    }
  }
}

}  // namespace
}  // namespace gradus
