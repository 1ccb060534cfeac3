// JSON text to data without a schema, and back.
#pragma once

#include <string>
#include <string_view>

#include "gradus/base/datum.hpp"
#include "gradus/base/function_ref.hpp"

namespace gradus::core {

/// Is told what is wrong with a text ("has \"name\" twice", "is nested too deeply", "is not valid JSON") and from which byte on; must
/// throw.
using OnJsonProblem = FunctionRef<void(std::string_view problem, int64_t byte)>;

/// Tables in the order of the text. An integer that int64 does not hold becomes a double. Refused are what is no JSON, a key twice in
/// one table, and what is nested deeper than 256.
Datum read_json(std::string_view text, OnJsonProblem on_problem);

/// One line, tables in their order. Numbers read back as the same numbers; of those that are not finite it makes the texts "nan", "inf",
/// "-inf", of bytes that are no UTF-8 U+FFFD.
std::string write_json(const Datum& datum);

}  // namespace gradus::core
