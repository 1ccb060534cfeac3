// Damaged safetensors, model files and sealed files.
#include "tests/damage.hpp"

#include "gradus/gradus.hpp"
#include "gradus/io/model_file.hpp"
#include "gradus/io/safetensors.hpp"
#include "gradus/io/sealed.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::read_text;
using testing::TemporaryFolder;
using testing::without_path;
using testing::write_text;

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
    case 0:
      return testing::damaged(file, seed);
    case 1:
      return with_header(file, testing::damaged(header, seed));
    default:
      return with_header(file, testing::with_odd_number(header, seed));
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

// ---- sealed files

constexpr io::SealOptions kCheap{.memory = 8192, .passes = 1};
io::SealKey passphrase() { return io::SealKey::from_passphrase("correct horse"); }
#define NEEDS_SODIUM() \
  if (const std::string problem = error_of([] { io::SealKey::random(); }); !problem.empty()) GTEST_SKIP() << problem

std::string with_number(std::string bytes, size_t at, uint64_t number) {
  for (size_t i = 0; i < 8; ++i) bytes[at + i] = static_cast<char>(number >> (8 * i));
  return bytes;
}

TEST(Sealed, HostileHeadersCostNothing) {
  NEEDS_SODIUM();
  const TemporaryFolder folder;
  write_text(folder / "a", "content");
  io::seal(folder / "a", folder / "b", passphrase(), kCheap);
  const std::string good = read_text(folder / "b");
  const auto error = [&](size_t at, uint64_t number) {
    write_text(folder / "b", with_number(good, at, number));
    std::string text;
    testing::expect_careful(
        [&] { text = without_path(error_of([&] { io::unseal(folder / "b", folder / "c", passphrase()); }), folder.path()); }, 1 << 20,
        "hostile");
    return text;
  };
  const std::string limits = "; they may be 8192 to 1073741824, and 1 to 16";
  EXPECT_EQ(error(24, uint64_t{100} << 30), "PATH/b: its key would be made in 107374182400 bytes of memory and 1 passes" + limits);
  EXPECT_EQ(error(24, 0), "PATH/b: its key would be made in 0 bytes of memory and 1 passes" + limits);
  EXPECT_EQ(error(16, 1'000'000), "PATH/b: its key would be made in 8192 bytes of memory and 1000000 passes" + limits);
  EXPECT_EQ(error(16, 0), "PATH/b: its key would be made in 8192 bytes of memory and 0 passes" + limits);
  EXPECT_EQ(error(32, uint64_t{1} << 62),
            "PATH/b: is sealed content of 4611686018427387904 bytes by its header, and the file has 128; it is cut short or damaged");
  EXPECT_EQ(error(32, ~uint64_t{0}).find("PATH/b: is sealed content of 18446744073709551615 bytes"), 0u);
  EXPECT_EQ(error(8, 2), "PATH/b: is sealed in a way that this program does not know, or its header is damaged");
  EXPECT_EQ(error(96, 1), "PATH/b: is sealed in a way that this program does not know, or its header is damaged");
  EXPECT_EQ(error_of([&] { io::seal(folder / "a", folder / "d", passphrase(), {.memory = int64_t{1} << 40}); }),
            "seal: its key would be made in 1099511627776 bytes of memory and 3 passes" + limits);
}

TEST(Sealed, DamagedFilesAreRefused) {
  NEEDS_SODIUM();
  const TemporaryFolder folder;
  const io::SealKey key = io::SealKey::random();
  nn::Sequential model{nn::Dense(3)};
  model(zeros({1, 2}));
  io::save_sealed(model, folder / "m", key);
  const std::string good = read_text(folder / "m");
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const std::string bad = testing::damaged(good, seed);
    if (bad == good) continue;
    write_text(folder / "m", bad);
    testing::expect_careful([&] { io::load(folder / "m", key); }, 4 << 20, concat("seed ", seed));
    EXPECT_NE(error_of([&] { io::load(folder / "m", key); }), "") << seed;
  }
}

}  // namespace
}  // namespace gradus
