// The contracts: whatever the public headers declare has a `///` comment above it, or above the group that it stands in. A group ends at a
// blank line. Members of classes are not looked at, nor are the namespaces of the library's insides: core, rule and detail.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

namespace {

// The public headers, as cmake/GradusInstall.cmake finds them: those that gradus/gradus.hpp reaches.
std::vector<std::string> public_headers() {
  static const std::regex pattern("^#include \"(gradus/[^\"]+)\"");
  std::vector<std::string> found{"gradus/gradus.hpp"};
  for (size_t next = 0; next < found.size(); ++next) {
    std::ifstream text(std::filesystem::path(GRADUS_SOURCE_DIR) / found[next]);
    EXPECT_TRUE(text) << found[next];
    for (std::string line; std::getline(text, line);) {
      std::smatch match;
      if (std::regex_search(line, match, pattern) && std::find(found.begin(), found.end(), match[1]) == found.end())
        found.push_back(match[1]);
    }
  }
  return found;
}

// The line without comments, and with nothing inside its texts and characters.
std::string code_of(const std::string& line) {
  static const std::regex text(R"("(\\.|[^"\\])*")"), character(R"('(\\.|[^'\\])')"), inside(R"(/\*.*?\*/)"), rest(R"(\s*//.*$)");
  std::string code = std::regex_replace(line, text, "\"\"");
  for (const std::regex* pattern : {&character, &inside, &rest}) code = std::regex_replace(code, *pattern, "");
  return code;
}

// `struct` and the like without a body, using without `=`, members defined outside of their class, and what is no declaration at all.
bool is_exempt(const std::string& declaration) {
  static const std::regex no_contract(
      R"(^\s*((template\s*<.*>\s*)?(class|struct|enum class|enum)\s+\w+\s*;|using\s+[^=]*;|friend\b|static_assert\b|GRADUS_\w+\())");
  static const std::regex member(R"(^[^({=]*\b\w+::(\w+|operator\S+)\s*\()");
  return std::regex_search(declaration, no_contract) || std::regex_search(declaration, member);
}

struct Declaration {
  std::string place;  // "gradus/ops/sort.hpp:12"
  std::string text;   // its first line that is no template<>
  bool has_contract;
};

// Reads a header line by line: namespaces make a stack; a declaration reaches from its first line to the one that ends it, at depth 0.
class Reader {
 public:
  explicit Reader(std::string header) : header_(std::move(header)) {}

  std::vector<Declaration> read() {
    std::ifstream text(std::filesystem::path(GRADUS_SOURCE_DIR) / header_);
    for (std::string line; std::getline(text, line);) {
      ++number_;
      const bool is_macro = in_macro_ || (depth_ == 0 && line.starts_with("#"));
      in_macro_ = is_macro && line.ends_with("\\");
      if (!is_macro) take(line);
    }
    EXPECT_TRUE(scopes_.empty() && declaration_.empty()) << header_ << " is not understood: " << declaration_;
    return std::move(found_);
  }

 private:
  void take(const std::string& line) {
    static const std::regex opening(R"(^\s*namespace ([\w:]+) \{$)"), contract(R"(^\s*///( |$))"), blank(R"(^\s*$)");
    const std::string code = code_of(line);
    std::smatch match;
    if (!declaration_.empty()) return add(line, code);
    if (std::regex_search(line, contract)) has_contract_ = true;
    else if (std::regex_match(line, blank)) has_contract_ = false;
    else if (std::regex_search(code, match, opening)) open(match[1]);
    else if (code == "}") close();
    else if (!std::regex_match(code, blank) && code.find("namespace") != 0) {
      first_ = number_;
      add(line, code);
    }
  }

  void open(const std::string& name) {
    scopes_.push_back((scopes_.empty() ? "" : scopes_.back() + "::") + name);
    has_contract_ = false;
  }
  void close() {
    ASSERT_FALSE(scopes_.empty()) << header_ << ":" << number_;
    scopes_.pop_back();
    has_contract_ = false;
  }

  // One line more of a declaration.
  void add(const std::string& line, const std::string& code) {
    static const std::regex end(R"([;}]\s*$)"), inner(R"(::(core|rule|detail)(::|$))"), only_template(R"(^\s*template\s*<.*>\s*$)");
    if (declaration_.empty() || std::regex_match(shown_, only_template)) shown_ = code;
    declaration_ += code + " ";
    has_trailing_ = has_trailing_ || (line.find("///< ") != std::string::npos && depth_ == 0);
    for (const char c : code) depth_ += c == '{' || c == '(' ? 1 : c == '}' || c == ')' ? -1 : 0;
    if (depth_ != 0 || !std::regex_search(code, end)) return;
    const bool is_public = !scopes_.empty() && !std::regex_search(scopes_.back(), inner);
    if (is_public && !is_exempt(declaration_))
      found_.push_back({header_ + ":" + std::to_string(first_), shown_, has_contract_ || has_trailing_});
    declaration_.clear();
    has_trailing_ = false;
  }

  std::string header_;
  int number_ = 0, first_ = 0, depth_ = 0;
  bool in_macro_ = false, has_contract_ = false, has_trailing_ = false;
  std::vector<std::string> scopes_;  // open namespaces by their full names
  std::string declaration_, shown_;
  std::vector<Declaration> found_;
};

TEST(contracts, every_public_declaration_has_one) {
  size_t count = 0;
  for (const std::string& header : public_headers())
    for (const Declaration& declaration : Reader(header).read()) {
      ++count;
      EXPECT_TRUE(declaration.has_contract) << declaration.place << " has no contract (/// above it): " << declaration.text;
    }
  EXPECT_GT(count, 700u);
}

}  // namespace
