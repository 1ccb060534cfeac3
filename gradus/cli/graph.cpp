// gradus graph, graph-rules: knowledge graphs from files of facts.
#include <chrono>
#include <cstdio>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/io/datum_json.hpp"
#include "gradus/io/model_file.hpp"
#include "gradus/models/link_prediction.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/optim/optim.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

using namespace core;

namespace {

constexpr int64_t kMany = 1'000'000;

struct GraphArguments {
  std::string folder{}, score = "complex", out{};
  int64_t width = 100, epochs = 50, batch_size = 256, seed = 0;
  double rate = 0.1, n3 = 0.01, rule_weight = 0;
  bool is_quiet = false;
};
struct RuleArguments {
  std::string folder{}, out{};
  int64_t support = 3, most = 20, longest_body = 2;
  double confidence = 0.1, pca_confidence = 0.1, head_coverage = 0.01;
};

models::GraphScore score_of(const std::string& name) {
  const auto names = enum_names(models::GraphScore{});
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<models::GraphScore>(i);
  }
  fail("graph", "there is no score \"", printable(name, 80), "\"", instead_of(name, {names.begin(), names.end()}));
}

void print_graph(const data::KnowledgeGraph& graph) {
  const auto count = [](size_t number) { return train::with_commas(static_cast<int64_t>(number)); };
  std::printf("%s entities, %s relations; facts: %s to train, %s to validate, %s to test\n", count(graph.entities.size()).c_str(),
              count(graph.relations.size()).c_str(), count(graph.train.size()).c_str(), count(graph.validation.size()).c_str(),
              count(graph.test.size()).c_str());
  if (graph.repeated > 0) std::printf("%s training facts stood there twice and count once\n", train::with_commas(graph.repeated).c_str());
  if (graph.unseen > 0)
    std::printf("%s other facts have an entity or a relation that no training fact has\n", train::with_commas(graph.unseen).c_str());
  std::fflush(stdout);
}

nn::ModelInfo info_of(const data::KnowledgeGraph& graph) {
  nn::ModelInfo info{.class_names = graph.entities, .input_shape = {2}, .input_dtype = int64};
  info.extra["relations"] = io::json_text(Datum::List(graph.relations.begin(), graph.relations.end()));
  return info;
}

void run_graph(const GraphArguments& arguments) {
  const data::KnowledgeGraph graph = data::read_graph(arguments.folder);
  if (!arguments.is_quiet) print_graph(graph);
  random::seed(arguments.seed);
  models::GraphEmbedding model({.entities = graph.entity_count(),
                                .relations = graph.relation_count(),
                                .width = arguments.width,
                                .score = score_of(arguments.score)});
  models::GraphPenalties penalties{.n3 = arguments.n3, .rule_weight = arguments.rule_weight};
  if (arguments.rule_weight > 0) penalties.inferred = models::infer(graph, models::mine_rules(graph, {.pca_confidence = 0.5}).rules);
  const train::History history = models::fit_graph(model, graph,
                                                   {.optimizer = optim::Adagrad(arguments.rate, {.initial_accumulator = 0}),
                                                    .epochs = arguments.epochs,
                                                    .batch_size = arguments.batch_size,
                                                    .seed = static_cast<uint64_t>(arguments.seed),
                                                    .verbose = !arguments.is_quiet,
                                                    .interrupts = true},
                                                   std::move(penalties));
  if (!arguments.out.empty()) {
    io::save(model, arguments.out, info_of(graph));
    std::printf("model: %s\n", printable(arguments.out).c_str());
  }
  for (const auto& [name, facts] : {std::pair("validation", &graph.validation), std::pair("test", &graph.test)}) {
    if (!facts->empty()) std::printf("%s: %s\n", name, to_text(models::link_scores(model, graph, *facts)).c_str());
  }
  if (history.is_interrupted) throw Error(Error::Kind::interrupted, "interrupted", concat("the model is as of step ", history.steps));
}

