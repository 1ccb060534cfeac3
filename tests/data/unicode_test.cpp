// UTF-8 and what characters are.
#include "gradus/data/text/unicode.hpp"

#include "gradus/data/text/byte_level.hpp"
#include "gradus/data/text/utf8.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

TEST(Utf8, TheFirstWrongByteIsFound) {
  const std::pair<std::string, int64_t> cases[] = {{"", -1},
                                                   {"plain ASCII of some length", -1},
                                                   {"\xC2\x80 \xDF\xBF", -1},
                                                   {"\xE0\xA0\x80 \xED\x9F\xBF \xEE\x80\x80 \xEF\xBF\xBF", -1},
                                                   {"\xF0\x90\x80\x80 \xF4\x8F\xBF\xBF", -1},
                                                   {"0123456789\x80", 10},  // a later byte
                                                   {"a\xC0\xAF", 1},        // overlong
                                                   {"a\xC1\xBF", 1},
                                                   {"\xE0\x9F\xBF", 0},
                                                   {"\xF0\x8F\xBF\xBF", 0},
                                                   {"ab\xED\xA0\x80", 2},    // a surrogate
                                                   {"\xF4\x90\x80\x80", 0},  // above U+10FFFF
                                                   {"\xF5\x80\x80\x80", 0},
                                                   {"abcdefgh\xE6\xB7", 8},  // cut off
                                                   {"\xE6\xB7"
                                                    "a",
                                                    0},
                                                   {"\xFF", 0}};
  for (const auto& [text, at] : cases) EXPECT_EQ(data::invalid_utf8(text), at) << ::testing::PrintToString(text);
}

TEST(Utf8, ErrorsNameOffsetAndLine) {
  EXPECT_EQ(error_of([] { data::check_utf8("encode", "abc\xFF"); }), "encode: byte 3 (0xff) is not UTF-8; save the text as UTF-8");
  EXPECT_EQ(error_of([] { data::check_utf8_file("a.txt", "x\ny\nab\xC3"); }),
            "a.txt:3: byte 6 (0xc3) of the file is not UTF-8; save the text as UTF-8");
}

TEST(Utf8, CodePointsGoAndComeBack) {
  for (char32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 61) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text = "a";
    data::append_code_point(text, c);
    ASSERT_EQ(data::invalid_utf8(text), -1);
    size_t at = 1, end = text.size();
    EXPECT_EQ(data::next_code_point(text, at), c);
    EXPECT_EQ(at, text.size());
    EXPECT_EQ(data::code_point_before(text, end), c);
    EXPECT_EQ(end, 1u);
    EXPECT_EQ(data::count_code_points(text), 2);
  }
}

