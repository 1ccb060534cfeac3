// Activations by name, with their parameters as fields: for recipes, files and the reference of keys. Not for users.
#pragma once

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/nn/activation.hpp"

namespace gradus::nn {

struct ActivationKind {
  std::string_view name{}, text{};
  Array (*function)(const Array&) = nullptr;  ///< with all defaults; null: it is none ("linear"), or has no defaults
  core::Described (*parameters)() = nullptr;
  /// Reads the parameters; `others` are keys that the caller has read.
  Activation (*read)(const core::Datum::Table& given, core::FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const core::Named<ActivationKind>& activation_kinds();

}  // namespace gradus::nn
