// Values as TOML.
#include "gradus/cli/toml_text.hpp"

#include <cstdio>

#include "gradus/base/text.hpp"

namespace gradus::cli {

using namespace core;

std::string toml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04X", static_cast<unsigned>(byte));
      out += code;
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

std::string toml_key(const std::string& name) {
  constexpr std::string_view bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !name.empty() && name.find_first_not_of(bare) == std::string::npos ? name : toml_text(name);
}

std::string toml(const Datum& value) {
  if (const Datum::Table* table = value.get_if<Datum::Table>()) {
    std::string out;
    for (const auto& [name, entry] : *table) out += concat(out.empty() ? "" : ", ", toml_key(name), " = ", toml(entry));
    return "{" + out + "}";
  }
  if (const Datum::List* list = value.get_if<Datum::List>()) {
    std::string out;
    for (const Datum& entry : *list) out += (out.empty() ? "" : ", ") + toml(entry);
    return "[" + out + "]";
  }
  const std::string* text = value.get_if<std::string>();
  return text ? toml_text(*text) : core::to_text(value);
}

}  // namespace gradus::cli
