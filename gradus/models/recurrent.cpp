// CharRNN, LSTMClassifier, SeriesForecaster.
#include "gradus/models/recurrent.hpp"

#include <algorithm>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/models/checks.hpp"
#include "gradus/nn/attention.hpp"
#include "gradus/nn/transformer.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr FieldNote kVocabulary{"vocabulary", "how many different tokens there are", range::positive},
    kWidth{"width", "numbers a token", range::positive}, kUnits{"units", "numbers that each layer keeps", range::positive},
    kLayers{"layers", "layers one upon the other", range::positive},
    kDropout{"dropout", "share of the numbers that become zero in training", range::share};
constexpr int64_t kMostSteps = 1 << 20;  // of a window: what sinusoidal positions are asked for
constexpr std::string_view kReaders[] = {"lstm", "transformer"};

// As options say; what the LSTM has learnt stays.
template <class O>
void set_lstm(nn::LSTM& lstm, const O& options, int64_t units) {
  lstm.units = units;
  lstm.layers = options.layers;
  lstm.dropout = options.layers > 1 ? options.dropout : 0;
  lstm.check();
}

template <class O>
void set_tokens(nn::Embedding& tokens, const O& options) {
  tokens.count = options.vocabulary;
  tokens.width = options.width;
  tokens.check();
}

}  // namespace

std::span<const std::string_view> enum_names(SeriesReader) { return kReaders; }

// ---- characters

std::span<const FieldNote> CharRNNOptions::field_notes() {
  static constexpr FieldNote notes[] = {kVocabulary, kWidth, kUnits, kLayers, kDropout};
  return notes;
}
CharRNN::CharRNN(CharRNNOptions options) : options(options), tokens(1, 1), lstm(1), dropout(0), head(1) { check(); }
void CharRNN::check() {
  check_fields("CharRNN", fields_of(*this), this);
  set_tokens(tokens, options);
  lstm.return_sequences = true;
  set_lstm(lstm, options, options.units);
  dropout.rate = options.dropout;
  head.units = options.vocabulary;
}
std::string CharRNN::describe() const { return concat(options.layers, " LSTM of ", options.units); }
Array CharRNN::forward(const Array& ids) const {
  detail::check_ids("char_rnn", ids);
  return head(dropout(lstm(tokens(ids))));
}

// ---- texts

std::span<const FieldNote> LSTMClassifierOptions::field_notes() {
  static constexpr FieldNote notes[] = {kVocabulary, {"classes", "how many classes there are", range::positive},
                                        kWidth,      kUnits,
                                        kLayers,     {"bidirectional", "whether texts are read in both directions"},
                                        kDropout,    {"padding", "the token that fills up short texts", range::not_negative}};
  return notes;
}
LSTMClassifier::LSTMClassifier(LSTMClassifierOptions options) : options(options), tokens(1, 1), lstm(1), dropout(0), head(1) { check(); }
void LSTMClassifier::check() {
  check_fields("LSTMClassifier", fields_of(*this), this);
  set_tokens(tokens, options);
  tokens.padding = options.padding;
  tokens.check();
  lstm.bidirectional = options.bidirectional;
  set_lstm(lstm, options, options.units);
  dropout.rate = options.dropout;
  head.units = options.classes;
}
std::string LSTMClassifier::describe() const {
  return concat(options.layers, options.bidirectional ? " bidirectional" : "", " LSTM of ", options.units, " -> ", options.classes);
}
Array LSTMClassifier::forward(const Array& ids) const {
  detail::check_ids("lstm_classifier", ids);
  return head(dropout(lstm(tokens(ids))));
}

// ---- series

std::span<const FieldNote> SeriesForecasterOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"horizon", "steps to forecast", range::positive},
                                        {"season", "steps of a season; 0: there is none", range::not_negative},
                                        {"reader", "what reads the window"},
                                        {"width", "units of the LSTM, or numbers a step of the Transformer", range::positive},
                                        kLayers,
                                        {"heads", "of the Transformer: parts of the width that look on their own", range::positive},
                                        kDropout};
  return notes;
}
SeriesForecaster::SeriesForecaster(SeriesForecasterOptions options) : options(options), dropout(0), head(1) { check(); }
void SeriesForecaster::check() {
  check_fields("SeriesForecaster", fields_of(*this), this);
  const bool is_transformer = options.reader == SeriesReader::transformer;
  if (is_transformer) detail::check_heads("SeriesForecaster", options.width, options.heads);
  if (reader.size() != (is_transformer ? 3 : 1)) {
    reader = {};
    if (is_transformer) {
      reader.add(nn::Dense(options.width));
      reader.add(nn::PositionEmbedding(kMostSteps, {.kind = nn::PositionKind::sinusoidal}));
      reader.add(nn::TransformerEncoder(options.layers, options.heads));
    } else {
      reader.add(nn::LSTM(options.width));
    }
  }
  if (is_transformer) {
    reader[0].as<nn::Dense>()->units = options.width;
    nn::TransformerEncoder& encoder = *reader[2].as<nn::TransformerEncoder>();
    encoder.layers = options.layers;
    encoder.heads = options.heads;
    encoder.options.dropout = options.dropout;
    encoder.check();
  } else {
    set_lstm(*reader[0].as<nn::LSTM>(), options, options.width);
  }
  dropout.rate = options.dropout;
  head.units = options.horizon;
}
std::string SeriesForecaster::describe() const {
  return concat(kReaders[static_cast<size_t>(options.reader)], " of ", options.width, " -> ", options.horizon, " steps");
}
Array SeriesForecaster::forward(const Array& windows) const {
  constexpr std::string_view op = "series_forecaster";
  if (windows.rank() != 2 && windows.rank() != 3) {
    fail(op, "windows are ", windows.shape(), " of rank ", windows.rank(), "; they must be (batch, time) or (batch, time, variables)");
  }
  if (windows.shape(1) < std::max<int64_t>(options.season, 1)) {
    fail(op, "windows have ", windows.shape(1), " steps, season is ", options.season, "; a window must hold a season, and a step at least");
  }
  const Array x = windows.rank() == 2 ? expand_dims(windows, -1) : windows;
  const Array center = mean(x, 1, keepdims), deviation = maximum(stddev(x, 1, keepdims), 1e-6 * (abs(center) + 1e-6));
  const Array scaled = (x - center) / deviation;
  Array read = reader(scaled);
  if (read.rank() == 3) read = read[{slice(), -1}];  // the last step of a Transformer has seen all
  const Array naive = seasonal_naive(scaled, std::max<int64_t>(options.season, 1), options.horizon);
  return (naive + head(dropout(read))) * deviation[{slice(), 0, slice(0, 1)}] + center[{slice(), 0, slice(0, 1)}];
}

Array seasonal_naive(const Array& windows, int64_t season, int64_t horizon) {
  if (windows.rank() != 2 && windows.rank() != 3) {
    fail("seasonal_naive", "windows are ", windows.shape(), " of rank ", windows.rank(),
         "; they must be (batch, time) or (batch, time, variables)");
  }
  const int64_t time = windows.shape(1);
  if (season < 1 || season > time)
    fail("seasonal_naive", "season is ", season, ", windows have ", time, " steps; season must be from 1 to that");
  if (horizon < 1) fail("seasonal_naive", "horizon is ", horizon, "; it must be at least 1");
  const Array x = windows.rank() == 3 ? windows[{slice(), slice(), 0}] : windows;
  const Array last = x[{slice(), slice(time - season, {})}];
  return tile(last, {1, (horizon - 1) / season + 1})[{slice(), slice(0, horizon)}];
}

}  // namespace gradus::models
