// Model files: what is saved comes back; what is damaged, foreign or of another version is refused by name.
#include "gradus/io/model_file.hpp"

#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "gradus/gradus.hpp"
#include "gradus/io/safetensors.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
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
  const nn::Sequential model{nn::Conv2D(4, 3, {.use_bias = false}), nn::BatchNorm({.center = false, .scale = false}),
                             nn::LayerNorm({.center = false}), nn::Flatten(), nn::Dense(2, {.use_bias = false})};
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
  EXPECT_NE(error_of([] { io::save(network(), "/dev/full"); }).find("/dev/full: cannot be written: no space left on the disk"),
            std::string::npos);
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

// ---- what a file says is compared with what the model is

// The file at `path` with its metadata and arrays changed.
template <class F>
void rewrite(const std::string& path, F&& change) {
  io::Safetensors file = io::load_safetensors(path);
  change(file);
  io::save_safetensors(path, file.arrays, file.metadata);
}
io::NamedArray& entry_of(io::Safetensors& file, const std::string& name) {
  for (io::NamedArray& entry : file.arrays) {
    if (entry.name == name) return entry;
  }
  throw std::out_of_range(name);
}

TEST(ModelFile, AFactOfALayerThatIsNotKnownIsNamed) {
  const TemporaryFolder folder;
  const nn::Sequential model{nn::Dense(2)};
  nn::build(model, Shape{1, 3});
  io::save(model, folder / "a");
  rewrite(folder / "a", [&](io::Safetensors& file) {
    std::string& text = file.metadata["architecture"];
    const std::string before = "\"type\":\"Dense\"";
    const size_t at = text.find(before);
    ASSERT_NE(at, std::string::npos) << text;
    text.insert(at, "\"sparsity\":0.5,");
    file.metadata.erase("checksum");
  });
  const std::string error = error_of([&] { io::load(folder / "a"); });
  EXPECT_NE(error.find("sparsity is not known to this version"), std::string::npos) << error;
}

TEST(ModelFile, ParametersOfAnotherDtypeAreNamed) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.gradus";
  nn::Sequential model{nn::Dense(2)};
  model(ones({1, 3}));
  const auto written_as = [&](DType dtype) {
    io::save(model, path);
    rewrite(path, [&](io::Safetensors& file) { entry_of(file, "0.kernel").array = ones({3, 2}, dtype); });
  };
  for (const DType dtype : {int64, int32, uint8, bool_}) {
    written_as(dtype);
    EXPECT_EQ(without_path(error_of([&] { io::load(path); }), folder.path()),
              concat("PATH/a.gradus: its parameter \"0.kernel\" is ", dtype, "; it must be a float"));
  }
  const std::vector<float> before = nn::parameter(model, "0.kernel").get().to_vector<float>();
  for (const DType dtype : {int64, float16, float64}) {
    written_as(dtype);
    EXPECT_EQ(without_path(error_of([&] { io::load(model, path); }), folder.path()),
              concat("PATH/a.gradus: its parameter \"0.kernel\" is ", dtype,
                     ", the model's is float32; io::load(path) makes a model of the file's dtypes"));
    EXPECT_EQ(nn::parameter(model, "0.kernel").get().to_vector<float>(), before);
  }
  for (const DType dtype : {float16, bfloat16, float64}) {  // a model of the file's dtypes
    written_as(dtype);
    rewrite(path, [](io::Safetensors& file) { file.metadata.erase("checksum"); });
    EXPECT_EQ(nn::parameter(io::load(path), "0.kernel").get().dtype(), dtype);
  }
}

// The numbers of the layers agree: only the inputs they were built for differ, or the file was changed.
TEST(ModelFile, ParametersOfAnotherShapeAreNamed) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.gradus";
  const auto built_for = [](int64_t inputs) {
    nn::Sequential model{nn::Dense(2)};
    nn::build(model, Shape{1, inputs});
    return model;
  };
  io::save(built_for(3), path);
  nn::Sequential wider = built_for(4);
  const std::vector<float> before = nn::parameter(wider, "0.kernel").get().to_vector<float>();
  EXPECT_EQ(without_path(error_of([&] { io::load(wider, path); }), folder.path()),
            "PATH/a.gradus: its parameter \"0.kernel\" is (3, 2), the model's is (4, 2)");
  EXPECT_EQ(nn::parameter(wider, "0.kernel").get().to_vector<float>(), before);
  nn::Sequential same = built_for(3);
  rewrite(path, [](io::Safetensors& file) { entry_of(file, "0.bias").array = zeros({3}); });
  EXPECT_EQ(without_path(error_of([&] { io::load(same, path); }), folder.path()),
            "PATH/a.gradus: its parameter \"0.bias\" is (3,), the model's is (2,)");
}

