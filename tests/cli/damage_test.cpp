// Damaged recipes.
#include "tests/damage.hpp"

#include <filesystem>

#include "gradus/array/memory.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/nn/module.hpp"
#include "tests/cli/clouds.hpp"

namespace gradus {

using namespace core;
namespace {

constexpr uint32_t kCopies = 600;

// Every kind of key once.
constexpr const char* kRichRecipe = R"(name = "rich"
description = "all kinds of keys"
seed = 3

[data]
source = "linear"
weights = [1, 2.5, -3]
noise = 0.1
samples = 300
test = 0.2
limit = 100
validation = "test"

[model]
layers = [
  {type = "Dense", units = 8, activation = "tanh", use_bias = true},
  {type = "Residual", body = {type = "Sequential", layers = [{type = "Dense", units = 8}, {type = "Dropout", rate = 0.1}]}},
  {type = "LayerNorm", epsilon = 1e-5},
  {type = "Dense", units = 1},
]

[loss]
name = "huber"
delta = 1.5

[optimizer]
name = "adamw"
learning_rate = 0.05
beta_1 = 0.9
weight_decay = 1e-2

[schedule]
name = "milestones"
epochs = [1, 2.5]
factor = 0.1
warmup = 1

[train]
epochs = 4
batch_size = 16
patience = 2
shuffle = true
clip_norm = 1
metrics = ["mean_absolute_error"]
)";

std::vector<std::string> recipes() {
  std::vector<std::string> all = {kRichRecipe, testing::kCloudsRecipe};
  for (const auto& entry : std::filesystem::directory_iterator(std::string(GRADUS_SOURCE_DIR) + "/recipes"))
    all.push_back(testing::read_text(entry.path()));
  std::sort(all.begin(), all.end());
  return all;
}

// Reads it, and what can be had without data: the optimiser, the model's parameters.
void use(const std::string& text) {
  const cli::Recipe recipe = cli::read_recipe(cli::Document("my.toml", text));
  optim::Optimizer optimizer = recipe.make_optimizer({.epochs = recipe.train.epochs, .steps_per_epoch = 10});
  EXPECT_GE(optimizer.learning_rate(), 0);
  if (!recipe.data.input_shape) return;
  std::vector<int64_t> sizes = {1};
  sizes.insert(sizes.end(), recipe.data.input_shape->begin(), recipe.data.input_shape->end());
  nn::build(recipe.model, Shape(sizes));
}

TEST(DamagedRecipe, TheValidOnesAreRead) {
  for (const std::string& text : recipes()) EXPECT_NO_THROW(use(text)) << text;
}

TEST(DamagedRecipe, ThrowsOrIsRead) {
  const int64_t limit_before = memory_limit();
  set_memory_limit(memory_use().live + (int64_t{64} << 20));
  for (const std::string& valid : recipes()) {
    for (uint32_t seed = 0; seed < kCopies; ++seed) {
      const std::string text = seed % 2 ? testing::with_odd_number(valid, seed) : testing::damaged(valid, seed);
      testing::expect_careful([&] { use(text); }, 200 * static_cast<int64_t>(text.size()) + (1 << 20),
                              concat("seed ", seed, " of\n", text));
    }
  }
  set_memory_limit(limit_before);
}

TEST(DamagedRecipe, AssignmentsThrowOrAreRead) {
  const std::string assignments[] = {"train.epochs=3", "model.layers[1].units=4", "data.source=moons",
                                     "optimizer={name = \"sgd\", momentum = 0.9}"};
  for (uint32_t seed = 0; seed < kCopies; ++seed) {
    const std::string assignment = testing::damaged(assignments[seed % std::size(assignments)], seed);
    testing::expect_careful(
        [&] {
          cli::Document document("my.toml", testing::kCloudsRecipe);
          document.set(assignment);
          cli::read_recipe(document);
        },
        1 << 21, assignment);
  }
}

// Whatever the parser would follow by recursion.
std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}
std::string error_of_text(const std::string& text) {
  return testing::error_of([&] { cli::Document("my.toml", text); });
}

