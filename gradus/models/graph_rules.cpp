// Bodies are walked from each x: pairs that a body makes are sorted, so that each counts once.
#include "gradus/models/graph_rules.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/ops/creation.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr int64_t kMostRelations = 1 << 20;  // codes of a body and a head fit in 64 bits

using Neighbour = std::pair<int64_t, int64_t>;  // relation, which may be an inverse, and entity
using Neighbours = std::vector<std::vector<Neighbour>>;

Neighbours neighbours_of(const data::KnowledgeGraph& graph) {
  const int64_t relations = graph.relation_count();
  if (relations > kMostRelations) fail("graph_rules", "the graph has ", relations, " relations; there may be ", kMostRelations);
  Neighbours all(graph.entities.size());
  for (const data::Triple& fact : graph.train) {
    all.at(static_cast<size_t>(fact.head)).emplace_back(fact.relation, fact.tail);
    all.at(static_cast<size_t>(fact.tail)).emplace_back(fact.relation + relations, fact.head);
  }
  for (std::vector<Neighbour>& each : all) {
    std::sort(each.begin(), each.end());
    each.erase(std::unique(each.begin(), each.end()), each.end());
  }
  return all;
}

// Bodies by number: b for b(x, y), and 2R + b 2R + c for b(x, z) and c(z, y).
struct Codes {
  int64_t both;  // relations and their inverses
  int64_t of(int64_t first) const { return first; }
  int64_t of(int64_t first, int64_t second) const { return both + first * both + second; }
  int64_t of(const std::vector<int64_t>& body) const { return body.size() == 1 ? of(body[0]) : of(body[0], body[1]); }
  std::vector<int64_t> body(int64_t code) const {
    if (code < both) return {code};
    return {(code - both) / both, (code - both) % both};
  }
};

struct Made {
  int64_t code, y;
  friend auto operator<=>(const Made&, const Made&) = default;
};

// All bodies from x and the y that they lead to, each once, in order.
void walk(const Neighbours& all, const Codes& codes, int64_t x, int64_t longest, int64_t most_facts, std::vector<Made>& made) {
  made.clear();
  const std::vector<Neighbour>& near = all[static_cast<size_t>(x)];
  const auto is_busy = [&](const std::vector<Neighbour>& facts) { return static_cast<int64_t>(facts.size()) > most_facts; };
  for (const auto& [first, z] : near) {
    if (z == x) continue;
    made.push_back({codes.of(first), z});
    const std::vector<Neighbour>& far = all[static_cast<size_t>(z)];
    if (longest < 2 || is_busy(near) || is_busy(far)) continue;
    for (const auto& [second, y] : far) {
      if (y != x && y != z) made.push_back({codes.of(first, second), y});
    }
  }
  std::sort(made.begin(), made.end());
  made.erase(std::unique(made.begin(), made.end()), made.end());
}

// Facts of x by their tail: (tail, relation), without inverses.
std::vector<std::pair<int64_t, int64_t>> heads_of(const std::vector<Neighbour>& near, int64_t relations) {
  std::vector<std::pair<int64_t, int64_t>> heads;
  for (const auto& [relation, y] : near) {
    if (relation < relations) heads.emplace_back(y, relation);
  }
  std::sort(heads.begin(), heads.end());
  return heads;
}

template <class F>
void for_groups(const std::vector<Made>& made, const F& visit) {
  for (size_t begin = 0, end = 0; begin < made.size(); begin = end) {
    while (end < made.size() && made[end].code == made[begin].code) ++end;
    visit(made[begin].code, begin, end);
  }
}

struct Counts {
  std::unordered_map<int64_t, int64_t> bodies{}, rules{};  // by code; by code R + head
  std::vector<int64_t> heads{};                            // facts by relation
};

Counts count(const Neighbours& all, const Codes& codes, int64_t relations, const RuleMining& options) {
  Counts counts;
  counts.heads.resize(static_cast<size_t>(relations));
  std::vector<Made> made;
  for (int64_t x = 0; x < static_cast<int64_t>(all.size()); ++x) {
    walk(all, codes, x, options.longest_body, options.most_facts, made);
    const auto heads = heads_of(all[static_cast<size_t>(x)], relations);
    for (const auto& [y, relation] : heads) ++counts.heads[static_cast<size_t>(relation)];
    for_groups(made, [&](int64_t code, size_t begin, size_t end) {
      counts.bodies[code] += static_cast<int64_t>(end - begin);
      for (size_t i = begin; i < end; ++i) {
        auto at = std::lower_bound(heads.begin(), heads.end(), std::pair(made[i].y, int64_t{0}));
        for (; at != heads.end() && at->first == made[i].y; ++at) {
          if (code != at->second) ++counts.rules[code * relations + at->second];
        }
      }
    });
  }
  return counts;
}

