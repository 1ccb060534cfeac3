// Sealed and signed files: what was written comes back, and nothing else does.
#include "gradus/io/sealed.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::read_text;
using testing::TemporaryFolder;
using testing::without_path;
using testing::write_text;

constexpr io::SealOptions kCheap{.memory = 8192, .passes = 1};
io::SealKey passphrase(std::string_view text = "correct horse") { return io::SealKey::from_passphrase(text); }

// "" where this build can seal.
std::string without_sodium() {
  return error_of([] { io::SealKey::random(); });
}
#define NEEDS_SODIUM() \
  if (!without_sodium().empty()) GTEST_SKIP() << without_sodium()

std::string with_number(std::string bytes, size_t at, uint64_t number) {
  for (size_t i = 0; i < 8; ++i) bytes[at + i] = static_cast<char>(number >> (8 * i));
  return bytes;
}

TEST(Sealed, ModelsComeBackAndNothingIsInTheClear) {
  NEEDS_SODIUM();
  const TemporaryFolder folder;
  const std::string path = folder / "m.gradus";
  random::seed(1);
  nn::Sequential model{nn::Dense(300, relu), nn::Dense(3)};
  const Array x = random::normal({4, 200}), y = model(x).eval();
  for (const io::SealKey& key : {passphrase(), io::SealKey::random()}) {
    io::save_sealed(model, path, key, nn::ModelInfo{.name = "a secret name"}, kCheap);
    EXPECT_EQ(folder.count(), 1);
    const std::string bytes = read_text(path);
    for (const char* word : {"secret name", "Dense", "kernel", "architecture"}) EXPECT_EQ(bytes.find(word), std::string::npos) << word;
    EXPECT_TRUE(io::is_sealed(path));
    const nn::Model loaded = io::load(path, key);
    EXPECT_TRUE(array_equal(loaded(x), y));
    EXPECT_EQ(loaded.info.name, "a secret name");
    nn::Sequential other{nn::Dense(300, relu), nn::Dense(3)};
    nn::build(other, {1, 200});
    const io::UnsealScope scope([&](const std::string& asked) {
      EXPECT_EQ(asked, path);
      return key;
    });
    io::load(other, path);
    EXPECT_TRUE(array_equal(other(x), y));
    EXPECT_FALSE(io::load(other, path, {.only = {"0.**"}}).loaded.empty());
  }
}

TEST(Sealed, ErrorsTellWrongKeysFromDamage) {
  NEEDS_SODIUM();
  const TemporaryFolder folder;
  const std::string plain = folder / "plain", path = folder / "s";
  write_text(plain, "content");
  io::seal(plain, path, passphrase(), kCheap);
  const auto error = [&](const io::SealKey& key) {
    return without_path(error_of([&] { io::unseal(path, folder / "out", key); }), folder.path());
  };
  EXPECT_EQ(error(passphrase("wrong")), "PATH/s: the passphrase is wrong, or the header of the file is damaged");
  EXPECT_EQ(error(io::SealKey::random()), "PATH/s: is sealed by a passphrase, and the key given is another kind");
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  EXPECT_EQ(
      without_path(error_of([&] { io::load(path); }), folder.path()),
      "PATH/s: is sealed, and no key is given\n  hint: io::load(path, io::SealKey::from_passphrase(...)), or an io::UnsealScope around "
      "what reads it");
  EXPECT_EQ(without_path(error_of([&] { io::load(plain, passphrase()); }), folder.path()),
            "PATH/plain: is not sealed; a file that anybody could have changed is not taken for one that needs a key");
  EXPECT_EQ(without_path(error_of([&] { io::seal(path, path, passphrase()); }), folder.path()), "PATH/s: is sealed already");
  EXPECT_EQ(error_of([] { passphrase(""); }), "seal: the passphrase is empty");
  const io::SealKey key = io::SealKey::random();
  io::seal(plain, path, key);
  EXPECT_EQ(error(io::SealKey::random()), "PATH/s: the key is wrong, or the header of the file is damaged");
}

TEST(Sealed, SizesAroundOnePieceComeBack) {
  NEEDS_SODIUM();
  const TemporaryFolder folder;
  const io::SealKey key = io::SealKey::random();
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65535}, size_t{65536}, size_t{65537}, size_t{131072}, size_t{200000}}) {
    std::string content(size, ' ');
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31 >> 3);
    write_text(folder / "a", content);
    io::seal(folder / "a", folder / "b", key);
    io::unseal(folder / "b", folder / "c", key);
    EXPECT_EQ(read_text(folder / "c"), content) << size;
  }
}

TEST(Sealed, TheSameContentIsSealedAnew) {
  NEEDS_SODIUM();
  const TemporaryFolder folder;
  const io::SealKey key = io::SealKey::random();
  write_text(folder / "a", "content");
  io::seal(folder / "a", folder / "b", key);
  io::seal(folder / "a", folder / "c", key);
  EXPECT_NE(read_text(folder / "b"), read_text(folder / "c"));
}

