// Every OpDef in the library is in the list of ops, and the other way round: by the symbols that nm finds.
#include <gtest/gtest.h>

#include <cstdio>
#include <regex>
#include <set>
#include <string>

#include "gradus/graph/leaf.hpp"
#include "gradus/transform/all_ops.hpp"

namespace {

using namespace gradus;
using namespace gradus::core;

// Names of the objects called ..._op in the library, without namespaces and "_op".
std::multiset<std::string> op_symbols() {
  const std::string command = "nm -C '" GRADUS_LIBRARY "' 2>/dev/null";
  FILE* pipe = popen(command.c_str(), "r");
  std::multiset<std::string> out;
  if (!pipe) return out;
  static const std::regex pattern(R"(^[0-9a-f]+ [dDrRbB] (?:.*::)?([a-z0-9_]+)_op$)");
  char line[4096];
  while (std::fgets(line, sizeof line, pipe)) {
    std::string text(line);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    std::smatch match;
    if (std::regex_match(text, match, pattern)) out.insert(match[1]);
  }
  pclose(pipe);
  return out;
}

TEST(symbols, every_op_def_of_the_library_is_in_the_list) {
  const std::multiset<std::string> symbols = op_symbols();
  if (symbols.empty()) GTEST_SKIP() << "nm finds no symbols in " GRADUS_LIBRARY " (stripped, or no nm)";
  std::multiset<std::string> listed;
  for (const OpDef* op : all_ops()) listed.insert(std::string(op->name));
  for (const std::string& name : symbols) EXPECT_TRUE(listed.count(name)) << name << "_op is not in families.cpp, or is called otherwise";
  for (const std::string& name : listed) EXPECT_TRUE(symbols.count(name)) << "\"" << name << "\" has no symbol " << name << "_op";
}

TEST(symbols, names_of_ops_are_distinct_and_plain) {
  std::set<std::string_view> seen;
  static const std::regex plain("[a-z][a-z0-9_]*");
  for (const OpDef* op : all_ops()) {
    EXPECT_TRUE(seen.insert(op->name).second) << op->name << " names two ops";
    EXPECT_TRUE(std::regex_match(op->name.begin(), op->name.end(), plain)) << op->name;
    EXPECT_EQ(find_op(op->name), op);
  }
  EXPECT_EQ(find_op("no such op"), nullptr);
}

TEST(symbols, every_op_says_how_it_is_batched_and_run) {
  for (const OpDef* op : all_ops()) {
    if (op->inputs.empty()) continue;  // leaves
    EXPECT_TRUE(op->batch || op->derivative.kind == Derivative::Kind::composed) << op->name << " has no batching rule";
    // Exactly one way; a barrier disappears in the first pass.
    const int ways = (op->view != nullptr) + (op->elementwise != nullptr) + (op->kernel.prepare != nullptr) + (op->host != nullptr) +
                     (op->expand != nullptr);
    EXPECT_EQ(ways, op == &barrier_op ? 0 : 1) << op->name << ": view, element-wise, kernel, host rule or expansion";
    for (const Input& input : op->inputs) EXPECT_FALSE(input.name.empty()) << op->name;
  }
}

}  // namespace
