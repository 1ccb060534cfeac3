// Lines of three cells; names get their numbers as they come.
#include "gradus/data/triples.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/ops/creation.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr int64_t kMostBytes = int64_t{1} << 32;
constexpr size_t kLongestName = 1 << 16;

class Numbering {
 public:
  explicit Numbering(std::vector<std::string>& names) : names_(names) {}
  int64_t operator()(std::string_view name) {
    const auto [at, is_new] = numbers_.try_emplace(std::string(name), static_cast<int64_t>(names_.size()));
    if (is_new) names_.emplace_back(name);
    return at->second;
  }

 private:
  std::vector<std::string>& names_;
  std::unordered_map<std::string, int64_t> numbers_;
};

class GraphReader {
 public:
  void read(const std::string& text, const std::string& what, std::vector<Triple>& out) {
    std::string_view rest = text;
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    for (int64_t number = 1; !rest.empty(); ++number) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      std::string_view line = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (!line.empty()) out.push_back(fact(line, concat(what, ":", number)));
    }
  }
  KnowledgeGraph finished() {
    std::set<Triple> known;
    std::vector<Triple> facts;
    for (const Triple& fact : graph.train) {
      if (known.insert(fact).second) facts.push_back(fact);
    }
    graph.repeated = static_cast<int64_t>(graph.train.size() - facts.size());
    graph.train = std::move(facts);
    for (const std::vector<Triple>* others : {&graph.validation, &graph.test}) {
      for (const Triple& fact : *others)
        graph.unseen += fact.head >= seen_entities || fact.tail >= seen_entities || fact.relation >= seen_relations;
    }
    return std::move(graph);
  }
  void end_of_training() {
    seen_entities = graph.entity_count();
    seen_relations = graph.relation_count();
  }

  KnowledgeGraph graph;

 private:
  Triple fact(std::string_view line, const std::string& where) {
    const auto cells = 1 + std::count(line.begin(), line.end(), '\t');
    if (cells != 3) fail_io(where, "has ", cells, " cells; a fact is head, relation and tail, separated by tabs");
    const size_t first = line.find('\t'), second = line.find('\t', first + 1);
    const std::string_view parts[] = {line.substr(0, first), line.substr(first + 1, second - first - 1), line.substr(second + 1)};
    constexpr std::string_view names[] = {"head", "relation", "tail"};
    for (size_t i = 0; i < 3; ++i) {
      if (parts[i].empty()) fail_io(where, "its ", names[i], " is empty");
      if (parts[i].size() > kLongestName) fail_io(where, "its ", names[i], " has ", parts[i].size(), " bytes; there may be ", kLongestName);
      if (!is_utf8(parts[i])) fail_io(where, "its ", names[i], " \"", printable(parts[i], 80), "\" is no UTF-8");
    }
    const int64_t head = entity_(parts[0]), relation = relation_(parts[1]);
    return {head, relation, entity_(parts[2])};
  }

  Numbering entity_{graph.entities}, relation_{graph.relations};
  int64_t seen_entities = 0, seen_relations = 0;
};

// The file of a part; "" if there is none.
std::string path_of(const std::string& folder, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    for (const char* ending : {".txt", ".tsv", ".txt.gz", ".tsv.gz"}) {
      const std::string path = concat(folder, "/", name, ending);
      if (file::exists(path)) return path;
    }
  }
  return "";
}

int64_t number_of_name(const char* kind, const std::vector<std::string>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at != names.end()) return at - names.begin();
  const std::string near = nearest(name, names);
  fail("graph", "there is no ", kind, " \"", printable(name, 80), "\" among the ", names.size(),
       near.empty() ? "" : concat("; did you mean ", printable(near, 80), "?"));
}

}  // namespace

int64_t KnowledgeGraph::entity(const std::string& name) const { return number_of_name("entity", entities, name); }
int64_t KnowledgeGraph::relation(const std::string& name) const { return number_of_name("relation", relations, name); }

KnowledgeGraph read_graph(const std::string& folder) {
  if (!file::is_folder(folder)) fail_io(folder, "is no folder; facts are in train.txt, valid.txt and test.txt of one");
  const std::string train = path_of(folder, {"train"});
  if (train.empty()) fail_io(folder, "holds no train.txt or train.tsv");
  GraphReader reader;
  reader.read(file::read_all(train, kMostBytes), train, reader.graph.train);
  if (reader.graph.train.empty()) fail_io(train, "holds no facts");
  reader.end_of_training();
  const std::string validation = path_of(folder, {"valid", "validation", "dev"}), test = path_of(folder, {"test"});
  if (!validation.empty()) reader.read(file::read_all(validation, kMostBytes), validation, reader.graph.validation);
  if (!test.empty()) reader.read(file::read_all(test, kMostBytes), test, reader.graph.test);
  return reader.finished();
}

KnowledgeGraph graph_of(const std::string& train, const std::string& validation, const std::string& test) {
  GraphReader reader;
  reader.read(train, "train", reader.graph.train);
  reader.end_of_training();
  reader.read(validation, "validation", reader.graph.validation);
  reader.read(test, "test", reader.graph.test);
  return reader.finished();
}

LinkQueries link_queries(const KnowledgeGraph& graph, const std::vector<Triple>& facts) {
  std::vector<int64_t> x, y;
  x.reserve(4 * facts.size());
  y.reserve(2 * facts.size());
  for (const Triple& fact : facts) {
    x.insert(x.end(), {fact.head, fact.relation});
    y.push_back(fact.tail);
  }
  for (const Triple& fact : facts) {
    x.insert(x.end(), {fact.tail, fact.relation + graph.relation_count()});
    y.push_back(fact.head);
  }
  return {array(x, {y.size(), 2}), array(y)};
}

}  // namespace gradus::data