TEST(Sealed, EveryChangedByteIsNoticed) {
  NEEDS_SODIUM();
  const TemporaryFolder folder;
  const io::SealKey key = io::SealKey::random();
  write_text(folder / "a", std::string(140'000, 'x'));
  io::seal(folder / "a", folder / "b", key);
  const std::string good = read_text(folder / "b");
  std::vector<size_t> places;
  for (size_t i = 0; i < 130; ++i) places.push_back(i);  // all of the header
  for (size_t i = 0; i < 40; ++i) places.push_back(130 + (good.size() - 131) * i / 39);
  for (const size_t place : places) {
    std::string bad = good;
    bad[place] = static_cast<char>(bad[place] ^ 1 << place % 8);
    write_text(folder / "b", bad);
    EXPECT_NE(error_of([&] { io::unseal(folder / "b", folder / "c", key); }), "") << place;
  }
  for (const size_t size : {size_t{0}, size_t{7}, size_t{8}, size_t{103}, size_t{104}, size_t{121}, good.size() / 2, good.size() - 1}) {
    write_text(folder / "b", good.substr(0, size));
    EXPECT_NE(error_of([&] { io::unseal(folder / "b", folder / "c", key); }), "") << size;
  }
  constexpr size_t header = 104, piece = 65536 + 17;
  const std::string first = good.substr(header, piece), second = good.substr(header + piece, piece), rest = good.substr(header + 2 * piece);
  for (const std::string& moved : {second + first + rest, first + first + rest, second + second + rest}) {
    write_text(folder / "b", good.substr(0, header) + moved);
    EXPECT_NE(error_of([&] { io::unseal(folder / "b", folder / "c", key); }).find("is damaged in piece"), std::string::npos);
  }
  // The file less one piece, with a header that says so.
  write_text(folder / "b", with_number(good.substr(0, header), 32, 140'000 - 65536) + first + rest);
  EXPECT_NE(error_of([&] { io::unseal(folder / "b", folder / "c", key); }), "");
  write_text(folder / "b", good + "x");
  EXPECT_NE(error_of([&] { io::unseal(folder / "b", folder / "c", key); }).find("it is cut short or damaged"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "c"));
}

TEST(Sealed, KeyFilesAreTheirOwnersAlone) {
  NEEDS_SODIUM();
  const TemporaryFolder folder;
  const io::SealKey key = io::SealKey::random();
  key.write(folder / "key");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  write_text(folder / "a", "content");
  io::seal(folder / "a", folder / "b", io::SealKey::from_file(folder / "key"));
  io::unseal(folder / "b", folder / "c", key);
  EXPECT_EQ(read_text(folder / "c"), "content");
  EXPECT_EQ(without_path(error_of([&] { key.write(folder / "key"); }), folder.path()),
            "PATH/key: is there already; a key is not written over another one");
  EXPECT_EQ(error_of([&] { passphrase().write(folder / "other"); }).rfind("seal: a passphrase is not written to a file", 0), 0u);
  const std::string good = read_text(folder / "key");
  for (const std::string& bad :
       {std::string(), good.substr(1), good.substr(0, good.size() - 2), good + "0", std::string("gradus-key zz")}) {
    write_text(folder / "bad", bad);
    EXPECT_NE(error_of([&] { io::SealKey::from_file(folder / "bad"); }).find("is no key file"), std::string::npos) << bad;
  }
}

TEST(Signed, OnlyWhatWasSignedPasses) {
  NEEDS_SODIUM();
  const TemporaryFolder folder;
  const io::SigningKey key = io::SigningKey::random(), other = io::SigningKey::random();
  key.write(folder / "signing");
  const io::SigningKey again = io::SigningKey::from_file(folder / "signing");
  EXPECT_EQ(again.public_key(), key.public_key());
  EXPECT_EQ(key.public_key().size(), 64u);
  const std::string path = folder / "m";
  write_text(path, std::string(150'000, 'm'));
  io::sign(path, again);
  io::verify(path, key.public_key());
  EXPECT_EQ(without_path(error_of([&] { io::verify(path, other.public_key()); }), folder.path()),
            concat("PATH/m: is signed by ", key.public_key(), ", and not by ", other.public_key()));
  EXPECT_EQ(error_of([&] { io::verify(path, "abc"); }), "verify: the public key has 3 characters; it must be 64 hexadecimal digits");
  // Each byte of the file and of the signature counts.
  const std::string content = read_text(path), signature = read_text(path + ".sig");
  for (const size_t place : {size_t{0}, size_t{70'000}, content.size() - 1}) {
    std::string bad = content;
    bad[place] ^= 1;
    write_text(path, bad);
    EXPECT_NE(error_of([&] { io::verify(path, key.public_key()); }).find("is not what"), std::string::npos) << place;
  }
  write_text(path, content + "m");
  EXPECT_NE(error_of([&] { io::verify(path, key.public_key()); }), "");
  write_text(path, content);
  for (size_t place = 0; place < signature.size() - 1; ++place) {
    std::string bad = signature;
    bad[place] ^= 1;
    write_text(path + ".sig", bad);
    EXPECT_NE(error_of([&] { io::verify(path, key.public_key()); }), "") << place;
  }
  // Somebody else's signature with the owner's name on it.
  io::sign(path, other);
  std::string forged = read_text(path + ".sig");
  forged.replace(forged.find(other.public_key()), 64, key.public_key());
  write_text(path + ".sig", forged);
  EXPECT_NE(error_of([&] { io::verify(path, key.public_key()); }).find("is not what"), std::string::npos);
  std::filesystem::remove(path + ".sig");
  EXPECT_NE(error_of([&] { io::verify(path, key.public_key()); }), "");
}

}  // namespace

}  // namespace gradus
