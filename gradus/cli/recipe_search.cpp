// Reading of [search].
#include "gradus/cli/recipe_search.hpp"

#include <algorithm>

#include "gradus/cli/keys.hpp"
#include "gradus/cli/toml_text.hpp"

namespace gradus::cli {

namespace {

constexpr const char* kPart = "search";
constexpr int64_t kLeastEpochs = 9, kCombinations = 32;

// Keys whose values decide what is measured, or on which samples: scores of trials could not be compared.
constexpr std::string_view kFixed[] = {"name", "description", "folder", "seed", "data", "train.metrics", "train.checkpoint_steps"};
// Those of data that change no more than how the same samples are shown to the model, by source.
constexpr std::pair<std::string_view, std::string_view> kShown[] = {{"images", "data.size"},
                                                                    {"images", "data.channels"},
                                                                    {"images", "data.fit"},
                                                                    {"labelled_text", "data.tokenizer"},
                                                                    {"labelled_text", "data.vocabulary_size"},
                                                                    {"labelled_text", "data.most"}};

bool is_at_or_below(std::string_view path, std::string_view key) {
  return path.starts_with(key) && (path.size() == key.size() || path[key.size()] == '.' || path[key.size()] == '[');
}

// What is wrong with trying values of a key, whatever they are; "" if nothing is.
std::string problem_with(std::string_view path, std::string_view source) {
  if (is_at_or_below(path, kPart))
    return "is of the search itself, and cannot be tried; options of the search stand in [search] under their own names, as trials = 30";
  for (const auto& [of, key] : kShown) {
    if (of == source && is_at_or_below(path, key)) return "";
  }
  for (const std::string_view key : kFixed) {
    if (is_at_or_below(path, key)) return "decides what trials are measured on or by; their scores could not be compared";
    if (is_at_or_below(key, path))
      return concat("holds ", key, ", which decides what trials are measured on or by; name the keys below it that are to be tried");
  }
  return "";
}

}  // namespace

std::span<const std::string_view> enum_names(SearchBy) {
  static constexpr std::string_view names[] = {"automatic", "random", "hyperband"};
  return names;
}

std::span<const FieldNote> SearchKeys::field_notes() {
  static constexpr FieldNote notes[] = {
      {"method",
       "at random, or many trials for a short time of which the best go on; automatic: that, where training is 9 epochs or longer"},
      {"trials",
       "how many combinations are tried; 0: 20 at random, as many as Hyperband's brackets have",
       {.low = 0, .high = train::SearchOptions::kMostTrials}},
      {"metric", "what is chosen by: the loss, or one of train.metrics, on the validation samples"},
      {"min_epochs", "of Hyperband: before a trial may be stopped", range::positive},
      {"reduction", "of Hyperband: one trial of so many goes on", {.low = 2, .high = 1'000'000}},
      {"folds", "the score is the mean of a cross-validation of so many parts; 0: one validation set", {.low = 0, .high = 1000}},
      {"seed", "of the values that are tried", range::not_negative}};
  return notes;
}

std::vector<KeyGroup> search_keys() {
  std::vector<KeyGroup> groups{
      {"", "beside these, any key of the recipe and where its value is drawn from: optimizer.learning_rate = {log_uniform = [1e-4, 1e-1]}",
       described<SearchKeys>()}};
  static constexpr std::pair<const char*, const char*> kinds[] = {
      {"uniform", "{uniform = [0, 0.5]}: a number between two bounds"},
      {"log_uniform", "{log_uniform = [1e-4, 1e-1]}: a number, each order of magnitude as likely"},
      {"int_uniform", "{int_uniform = [1, 4]}: an integer, both bounds included"},
      {"log_int_uniform", "{log_int_uniform = [16, 512]}: an integer, each order of magnitude as likely"},
      {"choice", "{choice = [\"relu\", \"tanh\"]}: one of some values, of any kind"}};
  for (const auto& [name, text] : kinds) groups.push_back({name, text, described<NoFields>()});
  return groups;
}

bool RecipeSearch::changes_data() const {
  return std::any_of(space.begin(), space.end(), [](const auto& each) {
    constexpr std::string_view keys[] = {"data", "preprocess", "model.weights"};
    return std::any_of(std::begin(keys), std::end(keys),
                       [&](std::string_view key) { return is_at_or_below(each.first, key) || is_at_or_below(key, each.first); });
  });
}

Document with_values(const Document& document, const Datum::Table& values) {
  Document out = document;
  out.remove(kPart);
  for (const auto& [path, value] : values) out.set(path + "=" + toml(value));
  return out;
}

namespace {

// One reading of [search].
class Reading {
 public:
  Reading(Document& document, const Recipe& recipe) : document_(document), recipe_(recipe), part_(Section(document).section(kPart)) {
    if (!document.root().contains(kPart))
      fail(document.path(),
           "there is no part [search], which says what is to be tried; for example optimizer.learning_rate = {log_uniform = "
           "[1e-4, 1e-1]}");
  }

