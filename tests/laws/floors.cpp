// The floors: a folder includes only folders below it; of two on one line the right one may include the left one.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// From the top down; folders on one line stand in one entry.
const std::vector<std::vector<std::string>> kFloors = {{"cli"},
                                                       {"models", "explain"},
                                                       {"train"},
                                                       {"onnx"},
                                                       {"preprocess", "metrics"},
                                                       {"data", "io"},
                                                       {"nn", "optim"},
                                                       {"math"},
                                                       {"transform"},
                                                       {"plan"},
                                                       {"ops"},
                                                       {"graph"},
                                                       {"cpu"},
                                                       {"backend"},
                                                       {"array"},
                                                       {"base"}};

struct Place {
  size_t line, column;
};
const Place* place_of(const std::string& folder) {
  static const std::map<std::string, Place> places = [] {
    std::map<std::string, Place> out;
    for (size_t line = 0; line < kFloors.size(); ++line)
      for (size_t column = 0; column < kFloors[line].size(); ++column) out[kFloors[line][column]] = {line, column};
    return out;
  }();
  const auto found = places.find(folder);
  return found == places.end() ? nullptr : &found->second;
}
bool may_include(const std::string& from, const std::string& to) {
  const Place *a = place_of(from), *b = place_of(to);
  return a && b && (from == to || b->line > a->line || (b->line == a->line && b->column < a->column));
}

struct Include {
  fs::path file;       // relative to the source folder
  std::string folder;  // of that file: "ops"; "" for gradus/gradus.hpp
  int line;
  std::string target;  // between the brackets or quotes
};
std::vector<Include> all_includes() {
  std::vector<Include> out;
  const fs::path root = GRADUS_SOURCE_DIR;
  static const std::regex pattern(R"(^\s*#\s*include\s*[<"]([^">]+)[>"])");
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / "gradus")) {
    if (entry.path().extension() != ".hpp" && entry.path().extension() != ".cpp") continue;
    const fs::path file = fs::relative(entry.path(), root);
    const fs::path below = fs::relative(entry.path(), root / "gradus");
    std::ifstream text(entry.path());
    std::string line;
    for (int number = 1; std::getline(text, line); ++number) {
      std::smatch match;
      if (!std::regex_search(line, match, pattern)) continue;
      out.push_back({file, below.has_parent_path() ? below.begin()->string() : "", number, match[1]});
    }
  }
  return out;
}
std::string at(const Include& include) {
  return include.file.string() + ":" + std::to_string(include.line) + " includes " + include.target;
}

TEST(floors, every_folder_has_its_floor) {
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(GRADUS_SOURCE_DIR) / "gradus"))
    if (entry.is_directory()) {
      EXPECT_TRUE(place_of(entry.path().filename().string())) << entry.path() << " stands on no floor";
    }
}

TEST(floors, includes_go_down_only) {
  const std::vector<Include> includes = all_includes();
  EXPECT_GT(includes.size(), 50u);
  for (const Include& include : includes) {
    if (include.target.rfind("gradus/", 0) != 0 || include.folder.empty()) continue;
    const std::string rest = include.target.substr(7);
    const size_t slash = rest.find('/');
    if (slash == std::string::npos) {  // gradus/gradus.hpp, which includes everything, is for users
      EXPECT_TRUE(include.folder == "cli") << at(include);
      continue;
    }
    EXPECT_TRUE(may_include(include.folder, rest.substr(0, slash))) << at(include) << ", which does not lie below " << include.folder;
  }
}

// Ops name their kernels, and one file of plan/ makes a backend of the processor; nothing else above cpu/ knows it.
TEST(floors, the_core_knows_no_processor) {
  for (const Include& include : all_includes()) {
    const bool may_see = include.folder == "cpu" || (include.folder == "ops" && include.file.extension() == ".cpp") ||
                         include.file.filename() == "cpu_backend.cpp";
    if (!may_see) {
      EXPECT_NE(include.target.rfind("gradus/cpu/", 0), 0u) << at(include);
    }
  }
}

TEST(floors, only_cpu_sees_the_numerical_libraries) {
  static const std::regex libraries("^(dnnl|oneapi|hwy/|lapack|lapacke|cblas|omp\\.h)");
  for (const Include& include : all_includes())
    if (include.folder != "cpu") {
      EXPECT_FALSE(std::regex_search(include.target, libraries)) << at(include);
    }
}

TEST(floors, public_headers_are_light) {
  static const std::regex heavy("^(nlohmann|toml|CLI|zlib|google|iostream$|regex$|dnnl|oneapi|hwy/)");
  for (const Include& include : all_includes()) {
    if (include.file.extension() != ".hpp" || include.folder == "cpu" || include.folder == "cli") continue;
    const bool is_inner = include.file.filename().string().find("internal") != std::string::npos;
    if (!is_inner) {
      EXPECT_FALSE(std::regex_search(include.target, heavy)) << at(include);
    }
  }
}

TEST(floors, the_evaluators_insides_are_not_included_from_above) {
  static const std::regex inner("_internal\\.hpp$|/internal/");
  for (const Include& include : all_includes()) {
    if (!std::regex_search(include.target, inner)) continue;
    EXPECT_EQ(include.target.rfind("gradus/" + include.folder + "/", 0), 0u) << at(include);
  }
}

}  // namespace
