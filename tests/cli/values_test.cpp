// What the commands print, against numbers computed here by hand: a model whose logits are its inputs, on seven samples.
#include <cmath>
#include <set>

#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_report.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/gradus.hpp"
#include "gradus/train/evaluation.hpp"
#include "tests/cli/idx_files.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::Outcome;
using testing::Rows;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_labels;
using testing::write_samples;
using testing::write_text;

const Rows kLogits = {{2, 1, 0}, {0, 3, 1}, {1, 2, 0}, {0, 1, 4}, {5, 0, 1}, {0, 0.5, 3}, {3, 1, 2}};
const std::vector<int> kLabels = {0, 1, 0, 1, 1, 2, 2};
const std::vector<std::string> kNames = {"ape", "bee", "cat"};

constexpr const char* kRecipe = R"(name = "zoo"
description = "beasts"

[data]
source = "idx"
train_x = "train-x.idx"
train_y = "train-y.idx"
test_x = "test-x.idx"
test_y = "test-y.idx"
class_names = ["ape", "bee", "cat"]

[model]
layers = [{type = "Dense", units = 3}]

[loss]
name = "sparse_categorical_crossentropy"

[train]
metrics = ["accuracy", "top_2"]
)";

// logits = inputs: the identity as the weights of one dense layer.
nn::Model identity_model(const std::vector<std::string>& names) {
  nn::Model model(nn::Layer(nn::Sequential{nn::Dense(3)}), {.name = "zoo", .class_names = names, .input_shape = {3}});
  nn::build(model, {1, 3});
  for (const Variable& variable : variables(model)) variable.set((variable.get().rank() == 2 ? eye(3) : zeros({3})).eval());
  model.info.extra["recipe"] = kRecipe;
  return model;
}

