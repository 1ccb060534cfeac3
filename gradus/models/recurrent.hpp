// Networks of recurrent layers: for characters, for texts, and, with a Transformer as the other choice, for series.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gradus/nn/dense.hpp"
#include "gradus/nn/recurrent.hpp"

namespace gradus::models {

/// Options of CharRNN.
struct CharRNNOptions {
  int64_t vocabulary = 128;
  int64_t width = 64;   ///< numbers a token
  int64_t units = 256;  ///< of each layer
  int64_t layers = 2;
  double dropout = 0.0;
  GRADUS_OPTIONS(vocabulary, width, units, layers, dropout)
};

/// A recurrent language model (Graves 2013): ids (N, T) to logits (N, T, vocabulary) of the token after each, by stacked LSTM layers.
/// Inside an nn::DecodingScope it goes on from the state of the last call.
///
///   models::CharRNN model({.vocabulary = 65, .units = 32});
///   model(zeros({1, 8}, int64));   // (1, 8, 65)
class CharRNN {
 public:
  explicit CharRNN(CharRNNOptions options = {});

  Array forward(const Array& ids) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  CharRNNOptions options;
  nn::Embedding tokens;
  nn::LSTM lstm;
  nn::Dropout dropout;
  nn::Dense head;
  GRADUS_PARTS(options, tokens, lstm, dropout, head)
};

/// Options of LSTMClassifier.
struct LSTMClassifierOptions {
  int64_t vocabulary = 10000;
  int64_t classes = 2;
  int64_t width = 64;  ///< numbers a token
  int64_t units = 64;  ///< of each layer and direction
  int64_t layers = 1;
  bool bidirectional = false;
  double dropout = 0.0;
  int64_t padding = 0;  ///< the token that fills up short texts
  GRADUS_OPTIONS(vocabulary, classes, width, units, layers, bidirectional, dropout, padding)
};

/// Ids (N, T) to logits (N, classes): what an LSTM has kept at the end of each text, padding not counted.
///
///   models::LSTMClassifier model({.vocabulary = 50, .classes = 3});
///   model(ones({2, 12}, int64));   // (2, 3)
class LSTMClassifier {
 public:
  explicit LSTMClassifier(LSTMClassifierOptions options = {});

  Array forward(const Array& ids) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  LSTMClassifierOptions options;
  nn::Embedding tokens;
  nn::LSTM lstm;
  nn::Dropout dropout;
  nn::Dense head;
  GRADUS_PARTS(options, tokens, lstm, dropout, head)
};

/// What reads the window of a SeriesForecaster.
enum class SeriesReader { lstm, transformer };
std::span<const std::string_view> enum_names(SeriesReader);

/// Options of SeriesForecaster.
struct SeriesForecasterOptions {
  int64_t horizon = 12;  ///< steps to forecast
  int64_t season = 0;    ///< steps of a season; the forecast is what the model adds to the last one. 0: to the last value
  SeriesReader reader = SeriesReader::lstm;
  int64_t width = 32;  ///< units of the LSTM, or numbers a step of the Transformer
  int64_t layers = 1;
  int64_t heads = 4;  ///< of the Transformer
  double dropout = 0.0;
  GRADUS_OPTIONS(horizon, season, reader, width, layers, heads, dropout)
};

/// Windows of a series (N, T) or (N, T, variables) to its next steps (N, horizon), of the first variable. Each window is brought to mean 0
/// and deviation 1, and its forecast back (Kim et al. 2022), so that a trend leads out of what was seen in training.
///
///   models::SeriesForecaster model({.horizon = 3, .season = 12});
///   model(ones({2, 24}));   // (2, 3)
class SeriesForecaster {
 public:
  explicit SeriesForecaster(SeriesForecasterOptions options = {});

  Array forward(const Array& windows) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  SeriesForecasterOptions options;
  nn::Sequential reader{};
  nn::Dropout dropout;
  nn::Dense head;
  GRADUS_PARTS(options, reader, dropout, head)
};

/// The last season again and again: (N, T) or (N, T, variables) to (N, horizon), of the first variable. What every forecast is compared
/// with. season is from 1 to T.
///
///   models::seasonal_naive(array({{1, 2, 3, 4}}), 2, 3)   // [[3, 4, 3]]
Array seasonal_naive(const Array& windows, int64_t season, int64_t horizon);

}  // namespace gradus::models
