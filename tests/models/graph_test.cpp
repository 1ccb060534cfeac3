// Knowledge graphs: reading, embeddings, filtered ranks, rules.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <filesystem>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using namespace models;
using testing::error_of;
using testing::TemporaryFolder;

// Parents and grandparents over four generations, of 4 families.
data::KnowledgeGraph families() {
  std::string train, test;
  for (int f = 0; f < 4; ++f) {
    const auto person = [&](int number) { return concat("p", f, "_", number); };
    for (int child = 1; child < 15; ++child) train += concat(person((child - 1) / 2), "\tparent_of\t", person(child), "\n");
    for (int child = 1; child < 15; ++child) train += concat(person(child), "\tchild_of\t", person((child - 1) / 2), "\n");
    for (int child = 3; child < 15; ++child) {
      std::string& to = child % 5 == 0 ? test : train;
      to += concat(person(((child - 1) / 2 - 1) / 2), "\tgrandparent_of\t", person(child), "\n");
    }
  }
  return data::graph_of(train, "", test);
}

// ---- scores

TEST(GraphEmbedding, ScoresAreThoseOfTheirFormulas) {
  random::seed(4);
  for (const GraphScore score : {GraphScore::transe, GraphScore::distmult, GraphScore::complex, GraphScore::rotate}) {
    const GraphEmbedding model({.entities = 5, .relations = 2, .width = 3, .score = score});
    const std::vector<double> scores = model(array({{1, 0}, {4, 3}})).to_vector<double>();
    const auto number = [](const Parameter& p, int64_t row, int64_t column) { return p.get()[{row, column}].item(); };
    for (int64_t q = 0; q < 2; ++q) {
      const int64_t h = q == 0 ? 1 : 4, r = q == 0 ? 0 : 3;
      for (int64_t t = 0; t < 5; ++t) {
        double sum = 0;
        for (int64_t j = 0; j < 3; ++j) {
          const auto entity = [&](int64_t row) {
            return std::complex<double>(number(model.entities, row, j), score == GraphScore::complex || score == GraphScore::rotate
                                                                            ? number(model.entities, row, j + 3)
                                                                            : 0);
          };
          const double a = number(model.relations, r, j);
          switch (score) {
            case GraphScore::transe:
              sum += std::norm(entity(h) + a - entity(t));
              break;
            case GraphScore::distmult:
              sum += (entity(h) * a * entity(t)).real();
              break;
            case GraphScore::complex:
              sum += (entity(h) * std::complex<double>(a, number(model.relations, r, j + 3)) * std::conj(entity(t))).real();
              break;
            case GraphScore::rotate:
              sum += std::norm(entity(h) * std::polar(1.0, a) - entity(t));
              break;
          }
        }
        const bool is_distance = score == GraphScore::transe || score == GraphScore::rotate;
        EXPECT_NEAR(scores[static_cast<size_t>(5 * q + t)], is_distance ? -std::sqrt(sum) : sum, 1e-4)
            << enum_names(score)[static_cast<size_t>(score)];
      }
    }
  }
}

TEST(GraphEmbedding, IsSavedAndLoaded) {
  const TemporaryFolder folder;
  const GraphEmbedding model({.entities = 5, .relations = 2, .width = 3, .score = GraphScore::rotate});
  const Array queries = array({{1, 0}, {4, 3}}), scores = model(queries).eval();
  io::save(model, folder / "m.gradus");
  EXPECT_TRUE(array_equal(io::load(folder / "m.gradus")(queries), scores));
  EXPECT_EQ(error_of([&] {
              model(zeros({2, 3}, int64));
            }).rfind("graph_embedding: questions are (2, 3); they must be (N, 2): entity and relation", 0),
            0u);
  EXPECT_EQ(error_of([] { GraphEmbedding({.entities = 0}); }), "GraphEmbedding: entities is 0; it must be from 1 to 2147483648");
}

// ---- ranks