// Pairs of which the body of a rule holds and whose x has facts of its head; for the rules by code of their body.
void count_known(const Neighbours& all, const Codes& codes, int64_t relations, const RuleMining& options, std::vector<GraphRule>& rules) {
  std::unordered_map<int64_t, std::vector<size_t>> by_code;
  for (size_t i = 0; i < rules.size(); ++i) by_code[codes.of(rules[i].body)].push_back(i);
  std::vector<int64_t> pairs(rules.size());
  std::vector<Made> made;
  std::vector<uint8_t> has(static_cast<size_t>(relations));
  for (int64_t x = 0; x < static_cast<int64_t>(all.size()); ++x) {
    walk(all, codes, x, options.longest_body, options.most_facts, made);
    const auto heads = heads_of(all[static_cast<size_t>(x)], relations);
    for (const auto& head : heads) has[static_cast<size_t>(head.second)] = 1;
    for_groups(made, [&](int64_t code, size_t begin, size_t end) {
      const auto found = by_code.find(code);
      if (found == by_code.end()) return;
      for (const size_t i : found->second) pairs[i] += has[static_cast<size_t>(rules[i].head)] ? static_cast<int64_t>(end - begin) : 0;
    });
    for (const auto& head : heads) has[static_cast<size_t>(head.second)] = 0;
  }
  for (size_t i = 0; i < rules.size(); ++i) rules[i].pca_confidence = static_cast<double>(rules[i].support) / static_cast<double>(pairs[i]);
}

bool is_better(const GraphRule& a, const GraphRule& b) {
  if (a.pca_confidence != b.pca_confidence) return a.pca_confidence > b.pca_confidence;
  if (a.support != b.support) return a.support > b.support;
  if (a.body.size() != b.body.size()) return a.body.size() < b.body.size();
  return std::pair(a.head, a.body) < std::pair(b.head, b.body);
}

void check(const RuleMining& options) {
  if (options.longest_body != 1 && options.longest_body != 2)
    fail("mine_rules", "longest_body is ", options.longest_body, "; it must be 1 or 2");
  const auto part = [](const char* name, double value) {
    if (!(value >= 0 && value <= 1)) fail("mine_rules", name, " is ", value, "; it must be from 0 to 1");
  };
  part("head_coverage", options.head_coverage);
  part("confidence", options.confidence);
  part("pca_confidence", options.pca_confidence);
  const auto positive = [](const char* name, int64_t value) {
    if (value < 1) fail("mine_rules", name, " is ", value, "; it must be at least 1");
  };
  positive("support", options.support);
  positive("most_rules", options.most_rules);
  positive("most_facts", options.most_facts);
}

// log(1 - c), of rules that may be certain.
double log_doubt(double confidence) { return std::log1p(-std::min(confidence, 1.0)); }

}  // namespace

std::string to_text(const GraphRule& rule, const data::KnowledgeGraph& graph) {
  const auto atom = [&](int64_t relation, const char* variables) {
    const bool is_inverse = relation >= graph.relation_count();
    const auto index = static_cast<size_t>(is_inverse ? relation - graph.relation_count() : relation);
    return concat(printable(graph.relations.at(index), 80), is_inverse ? "^-1" : "", variables);
  };
  char numbers[80];
  std::snprintf(numbers, sizeof numbers, "confidence %.2f (PCA %.2f), support ", rule.confidence, rule.pca_confidence);
  const std::string body =
      rule.body.size() == 1 ? atom(rule.body[0], "(x, y)") : concat(atom(rule.body[0], "(x, z)"), " and ", atom(rule.body[1], "(z, y)"));
  return concat(body, " => ", atom(rule.head, "(x, y)"), ": ", numbers, rule.support);
}

MinedRules mine_rules(const data::KnowledgeGraph& graph, RuleMining options) {
  check(options);
  const Neighbours all = neighbours_of(graph);
  const int64_t relations = graph.relation_count();
  const Codes codes{2 * relations};
  MinedRules mined;
  for (const std::vector<Neighbour>& each : all) mined.passed_over += static_cast<int64_t>(each.size()) > options.most_facts;
  const Counts counts = count(all, codes, relations, options);
  for (const auto& [key, support] : counts.rules) {
    const int64_t code = key / relations, head = key % relations;
    GraphRule rule{.body = codes.body(code), .head = head, .support = support};
    rule.confidence = static_cast<double>(support) / static_cast<double>(counts.bodies.at(code));
    rule.head_coverage = static_cast<double>(support) / static_cast<double>(counts.heads[static_cast<size_t>(head)]);
    if (support >= options.support && rule.confidence >= options.confidence && rule.head_coverage >= options.head_coverage)
      mined.rules.push_back(std::move(rule));
  }
  count_known(all, codes, relations, options, mined.rules);
  std::erase_if(mined.rules, [&](const GraphRule& rule) { return rule.pca_confidence < options.pca_confidence; });
  std::sort(mined.rules.begin(), mined.rules.end(), is_better);
  if (static_cast<int64_t>(mined.rules.size()) > options.most_rules) mined.rules.resize(static_cast<size_t>(options.most_rules));
  return mined;
}

