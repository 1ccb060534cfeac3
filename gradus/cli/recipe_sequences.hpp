// The sources of [data] that are texts and series; and what every source gives.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradus/data/dataset.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/preprocess/step.hpp"

namespace gradus::cli {

class Section;
struct DataParts;
struct FoldedData;

using Sets = std::pair<data::Dataset, data::Dataset>;  // for training and for testing
using TextPairs = std::vector<std::pair<std::string, std::string>>;

// What a source has to know beside the recipe.
struct Loading {
  int64_t limit = 0;                       // of more training samples only the first are needed; 0: all
  data::Tokenizer tokenizer{};             // of the model that the samples are for; empty: as the recipe says
  std::vector<std::string> class_names{};  // of that model
  core::Datum pipeline{};                  // and what makes its inputs of tables
  double validation = 0;                   // share of the training samples that is to be watched, of sources that divide their samples themselves
  std::vector<preprocess::Step> steps{};   // of [preprocess]
};

struct Source {
  std::function<Sets(const Loading&)> load;
  std::optional<Shape> input_shape;
  std::function<TextPairs()> test_pairs{};  // the test samples as they are read; of translations only
  std::function<DataParts(const Loading&)> load_parts{};  // in place of `load`, of sources that divide their samples themselves
  std::function<FoldedData(const Loading&, int64_t count)> load_folds{};  // of those
};

inline constexpr FieldNote kTest{"test", "share of the samples that is for testing", range::part};

struct Text {
  std::string path{}, tokenizer = "character";
  int64_t vocabulary_size = 8000, context = 128, stride = 0;
  double masked = 0, test = 0.1;
  Source source(const Section& section, uint64_t seed) const;
  GRADUS_OPTIONS(path, tokenizer, vocabulary_size, context, stride, masked, test)
};

struct LabelledText {
  std::string path{}, tokenizer = "word";
  int64_t vocabulary_size = 8000, label_column = 0, text_column = 1, most = 128;
  double test = 0.2;
  Source source(const Section& section, uint64_t seed) const;
  GRADUS_OPTIONS(path, tokenizer, vocabulary_size, label_column, text_column, most, test)
};

struct Translation {
  std::string path{}, target_path{}, test_path{}, test_target_path{}, tokenizer = "byte_pair";
  int64_t vocabulary_size = 8000, source_column = 0, target_column = 1, most = 64;
  double test = 0.1;
  Source source(const Section& section, uint64_t seed) const;
  GRADUS_OPTIONS(path, target_path, test_path, test_target_path, tokenizer, vocabulary_size, source_column, target_column, most, test)
};

struct Series {
  std::string path{}, column{};
  int64_t steps = 12, horizon = 1;
  double test = 0.2;
  Source source(const Section& section, uint64_t seed) const;
  GRADUS_OPTIONS(path, column, steps, horizon, test)
};

}  // namespace gradus::cli
