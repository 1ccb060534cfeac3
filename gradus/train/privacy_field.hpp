// Private training as a field: for recipes and the reference of keys. Not for users.
#pragma once

#include "gradus/graph/fields.hpp"
#include "gradus/train/privacy.hpp"

namespace gradus::core {
/// A table: {target_epsilon = 3, delta = 1e-5}.
template <>
struct FieldType<train::PrivacyOptions> {
  static std::string expected(const FieldNote&, const train::PrivacyOptions&) {
    return "a table of noise_multiplier or target_epsilon, delta, clip_norm, micro_batch, secret_seed";
  }
  static Datum write(const train::PrivacyOptions& value, FieldWriting& writing);
  static bool read(train::PrivacyOptions& value, const Datum& given, const FieldNote& note, FieldReading& reading);
};
}  // namespace gradus::core
