// The error catalogue: what each provocation prints is compared, word for word, with catalogue.txt. A changed message shows in the diff and
// is read as prose. GRADUS_WRITE_CATALOGUE=1 writes the file anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "gradus/base/error.hpp"
#include "tests/errors/provocations.hpp"

namespace {

using namespace errors;

const char* const kFile = GRADUS_SOURCE_DIR "/tests/errors/catalogue.txt";

struct Section {
  const char* title;
  Provocations (*provocations)();
};
constexpr Section kSections[] = {{"Arrays: making, reading, indexing", array_provocations},
                                 {"Operations", op_provocations},
                                 {"Transforms, plans, random numbers", transform_provocations},
                                 {"Modules, losses, optimisers, data", module_provocations},
                                 {"Files", file_provocations},
                                 {"Recurrent layers", recurrent_provocations},
                                 {"Explanations", explanation_provocations},
                                 {"Privacy and knowledge", knowledge_provocations},
                                 {"Scores, intervals, comparisons", metric_provocations},
                                 {"Linear models, networks for tables, recommenders", table_model_provocations},
                                 {"Searches, cross-validation, rates", search_provocations}};

// The code without the line breaks and doubled spaces that its place in a C++ file gave it.
std::string tidy(const std::string& code) {
  std::string out;
  for (const char c : code) {
    if (c == '\n' || (c == ' ' && !out.empty() && out.back() == ' ')) continue;
    out += c;
  }
  return out;
}
std::string indented(const std::string& text) {
  std::istringstream lines(text);
  std::string line, out;
  while (std::getline(lines, line)) out += "    " + line + "\n";
  return out;
}
std::string message_of(const Provocation& provocation) {
  try {
    provocation.run();
  } catch (const gradus::Error& error) {
    if (error.kind() == gradus::Error::Kind::bug) ADD_FAILURE() << provocation.code << "\n" << error.what();
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << provocation.code << " threw something that is no gradus::Error: " << error.what();
    return error.what();
  }
  ADD_FAILURE() << provocation.code << " is accepted";
  return "(accepted)";
}
std::string catalogue() {
  std::string out = "What Gradus says when a call is wrong: the call, then the message. Written by errors_test, compared by it word for word.\n";
  for (const Section& section : kSections) {
    out += "\n== " + std::string(section.title) + "\n";
    for (const Provocation& provocation : section.provocations()) out += "\n" + tidy(provocation.code) + "\n" + indented(message_of(provocation));
  }
  return out;
}

TEST(catalogue, messages_are_those_of_the_catalogue) {
  const std::string now = catalogue();
  if (std::getenv("GRADUS_WRITE_CATALOGUE")) {
    std::ofstream(kFile) << now;
    GTEST_SKIP() << "wrote " << kFile;
  }
  std::ifstream file(kFile);
  std::stringstream before;
  before << file.rdbuf();
  std::istringstream got(now), want(before.str());
  std::string a, b, call;
  for (int line = 1;; ++line) {
    const bool has_a = static_cast<bool>(std::getline(got, a)), has_b = static_cast<bool>(std::getline(want, b));
    if (!has_a && !has_b) break;
    ASSERT_EQ(has_a ? a : "(the end)", has_b ? b : "(the end)") << "line " << line << " of " << kFile << ", after: " << call;
    if (!a.empty() && a[0] != ' ') call = a;
  }
}

TEST(catalogue, messages_follow_the_style) {
  for (const Section& section : kSections) {
    for (const Provocation& provocation : section.provocations()) {
      try {
        provocation.run();
      } catch (const gradus::Error& error) {
        const std::string& problem = error.problem();
        EXPECT_FALSE(problem.empty()) << provocation.code;
        EXPECT_NE(problem.empty() ? ' ' : problem.back(), '.') << provocation.code << ": " << error.what();
        EXPECT_EQ(problem.find("please"), std::string::npos) << error.what();
        EXPECT_EQ(problem.find("Invalid"), std::string::npos) << error.what();
        EXPECT_FALSE(error.place().empty()) << error.what();
      } catch (const std::exception&) {
      }
    }
  }
}

}  // namespace
