// Text from files and recipes as it may be printed on a terminal, or stand in a CSV file.
#pragma once

#include <string>
#include <string_view>

namespace gradus::core {

/// `text` with what a terminal would obey, and what is no UTF-8, written as \n, \t, \x1b, \u202e ...: control characters, also those of
/// two bytes, and marks that turn the direction of writing. Of a long text the first `limit` bytes, then "... (123456 bytes)".
std::string printable(std::string_view text, size_t limit = 4000);

bool is_utf8(std::string_view text);

/// A cell of CSV (RFC 4180): in quotes where it holds a comma, a quote or a line break.
std::string csv_cell(std::string_view text);
/// The same of a text that somebody else has written: one that a spreadsheet would take for a formula (it begins with =, +, -, @, a tab or a
/// line break, and is no number) gets an apostrophe in front, which keeps it a text.
std::string csv_text_cell(std::string_view text);

}  // namespace gradus::core