struct Zoo {
  TemporaryFolder folder{};
  explicit Zoo(const std::vector<std::string>& names = kNames) {
    write_samples(folder / "test-x.idx", kLogits);
    write_labels(folder / "test-y.idx", kLabels);
    write_samples(folder / "train-x.idx", {kLogits[0], kLogits[3]});
    write_labels(folder / "train-y.idx", {0, 1});
    io::save(identity_model(names), folder / "zoo.gradus");
  }
  Outcome run(const std::vector<std::string>& arguments) const {
    const Outcome outcome = run_gradus(arguments, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome;
  }
};

// ---- the same numbers in plain code ----

std::vector<double> softmax(const std::vector<float>& logits) {
  double total = 0;
  std::vector<double> out;
  for (const float value : logits) total += std::exp(static_cast<double>(value));
  for (const float value : logits) out.push_back(std::exp(static_cast<double>(value)) / total);
  return out;
}
double mean_loss(const Rows& rows, const std::vector<int>& labels) {
  double total = 0;
  for (size_t i = 0; i < rows.size(); ++i) total -= std::log(softmax(rows[i])[static_cast<size_t>(labels[i])]);
  return total / static_cast<double>(rows.size());
}
std::string printed(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}
// The number after `name` in a text.
double number_after(const std::string& text, const std::string& name) {
  const size_t at = text.find(name);
  EXPECT_NE(at, std::string::npos) << name << " in " << text;
  return at == std::string::npos ? std::nan("") : std::strtod(text.c_str() + at + name.size(), nullptr);
}

// ---- evaluate ----

TEST(Values, EvaluatePrintsLossAccuracyAndTopK) {
  const Zoo zoo;
  for (const char* batch : {"1", "3", "7", "128"}) {
    const std::string out = zoo.run({"evaluate", "zoo.gradus", "--batch-size", batch}).out;
    EXPECT_EQ(out.rfind("test samples: 7\ntest loss: ", 0), 0u) << out;
    EXPECT_NEAR(number_after(out, "test loss: "), mean_loss(kLogits, kLabels), 1e-5);
    EXPECT_NE(out.find("\ntest accuracy: 42.86 %\ntest top_2: 85.71 %\n"), std::string::npos) << out;  // 3 and 6 of 7
  }
}

TEST(Values, EvaluateOnTheTrainingDataUsesThat) {
  const std::string out = Zoo().run({"evaluate", "zoo.gradus", "--train"}).out;
  EXPECT_EQ(out.rfind("training samples: 2\n", 0), 0u) << out;
  EXPECT_NEAR(number_after(out, "training loss: "), mean_loss({kLogits[0], kLogits[3]}, {0, 1}), 1e-5);
  EXPECT_NE(out.find("\ntraining accuracy: 50.00 %\ntraining top_2: 100.00 %\n"), std::string::npos) << out;
}

// Rows are what the samples are: ape 1 1 0, bee 1 1 1, cat 1 0 1.
TEST(Values, EvaluatePrintsPrecisionRecallAndF1OfEachClass) {
  const std::string out = Zoo().run({"evaluate", "zoo.gradus", "--classes"}).out;
  EXPECT_NE(out.find("\n\nclass  precision     recall         F1    samples\n"
                     "ape        0.333      0.500      0.400          2\n"
                     "bee        0.500      0.333      0.400          3\n"
                     "cat        0.500      0.500      0.500          2\n"),
            std::string::npos)
      << out;
}

TEST(Values, EvaluateTakesAnotherRecipeAndItsChanges) {
  const Zoo zoo;
  write_text(zoo.folder / "other.toml", std::string(kRecipe));
  const std::string out = zoo.run({"evaluate", "zoo.gradus", "--data", "other.toml", "--set", "train.metrics=[\"top_1\"]", "--set",
                                   "data.test_x=train-x.idx", "--set", "data.test_y=train-y.idx"})
                              .out;
  EXPECT_EQ(out.rfind("test samples: 2\n", 0), 0u) << out;
  EXPECT_NE(out.find("\ntest top_1: 50.00 %\ntest accuracy: 50.00 %\n"), std::string::npos) << out;
}

TEST(Values, EvaluateAndSummaryRefuseWhatDoesNotFitTheModel) {
  const Zoo zoo;
  write_samples(zoo.folder / "wide.idx", Rows(7, {1, 2, 3, 4}));
  const auto message = [&](const std::vector<std::string>& arguments) { return run_gradus(arguments, {.folder = zoo.folder.path()}).err; };
  EXPECT_EQ(message({"evaluate", "zoo.gradus", "--set", "data.test_x=wide.idx"}),
            "gradus: zoo.gradus: the data holds samples of (4,); the model takes samples of (3,)\n");
  EXPECT_EQ(message({"summary", "zoo.gradus", "--set", "train.epochs=1"}),
            "gradus: zoo.gradus: --set changes a recipe (.toml); this is no recipe\n");
}

// ---- predict ----

TEST(Values, PredictPrintsTheLikeliestClassesFirst) {
  const Zoo zoo;
  const auto percent = [](const std::vector<float>& logits, size_t k) { return printed("%.1f %%", 100 * softmax(logits)[k]); };
  std::string wanted;
  for (const auto& [row, first, second] : {std::tuple(0, 0, 1), std::tuple(1, 1, 2), std::tuple(2, 1, 0), std::tuple(3, 2, 1)}) {
    const auto& logits = kLogits[static_cast<size_t>(row)];
    wanted += concat("test-x.idx[", row, "]: ", kNames[static_cast<size_t>(first)], " ", percent(logits, static_cast<size_t>(first)), ", ",
                     kNames[static_cast<size_t>(second)], " ", percent(logits, static_cast<size_t>(second)), "\n");
  }
  EXPECT_EQ(zoo.run({"predict", "zoo.gradus", "test-x.idx", "--top", "2", "--limit", "4"}).out, wanted);
  EXPECT_EQ(zoo.run({"predict", "zoo.gradus", "test-x.idx", "--top", "1", "--limit", "1"}).out, "test-x.idx[0]: ape 66.5 %\n");
  EXPECT_EQ(zoo.run({"predict", "zoo.gradus", "train-x.idx"}).out,
            "train-x.idx[0]: ape 66.5 %, bee 24.5 %, cat 9.0 %\ntrain-x.idx[1]: cat 93.6 %, bee 4.7 %, ape 1.7 %\n");
}

TEST(Values, PredictWritesEachProbabilityToCsv) {
  const Zoo zoo;
  std::string wanted = "file,sample,class,probability,ape,bee,cat\n";
  for (size_t i = 0; i < kLogits.size(); ++i) {
    const std::vector<double> p = softmax(kLogits[i]);
    const size_t best = static_cast<size_t>(std::max_element(p.begin(), p.end()) - p.begin());
    wanted += concat("test-x.idx,", i, ",", kNames[best], printed(",%.6f", p[best]), printed(",%.6f", p[0]), printed(",%.6f", p[1]),
                     printed(",%.6f\n", p[2]));
  }
  const std::string out = zoo.run({"predict", "zoo.gradus", "test-x.idx", "--csv"}).out;
  EXPECT_EQ(out, wanted);
  const std::string both = zoo.run({"predict", "zoo.gradus", "test-x.idx", "train-x.idx", "--csv"}).out;
  EXPECT_EQ(both.rfind(wanted, 0), 0u);
  EXPECT_EQ(both.find("train-x.idx,0,ape,0.665241"), wanted.size());
}

TEST(Values, LargeLogitsGiveProbabilities) {
  const Zoo zoo;
  write_text(zoo.folder / "large.csv", "1000,999,0\n-1000,-1001,-1e4\n1e30,0,0\n0,0,0\n");
  EXPECT_EQ(zoo.run({"predict", "zoo.gradus", "large.csv", "--top", "2"}).out,
            "large.csv[0]: ape 73.1 %, bee 26.9 %\nlarge.csv[1]: ape 73.1 %, bee 26.9 %\nlarge.csv[2]: ape 100.0 %, bee 0.0 "
            "%\nlarge.csv[3]: ape 33.3 %, bee 33.3 %\n");
}

TEST(Values, OneLogitIsThatOfTheSecondClass) {
  const TemporaryFolder folder;
  nn::Model model(nn::Layer(nn::Sequential{nn::Dense(1)}), {.class_names = {"no", "yes"}, .input_shape = {1}});
  nn::build(model, {1, 1});
  for (const Variable& variable : variables(model)) variable.set((variable.get().rank() == 2 ? ones({1, 1}) : zeros({1})).eval());
  io::save(model, folder / "a.gradus");
  write_text(folder / "x.csv", "1.0986123\n-2\n800\n");
  EXPECT_EQ(run_gradus({"predict", "a.gradus", "x.csv"}, {.folder = folder.path()}).out,
            "x.csv[0]: yes 75.0 %, no 25.0 %\nx.csv[1]: no 88.1 %, yes 11.9 %\nx.csv[2]: yes 100.0 %, no 0.0 %\n");
  EXPECT_EQ(run_gradus({"predict", "a.gradus", "x.csv", "--csv", "--limit", "1"}, {.folder = folder.path()}).out,
            "file,sample,class,probability,no,yes\nx.csv,0,yes,0.750000,0.250000,0.750000\n");
}

TEST(Values, WithoutClassesPredictPrintsTheNumbers) {
  const Zoo zoo(std::vector<std::string>{});
  write_text(zoo.folder / "x.csv", "1.5,-2,0.1\n");
  EXPECT_EQ(zoo.run({"predict", "zoo.gradus", "x.csv"}).out, "x.csv[0]: 1.5, -2, 0.1\n");
  EXPECT_EQ(zoo.run({"predict", "zoo.gradus", "x.csv", "--csv"}).out, "file,sample,output_0,output_1,output_2\nx.csv,0,1.5,-2,0.1\n");
}

TEST(Values, NamesWithEscapesAndCommasAreHarmless) {
  const Zoo zoo({"a\x1b[31m,\"x\"", "b\nc", "d"});
  write_text(zoo.folder / "x\ty\nz.csv", "1,0,0\n");
  EXPECT_EQ(zoo.run({"predict", "zoo.gradus", "x\ty\nz.csv", "--top", "2"}).out,
            "x\\ty\\nz.csv[0]: a\\x1b[31m,\"x\" 57.6 %, b\\nc 21.2 %\n");
  EXPECT_EQ(zoo.run({"predict", "zoo.gradus", "x\ty\nz.csv", "--csv"}).out,
            "file,sample,class,probability,\"a\x1b[31m,\"\"x\"\"\",\"b\nc\",d\n\"x\ty\nz.csv\",0,\"a\x1b[31m,\"\"x\"\"\",0.576117,0.576117,"
            "0.211942,0.211942\n");
  const Outcome outcome = run_gradus({"evaluate", "no\x1b[31m\nfile"});
  EXPECT_EQ(outcome.err, "gradus: no\\x1b[31m\\nfile: no such file or folder\n");
  EXPECT_EQ(run_gradus({"tr\x1b[31m"}).err.find('\x1b'), std::string::npos);
}

TEST(Values, SummaryCountsParametersAndMultiplyAdds) {
  const Zoo zoo;
  write_text(zoo.folder / "net.toml", std::string(kRecipe));
  const std::string out = zoo.run({"summary", "zoo.gradus", "--batch", "4"}).out;
  EXPECT_NE(out.find("(4, 3)"), std::string::npos) << out;
  EXPECT_NE(out.find("12"), std::string::npos) << out;  // 3 x 3 + 3 parameters
  EXPECT_NE(out.find("36"), std::string::npos) << out;  // 4 x 3 x 3 multiply-adds
}

// ---- data of a recipe ----

class CurrentFolder {
 public:
  explicit CurrentFolder(const TemporaryFolder& folder) { std::filesystem::current_path(folder.path()); }
  ~CurrentFolder() { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

cli::DataParts parts_of(const TemporaryFolder& folder, const std::string& lines) {
  const CurrentFolder current(folder);
  std::string text = kRecipe;
  text.insert(text.find("\n[model]"), lines);
  return cli::read_recipe(cli::Document("my.toml", text)).data.load({});
}

TEST(Values, TheValidationShareIsHeldOutOfTheTrainingSamples) {
  const Zoo zoo;
  Rows rows;
  std::vector<int> labels;
  for (int i = 0; i < 20; ++i) {
    rows.push_back({static_cast<float>(i), 0, 0});
    labels.push_back(i % 3);
  }
  write_samples(zoo.folder / "train-x.idx", rows);
  write_labels(zoo.folder / "train-y.idx", labels);
  const auto first = [](const data::Dataset& set) {
    std::set<float> all;
    const std::vector<float> x = set.x.to_vector<float>();
    const std::vector<int64_t> y = set.y.to_vector<int64_t>();
    for (size_t i = 0; i < y.size(); ++i) {
      all.insert(x[3 * i]);
      EXPECT_EQ(y[i], static_cast<int64_t>(x[3 * i]) % 3);
    }
    return all;
  };
  const cli::DataParts parts = parts_of(zoo.folder, "validation = 0.2\n");
  EXPECT_EQ(parts.train.size(), 16);
  EXPECT_EQ(parts.validation.size(), 4);
  EXPECT_EQ(parts.test.size(), 7);
  EXPECT_FALSE(parts.is_validated_on_test);
  std::set<float> all = first(parts.train);
  all.merge(first(parts.validation));
  EXPECT_EQ(all.size(), 20u);

  const cli::DataParts limited = parts_of(zoo.folder, "limit = 10\nvalidation = 0.3\n");
  EXPECT_EQ(limited.train.size(), 7);
  EXPECT_EQ(limited.validation.size(), 3);
  all = first(limited.train);
  all.merge(first(limited.validation));
  EXPECT_EQ(*all.rbegin(), 9);

  const cli::DataParts on_test = parts_of(zoo.folder, "validation = \"test\"\n");
  EXPECT_TRUE(on_test.is_validated_on_test);
  EXPECT_EQ(on_test.train.size(), 20);
  EXPECT_EQ(on_test.validation.size(), 7);
  EXPECT_EQ(parts_of(zoo.folder, "").validation.size(), 0);
}

TEST(Values, SamplesAndTargetsMustBeEquallyMany) {
  const Zoo zoo;
  write_labels(zoo.folder / "train-y.idx", {0, 1, 2});
  EXPECT_EQ(testing::error_of([&] { parts_of(zoo.folder, "limit = 1\n"); }),
            "train-y.idx: holds 3 targets, train-x.idx 2 samples; they must be equally many");
}

TEST(Values, TheShareForTestingIsTaken) {
  const cli::DataParts parts =
      cli::read_recipe(cli::Document("my.toml",
                                     "[data]\nsource = \"blobs\"\nsamples = 50\ntest = 0.3\n[model]\nlayers = [{type = \"Dense\", "
                                     "units = 3}]\n[loss]\nname = \"sparse_categorical_crossentropy\"\n"))
          .data.load({});
  EXPECT_EQ(parts.train.size(), 35);
  EXPECT_EQ(parts.test.size(), 15);
}

// ---- the report ----

TEST(Values, TheReportHoldsWhatWasMeasured) {
  const Zoo zoo;
  const cli::Recipe recipe = cli::read_recipe(cli::Document("my.toml", kRecipe));
  const cli::DataParts data = parts_of(zoo.folder, "");
  const nn::Model model = identity_model(kNames);
  train::History history;
  for (int64_t i = 1; i <= 3; ++i) {
    train::Epoch epoch{.number = i, .learning_rate = 0.5 / static_cast<double>(i), .seconds = 2, .steps = 4 * i};
    epoch.logs.set("loss", 1.0 / static_cast<double>(i));
    epoch.logs.set("val_loss", 2.0 / static_cast<double>(i));
    history.epochs.push_back(epoch);
  }
  history.steps = 12;
  history.seconds = 7.5;
  history.best_epoch = 2;
  history.is_stopped_early = true;
  const Array output = data.test.x;
  train::Logs logs;
  logs.set("loss", 0.25);
  logs.set("accuracy", 3.0 / 7);
  const train::Report report = cli::make_report({recipe, data, model, history, output, logs, {}});

  EXPECT_EQ(report.title, "zoo");
  EXPECT_EQ(report.subtitle, "beasts");
  EXPECT_EQ(report.confusion.class_names, kNames);
  EXPECT_EQ(report.confusion.counts, (std::vector<int64_t>{1, 1, 0, 1, 1, 1, 1, 0, 1}));
  EXPECT_EQ(report.classes.rows[1], (std::vector<std::string>{"bee", "0.500", "0.333", "0.400", "3"}));
  EXPECT_EQ(report.headlines[0].label, "test accuracy");
  EXPECT_EQ(report.headlines[0].value, "42.86 %");
  EXPECT_EQ(report.headlines[1].value, "0.25");
  EXPECT_EQ(report.headlines[2].value, "7.50 s");
  EXPECT_EQ(report.headlines[3].value, "1");  // 2 samples in each of 3 epochs of 2 s
  EXPECT_EQ(report.headlines[4].value, "12");
  ASSERT_EQ(report.charts.size(), 2u);
  EXPECT_EQ(report.charts[0].curves[0].name, "training");
  EXPECT_EQ(report.charts[0].curves[0].y, (std::vector<double>{1, 1.0 / 2, 1.0 / 3}));
  EXPECT_EQ(report.charts[0].curves[1].name, "validation");
  EXPECT_EQ(report.charts[0].curves[1].y, (std::vector<double>{2, 1, 2.0 / 3}));
  EXPECT_EQ(report.charts[1].title, "Learning rate");
  EXPECT_EQ(report.charts[1].curves[0].y, (std::vector<double>{0.5, 0.25, 0.5 / 3}));
  const auto row = [&](const std::string& name) {
    for (const auto& table : report.tables) {
      for (const auto& cells : table.rows) {
        if (cells[0] == name) return cells.back();
      }
    }
    return std::string("none");
  };
  EXPECT_EQ(row("training samples"), "(2, 3)");
  EXPECT_EQ(row("test samples"), "(7, 3)");
  EXPECT_EQ(row("validation samples"), "none");
  EXPECT_EQ(row("epochs"), "3 (no progress any more)");
  EXPECT_EQ(row("parameters of epoch"), "2");
  EXPECT_EQ(row("steps"), "12");
  EXPECT_EQ(row("batch size"), "32");
  EXPECT_EQ(row("time of training"), "7.5 s, without validation and saving 6.0 s");
  EXPECT_EQ(row("all"), "9");  // multiply-adds of one sample
  EXPECT_NE(train::to_html(report).find("title=\"cat taken for ape: 1\""), std::string::npos);
  EXPECT_NE(train::to_html(report).find("title=\"ape taken for cat: 0\""), std::string::npos);
}

// ---- a whole run ----

// With a rate of 0 nothing moves: what each epoch and the test say must be what the model says.
TEST(Values, MetricsCsvHoldsWhatEachEpochGave) {
  const Zoo zoo;
  write_text(
      zoo.folder / "my.toml",
      std::string(kRecipe) +
          "epochs = 3\nbatch_size = 2\n[optimizer]\nname = \"sgd\"\nlearning_rate = 0.125\n[schedule]\nname = \"exponential\"\nfactor = "
          "0.5\nevery = 1\n");
  zoo.run({"train", "my.toml", "--quiet", "--run-dir", "run", "--set", "data.train_x=test-x.idx", "--set", "data.train_y=test-y.idx",
           "--set", "data.validation=test"});
  const std::string csv = testing::read_text(zoo.folder / "run/metrics.csv");
  std::vector<std::vector<std::string>> rows;
  for (size_t at = 0; at < csv.size();) {
    const size_t end = csv.find('\n', at);
    rows.emplace_back();
    for (size_t cell = at; cell <= end;) {
      const size_t comma = std::min(csv.find(',', cell), end);
      rows.back().push_back(csv.substr(cell, comma - cell));
      cell = comma + 1;
    }
    at = end + 1;
  }
  ASSERT_EQ(rows.size(), 4u) << csv;
  EXPECT_EQ(rows[0], (std::vector<std::string>{"epoch", "steps", "learning_rate", "seconds", "loss", "accuracy", "top_2", "val_loss",
                                               "val_accuracy", "val_top_2"}));
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(rows[i][0], to_text(i));
    EXPECT_EQ(rows[i][1], to_text(4 * i));
    // In force at the end of the epoch: after 4 i steps.
    EXPECT_NEAR(std::stod(rows[i][2]), 0.125 * std::pow(0.5, static_cast<double>(i)), 0.125 * 0.2) << csv;
  }
  EXPECT_GT(std::stod(rows[1][2]), std::stod(rows[2][2]));
  const std::string evaluated = zoo.run({"evaluate", "run"}).out;
  EXPECT_NEAR(number_after(evaluated, "test loss: "), std::stod(rows[3][7]), 1e-5);
  EXPECT_NEAR(number_after(evaluated, "test accuracy: "), 100 * std::stod(rows[3][8]), 0.006);
  EXPECT_NEAR(number_after(evaluated, "test top_2: "), 100 * std::stod(rows[3][9]), 0.006);
}

// ---- ranges ----

TEST(Values, NumbersAboveTheirRangeAreRefusedAndThoseAtItsEndAreTaken) {
  constexpr const char* blobs =
      "[data]\nsource = \"blobs\"\n[model]\nlayers = [{type = \"Dense\", units = 3}]\n[loss]\nname = \"sparse_categorical_crossentropy\"\n";
  const auto message = [&](const std::vector<std::string>& assignments) {
    return testing::error_of([&] {
      cli::Document document("my.toml", blobs);
      for (const std::string& assignment : assignments) document.set(assignment);
      cli::read_recipe(document);
    });
  };
  struct Case {
    std::vector<std::string> before;
    std::string key, largest, above, expected;
  };
  const Case cases[] = {
      {{}, "train.epochs", "1000000", "1000001", "an integer from 1 to 1000000"},
      {{}, "data.samples", "100000000", "100000001", "an integer from 2 to 100000000"},
      {{}, "data.classes", "100000", "100001", "an integer from 1 to 100000"},
      {{}, "data.features", "100000", "100001", "an integer from 1 to 100000"},
      {{}, "data.test", "1", "1.5", "a number from 0 to 1"},
      {{}, "data.validation", "1", "1.5", "a number from 0 to 1"},
      {{"data={source = \"spirals\"}"}, "data.classes", "1000", "1001", "an integer from 1 to 1000"},
      {{}, "loss.label_smoothing", "0.999", "1", "a number from 0 to below 1"},
      {{}, "optimizer.beta_1", "0.999", "1", "a number from 0 to below 1"},
      {{}, "optimizer.beta_2", "0.999", "1", "a number from 0 to below 1"},
      {{"optimizer.name=rmsprop"}, "optimizer.rho", "0.999", "1", "a number from 0 to below 1"},
      {{"optimizer.name=rmsprop"}, "optimizer.momentum", "1", "-1", "a number from 0 to 1"},
      {{"optimizer.name=adagrad"}, "optimizer.rate_decay", "1", "-1", "a number of at least 0"},
      {{"optimizer.name=nadam"}, "optimizer.momentum_decay", "1", "inf", "a number of at least 0"},
      {{"optimizer.name=rprop"}, "optimizer.grow", "1", "0.9", "a number of at least 1"},
      {{"optimizer.name=sgd"}, "optimizer.momentum", "1", "2", "a number from 0 to 1"},
      {{"schedule.name=exponential"}, "schedule.factor", "1", "2", "a number from 0 to 1"},
  };
  for (const Case& each : cases) {
    std::vector<std::string> assignments = each.before;
    assignments.push_back(each.key + "=" + each.largest);
    EXPECT_EQ(message(assignments).find(each.key + ": expected"), std::string::npos) << message(assignments);
    assignments.back() = each.key + "=" + each.above;
    EXPECT_EQ(message(assignments), "--set " + each.key + ": expected " + each.expected + ", got " + each.above);
  }
}

}  // namespace
}  // namespace gradus