void run_rules(const RuleArguments& arguments) {
  const data::KnowledgeGraph graph = data::read_graph(arguments.folder);
  print_graph(graph);
  const models::MinedRules mined = models::mine_rules(graph, {.longest_body = arguments.longest_body,
                                                              .support = arguments.support,
                                                              .head_coverage = arguments.head_coverage,
                                                              .confidence = arguments.confidence,
                                                              .pca_confidence = arguments.pca_confidence});
  std::printf("%s rules", train::with_commas(static_cast<int64_t>(mined.rules.size())).c_str());
  if (mined.passed_over > 0)
    std::printf("; %s entities with very many facts were passed over", train::with_commas(mined.passed_over).c_str());
  std::printf("\n");
  std::string table = "rule\tsupport\tconfidence\tpca_confidence\thead_coverage\n";
  int64_t shown = 0;
  for (const models::GraphRule& rule : mined.rules) {
    const std::string text = to_text(rule, graph);
    if (shown++ < arguments.most) std::printf("%s\n", text.c_str());
    table += concat(text.substr(0, text.rfind(": confidence")), "\t", rule.support, "\t", rule.confidence, "\t", rule.pca_confidence, "\t",
                    rule.head_coverage, "\n");
  }
  if (!arguments.out.empty()) {
    file::write_atomically(arguments.out, table);
    std::printf("all rules: %s\n", printable(arguments.out).c_str());
  }
  if (!graph.test.empty())
    std::printf("test, by the rules alone: %s\n",
                to_text(models::link_scores(models::RulePredictor(graph, mined.rules), graph, graph.test)).c_str());
}

}  // namespace

void add_graph(CLI::App& app) {
  auto arguments = std::make_shared<GraphArguments>();
  Command command(app, "graph", "Train an embedding of a knowledge graph and rank the answers of its test facts");
  command.positional("DIR", arguments->folder, "Folder with train.txt, valid.txt and test.txt: head, relation, tail, separated by tabs",
                     Need::required);
  command.option("--score", "NAME", arguments->score, "transe, distmult, complex or rotate (default: complex)");
  command.option("--width", {1, 1 << 20}, arguments->width, "Numbers of a vector (default: 100)");
  command.option("--epochs", {0, kMany}, arguments->epochs, "Passes over the facts (default: 50)");
  command.option("--batch-size", {1, kMany}, arguments->batch_size, "Questions in a step (default: 256)");
  command.option("--learning-rate", arguments->rate, "Of Adagrad (default: 0.1)");
  command.option("--n3", arguments->n3, "Penalty of large numbers (default: 0.01)");
  command.option("--rule-weight", arguments->rule_weight, "How much what mined rules infer counts beside facts (default: 0)");
  command.option("--seed", {0, kMany}, arguments->seed, "Of all that is random");
  command.option("-o,--out", "FILE", arguments->out, "Write the model here");
  command.flag("--quiet", arguments->is_quiet, "Print the results only");
  command.footer(
      "\nScores are filtered, of tails and heads: other answers that are known facts do not count.\n\n  gradus graph umls --width 200 -o "
      "umls.gradus");
  command.runs([arguments] { run_graph(*arguments); });
}

void add_graph_rules(CLI::App& app) {
  auto arguments = std::make_shared<RuleArguments>();
  Command command(app, "graph-rules", "Find the rules that hold in a knowledge graph");
  command.positional("DIR", arguments->folder, "Folder with train.txt, as for gradus graph", Need::required);
  command.option("--support", {1, kMany}, arguments->support, "At least so many pairs (default: 3)");
  command.option("--confidence", arguments->confidence, "At least this share of what the body says (default: 0.1)");
  command.option("--pca-confidence", arguments->pca_confidence, "The same where other facts of the head are known (default: 0.1)");
  command.option("--head-coverage", arguments->head_coverage, "At least this share of the head's facts (default: 0.01)");
  command.option("--length", {1, 2}, arguments->longest_body, "Facts in a body (default: 2)");
  command.option("--show", {0, kMany}, arguments->most, "Rules to print (default: 20)");
  command.option("-o,--out", "FILE", arguments->out, "Write all rules here, as a table");
  command.runs([arguments] { run_rules(*arguments); });
}

}  // namespace gradus::cli
