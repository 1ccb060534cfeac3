// Data as JSON text, and back.
#pragma once

#include <string>
#include <string_view>

#include "gradus/base/datum.hpp"

namespace gradus::io {

/// One line, tables in their order. Numbers read back as the same numbers; of those that are not finite it makes the texts "nan", "inf",
/// "-inf".
std::string json_text(const core::Datum& datum);
/// Throws an Error of kind io, of `path`, for what is no JSON, has a key twice or is nested deeper than any model. `name` says what the
/// text is.
core::Datum datum_of_json(const std::string& text, const std::string& path, std::string_view name);

/// A number as json_text writes it, with the texts of those that are not finite; false if it is none.
bool number_of(const core::Datum& datum, double& number);

}  // namespace gradus::io