TEST(Utf8, BrokenCharactersBecomeOneReplacementForEachBeginning) {
  EXPECT_EQ(data::replace_invalid_utf8("a\xE6\xB7"
                                       "b"),
            "a\uFFFDb");
  EXPECT_EQ(data::replace_invalid_utf8("\xF0\x9F\x98"), "\uFFFD");
  EXPECT_EQ(data::replace_invalid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(data::replace_invalid_utf8("\x80\xC0z"), "\uFFFD\uFFFDz");
  EXPECT_EQ(data::replace_invalid_utf8("深度"), "深度");
}

TEST(Utf8, OnlyABeginningOfACharacterIsUnfinished) {
  EXPECT_EQ(data::unfinished_utf8("a\xF0\x9F\x98"), 3u);
  EXPECT_EQ(data::unfinished_utf8("a\xE6"), 1u);
  EXPECT_EQ(data::unfinished_utf8("a深"), 0u);
  EXPECT_EQ(data::unfinished_utf8("a\x98"), 0u);
  EXPECT_EQ(data::unfinished_utf8("\xED\xA0"), 0u);
  EXPECT_EQ(data::unfinished_utf8(""), 0u);
}

TEST(Unicode, NormalFormsAreThoseOfTheAnnex) {
  using enum data::NormalForm;
  const auto forms = [](const char* text) {
    return std::vector<std::string>{data::normal_form(text, nfc), data::normal_form(text, nfd), data::normal_form(text, nfkc),
                                    data::normal_form(text, nfkd)};
  };
  using Four = std::vector<std::string>;
  EXPECT_EQ(forms("\u00C5"), (Four{"\u00C5", "A\u030A", "\u00C5", "A\u030A"}));
  EXPECT_EQ(forms("\u212B"), (Four{"\u00C5", "A\u030A", "\u00C5", "A\u030A"}));  // the sign of the unit: never itself again
  EXPECT_EQ(forms("\uFB01"), (Four{"\uFB01", "\uFB01", "fi", "fi"}));
  EXPECT_EQ(forms("\u1E9B\u0323"), (Four{"\u1E9B\u0323", "\u017F\u0323\u0307", "\u1E69", "s\u0323\u0307"}));
  EXPECT_EQ(forms("\uD55C"), (Four{"\uD55C", "\u1112\u1161\u11AB", "\uD55C", "\u1112\u1161\u11AB"}));
  EXPECT_EQ(data::normal_form("\u1112\u1161\u11AB", nfc), "\uD55C");
  EXPECT_EQ(data::normal_form("\uAC00\u11A8", nfc), "\uAC01");
  EXPECT_EQ(data::normal_form("\uAC00\u11A7", nfc), "\uAC00\u11A7");    // one before the first final consonant
  EXPECT_EQ(data::normal_form("a\u0301\u0316", nfd), "a\u0316\u0301");  // marks in order of their classes
  EXPECT_EQ(data::normal_form("a\u0316\u0301", nfc), "\u00E1\u0316");
  EXPECT_EQ(data::normal_form("a\u0301\u0300", nfc), "\u00E1\u0300");  // blocked by one of the same class
  EXPECT_EQ(data::normal_form("\u0958", nfc), "\u0915\u093C");         // excluded from composition
  EXPECT_EQ(data::normal_form("\u01D6", nfd), "u\u0308\u0304");
  EXPECT_EQ(data::normal_form("u\u0308\u0304", nfc), "\u01D6");
  EXPECT_EQ(data::normal_form("plain", nfkc), "plain");
}

TEST(Unicode, LowerCaseMayBeTwoCharacters) {
  const auto lower = [](char32_t c) {
    std::u32string out;
    data::lower_case(c, [&](char32_t each) { out += each; });
    return out;
  };
  EXPECT_EQ(lower(U'A'), U"a");
  EXPECT_EQ(lower(U'É'), U"é");
  EXPECT_EQ(lower(U'\u0130'), U"i\u0307");
  EXPECT_EQ(lower(U'Σ'), U"σ");
  EXPECT_EQ(lower(U'ß'), U"ß");
  EXPECT_EQ(lower(U'\u1E9E'), U"ß");
  EXPECT_EQ(lower(U'\U00010400'), U"\U00010428");
  EXPECT_EQ(lower(U'['), U"[");
}

TEST(Unicode, ClassesTellLettersMarksAndSigns) {
  const auto is = [](char32_t c, uint8_t classes) { return data::is_any(c, classes); };
  EXPECT_TRUE(is(U'é', data::kLetter) && is(U'深', data::kLetter) && is(U'ǅ', data::kLetter) && !is(U'1', data::kLetter));
  EXPECT_TRUE(is(U'²', data::kNumber) && is(U'Ⅷ', data::kNumber) && is(U'٣', data::kNumber) && !is(U'a', data::kNumber));
  EXPECT_TRUE(is(U'$', data::kPunctuation) && is(U'。', data::kPunctuation) && is(U'—', data::kPunctuation) &&
              !is(U'€', data::kPunctuation));
  EXPECT_TRUE(is(U'\0', data::kControl) && is(U'\u200B', data::kControl) && is(U'\uE000', data::kControl) && !is(U'\n', data::kControl));
  EXPECT_TRUE(is(U'\u0301', data::kNonspacing) && !is(U'\u0903', data::kNonspacing) && is(U'\u0903', data::kCombining));
  EXPECT_TRUE(is(U'_', data::kWord) && is(U'\u0301', data::kWord) && !is(U'-', data::kWord) && !is(U' ', data::kWord));
  EXPECT_FALSE(is(static_cast<char32_t>(0x110000), 255));
}

// Words of a text, by the function that tells where one ends.
template <class End>
std::vector<std::string> words(std::string_view text, End end) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t next = end(text, at);
    out.emplace_back(text.substr(at, next - at));
    at = next;
  }
  return out;
}
using Words = std::vector<std::string>;

TEST(ByteLevel, WordsAreThoseOfGpt2) {
  const auto cut = [](std::string_view text) { return words(text, data::gpt2_word_end); };
  EXPECT_EQ(cut("I'll don't it's 'tis"), (Words{"I", "'ll", " don", "'t", " it", "'s", " '", "tis"}));
  EXPECT_EQ(cut("a  b   c "), (Words{"a", " ", " b", "  ", " c", " "}));
  EXPECT_EQ(cut("x\ny\n\nz\n \n"), (Words{"x", "\n", "y", "\n", "\n", "z", "\n \n"}));
  EXPECT_EQ(cut("abc123!?é深"), (Words{"abc", "123", "!?", "é深"}));
  EXPECT_EQ(cut("'S 'RE"), (Words{"'", "S", " '", "RE"}));
  EXPECT_EQ(cut("\u00A0x"), (Words{"\u00A0", "x"}));
}

TEST(ByteLevel, WordsAreThoseOfLlama3) {
  const auto cut = [](std::string_view text) {
    return words(text, [](std::string_view t, size_t at) { return data::gpt4_word_end(t, at, 3); });
  };
  EXPECT_EQ(cut("I'LL 12345 (a)"), (Words{"I", "'LL", " ", "123", "45", " (", "a", ")"}));
  EXPECT_EQ(cut("a \n\n  b"), (Words{"a", " \n\n", " ", " b"}));
  EXPECT_EQ(cut("!?\n\nx\tz"), (Words{"!?\n\n", "x", "\tz"}));
  EXPECT_EQ(words("1234", [](std::string_view t, size_t at) { return data::gpt4_word_end(t, at, 1); }), (Words{"1", "2", "3", "4"}));
}

TEST(ByteLevel, EachByteHasACharacter) {
  for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(data::byte_of_character(data::character_of_byte(static_cast<uint8_t>(byte))), byte);
  EXPECT_EQ(data::character_of_byte(' '), U'Ġ');
  EXPECT_EQ(data::character_of_byte('\n'), U'Ċ');
  EXPECT_EQ(data::character_of_byte(0xAD), U'\u0143');
  EXPECT_EQ(data::byte_of_character(U'深'), -1);
  EXPECT_EQ(data::byte_of_character(U' '), -1);
}

}  // namespace
}  // namespace gradus
