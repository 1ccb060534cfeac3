// By nlohmann-json, with what it does not check: keys that stand twice, and depth, which it follows by recursion.
#include "gradus/io/datum_json.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "gradus/base/error.hpp"
#include "gradus/io/json_keys_internal.hpp"

namespace gradus::io {

using namespace core;

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kDeepest = 256;

ordered_json to_json(const Datum& datum) {
  if (const bool* flag = datum.get_if<bool>()) return *flag;
  if (const int64_t* number = datum.get_if<int64_t>()) return *number;
  if (const double* number = datum.get_if<double>()) {
    if (std::isnan(*number)) return "nan";
    if (std::isinf(*number)) return *number > 0 ? "inf" : "-inf";
    return *number;
  }
  if (const std::string* text = datum.get_if<std::string>()) return *text;
  if (const Datum::List* list = datum.get_if<Datum::List>()) {
    ordered_json out = ordered_json::array();
    for (const Datum& entry : *list) out.push_back(to_json(entry));
    return out;
  }
  const Datum::Table* table = datum.get_if<Datum::Table>();
  if (!table) return nullptr;
  ordered_json out = ordered_json::object();
  for (const auto& [name, value] : *table) out[name] = to_json(value);
  return out;
}

Datum to_datum(const json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return value.get<double>();
  if (value.is_number_integer()) return value.get<int64_t>();
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    Datum::List out;
    for (const json& entry : value) out.push_back(to_datum(entry));
    return out;
  }
  if (!value.is_object()) return {};
  Datum::Table out;
  for (const auto& [name, entry] : value.items()) out.emplace_back(name, to_datum(entry));
  return out;
}

}  // namespace

std::string json_text(const Datum& datum) { return to_json(datum).dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

Datum datum_of_json(const std::string& text, const std::string& path, std::string_view name) {
  const auto on_twice = [&](const std::vector<std::string>& keys) { fail_io(path, "its ", name, " has \"", keys.back(), "\" twice"); };
  const auto on_deep = [&] { fail_io(path, "its ", name, " is nested too deeply"); };
  const json value = json::parse(text, check_keys(kDeepest, on_twice, on_deep), false);
  if (value.is_discarded()) fail_io(path, "its ", name, " is not valid JSON; the file is damaged or not a Gradus model");
  return to_datum(value);
}

bool number_of(const Datum& datum, double& number) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (datum.is_number()) number = datum.number();
  else if (datum == Datum("nan")) number = std::numeric_limits<double>::quiet_NaN();
  else if (datum == Datum("inf")) number = infinity;
  else if (datum == Datum("-inf")) number = -infinity;
  else return false;
  return true;
}

}  // namespace gradus::io
