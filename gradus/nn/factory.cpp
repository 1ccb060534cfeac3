// The table of library layers.
#include "gradus/nn/factory.hpp"

#include <iterator>

#include "gradus/nn/attention.hpp"
#include "gradus/nn/conv.hpp"
#include "gradus/nn/dense.hpp"
#include "gradus/nn/norm.hpp"
#include "gradus/nn/pool.hpp"
#include "gradus/nn/recurrent.hpp"
#include "gradus/nn/transformer.hpp"

namespace gradus::nn {

using namespace core;

namespace {

constexpr LayerKind kKinds[] = {
    {"Activation", "a function", [] { return Layer(Activation()); }},
    {"AveragePooling2D", "the mean of each window of an image", [] { return Layer(AveragePooling2D(2)); }},
    {"BatchNorm", "each channel to mean 0 and variance 1 over the batch", [] { return Layer(BatchNorm()); }},
    {"Conv1D", "filters that slide along a series", [] { return Layer(Conv1D(1, 1)); }},
    {"Conv2D", "filters that slide over an image", [] { return Layer(Conv2D(1, 1)); }},
    {"Dense", "sums of all numbers, each with weights of its own", [] { return Layer(Dense(1)); }},
    {"Dropout", "numbers set to zero at random in training", [] { return Layer(Dropout(0)); }},
    {"Embedding", "a vector for each integer", [] { return Layer(Embedding(1, 1)); }},
    {"Flatten", "an image as one vector", [] { return Layer(Flatten()); }},
    {"GRU", "a sequence read step by step into a state that two gates renew", [] { return Layer(GRU(1)); }},
    {"GlobalAveragePooling1D", "the mean over time", [] { return Layer(GlobalAveragePooling1D()); }},
    {"GlobalAveragePooling2D", "the mean of each channel of an image", [] { return Layer(GlobalAveragePooling2D()); }},
    {"GlobalMaxPooling1D", "the largest number over time", [] { return Layer(GlobalMaxPooling1D()); }},
    {"LSTM", "a sequence read step by step into a cell that three gates keep, write and show", [] { return Layer(LSTM(1)); }},
    {"LayerNorm", "each example to mean 0 and variance 1", [] { return Layer(LayerNorm()); }},
    {"MaxPooling2D", "the largest number of each window of an image", [] { return Layer(MaxPooling2D(2)); }},
    {"MultiHeadAttention", "each token takes from those that it looks at", [] { return Layer(MultiHeadAttention(1)); }},
    {"PositionEmbedding", "a vector that says where a token stands", [] { return Layer(PositionEmbedding(1)); }},
    {"Residual", "layers with a shortcut around them", [] { return Layer(Residual(Activation())); }},
    {"Sequential", "layers one after the other", [] { return Layer(Sequential()); }},
    {"SimpleRNN", "a sequence read step by step into a state", [] { return Layer(SimpleRNN(1)); }},
    {"TransformerEncoder", "blocks of attention and network", [] { return Layer(TransformerEncoder(1, 1)); }},
    {"TransformerEncoderLayer", "one block of attention and network", [] { return Layer(TransformerEncoderLayer(1)); }}};

}  // namespace

const Named<LayerKind>& layer_kinds() {
  static const std::vector<LayerKind>& rows = *[] {
    auto* all = new std::vector<LayerKind>(std::begin(kKinds), std::end(kKinds));
    all->insert(all->end(), catalogue_kinds().begin(), catalogue_kinds().end());
    return all;
  }();
  static const Named<LayerKind>& kinds = *new Named<LayerKind>("layer", rows, "there is no type");
  return kinds;
}

Layer make_layer(std::string_view type) { return layer_kinds()[type].make(); }
bool is_library_layer(std::string_view type) { return layer_kinds().find(type); }
std::vector<std::string> library_layers() { return layer_kinds().names(); }

}  // namespace gradus::nn