TEST(ModelFile, AChecksumTellsDamageAnywhere) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.gradus";
  io::save(network(), path, {.name = "a", .extra = {{"note", "b"}}});
  const std::string whole = read_text(path);
  nn::Sequential own = network();
  const size_t key = whole.find("\"checksum\"");
  for (size_t at = 8; at < whole.size(); at += 3) {
    if (at >= key && at < key + 10) continue;  // without the key it is an older file
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write_text(path, damaged);
    EXPECT_NE(error_of([&] { io::load(path); }), "") << at;
    EXPECT_NE(error_of([&] { io::load(own, path); }), "") << at;
  }
  std::string damaged = whole;
  damaged.back() = static_cast<char>(damaged.back() ^ 64);
  write_text(path, damaged);
  const std::string message = error_of([&] { io::load(path); });
  EXPECT_NE(message.find("a.gradus: its checksum is crc32:"), std::string::npos) << message;
  EXPECT_NE(message.find("; the file is damaged, or was changed by another program"), std::string::npos) << message;
  EXPECT_EQ(error_of([&] { io::load(path); }), error_of([&] { io::load(own, path); }));
}

TEST(ModelFile, AChecksumCoversNamesTextsShapesAndOrder) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.gradus";
  const auto changed = [&](auto&& change) {
    io::save(network(), path, {.name = "a", .class_names = {"x", "y"}, .extra = {{"note", "b"}}});
    rewrite(path, change);
    return error_of([&] { io::load(path); });
  };
  EXPECT_EQ(changed([](io::Safetensors&) {}), "");
  EXPECT_NE(changed([](io::Safetensors& file) { file.metadata["extra.note"] = "c"; }), "");
  EXPECT_NE(changed([](io::Safetensors& file) { file.metadata["extra.more"] = ""; }), "");
  EXPECT_NE(changed([](io::Safetensors& file) { file.metadata.erase("extra.note"); }), "");
  EXPECT_NE(changed([](io::Safetensors& file) { entry_of(file, "0.bias").array = ones({4}); }), "");
  EXPECT_NE(changed([](io::Safetensors& file) { file.metadata["checksum"] = "crc32:00000000"; }), "");
}

TEST(ModelFile, OlderFilesHaveNoChecksum) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.gradus";
  const nn::Sequential model = network();
  io::save(model, path);
  rewrite(path, [](io::Safetensors& file) { EXPECT_EQ(file.metadata.erase("checksum"), 1u); });
  const Array x = random::normal(random::key(1), {5, 3});
  EXPECT_EQ(train::predict(io::load(path), x).to_vector<float>(), train::predict(model, x).to_vector<float>());
  nn::Sequential other = network();
  io::load(other, path);
  EXPECT_EQ(train::predict(other, x).to_vector<float>(), train::predict(model, x).to_vector<float>());
}

TEST(ModelFile, NumbersThatAreNotFiniteAreSaid) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.gradus";
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  const auto said = [&](auto&& call) {
    ::testing::internal::CaptureStderr();
    call();
    return without_path(::testing::internal::GetCapturedStderr(), folder.path());
  };
  nn::Sequential model = network();
  EXPECT_EQ(said([&] { io::save(model, path); }), "");
  nn::parameter(model, "0.bias").set(array({1.0, nan, inf, nan}));
  const std::string one = "warning: PATH/a.gradus: parameter \"0.bias\" holds 2 nan and 1 infinite of 4 numbers\n";
  EXPECT_EQ(said([&] { io::save(model, path); }), one);
  EXPECT_EQ(said([&] { io::load(path); }), one);
  EXPECT_EQ(said([&] { io::load(model, path); }), one);
  nn::parameter(model, "2.bias").set(array({-inf, 0.0}));
  EXPECT_EQ(
      said([&] { io::save(model, path); }),
      "warning: PATH/a.gradus: parameter \"0.bias\" holds 2 nan and 1 infinite of 4 numbers; so do 1 more parameters, 4 numbers in all\n");
}

TEST(ModelFile, KeysGivenTwiceInItsTextsAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.gradus";
  const auto message = [&](const char* key, const std::string& text) {
    io::save(network(), path);
    rewrite(path, [&](io::Safetensors& file) { file.metadata[key] = text; });
    return without_path(error_of([&] { io::load(path); }), folder.path());
  };
  EXPECT_EQ(message("info", R"({"name":"a","name":"b"})"), "PATH/a.gradus: its info has \"name\" twice");
  EXPECT_EQ(message("architecture", R"({"type":"Sequential","layers":[{"type":"Dense","units":1,"units":2}]})"),
            "PATH/a.gradus: its architecture has \"units\" twice");
  EXPECT_EQ(message("architecture", std::string(100000, '[')), "PATH/a.gradus: its architecture is nested too deeply");
}

