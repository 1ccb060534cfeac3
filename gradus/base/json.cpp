// Reading by nlohmann-json's events, with what it does not check: keys that stand twice, and depth. No tree of its own is made.
#include "gradus/base/json.hpp"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

namespace gradus::core {

namespace {

using nlohmann::json;

constexpr size_t kDeepest = 256;

class Events final : public nlohmann::json_sax<json> {
 public:
  explicit Events(OnJsonProblem on_problem) : on_problem_(on_problem) {}

  bool null() override { return take({}); }
  bool boolean(bool value) override { return take(value); }
  bool number_integer(int64_t value) override { return take(value); }
  bool number_unsigned(uint64_t value) override {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return take(static_cast<double>(value));
    return take(static_cast<int64_t>(value));
  }
  bool number_float(double value, const std::string&) override { return take(value); }
  bool string(std::string& value) override { return take(std::move(value)); }
  bool binary(json::binary_t&) override { return false; }

  bool start_object(size_t) override { return open(true); }
  bool start_array(size_t) override { return open(false); }
  bool key(std::string& name) override {
    open_.back().name = std::move(name);
    return true;
  }
  bool end_object() override {
    Datum::Table table = std::move(open_.back().table);
    std::unordered_set<std::string_view> names;
    for (const auto& [name, value] : table) {
      if (!names.insert(name).second) on_problem_("has \"" + name + "\" twice", 0);
    }
    open_.pop_back();
    return take(std::move(table));
  }
  bool end_array() override {
    Datum::List list = std::move(open_.back().list);
    open_.pop_back();
    return take(std::move(list));
  }
  bool parse_error(size_t position, const std::string&, const json::exception&) override {
    on_problem_("is not valid JSON", position > 0 ? static_cast<int64_t>(position) - 1 : 0);
    return false;
  }

  Datum result;

 private:
  struct Open {
    bool is_table = false;
    std::string name{};  // of the value that comes next
    Datum::Table table{};
    Datum::List list{};
  };

  bool open(bool is_table) {
    if (open_.size() == kDeepest) on_problem_("is nested too deeply", 0);
    open_.push_back({is_table});
    return true;
  }
  bool take(Datum value) {
    if (open_.empty()) result = std::move(value);
    else if (open_.back().is_table) open_.back().table.emplace_back(std::move(open_.back().name), std::move(value));
    else open_.back().list.push_back(std::move(value));
    return true;
  }

  OnJsonProblem on_problem_;
  std::vector<Open> open_;
};

// Objects are not handed to the library: its ordered ones look through all their keys for each that is added.
void write(const Datum& datum, std::string& out) {
  constexpr auto replace = json::error_handler_t::replace;
  if (const bool* flag = datum.get_if<bool>()) {
    out += *flag ? "true" : "false";
  } else if (const int64_t* number = datum.get_if<int64_t>()) {
    out += std::to_string(*number);
  } else if (const double* real = datum.get_if<double>()) {
    out += std::isnan(*real) ? "\"nan\"" : std::isinf(*real) ? (*real > 0 ? "\"inf\"" : "\"-inf\"") : json(*real).dump();
  } else if (const std::string* text = datum.get_if<std::string>()) {
    out += json(*text).dump(-1, ' ', false, replace);
  } else if (const Datum::List* list = datum.get_if<Datum::List>()) {
    out += '[';
    for (size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ',';
      write((*list)[i], out);
    }
    out += ']';
  } else if (const Datum::Table* table = datum.get_if<Datum::Table>()) {
    out += '{';
    for (size_t i = 0; i < table->size(); ++i) {
      out += i > 0 ? "," : "";
      write((*table)[i].first, out);
      out += ':';
      write((*table)[i].second, out);
    }
    out += '}';
  } else {
    out += "null";
  }
}

}  // namespace

std::string write_json(const Datum& datum) {
  std::string out;
  write(datum, out);
  return out;
}

Datum read_json(std::string_view text, OnJsonProblem on_problem) {
  Events events(on_problem);
  json::sax_parse(text.begin(), text.end(), &events);
  return std::move(events.result);
}

}  // namespace gradus::core
