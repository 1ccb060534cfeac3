// The recurrent layers: members, checks and notes; what they do is in recurrent_network.cpp.
#include "gradus/nn/recurrent.hpp"

#include <utility>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/nn/decoding.hpp"
#include "gradus/nn/recurrent_network.hpp"

namespace gradus::nn {

using namespace core;

namespace {

void check_rate(std::string_view layer, const char* name, double rate) {
  if (!(rate >= 0 && rate < 1)) fail(layer, name, " is ", rate, "; it must be at least 0 and below 1");
}

// As many cells as the layer has now; those that are there keep their weights.
template <class L>
void check_layer(std::string_view name, L& layer) {
  detail::checked_count(name, "units", layer.units);
  detail::checked_count(name, "layers", layer.layers);
  check_rate(name, "dropout", layer.dropout);
  check_rate(name, "recurrent_dropout", layer.recurrent_dropout);
  constexpr int64_t most_layers = 10'000;
  if (layer.layers > most_layers) fail(name, "layers is ", layer.layers, "; it must be at most ", most_layers);
  layer.cells.resize(static_cast<size_t>(layer.layers * (layer.bidirectional ? 2 : 1)));
  for (const RecurrentCell& cell : layer.cells) cell.bias.set_used(layer.use_bias);
}

template <class L>
std::string describe_layer(const L& layer) {
  const std::string widths = detail::in_to_out(layer.cells[0].kernel, 0, layer.units);
  return concat(widths, layer.layers > 1 ? concat(", ", layer.layers, " layers") : "", layer.bidirectional ? ", both directions" : "",
                !layer.bidirectional && layer.go_backwards ? ", backwards" : "");
}

// Inside a DecodingScope the state goes on from the last call's.
detail::RecurrentNetwork::Result continued(const detail::RecurrentNetwork& network, const Array& x, const Array& lengths,
                                           DecodingScope& decoding) {
  if (network.is_bidirectional || network.is_reversed) {
    fail(network.name, "it goes backwards; only a layer that goes forwards can be continued inside a DecodingScope");
  }
  decoding.expect(network.name, x.rank() == 3 ? x.shape(1) : 0);
  const std::vector<Array> kept = decoding.last(network.name, [] { return std::vector<Array>(); });
  auto result = network.run(x, kept.empty() ? LSTMState{} : LSTMState{kept[0], kept.size() > 1 ? kept[1] : Array()}, lengths);
  std::vector<Array> next{result.state.h};
  if (result.state.c.exists()) next.push_back(result.state.c);
  decoding.keep(std::move(next), result.state.h.rank() - 2);  // (N, units), or (layers, N, units)
  return result;
}

template <class L>
Array forward_of(const L& layer, const Array& x, const Array& given) {
  const detail::RecurrentNetwork network = detail::network_of(layer);
  const Array lengths = given.exists() ? given : detail::CallScope::lengths_of(x);
  DecodingScope* const decoding = DecodingScope::current();
  const auto result = decoding ? continued(network, x, lengths, *decoding) : network.run(x, {}, lengths);
  return layer.return_sequences ? result.ys : result.last;
}

constexpr FieldNote kUnits{"units", "numbers in the state, and in the output of one direction", range::positive, true},
    kLayers{"layers", "one upon the other, each with weights of its own", range::positive},
    kReturnSequences{"return_sequences", "whether every step has an output, or the last one alone"},
    kBidirectional{"bidirectional", "whether each layer goes in both directions"},
    kGoBackwards{"go_backwards", "from the last step to the first; outputs stay in the order of x"},
    kUseBias{"use_bias", "whether a bias is added"}, kMerge{"merge", "how the outputs of two directions are joined"},
    kDropout{"dropout", "share of each layer's inputs that is dropped in training, the same in all steps", range::share},
    kRecurrentDropout{"recurrent_dropout", "the same of the state that the products see; slower", range::share},
    kActivation{"activation", "the function of new values; with tanh and relu all steps are one fused op"},
    kRecurrentActivation{"recurrent_activation", "the function of the gates"},
    kKernelInitializer{"kernel_initializer", "first values of the kernel"},
    kRecurrentInitializer{"recurrent_initializer", "first values of the recurrent kernel"},
    kBiasInitializer{"bias_initializer", "first values of the bias"};

}  // namespace

std::span<const std::string_view> enum_names(Merge) {
  static constexpr std::string_view names[] = {"concatenate", "sum", "multiply", "average"};
  return names;
}

std::span<const FieldNote> SimpleRNN::field_notes() {
  static constexpr FieldNote notes[] = {
      kUnits,   kLayers,           kReturnSequences, kBidirectional,     kGoBackwards,          kUseBias,        kMerge,
      kDropout, kRecurrentDropout, kActivation,      kKernelInitializer, kRecurrentInitializer, kBiasInitializer};
  return notes;
}
SimpleRNN::SimpleRNN(Size units, Activation activation, SimpleRNNOptions options)
    : units(units.value()),
      layers(options.layers),
      return_sequences(options.return_sequences),
      bidirectional(options.bidirectional),
      go_backwards(options.go_backwards),
      use_bias(options.use_bias),
      merge(options.merge),
      dropout(options.dropout),
      recurrent_dropout(options.recurrent_dropout),
      activation(std::move(activation)),
      kernel_initializer(std::move(options.kernel_initializer)),
      recurrent_initializer(std::move(options.recurrent_initializer)),
      bias_initializer(std::move(options.bias_initializer)) {
  check();
}
void SimpleRNN::check() { check_layer("SimpleRNN", *this); }
std::string SimpleRNN::describe() const { return describe_layer(*this); }
Array SimpleRNN::forward(const Array& x, const Array& lengths) const { return forward_of(*this, x, lengths); }
RecurrentResult SimpleRNN::run(const Array& x, const Array& state, const Array& lengths) const {
  auto result = detail::network_of(*this).run(x, {state, {}}, lengths);
  return {std::move(result.ys), std::move(result.state.h)};
}

std::span<const FieldNote> LSTM::field_notes() {
  static constexpr FieldNote notes[] = {kUnits,
                                        kLayers,
                                        kReturnSequences,
                                        kBidirectional,
                                        kGoBackwards,
                                        kUseBias,
                                        {"unit_forget_bias", "whether the forget gate's bias begins 1 higher"},
                                        kMerge,
                                        kDropout,
                                        kRecurrentDropout,
                                        kActivation,
                                        kRecurrentActivation,
                                        kKernelInitializer,
                                        kRecurrentInitializer,
                                        kBiasInitializer};
  return notes;
}
LSTM::LSTM(Size units, Activation activation, LSTMOptions options)
    : units(units.value()),
      layers(options.layers),
      return_sequences(options.return_sequences),
      bidirectional(options.bidirectional),
      go_backwards(options.go_backwards),
      use_bias(options.use_bias),
      unit_forget_bias(options.unit_forget_bias),
      merge(options.merge),
      dropout(options.dropout),
      recurrent_dropout(options.recurrent_dropout),
      activation(std::move(activation)),
      recurrent_activation(std::move(options.recurrent_activation)),
      kernel_initializer(std::move(options.kernel_initializer)),
      recurrent_initializer(std::move(options.recurrent_initializer)),
      bias_initializer(std::move(options.bias_initializer)) {
  check();
}
void LSTM::check() { check_layer("LSTM", *this); }
std::string LSTM::describe() const { return describe_layer(*this); }
Array LSTM::forward(const Array& x, const Array& lengths) const { return forward_of(*this, x, lengths); }
LSTMResult LSTM::run(const Array& x, const LSTMState& state, const Array& lengths) const {
  auto result = detail::network_of(*this).run(x, state, lengths);
  return {std::move(result.ys), std::move(result.state)};
}

std::span<const FieldNote> GRU::field_notes() {
  static constexpr FieldNote notes[] = {kUnits,
                                        kLayers,
                                        kReturnSequences,
                                        kBidirectional,
                                        kGoBackwards,
                                        kUseBias,
                                        {"reset_after", "whether the reset gate is applied after the product of the state"},
                                        kMerge,
                                        kDropout,
                                        kRecurrentDropout,
                                        kActivation,
                                        kRecurrentActivation,
                                        kKernelInitializer,
                                        kRecurrentInitializer,
                                        kBiasInitializer};
  return notes;
}
GRU::GRU(Size units, Activation activation, GRUOptions options)
    : units(units.value()),
      layers(options.layers),
      return_sequences(options.return_sequences),
      bidirectional(options.bidirectional),
      go_backwards(options.go_backwards),
      use_bias(options.use_bias),
      reset_after(options.reset_after),
      merge(options.merge),
      dropout(options.dropout),
      recurrent_dropout(options.recurrent_dropout),
      activation(std::move(activation)),
      recurrent_activation(std::move(options.recurrent_activation)),
      kernel_initializer(std::move(options.kernel_initializer)),
      recurrent_initializer(std::move(options.recurrent_initializer)),
      bias_initializer(std::move(options.bias_initializer)) {
  check();
}
void GRU::check() { check_layer("GRU", *this); }
std::string GRU::describe() const { return describe_layer(*this); }
Array GRU::forward(const Array& x, const Array& lengths) const { return forward_of(*this, x, lengths); }
RecurrentResult GRU::run(const Array& x, const Array& state, const Array& lengths) const {
  auto result = detail::network_of(*this).run(x, {state, {}}, lengths);
  return {std::move(result.ys), std::move(result.state.h)};
}

}  // namespace gradus::nn
