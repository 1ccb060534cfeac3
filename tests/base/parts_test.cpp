// Text, errors, hashes and small vectors.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

#include "gradus/base/error.hpp"
#include "gradus/base/hash.hpp"
#include "gradus/base/small_vector.hpp"
#include "gradus/base/switches.hpp"
#include "gradus/base/text.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

TEST(Text, NumbersAreTheShortestThatReadBack) {
  EXPECT_EQ(concat(0.1, " ", 0.1f, " ", 1e-7, " ", 1e300, " ", -0.0), "0.1 0.1 1e-07 1e+300 -0");
  EXPECT_EQ(concat(-std::nan(""), " ", std::numeric_limits<float>::infinity(), " ", true, " ", uint8_t{200}, " ", -7),
            "nan inf true 200 -7");
  EXPECT_EQ(to_text(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
  for (const double value : {1.0 / 3, 2e-308, 123456789.125}) EXPECT_EQ(std::strtod(to_text(value).c_str(), nullptr), value);
}

TEST(Text, OfSizesIsPythonsTuple) {
  const auto text = [](std::vector<int64_t> sizes) { return to_text(std::span<const int64_t>(sizes)); };
  EXPECT_EQ(text({}), "()");
  EXPECT_EQ(text({3}), "(3,)");
  EXPECT_EQ(text({2, 3, -1}), "(2, 3, -1)");
}

TEST(Text, JoinPutsTheSeparatorBetweenOnly) {
  const std::vector<std::string> words = {"a", "b", "c"};
  EXPECT_EQ(join(words), "a, b, c");
  EXPECT_EQ(join(words, " and "), "a and b and c");
  EXPECT_EQ(join(std::vector<std::string>{"a"}), "a");
  EXPECT_EQ(join(std::vector<std::string>()), "");
}

// Two edits are near, or a third of the letters of a longer word.
TEST(Text, NearestCountsEdits) {
  const std::vector<std::string> names = {"relu", "selu", "softmax", "sigmoid", "glorot_uniform"};
  EXPECT_EQ(nearest("relu", names), "relu");
  EXPECT_EQ(nearest("elu", names), "relu");        // one letter more; the first of equals
  EXPECT_EQ(nearest("sofmax", names), "softmax");  // one less
  EXPECT_EQ(nearest("sigmiod", names), "sigmoid");  // two changed
  EXPECT_EQ(nearest("re", names), "relu");
  EXPECT_EQ(nearest("r", names), "");
  EXPECT_EQ(nearest("sigmXYZ", names), "");            // three of seven
  EXPECT_EQ(nearest("glorotuniXorY", names), "glorot_uniform");  // three of thirteen
  EXPECT_EQ(nearest("softmix", names), "softmax");
  EXPECT_EQ(nearest("x", std::vector<std::string>()), "");
}

TEST(Error, HoldsItsPartsAndTheirText) {
  try {
    fail("matmul", "a is ", 3, "; it must be ", 4);
  } catch (Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::invalid);
    EXPECT_EQ(error.place(), "matmul");
    EXPECT_EQ(error.problem(), "a is 3; it must be 4");
    EXPECT_STREQ(error.what(), "matmul: a is 3; it must be 4");
    error.set_path("Sequential > dense_1");
    error.set_path("outer");  // the innermost stays
    EXPECT_EQ(error.path(), "Sequential > dense_1");
    EXPECT_STREQ(std::move(error).with_hint("try 4").what(), "matmul: a is 3; it must be 4\n  in: Sequential > dense_1\n  hint: try 4");
  }
  const auto kind_of = [](auto f) {
    try {
      f();
    } catch (const Error& error) {
      return error.kind();
    }
    return Error::Kind::memory;
  };
  EXPECT_EQ(kind_of([] { fail_io("a", "b"); }), Error::Kind::io);
  EXPECT_EQ(kind_of([] { fail_bug("b"); }), Error::Kind::bug);
}

TEST(Error, ItsTextHoldsNothingThatATerminalObeys) {
  const Error error = Error(Error::Kind::io, "a\x1b[31m.csv", std::string("cell \"\0\a\nb\"", 11)).with_hint("\u202e");
  EXPECT_STREQ(error.what(), "a\\x1b[31m.csv: cell \"\\x00\\x07\\nb\"\n  hint: \\u202e");
  EXPECT_EQ(error.place(), "a\x1b[31m.csv");  // the fields are as they came, for programs
  EXPECT_EQ(std::string(Error(Error::Kind::io, "a", std::string(9000, 'x')).what()).size(), 9003u);
}

TEST(Hash, EachBitAndEachPlaceChangesBothHalves) {
  std::set<uint64_t> low, high;
  const auto note = [&](const std::vector<uint64_t>& words) {
    Hasher hasher;
    for (const uint64_t word : words) hasher.add(word);
    low.insert(hasher.value().low);
    high.insert(hasher.value().high);
  };
  size_t count = 0;
  for (int bit = 0; bit < 64; ++bit) {
    for (const size_t place : {0u, 1u, 2u}) {
      std::vector<uint64_t> words(3);
      words[place] = uint64_t{1} << bit;
      note(words);
      ++count;
    }
  }
  for (size_t length = 0; length < 10; ++length, ++count) note(std::vector<uint64_t>(length));
  EXPECT_EQ(low.size(), count);
  EXPECT_EQ(high.size(), count);
}

TEST(Hash, OfBytesKnowsEachByteAndTheLength) {
  std::set<uint64_t> low, high;
  size_t count = 0;
  for (size_t length = 0; length < 20; ++length) {
    for (size_t at = 0; at <= length; ++at, ++count) {
      std::string text(length, '\0');
      if (at < length) text[at] = 'x';
      Hasher hasher;
      hasher.add_bytes(text.data(), text.size());
      low.insert(hasher.value().low);
      high.insert(hasher.value().high);
    }
  }
  EXPECT_EQ(low.size(), count);
  EXPECT_EQ(high.size(), count);
}

TEST(SmallVector, DoesWhatAVectorDoes) {
  using Small = SmallVector<int, 3>;
  std::mt19937 engine(5);
  for (int round = 0; round < 200; ++round) {
    Small small;
    std::vector<int> plain;
    for (int step = 0; step < 40; ++step) {
      const int value = static_cast<int>(engine() % 100);
      const size_t at = plain.empty() ? 0 : engine() % plain.size();
      switch (engine() % 9) {
        case 0:
        case 1: small.push_back(value), plain.push_back(value); break;
        case 2: small.insert(at, value), plain.insert(plain.begin() + static_cast<std::ptrdiff_t>(at), value); break;
        case 3:
          if (!plain.empty()) small.erase(at), plain.erase(plain.begin() + static_cast<std::ptrdiff_t>(at));
          break;
        case 4:
          if (!plain.empty()) small.pop_back(), plain.pop_back();
          break;
        case 5: small.resize(static_cast<size_t>(value % 8), 7), plain.resize(static_cast<size_t>(value % 8), 7); break;
        case 6: {
          Small moved = std::move(small);
          EXPECT_TRUE(small.empty());  // NOLINT: a moved-from one is empty
          small = Small{1, 2, 3, 4, 5};
          small = std::move(moved);
          break;
        }
        case 7: {
          const Small copy = small;
          small.push_back(1);
          EXPECT_FALSE(copy == small);
          small = copy;
          break;
        }
        default: {
          Small& same = small;
          small = same;
          if (!plain.empty()) {
            EXPECT_EQ(small.back(), plain.back());
          }
        }
      }
      ASSERT_EQ(std::vector<int>(small.begin(), small.end()), plain);
      ASSERT_EQ(small.size(), plain.size());
      ASSERT_EQ(small.empty(), plain.empty());
    }
  }
  EXPECT_EQ(Small(4, 9), (Small{9, 9, 9, 9}));
  EXPECT_FALSE((Small{1, 2} == Small{1, 2, 3}));
  EXPECT_FALSE((Small{1, 2} == Small{1, 3}));
}

TEST(Switches, ZeroIsOffAndEmptyIsAbsent) {
  const char* name = "GRADUS_SWITCH_OF_A_TEST";
  ::unsetenv(name);
  EXPECT_FALSE(is_switched_on(name));
  EXPECT_TRUE(is_switched_on(name, true));
  for (const auto& [text, is_on] : {std::pair{"0", false}, {"1", true}, {"yes", true}, {"00", true}}) {
    ::setenv(name, text, 1);
    EXPECT_EQ(is_switched_on(name), is_on) << text;
    EXPECT_EQ(is_switched_on(name, true), is_on) << text;
  }
  ::setenv(name, "", 1);
  EXPECT_FALSE(is_switched_on(name));
  EXPECT_TRUE(is_switched_on(name, true));
  ::unsetenv(name);
}

}  // namespace
}  // namespace gradus
