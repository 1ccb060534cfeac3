// Damaged safetensors and model files.
#include "tests/damage.hpp"

#include "gradus/gradus.hpp"
#include "gradus/io/model_file.hpp"
#include "gradus/io/safetensors.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::TemporaryFolder;

constexpr uint32_t kCopies = 1000;
// A JSON value is some tens of bytes in memory for two in the file; messages and the layers themselves come on top.
constexpr int64_t kTimes = 64, kMore = 1 << 18;

int64_t limit_for(const std::string& file) { return kTimes * static_cast<int64_t>(file.size()) + kMore; }

size_t header_bytes(const std::string& file) {
  size_t length = 0;
  for (int i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(file[static_cast<size_t>(i)]);
  return length;
}

// The same file with another header, its length put right, so that what it says is read.
std::string with_header(const std::string& file, const std::string& header) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return out + header + file.substr(8 + header_bytes(file));
}

// Damage anywhere, in the header's text, or in one of its numbers.
std::string damaged_file(const std::string& file, uint32_t seed) {
  const std::string header = file.substr(8, header_bytes(file));
  switch (seed % 3) {
    case 0: return testing::damaged(file, seed);
    case 1: return with_header(file, testing::damaged(header, seed));
    default: return with_header(file, testing::with_odd_number(header, seed));
  }
}

std::string safetensors_file() {
  const TemporaryFolder folder;
  io::save_safetensors(folder / "a",
                       {{"x", array({{1.0, 2.0}, {3.0, 4.0}})}, {"flags", array({true, false})}, {"n", arange(5)}, {"none", zeros({0, 3})}},
                       {{"author", "a"}, {"note", "b"}});
  return testing::read_text(folder / "a");
}

// Without the checksum, which would refuse whatever is damaged before the rest is looked at.
std::string without_checksum(const std::string& path) {
  io::Safetensors file = io::load_safetensors(path);
  file.metadata.erase("checksum");
  io::save_safetensors(path, file.arrays, file.metadata);
  return testing::read_text(path);
}

nn::Sequential every_layer() {
  nn::Sequential model{nn::Conv2D(4, 3, relu, {.padding = same}),
                       nn::BatchNorm(),
                       nn::Residual(nn::Conv2D(4, {1, 3}, tanh, {.padding = same, .groups = 2})),
                       nn::MaxPooling2D(2),
                       nn::AveragePooling2D(2, {.strides = 1, .padding = same}),
                       nn::Dropout(0.5),
                       nn::Flatten(),
                       nn::Dense(8, sigmoid),
                       nn::LayerNorm(),
                       nn::Sequential{nn::Dense(3), nn::Activation(softmax)}};
  nn::build(model, {1, 8, 8, 2});
  return model;
}

TEST(DamagedSafetensors, ThrowsOrLoads) {
  const std::string valid = safetensors_file();
  for (uint32_t seed = 0; seed < kCopies; ++seed) {
    const std::string file = damaged_file(valid, seed);
    testing::expect_careful([&] { io::parse_safetensors(std::as_bytes(std::span(file)), "file"); }, limit_for(file), concat("seed ", seed));
  }
}

// What loads may still be wrong: a call of it throws or gives a result, and its memory limit holds.
TEST(DamagedModelFile, ThrowsOrLoadsAModelThatThrowsOrRuns) {
  const TemporaryFolder folder;
  io::save(every_layer(), folder / "valid", {.name = "m", .class_names = {"a", "b", "c"}, .input_shape = {8, 8, 2}});
  const std::string valid = without_checksum(folder / "valid");
  const Array x = random::normal(random::key(1), {1, 8, 8, 2}).eval();
  const int64_t limit_before = memory_limit();
  set_memory_limit(memory_use().live + (int64_t{64} << 20));
  for (uint32_t seed = 0; seed < kCopies; ++seed) {
    const std::string file = damaged_file(valid, seed), what = concat("seed ", seed);
    testing::write_text(folder / "a", file);
    std::optional<nn::Model> model;
    testing::expect_careful([&] { model = io::load(folder / "a"); }, limit_for(file), what);
    if (model) testing::expect_careful([&] { (*model)(x).eval(); }, int64_t{64} << 20, what + ", called");
  }
  set_memory_limit(limit_before);
}

TEST(DamagedModelFile, ThrowsOrFillsAModelOfOnesOwn) {
  const TemporaryFolder folder;
  const nn::Sequential model = every_layer();
  io::save(model, folder / "valid");
  const std::string valid = without_checksum(folder / "valid");
  for (uint32_t seed = 0; seed < kCopies; ++seed) {
    const std::string file = damaged_file(valid, seed);
    testing::write_text(folder / "a", file);
    nn::Sequential own = model;
    testing::expect_careful([&] { io::load(own, folder / "a"); }, limit_for(file), concat("seed ", seed));
  }
}

}  // namespace
}  // namespace gradus
