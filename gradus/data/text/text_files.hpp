// Texts from files: whole, by lines, by columns, as documents. All are UTF-8, plain or gzip, with or without byte order mark, of at most
// 1 GiB; lines end with LF or CR LF. `notes.txt:3: byte 17 (0xff) of the file is not UTF-8; ...` is said of others.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace gradus::data {

/// The whole text, its line ends as LF. Throws for an empty file.
std::string read_text(const std::string& path);
/// The lines, without their ends; those that are empty or only white space are left out unless they are asked for. Throws for a file
/// without lines.
std::vector<std::string> read_lines(const std::string& path, bool keeps_empty = false);
/// The same of a text that is there; `name` is for messages. None of an empty text.
std::vector<std::string> split_lines(const std::string& name, std::string text, bool keeps_empty = false);
/// Paragraphs: what stands between empty lines. Throws for a file without any.
std::vector<std::string> read_paragraphs(const std::string& path);

/// Cells that are separated by tabs, a row a line; empty lines are left out. Each line must have at least `columns` cells; further ones
/// are left out.
///
///   for (const auto& row : data::read_tsv("cmn.txt", 2)) std::cout << row[0];   // English; row[1]: Chinese
std::vector<std::vector<std::string>> read_tsv(const std::string& path, int64_t columns);

/// Lines of two files that belong together, line by line. Throws when they are not equally many. Pairs of which a line is empty are left
/// out.
std::vector<std::pair<std::string, std::string>> read_pairs(const std::string& first_path, const std::string& second_path);

/// Works of a JSON file, as those of chinese-poetry: a list of tables, whose lines are the texts of `paragraphs` or `content`; each work
/// becomes its lines, separated by LF. Throws naming the place of what is otherwise.
std::vector<std::string> read_works(const std::string& path);

}  // namespace gradus::data