TEST(LinkScores, AreFilteredAndTiesTakeTheMiddle) {
  // Known tails of (a, r): b, c, d. Scores of a b c d e f for it: 9 1 5 3 3 0.
  const data::KnowledgeGraph graph = data::graph_of("a\tr\tb\na\tr\tc\na\tr\td\ne\tr\tf\n");
  const auto rank = [&](std::vector<float> scores) {
    const LinkModel model = [&](const Array& queries) {
      std::vector<float> all;
      for (int64_t i = 0; i < queries.shape(0); ++i) all.insert(all.end(), scores.begin(), scores.end());
      return array(all, {queries.shape(0), 6});
    };
    return link_scores(model, graph, {{0, 0, 3}});
  };
  // Entities in order a b c d e f. Tail d (3) is beaten by a alone (c is known), level with e: rank 2.5. Head a (9) of (d, r^-1) is first.
  const LinkScores scores = rank({9, 1, 5, 3, 3, 0});
  EXPECT_EQ(scores.questions, 2);
  EXPECT_NEAR(scores.mrr, (1 / 2.5 + 1) / 2, 1e-12);
  EXPECT_NEAR(scores.mean_rank, 1.75, 1e-12);
  EXPECT_EQ(scores.hits_1, 0.5);
  EXPECT_EQ(scores.hits_3, 1);
  // Facts of all parts are known.
  const data::KnowledgeGraph parts = data::graph_of("a\tr\tb\n", "a\tr\tc\n", "a\tr\td\n");
  const LinkModel falling = [](const Array& queries) { return broadcast_to(array({4.0f, 3.0f, 2.0f, 1.0f}), {queries.shape(0), 4}); };
  EXPECT_EQ(link_scores(falling, parts, parts.test).mean_rank, (2.0 + 1.0) / 2);  // d behind a; a itself
  // All level: of a, d, e, f the middle, 2.5; of all six 3.5.
  EXPECT_NEAR(rank({0, 0, 0, 0, 0, 0}).mean_rank, (2.5 + 3.5) / 2, 1e-12);
  // nan is below all, also for the answer.
  EXPECT_NEAR(rank({1, 1, 1, NAN, 1, 1}).mrr, (1.0 / 4 + 1.0 / 3) / 2, 1e-12);
  EXPECT_EQ(error_of([&] {
              link_scores([](const Array& q) { return zeros({q.shape(0), 2}); }, graph, graph.train);
            }),
            "link_scores: the model gives (8, 2); it must give (8, 6), a score for each entity");
  EXPECT_EQ(error_of([&] { link_scores([](const Array& q) { return q; }, graph, {}); }), "link_scores: there are no facts to ask for");
}

TEST(FitGraph, LearnsWhoIsAGrandparent) {
  const data::KnowledgeGraph graph = families();
  for (const GraphScore score : {GraphScore::complex, GraphScore::distmult, GraphScore::transe, GraphScore::rotate}) {
    random::seed(1);
    GraphEmbedding model({.entities = graph.entity_count(), .relations = graph.relation_count(), .width = 32, .score = score});
    const double before = link_scores(model, graph, graph.test).mrr;
    const train::History history = fit_graph(
        model, graph, {.optimizer = optim::Adagrad(0.2, {.initial_accumulator = 0}), .epochs = 40, .batch_size = 32, .verbose = false},
        {.n3 = 0.003});
    EXPECT_LT(history.last("loss"), history.epochs[0].logs["loss"] / 2);
    const double after = link_scores(model, graph, graph.test).mrr;
    EXPECT_GT(after, before + 0.15) << enum_names(score)[static_cast<size_t>(score)] << " " << before << " " << after;
    EXPECT_GT(link_scores(model, graph, graph.train).mrr, 0.6) << enum_names(score)[static_cast<size_t>(score)];
  }
}

TEST(FitGraph, PenaltiesShrinkNumbersAndRulesTeach) {
  const data::KnowledgeGraph graph = families();
  const auto trained = [&](GraphPenalties penalties) {
    random::seed(1);
    GraphEmbedding model = DistMult(graph, 16);
    fit_graph(model, graph,
              {.optimizer = optim::Adagrad(0.2, {.initial_accumulator = 0}), .epochs = 15, .batch_size = 32, .verbose = false},
              std::move(penalties));
    return std::pair(sum(square(model.entities.get())).item(), link_scores(model, graph, graph.test).mrr);
  };
  const auto plain = trained({});
  EXPECT_LT(trained({.n3 = 0.05}).first, 0.9 * plain.first);
  EXPECT_LT(trained({.l2 = 0.05}).first, 0.9 * plain.first);
  const MinedRules mined = mine_rules(graph, {.pca_confidence = 0.8});
  EXPECT_GT(trained({.rule_weight = 1, .inferred = infer(graph, mined.rules)}).second, plain.second + 0.1);
  GraphEmbedding other({.entities = 3, .relations = 1});
  EXPECT_EQ(error_of([&] { fit_graph(other, graph, {}); }),
            "fit_graph: the model has 3 entities and 1 relations, the graph 60 and 3; they must be equal");
  EXPECT_EQ(error_of([&] { trained({.n3 = -1}); }), "fit_graph: n3 is -1; it must be a finite number of at least 0");
}

// ---- rules