TEST(DamagedRecipe, DeepNestingIsRefusedBeforeItIsParsed) {
  const std::string key = "a" + repeated(".a", 49'999), parts = "the key has more than 16 parts; no key of a recipe has",
                    brackets = "more than 128 brackets are open; no recipe is nested so deep";
  EXPECT_EQ(error_of_text("x = 1\n" + key + " = 1"), "my.toml:2: " + parts);
  EXPECT_EQ(error_of_text("[" + key + "]"), "my.toml:1: " + parts);
  EXPECT_EQ(error_of_text("[[" + key + "]]"), "my.toml:1: " + parts);
  EXPECT_EQ(error_of_text("x = {b = 1, " + key + " = 1}"), "my.toml:1: " + parts);
  EXPECT_EQ(error_of_text("\"a\"" + repeated(" . \"a.b\"", 50'000) + " = 1"), "my.toml:1: " + parts);
  EXPECT_EQ(error_of_text("'a'" + repeated(".'#'", 50'000) + " = 1"), "my.toml:1: " + parts);
  EXPECT_EQ(error_of_text("x = '''\n''''\n" + key + " = 1"), "my.toml:3: " + parts);
  EXPECT_EQ(error_of_text("x = \"\"\"\\\"\"\"\"\"\"\n" + key + " = 1"), "my.toml:2: " + parts);
  EXPECT_EQ(error_of_text("x = \"\\\\\" # \"\n" + key + " = 1"), "my.toml:2: " + parts);
  EXPECT_EQ(error_of_text("x = " + repeated("[", 100'000)), "my.toml:1: " + brackets);
  EXPECT_EQ(error_of_text("x = " + repeated("{a = ", 100'000)), "my.toml:1: " + brackets);
  EXPECT_EQ(error_of_text("x = " + repeated("[{a = ", 100'000)), "my.toml:1: " + brackets);
}

TEST(DamagedRecipe, DotsAndBracketsInTextsAndCommentsDoNotCount) {
  const std::string dots = repeated(".[{", 1000);
  EXPECT_EQ(error_of_text("# " + dots + "\na = \"" + dots + "\"\nb = '" + dots + "' # " + dots + "\nc = \"\"\"\n" + dots +
                          "\"\"\"\nd = '''" + dots + "\n'''\n"),
            "");
  EXPECT_EQ(error_of_text("a = \"\\\"" + dots + "\"\nb = \"\\\\\" # " + dots),
            "");  // a quote after a backslash is none, but a backslash may be the last
  EXPECT_EQ(error_of_text("a = 'C:\\'\nb = '" + dots + "'"), "");                      // in a literal text a backslash is one
  EXPECT_EQ(error_of_text("a = [" + repeated("1.5, [0.5], ", 1000) + "]\nb = {x = 0.5, y.z = 1}\n" + repeated("[[c.d.e]]\n", 1000)), "");
}

TEST(DamagedRecipe, TheDeepestThatIsParsedIsHarmless) {
  const std::string key = "a" + repeated(".a", 15);
  const std::string deep = "[" + key + "]\nx = " + repeated("{" + key + " = ", 120) + "1" + repeated("}", 120);
  EXPECT_NO_THROW({
    cli::Document document("my.toml", deep);
    document.set("a.b=3");
    EXPECT_NE(document.text("my"), "");
  });
}

TEST(DamagedRecipe, DeepAssignmentsAreRefused) {
  cli::Document document("my.toml", testing::kCloudsRecipe);
  const auto message = [&](const std::string& assignment) { return testing::error_of([&] { document.set(assignment); }); };
  const std::string key = "a" + repeated(".a", 19'999), parts = "the key has more than 16 parts; no key of a recipe has";
  EXPECT_EQ(message(key + "=1"), "--set: " + parts);
  EXPECT_EQ(message("a" + repeated("[0]", 20'000) + "=1"), "--set: " + parts);
  EXPECT_EQ(message("x={" + key + "=1}"), "--set x: " + parts);
  EXPECT_EQ(message("x=1\n" + key + "=1"), "--set x: " + parts);
  EXPECT_EQ(message("x=" + repeated("[", 20'000)), "--set x: more than 128 brackets are open; no recipe is nested so deep");
}

TEST(DamagedRecipe, NamesThatAreNoFolderNamesAreRefused) {
  for (const std::string& name : {std::string("a/b"), std::string(""), std::string(201, 'x'), std::string("a\\nb"), std::string("\\u0000"),
                                  std::string("\\u001b[31m")}) {
    EXPECT_EQ(testing::error_of([&] {
                cli::read_recipe(cli::Document("my.toml", testing::recipe_with("name = \"clouds\"", "name = \"" + name + "\"")));
              }),
              "my.toml:1: name: it names a folder; it must have 1 to 200 bytes, no / and no control characters")
        << name;
  }
}

}  // namespace
}  // namespace gradus
