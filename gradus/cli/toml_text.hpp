// Values as TOML.
#pragma once

#include <string>

#include "gradus/base/datum.hpp"

namespace gradus::cli {

/// A text in quotes, with what cannot stand there as it is escaped.
std::string toml_text(const std::string& text);
/// A key: bare where it may be, else in quotes.
std::string toml_key(const std::string& name);
/// Any value in one line.
std::string toml(const core::Datum& value);

}  // namespace gradus::cli