TEST(MineRules, CountsPairsAsAMIEDoes) {
  // born(x, y) => lives(x, y): a and b live where they were born, c elsewhere, d has no known home.
  const data::KnowledgeGraph graph =
      data::graph_of("a\tborn\tp\nb\tborn\tq\nc\tborn\tp\nd\tborn\tq\na\tlives\tp\nb\tlives\tq\nc\tlives\tq\ne\tlives\tp\n");
  const MinedRules mined = mine_rules(graph, {.longest_body = 1, .support = 1, .confidence = 0});
  const auto found = std::find_if(mined.rules.begin(), mined.rules.end(),
                                  [](const GraphRule& rule) { return rule.body == std::vector<int64_t>{0} && rule.head == 1; });
  ASSERT_NE(found, mined.rules.end());
  EXPECT_EQ(found->support, 2);
  EXPECT_EQ(found->confidence, 2.0 / 4);
  EXPECT_EQ(found->pca_confidence, 2.0 / 3);  // d is unknown
  EXPECT_EQ(found->head_coverage, 2.0 / 4);
  EXPECT_EQ(to_text(*found, graph), "born(x, y) => lives(x, y): confidence 0.50 (PCA 0.67), support 2");
  for (const GraphRule& rule : mined.rules) EXPECT_NE(rule.body, std::vector<int64_t>{rule.head});
}

TEST(MineRules, FindsCompositionsAndInverses) {
  const data::KnowledgeGraph graph = families();
  const MinedRules mined = mine_rules(graph);
  const auto has = [&](const std::string& text) {
    return std::any_of(mined.rules.begin(), mined.rules.end(),
                       [&](const GraphRule& rule) { return to_text(rule, graph).starts_with(text); });
  };
  EXPECT_TRUE(has("parent_of(x, z) and parent_of(z, y) => grandparent_of(x, y): confidence 0.83"));
  EXPECT_TRUE(has("child_of^-1(x, z) and parent_of(z, y) => grandparent_of(x, y)"));
  EXPECT_TRUE(has("parent_of^-1(x, y) => child_of(x, y): confidence 1.00 (PCA 1.00), support 56"));
  EXPECT_FALSE(has("parent_of(x, y) => parent_of"));
  for (size_t i = 1; i < mined.rules.size(); ++i) EXPECT_GE(mined.rules[i - 1].pca_confidence, mined.rules[i].pca_confidence);
  EXPECT_EQ(mine_rules(graph, {.most_rules = 3}).rules.size(), 3u);
  EXPECT_EQ(mine_rules(graph, {.most_facts = 1}).passed_over, 60);
  EXPECT_EQ(error_of([&] { mine_rules(graph, {.longest_body = 3}); }), "mine_rules: longest_body is 3; it must be 1 or 2");
  EXPECT_EQ(error_of([&] { mine_rules(graph, {.confidence = 2}); }), "mine_rules: confidence is 2; it must be from 0 to 1");
}

TEST(MineRules, InferWhatTheyPredict) {
  const data::KnowledgeGraph graph = families();
  const std::vector<GraphRule> rules = mine_rules(graph, {.pca_confidence = 0.8}).rules;
  const std::vector<InferredFact> inferred = infer(graph, rules);
  int64_t right = 0;
  for (const InferredFact& each : inferred) {
    EXPECT_EQ(std::count(graph.train.begin(), graph.train.end(), each.fact), 0);
    EXPECT_TRUE(each.confidence > 0 && each.confidence <= 1);
    right += std::count(graph.test.begin(), graph.test.end(), each.fact);
  }
  EXPECT_EQ(right, static_cast<int64_t>(graph.test.size()));  // all grandparents that were held out
  const LinkScores scores = link_scores(RulePredictor(graph, rules), graph, graph.test);
  EXPECT_GT(scores.mrr, 0.95) << to_text(scores);
  EXPECT_EQ(infer(graph, rules, 2).size(), 2u);
  EXPECT_GE(infer(graph, rules, 2)[0].confidence, inferred.back().confidence);
  EXPECT_NE(error_of([&] {
              RulePredictor(graph, rules)(array({{99, 0}}));
            }).find("rule_predictor: question 0 is [99, 0]; the graph has 60 entities and 6"),
            std::string::npos);
}

// ---- real data

TEST(Umls, LinkPredictionReachesWhatIsKnown) {
  const std::string archive = std::string(GRADUS_SOURCE_DIR) + "/../shared/data/graph/umls.tar.gz";
  if (!std::filesystem::exists(archive)) GTEST_SKIP() << archive << " is not there";
  const TemporaryFolder folder;
  ASSERT_EQ(std::system(concat("tar xzf '", archive, "' -C '", folder.path(), "'").c_str()), 0);
  const std::string where = std::filesystem::exists(folder / "umls") ? folder / "umls" : folder.path();
  const data::KnowledgeGraph graph = data::read_graph(where);
  EXPECT_EQ(graph.entity_count(), 135);
  EXPECT_EQ(graph.relation_count(), 46);
  random::seed(0);
  GraphEmbedding model = ComplEx(graph, 100);
  fit_graph(model, graph, {.optimizer = optim::Adagrad(0.1, {.initial_accumulator = 0}), .epochs = 30, .batch_size = 128, .verbose = false},
            {.n3 = 0.01});
  const LinkScores scores = link_scores(model, graph, graph.test);
  EXPECT_GE(scores.mrr, 0.90) << to_text(scores);
}

}  // namespace

}  // namespace gradus
