// Looking things up in data, and showing it.
#include "gradus/base/datum.hpp"

#include "gradus/base/text.hpp"

namespace gradus {

namespace {
constexpr size_t kMostShown = 6, kLongestText = 60;
}

Datum::Datum() = default;
Datum::Datum(bool flag) : data_(flag) {}
Datum::Datum(int64_t number) : data_(number) {}
Datum::Datum(double number) : data_(number) {}
Datum::Datum(std::string text) : data_(std::move(text)) {}
Datum::Datum(std::string_view text) : data_(std::string(text)) {}
Datum::Datum(const char* text) : data_(std::string(text)) {}
Datum::Datum(List list) : data_(std::move(list)) {}
Datum::Datum(Table table) : data_(std::move(table)) {}
Datum::Datum(const Datum& other) = default;
Datum::Datum(Datum&& other) noexcept = default;
Datum& Datum::operator=(const Datum& other) = default;
Datum& Datum::operator=(Datum&& other) noexcept = default;
Datum::~Datum() = default;

bool operator==(const Datum& a, const Datum& b) { return a.data_ == b.data_; }

const Datum* find(const Datum::Table& table, std::string_view name) {
  for (const auto& [key, value] : table) {
    if (key == name) return &value;
  }
  return nullptr;
}

const Datum* Datum::find(std::string_view name) const {
  const Table* table = get_if<Table>();
  return table ? gradus::find(*table, name) : nullptr;
}

std::string to_text(const Datum& value) {
  if (const bool* flag = value.get_if<bool>()) return to_text(*flag);
  if (const int64_t* number = value.get_if<int64_t>()) return to_text(*number);
  if (const double* number = value.get_if<double>()) return to_text(*number);
  if (const std::string* text = value.get_if<std::string>()) return "\"" + text->substr(0, kLongestText) + "\"";
  if (const Datum::List* list = value.get_if<Datum::List>()) {
    std::string out = "[";
    for (size_t i = 0; i < list->size() && i < kMostShown; ++i) {
      out += (i ? ", " : "") + ((*list)[i].get_if<Datum::List>() ? "[...]" : to_text((*list)[i]));
    }
    return out + (list->size() > kMostShown ? ", ...]" : "]");
  }
  return value.exists() ? "a table" : "nothing";
}

}  // namespace gradus
