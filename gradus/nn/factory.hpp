// Layers by the name of their type: what a model file or a recipe asks for.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/named.hpp"
#include "gradus/nn/layer.hpp"

namespace gradus::nn {

/// A type of layers of the library: its name, one line that says what it is, and what makes one with placeholders.
struct LayerKind {
  std::string_view name{}, text{};
  Layer (*make)() = nullptr;
};
/// The layers of nn/ in alphabetical order, then the networks of the catalogue.
const core::Named<LayerKind>& layer_kinds();
/// Those of the catalogue; models/catalogue.cpp, on a floor above, defines it.
std::span<const LayerKind> catalogue_kinds();
/// A layer of the library with placeholders for its hyper-parameters, to be set by Layer::read. Throws for an unknown type,
/// naming the nearest.
Layer make_layer(std::string_view type);
/// Whether make_layer knows the type.
bool is_library_layer(std::string_view type);
/// All types that make_layer knows, in the order of layer_kinds.
std::vector<std::string> library_layers();

}  // namespace gradus::nn