namespace {

// Calls visit(y) for each y that the body makes of x, once.
template <class F>
void for_reached(const Neighbours& all, int64_t x, int64_t first, int64_t second, std::vector<int64_t>& reached, const F& visit) {
  const auto with = [&](int64_t entity, int64_t relation, const auto& each) {
    const std::vector<Neighbour>& near = all[static_cast<size_t>(entity)];
    auto at = std::lower_bound(near.begin(), near.end(), Neighbour(relation, 0));
    for (; at != near.end() && at->first == relation; ++at) each(at->second);
  };
  reached.clear();
  with(x, first, [&](int64_t z) {
    if (z == x) return;
    if (second < 0) reached.push_back(z);
    else
      with(z, second, [&](int64_t y) {
        if (y != x && y != z) reached.push_back(y);
      });
  });
  std::sort(reached.begin(), reached.end());
  reached.erase(std::unique(reached.begin(), reached.end()), reached.end());
  for (const int64_t y : reached) visit(y);
}

}  // namespace

std::vector<InferredFact> infer(const data::KnowledgeGraph& graph, const std::vector<GraphRule>& rules, int64_t most) {
  if (most < 1) fail("infer", "most is ", most, "; it must be at least 1");
  const Neighbours all = neighbours_of(graph);
  const auto is_surer = [](const InferredFact& a, const InferredFact& b) {
    return a.confidence != b.confidence ? a.confidence > b.confidence : a.fact < b.fact;
  };
  std::vector<InferredFact> facts;
  const auto keep_surest = [&] {
    if (static_cast<int64_t>(facts.size()) <= most) return;
    std::nth_element(facts.begin(), facts.begin() + most, facts.end(), is_surer);
    facts.resize(static_cast<size_t>(most));
  };
  std::vector<int64_t> reached;
  for (int64_t x = 0; x < graph.entity_count(); ++x) {
    const std::vector<Neighbour>& near = all[static_cast<size_t>(x)];
    std::unordered_map<int64_t, double> doubts;  // of r(x, y), by y R + r
    for (const GraphRule& rule : rules) {
      for_reached(all, x, rule.body.at(0), rule.body.size() > 1 ? rule.body[1] : -1, reached, [&](int64_t y) {
        if (!std::binary_search(near.begin(), near.end(), Neighbour(rule.head, y)))
          doubts[y * graph.relation_count() + rule.head] += log_doubt(rule.pca_confidence);
      });
    }
    for (const auto& [key, doubt] : doubts)
      facts.push_back({{x, key % graph.relation_count(), key / graph.relation_count()}, -std::expm1(doubt)});
    if (static_cast<int64_t>(facts.size()) > 2 * most) keep_surest();
  }
  keep_surest();
  std::sort(facts.begin(), facts.end(), is_surer);
  return facts;
}

RulePredictor::RulePredictor(const data::KnowledgeGraph& graph, const std::vector<GraphRule>& rules)
    : entities_(graph.entity_count()),
      relations_(graph.relation_count()),
      neighbours_(neighbours_of(graph)),
      steps_(static_cast<size_t>(2 * relations_)) {
  const auto inverse = [&](int64_t relation) { return relation < relations_ ? relation + relations_ : relation - relations_; };
  for (const GraphRule& rule : rules) {
    const bool is_long = rule.body.size() > 1;
    steps_.at(static_cast<size_t>(rule.head)).push_back({rule.body.at(0), is_long ? rule.body[1] : -1, rule.pca_confidence});
    // b(x, z) and c(z, y) => r(x, y) is c^-1(y, z) and b^-1(z, x) => r^-1(y, x).
    steps_.at(static_cast<size_t>(inverse(rule.head)))
        .push_back({inverse(rule.body.back()), is_long ? inverse(rule.body[0]) : -1, rule.pca_confidence});
  }
}

Array RulePredictor::operator()(const Array& queries) const {
  if (queries.rank() != 2 || queries.shape(1) != 2)
    fail("rule_predictor", "questions are ", queries.shape(), "; they must be (N, 2): entity and relation");
  const std::vector<int64_t> asked = queries.to_vector<int64_t>();
  const auto count = static_cast<size_t>(queries.shape(0));
  std::vector<float> scores(count * static_cast<size_t>(entities_));
  std::vector<double> doubts(static_cast<size_t>(entities_));
  std::vector<int64_t> reached;
  for (size_t i = 0; i < count; ++i) {
    const int64_t x = asked[2 * i], relation = asked[2 * i + 1];
    if (x < 0 || x >= entities_ || relation < 0 || relation >= 2 * relations_)
      fail("rule_predictor", "question ", i, " is [", x, ", ", relation, "]; the graph has ", entities_, " entities and ", 2 * relations_,
           " relations with their inverses");
    std::fill(doubts.begin(), doubts.end(), 0.0);
    for (const Step& step : steps_[static_cast<size_t>(relation)]) {
      for_reached(neighbours_, x, step.first, step.second, reached,
                  [&](int64_t y) { doubts[static_cast<size_t>(y)] += log_doubt(step.confidence); });
    }
    for (size_t y = 0; y < doubts.size(); ++y) scores[i * doubts.size() + y] = static_cast<float>(-std::expm1(doubts[y]));
  }
  return array(scores, {count, entities_});
}

}  // namespace gradus::models
