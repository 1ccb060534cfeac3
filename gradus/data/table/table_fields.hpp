// How recipes and files say what columns are. Not for users.
#pragma once

#include <map>
#include <string>

#include "gradus/data/table/read_table.hpp"
#include "gradus/graph/fields.hpp"

namespace gradus::core {

/// {zip = "categorical", size = ["small", "medium", "large"]}: a type, or the order of an ordinal column.
template <>
struct FieldType<std::map<std::string, data::ColumnKind>> {
  using Kinds = std::map<std::string, data::ColumnKind>;
  static std::string expected(const FieldNote&, const Kinds&) { return "a table of types, or of lists in order, by column"; }
  static Datum write(const Kinds& value, FieldWriting&) {
    Datum::Table out;
    for (const auto& [name, kind] : value) {
      if (kind.order.empty()) out.emplace_back(name, data::name_of(kind.type));
      else out.emplace_back(name, Datum::List(kind.order.begin(), kind.order.end()));
    }
    return out;
  }
  static bool read(Kinds& value, const Datum& given, const FieldNote& note, FieldReading& reading) {
    const Datum::Table* table = given.get_if<Datum::Table>();
    if (!table) return false;
    value.clear();
    for (const auto& [name, said] : *table) {
      data::ColumnKind kind;
      if (said.get_if<Datum::List>()) {
        kind.type = data::ColumnType::ordinal;
        if (!FieldType<std::vector<std::string>>::read(kind.order, said, note, reading) || kind.order.size() < 2)
          throw FieldError(name, concat("expected a list of at least two texts, got ", said));
      } else if (!FieldType<data::ColumnType>::read(kind.type, said, note, reading)) {
        throw FieldError(name, concat("expected one of ", join_names(data::enum_names(kind.type)), ", got ", said));
      }
      value.emplace(name, std::move(kind));
    }
    return true;
  }
};

}  // namespace gradus::core
