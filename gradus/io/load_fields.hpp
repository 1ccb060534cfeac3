// The options of loading as fields: for recipes and the reference of keys. Not for users.
#pragma once

#include "gradus/graph/fields.hpp"
#include "gradus/io/model_file.hpp"

namespace gradus::core {
/// A table: {encoder = "0"}.
template <>
struct FieldType<std::vector<io::Renaming>> {
  static std::string expected(const FieldNote&, const std::vector<io::Renaming>&) { return "a table of texts"; }
  static Datum write(const std::vector<io::Renaming>& value, FieldWriting&);
  static bool read(std::vector<io::Renaming>& value, const Datum& given, const FieldNote& note, FieldReading& reading);
};
}  // namespace gradus::core
