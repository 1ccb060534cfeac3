// Steps in recipes. Not for users.
#pragma once

#include <vector>

#include "gradus/preprocess/step.hpp"

namespace gradus::core {

/// [{type = "Impute", fill = "median"}, {type = "Standardise"}], or names alone: ["Standardise"].
template <>
struct FieldType<std::vector<preprocess::Step>> {
  static std::string expected(const FieldNote&, const std::vector<preprocess::Step>&) {
    return "a list of steps, for example [{type = \"Standardise\"}]";
  }
  static Datum write(const std::vector<preprocess::Step>& value, FieldWriting&) {
    Datum::List out;
    for (const preprocess::Step& step : value) out.push_back(step.to_datum());
    return out;
  }
  static bool read(std::vector<preprocess::Step>& value, const Datum& given, const FieldNote&, FieldReading& reading);
};

}  // namespace gradus::core
