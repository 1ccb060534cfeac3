// The table of library layers.
#include "gradus/nn/factory.hpp"

#include "gradus/nn/conv.hpp"
#include "gradus/nn/dense.hpp"
#include "gradus/nn/norm.hpp"
#include "gradus/nn/pool.hpp"
#include "gradus/nn/recurrent.hpp"

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
    {"GlobalAveragePooling2D", "the mean of each channel of an image", [] { return Layer(GlobalAveragePooling2D()); }},
    {"LSTM", "a sequence read step by step into a cell that three gates keep, write and show", [] { return Layer(LSTM(1)); }},
    {"LayerNorm", "each example to mean 0 and variance 1", [] { return Layer(LayerNorm()); }},
    {"MaxPooling2D", "the largest number of each window of an image", [] { return Layer(MaxPooling2D(2)); }},
    {"Residual", "layers with a shortcut around them", [] { return Layer(Residual(Activation())); }},
    {"Sequential", "layers one after the other", [] { return Layer(Sequential()); }},
    {"SimpleRNN", "a sequence read step by step into a state", [] { return Layer(SimpleRNN(1)); }}};

}  // namespace

const Named<LayerKind>& layer_kinds() {
  static constexpr Named<LayerKind> kinds("layer", kKinds, "there is no type");
  return kinds;
}

Layer make_layer(std::string_view type) { return layer_kinds()[type].make(); }
bool is_library_layer(std::string_view type) { return layer_kinds().find(type); }
std::vector<std::string> library_layers() { return layer_kinds().names(); }

}  // namespace gradus::nn
