// A recipe: what a TOML file says of data, model, loss, optimiser and training. Reading it checks every key; nothing is loaded yet.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradus/data/dataset.hpp"
#include "gradus/data/table/table.hpp"
#include "gradus/io/load_fields.hpp"
#include "gradus/nn/layer.hpp"
#include "gradus/nn/loss.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/optim/kinds.hpp"
#include "gradus/train/callback_kinds.hpp"
#include "gradus/train/class_weights_field.hpp"
#include "gradus/metrics/metric_kinds.hpp"
#include "gradus/train/privacy_field.hpp"

namespace gradus::cli {

class Document;
class Section;

/// The sets that a recipe names.
struct DataParts {
  data::Dataset train{}, test{};
  data::Dataset validation{};  ///< watched while training; without samples: nothing is watched
  bool is_validated_on_test = false;
  data::Table train_table{}, test_table{};  ///< of tables: the rows that train and test were made of
  std::vector<std::string> notes{};         ///< what was done to the samples that nobody asked for
};

/// The tokenizer in a model's file; an empty one where there is none. `what` is the file, for messages.
data::Tokenizer tokenizer_in(const nn::ModelInfo& info, const std::string& what);

/// The training samples of a recipe in parts, for cross-validation.
struct FoldedData {
  int64_t count = 0;
  /// What is trained on, without the samples of a fold, 0 .. count - 1; and as `test` those. A share for validation is taken from what is
  /// trained on. The recipe's own test samples are in none.
  std::function<DataParts(int64_t fold)> parts{};
};

/// Where the samples come from.
struct DataSource {
  /// For a trained model, texts become its tokens and its classes, tables go through its pipeline; ModelInfo() for one that is to be
  /// trained.
  std::function<DataParts(const nn::ModelInfo& model)> load{};
  /// The training samples in so many parts. Throws for samples that cannot be divided so.
  std::function<FoldedData(const nn::ModelInfo& model, int64_t count)> folds{};
  std::optional<Shape> input_shape{};  ///< of one sample, where it is known without loading
  /// Sources and translations of the test samples as they are read, before any tokenizer; nothing where the data are no translations.
  std::function<std::vector<std::pair<std::string, std::string>>()> test_pairs{};
};

/// The model file that training starts from.
struct Start {
  std::string from{};  ///< or a run folder; "": none
  io::LoadOptions options{};
};

/// How the parameters are found: step by step along the gradient, or, of a linear model, at once as a certified optimum.
enum class Solver : uint8_t { gradient, exact };
std::span<const std::string_view> enum_names(Solver);

struct TrainSettings {
  int64_t epochs = 10, batch_size = 32, accumulate = 1, patience = 0;
  bool shuffle = true;
  double clip_norm = 0;
  std::vector<metrics::Metric> metrics{};
  train::ClassWeights class_weight{};
  double ema = 0;
  bool ema_warmup = false;
  std::vector<std::string> freeze{};
  train::Precision precision = train::Precision::float32;
  train::PrivacyOptions privacy{};
  std::string rules{};
  int64_t checkpoint_steps = 0;
  double checkpoint_minutes = 5;
  bool tensorboard = false;
  std::vector<train::NamedCallback> callbacks{};
  Solver solver = Solver::gradient;
  std::optional<double> penalty{};  ///< of the exact solver; nothing: by cross-validation
  train::Doctor doctor = train::Doctor::automatic;
  GRADUS_OPTIONS(epochs, batch_size, accumulate, patience, shuffle, clip_norm, metrics, class_weight, ema, ema_warmup, freeze, precision,
                 privacy, rules, checkpoint_steps, checkpoint_minutes, tensorboard, callbacks, solver, penalty, doctor)
};

/// A field of a layer that the data settle: the size of a vocabulary, the classes, the categories of columns.
struct DataField {
  size_t layer = 0;
  std::string name{};
};

struct Recipe {
  std::string name{}, description{};
  int64_t seed = 0;
  DataSource data{};
  nn::Sequential model{};
  std::vector<DataField> by_data{};  ///< what the recipe leaves to the data's tokenizer or table
  Start start{};
  loss::Loss loss{};
  std::function<optim::Optimizer(const optim::RunLength&)> make_optimizer{};
  TrainSettings train{};
  std::string text{};  ///< of the recipe, with what the command line set
  bool has_search = false;  ///< there is a part [search], which only `gradus search` reads
};

/// What is measured on a test set: the recipe's metrics, and for classes with names the accuracy.
std::vector<metrics::Metric> test_metrics(const Recipe& recipe, const data::Dataset& set);

/// Reads and checks a recipe; `assignments` are those of --set.
Recipe read_recipe(const std::string& path, const std::vector<std::string>& assignments = {});
Recipe read_recipe(const Document& document);
/// Name of the recipe's text among the texts of a model file.
inline constexpr const char* kRecipeText = "recipe";
/// The recipe that a model was trained by, of what its file says; `what` is the file, for messages.
Recipe read_recipe_of(const nn::ModelInfo& info, const std::string& what, const std::vector<std::string>& assignments = {});

// Its parts, each in a file of its own.
DataSource read_data(const Section& data, const Section& preprocess, int64_t seed);
void read_model(const Section& model, Recipe& recipe);
/// The recipe's model for these samples: of a tokenizer's size, or a table's categories and classes, where the recipe leaves them open.
/// Throws where there is no tokenizer.
nn::Sequential model_for(const Recipe& recipe, const data::Dataset& set);
loss::Loss read_loss(const Section& loss);
std::function<optim::Optimizer(const optim::RunLength&)> read_optimizer(const Section& optimizer, const Section& schedule);

}  // namespace gradus::cli
