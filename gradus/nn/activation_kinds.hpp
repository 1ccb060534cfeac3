// Activations by name, with their parameters as fields: for recipes, files and the reference of keys. Not for users.
#pragma once

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/nn/activation.hpp"

namespace gradus::nn {

struct ActivationKind {
  std::string_view name{}, text{};
  Array (*function)(const Array&) = nullptr;  ///< with all defaults; null: it is none ("linear"), or has no defaults
  Described (*parameters)() = nullptr;
  /// Reads the parameters; `others` are keys that the caller has read.
  Activation (*read)(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const Named<ActivationKind>& activation_kinds();

}  // namespace gradus::nn