// Layers whose every number differs from its default: what a reader passed over would be missing from the file written again.
TEST(ModelFile, EveryFactSurvivesARoundTrip) {
  const TemporaryFolder folder;
  const nn::Sequential model{
      nn::Conv2D(4, {3, 2}, tanh, {.strides = {2, 1}, .padding = same, .dilation = {1, 2}, .groups = 2, .use_bias = false}),
      nn::BatchNorm({.momentum = 0.7, .epsilon = 0.01, .scale = false}),
      nn::Residual(nn::Conv2D(4, {1, 3}, sigmoid, {.padding = same})),
      nn::MaxPooling2D({2, 3}, {.strides = {1, 2}, .padding = same}),
      nn::AveragePooling2D({2, 1}, {.strides = {2, 1}}),
      nn::Dropout(0.25),
      nn::Flatten(),
      nn::Dense(8, gelu, {.use_bias = false}),
      nn::LayerNorm({.epsilon = 0.02, .center = false}),
      nn::Sequential{nn::Dense(3), nn::Activation(softmax)}};
  nn::build(model, Shape{1, 9, 9, 2});
  const nn::ModelInfo info{.name = "a name",
                           .description = "what it does",
                           .class_names = {"one", "two, \"quoted\"", "\xc3\xa9"},
                           .input_shape = {9, 9, 2},
                           .input_dtype = bfloat16,
                           .extra = {{"recipe", "x = 1"}, {"empty", ""}}};
  io::save(model, folder / "a", info);
  const nn::Model loaded = io::load(folder / "a");
  EXPECT_EQ(loaded.info.name, info.name);
  EXPECT_EQ(loaded.info.description, info.description);
  EXPECT_EQ(loaded.info.class_names, info.class_names);
  EXPECT_EQ(loaded.info.input_shape, info.input_shape);
  EXPECT_EQ(loaded.info.input_dtype, info.input_dtype);
  EXPECT_EQ(loaded.info.extra, info.extra);
  io::save(loaded, folder / "b");
  EXPECT_EQ(read_text(folder / "a"), read_text(folder / "b"));
  const std::string text = io::load_safetensors(folder / "a").metadata.at("architecture");
  for (const char* fact : {"tanh", "sigmoid", "gelu", "softmax", "0.7", "0.01", "0.02", "0.25", "[2,1]", "[1,2]", "[3,2]", "[1,3]", "[2,3]",
                           "\"groups\":2", "same"}) {
    EXPECT_NE(text.find(fact), std::string::npos) << fact << " in " << text;
  }
}

// Every number, text and truth value of the architecture changed, one at a time: the file is refused, or what is loaded and saved says the
// change.
TEST(ModelFile, EveryFactOfTheArchitectureIsRead) {
  const TemporaryFolder folder;
  const nn::Sequential model{nn::Conv2D(4, 3, tanh, {.padding = same}),
                             nn::BatchNorm(),
                             nn::MaxPooling2D(2),
                             nn::Dropout(0.25),
                             nn::Flatten(),
                             nn::Dense(8, relu),
                             nn::LayerNorm()};
  nn::build(model, Shape{1, 8, 8, 2});
  io::save(model, folder / "valid");
  const nlohmann::json whole = nlohmann::json::parse(io::load_safetensors(folder / "valid").metadata.at("architecture")).flatten();
  int changes = 0;
  for (const auto& [pointer, value] : whole.items()) {
    nlohmann::json changed = whole;
    if (value.is_boolean()) changed[pointer] = !value.get<bool>();
    else if (value.is_number_integer()) changed[pointer] = value.get<int64_t>() + 1;
    else if (value.is_number()) changed[pointer] = value.get<double>() / 2;
    else if (value == "relu" || value == "tanh") changed[pointer] = "sigmoid";
    else continue;
    if (pointer == "/shared") continue;  // a number that only tells shared layers apart
    ++changes;
    std::filesystem::copy_file(folder / "valid", folder / "a", std::filesystem::copy_options::overwrite_existing);
    rewrite(folder / "a", [&](io::Safetensors& file) {
      file.metadata["architecture"] = changed.unflatten().dump();
      file.metadata.erase("checksum");
    });
    try {
      const nn::Model loaded = io::load(folder / "a");
      io::save(loaded, folder / "b");
      EXPECT_EQ(nlohmann::json::parse(io::load_safetensors(folder / "b").metadata.at("architecture")), changed.unflatten()) << pointer;
    } catch (const Error&) {
    }
  }
  EXPECT_GE(changes, 15);
}

}  // namespace
}  // namespace gradus
