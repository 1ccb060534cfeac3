// Facts as they are read, and what is refused.
#include "gradus/data/triples.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::TemporaryFolder;
using testing::without_path;
using testing::write_text;

TEST(Triples, AreReadByTheirNames) {
  const TemporaryFolder folder;
  write_text(folder / "train.txt",
             "\xEF\xBB\xBF"
             "a\tr\tb\r\nb\tr\ta\n\na\tr\tb\nä x\ts s\tb");
  write_text(folder / "dev.tsv", "a\ts s\tnew\n");
  const data::KnowledgeGraph graph = data::read_graph(folder.path());
  EXPECT_EQ(graph.entities, (std::vector<std::string>{"a", "b", "ä x", "new"}));
  EXPECT_EQ(graph.relations, (std::vector<std::string>{"r", "s s"}));
  EXPECT_EQ(graph.train, (std::vector<data::Triple>{{0, 0, 1}, {1, 0, 0}, {2, 1, 1}}));
  EXPECT_EQ(graph.validation, (std::vector<data::Triple>{{0, 1, 3}}));
  EXPECT_TRUE(graph.test.empty());
  EXPECT_EQ(graph.repeated, 1);
  EXPECT_EQ(graph.unseen, 1);
  EXPECT_EQ(graph.entity("ä x"), 2);
  EXPECT_EQ(error_of([&] { graph.entity("ne"); }), "graph: there is no entity \"ne\" among the 4; did you mean new?");
  const data::LinkQueries queries = data::link_queries(graph, graph.validation);
  EXPECT_EQ(queries.x.to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 3, 3}));
  EXPECT_EQ(queries.y.to_vector<int64_t>(), (std::vector<int64_t>{3, 0}));
}

TEST(Triples, WhatIsNoFactIsRefusedWithItsLine) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& text) {
    write_text(folder / "train.txt", text);
    return without_path(error_of([&] { data::read_graph(folder.path()); }), folder.path());
  };
  EXPECT_EQ(error_of([&] { data::read_graph(folder / "none"); }).substr(folder.path().size()),
            "/none: is no folder; facts are in train.txt, valid.txt and test.txt of one");
  EXPECT_EQ(error("a\tr\tb\na b c\n"), "PATH/train.txt:2: has 1 cells; a fact is head, relation and tail, separated by tabs");
  EXPECT_EQ(error("a\tr\tb\tc\n"), "PATH/train.txt:1: has 4 cells; a fact is head, relation and tail, separated by tabs");
  EXPECT_EQ(error("a\t\tb\n"), "PATH/train.txt:1: its relation is empty");
  EXPECT_EQ(error("a\tr\t\xff\n"), "PATH/train.txt:1: its tail \"\\xff\" is no UTF-8");
  EXPECT_EQ(error(std::string(70000, 'x') + "\tr\tb"), "PATH/train.txt:1: its head has 70000 bytes; there may be 65536");
  EXPECT_EQ(error("\n\n"), "PATH/train.txt: holds no facts");
  std::filesystem::remove(folder / "train.txt");
  EXPECT_EQ(without_path(error_of([&] { data::read_graph(folder.path()); }), folder.path()), "PATH: holds no train.txt or train.tsv");
}

}  // namespace

}  // namespace gradus
