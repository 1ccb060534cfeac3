// Text for terminals and for CSV.
#include "gradus/base/printable.hpp"

#include <gtest/gtest.h>

namespace gradus {

using namespace core;
namespace {

TEST(Printable, OrdinaryTextStaysAsItIs) {
  EXPECT_EQ(printable("T-shirt/top \"a\" \\ ~"), "T-shirt/top \"a\" \\ ~");
  EXPECT_EQ(printable("Ä 猫 😀 \u00a0"), "Ä 猫 😀 \u00a0");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, WhatATerminalObeysIsWritten) {
  EXPECT_EQ(printable("a\x1b[31mred\x1b]0;title\x07"), "a\\x1b[31mred\\x1b]0;title\\x07");
  EXPECT_EQ(printable(std::string_view("a\0b\n\t\r\x7f", 7)), "a\\x00b\\n\\t\\x0d\\x7f");
  EXPECT_EQ(printable("\u009b31m\u202eabc\u2066\u2028"), "\\x9b31m\\u202eabc\\u2066\\u2028");
}

TEST(Printable, WhatIsNoUtf8IsWrittenByteByByte) {
  EXPECT_EQ(printable("\x9b\xff"), "\\x9b\\xff");
  EXPECT_EQ(printable("\xc3"), "\\xc3");
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");          // overlong
  EXPECT_EQ(printable("\xe0\x82\x9b"), "\\xe0\\x82\\x9b");  // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Printable, TheEndsOfEachRange) {
  // Codes of two, three and four bytes; on both sides of the surrogates; the last code.
  for (const char* text :
       {"\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(printable(text), text);
  }
  EXPECT_EQ(printable("\xed\xbf\xbf"), "\\xed\\xbf\\xbf");
  EXPECT_EQ(printable("\xf0\x8f\xbf\xbf"), "\\xf0\\x8f\\xbf\\xbf");
  // What terminals obey, and the codes beside it.
  EXPECT_EQ(printable("\x1f \x7e\x7f\u0080\u009f\u00a0"), "\\x1f \x7e\\x7f\\x80\\x9f\u00a0");
  EXPECT_EQ(printable("\u200d\u200e\u200f\u2010"), "\u200d\\u200e\\u200f\u2010");
  EXPECT_EQ(printable("\u2027\u2028\u202e\u202f"), "\u2027\\u2028\\u202e\u202f");
  EXPECT_EQ(printable("\u2065\u2066\u2069\u206a"), "\u2065\\u2066\\u2069\u206a");
}

TEST(Printable, LongTextIsCutOff) {
  EXPECT_EQ(printable(std::string(5000, 'x')), std::string(4000, 'x') + "... (5000 bytes)");
  EXPECT_EQ(printable("abc", 2), "ab... (3 bytes)");
}

TEST(CsvCell, IsQuotedWhereItMustBe) {
  EXPECT_EQ(csv_cell("a b"), "a b");
  EXPECT_EQ(csv_cell("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_cell("a\"b\nc"), "\"a\"\"b\nc\"");
}

}  // namespace
}  // namespace gradus
