// Weights of classes as a field: for recipes and the reference of keys. Not for users.
#pragma once

#include "gradus/graph/fields.hpp"
#include "gradus/train/class_weights.hpp"

namespace gradus::core {
/// "balanced", or a table: {Shirt = 2}, {0 = 1, 3 = 2.5}.
template <>
struct FieldType<train::ClassWeights> {
  static std::string expected(const FieldNote&, const train::ClassWeights&) {
    return "\"balanced\", or a table of numbers by class name or label";
  }
  static Datum write(const train::ClassWeights& value, FieldWriting&);
  static bool read(train::ClassWeights& value, const Datum& given, const FieldNote& note, FieldReading& reading);
};
}  // namespace gradus::core
