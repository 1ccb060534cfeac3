// One table of a tokenizer file, read with the place in every message: `tokenizer.json: model.vocab: ...`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/datum.hpp"
#include "gradus/base/error.hpp"
#include "gradus/data/text/utf8.hpp"

namespace gradus::data {

/// A value and how to come to it from the top. Values live elsewhere.
class Spec {
 public:
  /// `place` is the file's name, or what else the data come from.
  Spec(const core::Datum& value, std::string_view place, std::string path) : value_(&value), place_(place), path_(std::move(path)) {}

  const core::Datum& value() const { return *value_; }
  bool exists() const { return value_->exists(); }
  std::string_view place() const { return place_; }
  const std::string& path() const { return path_; }

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    core::fail_io(place_, path_, path_.empty() ? "" : ": ", parts...);
  }
  [[noreturn]] void fail_type(std::string_view expected) const { fail("expected ", expected, ", got ", *value_); }

  /// The value of that name; one that does not exist if there is none.
  Spec operator[](std::string_view name) const {
    static const core::Datum nothing;
    const core::Datum* found = value_->find(name);
    return {found ? *found : nothing, place_, path_.empty() ? std::string(name) : core::concat(path_, ".", name)};
  }
  std::vector<Spec> elements() const {
    const auto* list = value_->get_if<core::Datum::List>();
    if (!list) fail_type("a list");
    std::vector<Spec> all;
    for (size_t i = 0; i < list->size(); ++i) all.push_back({(*list)[i], place_, core::concat(path_, "[", i, "]")});
    return all;
  }
  const core::Datum::Table& table() const {
    const auto* table = value_->get_if<core::Datum::Table>();
    if (!table) fail_type("a table");
    return *table;
  }

  const std::string& text() const {
    const std::string* text = value_->get_if<std::string>();
    if (!text) fail_type("a text");
    if (const int64_t at = invalid_utf8(*text); at >= 0) fail("byte ", at, " of the text is not UTF-8");
    return *text;
  }
  std::string text_or(std::string fallback) const { return exists() ? text() : std::move(fallback); }
  bool flag_or(bool fallback) const {
    if (!exists()) return fallback;
    const bool* flag = value_->get_if<bool>();
    if (!flag) fail_type("true or false");
    return *flag;
  }
  int64_t integer(int64_t low, int64_t high) const {
    const int64_t* number = value_->get_if<int64_t>();
    if (!number || *number < low || *number > high) fail_type(core::concat("an integer from ", low, " to ", high));
    return *number;
  }
  /// A text of exactly one character.
  char32_t character() const {
    size_t at = 0;
    if (text().empty()) fail_type("one character");
    const char32_t c = next_code_point(text(), at);
    if (at != text().size()) fail_type("one character");
    return c;
  }

 private:
  const core::Datum* value_;
  std::string_view place_;
  std::string path_;
};

/// The row of a table of kinds that the spec's "type" names; refuses others by name.
template <class Row, size_t n>
const Row& kind_of(const Spec& spec, const Row (&rows)[n], std::string_view what) {
  const std::string& type = spec["type"].text();
  std::vector<std::string> known;
  for (const Row& row : rows) {
    if (row.name == type) return row;
    known.emplace_back(row.name);
  }
  spec.fail("there is no ", what, " \"", type, "\" here; known are ", core::join(known));
}

}  // namespace gradus::data
