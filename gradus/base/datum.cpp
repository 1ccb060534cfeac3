// Looking things up in data, and showing it.
#include "gradus/base/datum.hpp"

#include "gradus/base/text.hpp"

namespace gradus::core {

namespace {
constexpr size_t kMostShown = 6, kLongestText = 60;
}

Datum::Datum() = default;
Datum::Datum(bool flag) : kind_(Kind::flag), flag_(flag) {}
Datum::Datum(int64_t number) : kind_(Kind::integer), integer_(number) {}
Datum::Datum(double number) : kind_(Kind::real), real_(number) {}
Datum::Datum(std::string text) : kind_(Kind::text), text_(std::move(text)) {}
Datum::Datum(std::string_view text) : Datum(std::string(text)) {}
Datum::Datum(const char* text) : Datum(std::string(text)) {}
Datum::Datum(List list) : kind_(Kind::list), list_(std::move(list)) {}
Datum::Datum(Table table) : kind_(Kind::table), table_(std::move(table)) {}
Datum::Datum(const Datum& other) = default;
Datum::Datum(Datum&& other) noexcept = default;
Datum& Datum::operator=(const Datum& other) = default;
Datum& Datum::operator=(Datum&& other) noexcept = default;
Datum::~Datum() = default;

bool operator==(const Datum& a, const Datum& b) {
  if (a.kind_ != b.kind_) return false;
  switch (a.kind_) {
    case Datum::Kind::nothing:
      return true;
    case Datum::Kind::flag:
      return a.flag_ == b.flag_;
    case Datum::Kind::integer:
      return a.integer_ == b.integer_;
    case Datum::Kind::real:
      return a.real_ == b.real_;
    case Datum::Kind::text:
      return a.text_ == b.text_;
    case Datum::Kind::list:
      return a.list_ == b.list_;
    case Datum::Kind::table:
      break;
  }
  return a.table_ == b.table_;
}

const Datum* find(const Datum::Table& table, std::string_view name) {
  for (const auto& [key, value] : table) {
    if (key == name) return &value;
  }
  return nullptr;
}

const Datum* Datum::find(std::string_view name) const {
  const Table* table = get_if<Table>();
  return table ? core::find(*table, name) : nullptr;
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

}  // namespace gradus::core
