// Initialisers by name, with their parameters as fields: for recipes and the reference of keys. Not for users.
#pragma once

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/nn/initializer.hpp"

namespace gradus::nn {

struct InitializerKind {
  std::string_view name{}, alias{}, text{};
  core::Described (*parameters)() = nullptr;
  /// Reads the parameters; `others` are keys that the caller has read.
  Initializer (*read)(const core::Datum::Table& given, core::FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const core::Named<InitializerKind>& initializer_kinds();

}  // namespace gradus::nn
