// Layers by the name of their type: what a model file or a recipe asks for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gradus/nn/layer.hpp"

namespace gradus::nn {

/// A layer of the library with placeholders for its hyper-parameters, to be set through Layer::visit_fields. Throws for an unknown type,
/// naming the nearest.
Layer make_layer(std::string_view type);
/// Whether make_layer knows the type.
bool is_library_layer(std::string_view type);
/// All types that make_layer knows, in alphabetical order.
std::vector<std::string> library_layers();

}  // namespace gradus::nn