  RecipeSearch read() {
    out_.keys = part_.assigned(SearchKeys{});
    for (const FieldRow& row : fields_of(out_.keys)) own_.push_back(row.name);
    const Datum::Table given = part_.read_fields([](const Datum::Table& all, FieldReading&, std::span<const std::string>) { return all; });
    read_table(given, *document_.root().get(kPart)->as_table(), "");
    if (out_.space.empty())
      throw Error(Error::Kind::invalid, part_.place(),
                  "names no key of the recipe to be tried; for example optimizer.learning_rate = {log_uniform = [1e-4, 1e-1]}");
    settle_method();
    check_metric();
    check_validation();
    for (size_t i = 0; i < out_.space.size(); ++i) check_key(i);
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail_key(size_t i, const std::string& problem) const { throw Error(Error::Kind::invalid, out_.places[i], problem); }

  void read_table(const Datum::Table& given, const toml::table& table, const std::string& path) {
    for (const auto& [name, value] : given) {
      if (path.empty() && std::find(own_.begin(), own_.end(), name) != own_.end()) continue;
      const std::string below = path.empty() ? name : path + "." + name;
      const toml::node& node = *table.get(name);
      const std::string place = document_.place(concat(kPart, ".", below), node.source());
      const Datum::Table* deeper = value.get_if<Datum::Table>();
      if (deeper && is_part(*deeper)) {
        read_table(*deeper, *node.as_table(), below);
        continue;
      }
      if (path.empty() && !deeper) {
        if (const std::string near = nearest(name, own_); !near.empty())
          throw Error(Error::Kind::invalid, place, concat("unknown key; did you mean \"", near, "\"?"));
      }
      add(below, value, place);
    }
  }

  // Whether a table holds keys, and is not itself a distribution, perhaps a misspelt one.
  static bool is_part(const Datum::Table& table) {
    if (table.size() != 1) return !table.empty();
    const auto& [name, value] = table[0];
    const auto names = enum_names(train::DistributionKind{});
    const bool is_distribution = value.get_if<Datum::List>() || std::find(names.begin(), names.end(), name) != names.end();
    return !is_distribution;
  }

  void add(const std::string& path, const Datum& value, const std::string& place) {
    const auto refuse = [&](const std::string& problem) { throw Error(Error::Kind::invalid, place, problem); };
    const std::string source = document_.root()["data"]["source"].value_or(std::string());
    if (const std::string problem = problem_with(path, source); !problem.empty()) refuse(problem);
    if (is_at_or_below(path, "loss") && out_.score() == "loss")
      refuse("changes the loss, by which trials would be compared; name another metric than " + out_.keys.metric);
    for (const auto& [name, distribution] : out_.space) {
      if (name == path) refuse("stands there twice");
    }
    try {
      out_.space.emplace_back(path, train::Distribution::from_datum(value));
    } catch (const Error& error) {
      refuse(error.place().empty() ? error.problem() : error.place() + ": " + error.problem());
    }
    out_.places.push_back(place);
  }

  bool has(std::string_view path) const {
    return std::any_of(out_.space.begin(), out_.space.end(), [&](const auto& each) { return each.first == path; });
  }

  void settle_method() {
    const SearchKeys& keys = out_.keys;
    const TrainSettings& train = recipe_.train;
    const bool can = train.solver == Solver::gradient && !has("train.epochs") && !has("train.solver");
    if (keys.method == SearchBy::hyperband && !can)
      part_.fail_at("method",
                    train.solver == Solver::gradient
                        ? "is \"hyperband\", which settles the epochs itself; train.epochs and train.solver cannot be searched then"
                        : "is \"hyperband\", and train.solver is \"exact\", which has no epochs; \"random\" is for it");
    if (keys.min_epochs > train.epochs && keys.method == SearchBy::hyperband)
      part_.fail_at("min_epochs", concat("is ", keys.min_epochs, ", and train.epochs ", train.epochs, "; it must not be more"));
    const bool is_long = train.epochs / kLeastEpochs >= keys.min_epochs;
    out_.is_hyperband = keys.method == SearchBy::hyperband || (keys.method == SearchBy::automatic && can && is_long);
    if (keys.folds == 1) part_.fail_at("folds", "is 1; it must be 0, or at least 2");
    if (out_.is_hyperband && keys.trials == 0) check_brackets();
  }

  // Before a folder is made.
  void check_brackets() const {
    const SearchKeys& keys = out_.keys;
    int64_t count = 0;
    for (const train::Bracket& bracket : train::hyperband_brackets({recipe_.train.epochs, keys.min_epochs, keys.reduction}))
      count += bracket[0].trials;
    if (count > train::SearchOptions::kMostTrials)
      part_.fail_at("reduction", concat("is ", keys.reduction, ", min_epochs ", keys.min_epochs, " and train.epochs ", recipe_.train.epochs,
                                        ", by which Hyperband makes ", count, " trials; there may be ", train::SearchOptions::kMostTrials,
                                        ": say how many in trials, or make reduction or min_epochs larger"));
  }

  void check_metric() const {
    std::vector<std::string> known{"loss"};
    for (const metrics::Metric& metric : recipe_.train.metrics) known.push_back(metric.name());
    const std::string score = out_.score();
    if (std::find(known.begin(), known.end(), score) != known.end()) return;
    for (std::string& name : known) name.insert(0, "val_");
    const std::string near = nearest("val_" + score, known);
    part_.fail_at("metric",
                  concat("\"", out_.keys.metric, "\" is not measured; ",
                         near.empty() ? "there are " + join(known) + "; train.metrics adds others" : "did you mean \"" + near + "\"?"));
  }

  // The test samples stay unseen.
  void check_validation() {
    if (out_.keys.folds > 0) return;
    const Section data = Section(document_).section("data");
    const toml::node* given = data.find("validation");
    if (given && given->is_string())
      data.fail_at("validation",
                   "is \"test\", and a search chooses by it: the test samples would no longer tell how good the model is on new ones; give "
                   "a share of the training samples, or search.folds");
    const auto share = given ? given->value<double>() : std::nullopt;
    if (share.value_or(0) > 0) return;
    document_.set(concat("data.validation=", kSearchValidation));
  }

  // Each value, on its own or with others: a key may belong to another choice, as momentum does to sgd.
  void check_key(size_t i) {
    const auto& [path, distribution] = out_.space[i];
    std::vector<Datum> tried = distribution.values();
    if (distribution.kind() != train::DistributionKind::choice)
      tried = {distribution.quantile(0), distribution.quantile(0.37), distribution.quantile(1 - 0x1p-53)};
    for (const Datum& value : tried) {
      std::string problem = problem_of({{path, value}});
      for (int64_t number = 1; !problem.empty() && number <= kCombinations && out_.space.size() > 1; ++number) {
        Datum::Table values = train::draw(out_.space, static_cast<uint64_t>(out_.keys.seed), number);
        values[i].second = value;
        if (problem_of(values).empty()) problem.clear();
      }
      if (problem.starts_with("unknown key")) fail_key(i, problem);
      if (!problem.empty()) fail_key(i, concat("with ", toml(value), ": ", problem));
    }
  }

  std::string problem_of(const Datum::Table& values) const {
    try {
      read_recipe(with_values(document_, values));
      return "";
    } catch (const Error& error) {
      const std::string own = "--set " + values.front().first;
      const bool is_own = values.size() == 1 && error.place() == own;
      return is_own || error.place().empty() ? error.problem() : error.place() + ": " + error.problem();
    }
  }

  Document& document_;
  const Recipe& recipe_;
  Section part_;
  std::vector<std::string> own_{};
  RecipeSearch out_{};
};

}  // namespace

RecipeSearch read_search(Document& document, const Recipe& recipe) { return Reading(document, recipe).read(); }

std::string automatic_search(const std::string& recipe_text) {
  const Document document("recipe", recipe_text);
  const Recipe recipe = read_recipe(document);
  if (recipe.train.solver == Solver::exact) return "\n[search]\nfolds = 5\ntrain.penalty = {log_uniform = [1e-3, 1e3]}\n";
  std::string out =
      "\n[search]\noptimizer.learning_rate = {log_uniform = [3e-4, 1e-2]}\noptimizer.weight_decay = {log_uniform = [1e-4, "
      "0.3]}\n\"model.layers[0].dropout\" = {uniform = [0, 0.5]}\n";
  if (recipe.model[0].type() == "TableMLP")
    return out + "\"model.layers[0].hidden\" = {choice = [[64, 64], [128, 64], [256, 128], [512, 256]]}\n";
  return out + "\"model.layers[0].width\" = {choice = [64, 128, 256]}\n\"model.layers[0].blocks\" = {int_uniform = [1, 3]}\n";
}

}  // namespace gradus::cli
