// Things by name: the one kind of table in which optimisers, losses, layers and all else lie that files, recipes and programs call by a
// text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

/// `kind: there is none called "adm"; known are sgd, adam; did you mean adam?`
[[noreturn]] void fail_unknown_name(std::string_view kind, std::string_view phrase, std::string_view name,
                                    std::span<const std::string> known, std::span<const std::string> other_names);
/// A table of rows that have a `name`, and may have an `alias` by which they are found too ("" for none). Rows live as long as the table.
///
///   constexpr Row rows[] = {{"sgd", make_sgd}, {"adam", make_adam}};
///   constexpr Named<Row> optimizers("optimizer", rows);
///   optimizers["adm"]   // throws: optimizer: there is none called "adm"; known are sgd, adam; did you mean adam?
template <class Row>
class Named {
 public:
  /// `kind` says what the rows are, for messages; `phrase` how it is said that a name is unknown.
  constexpr Named(std::string_view kind, std::span<const Row> rows, std::string_view phrase = "there is none called")
      : kind_(kind), phrase_(phrase), rows_(rows) {}

  /// The row of that name; null if there is none.
  constexpr const Row* find(std::string_view name) const {
    for (const Row& row : rows_) {
      if (row.name == name || (!alias_of(row).empty() && alias_of(row) == name)) return &row;
    }
    return nullptr;
  }
  /// The row of that name; throws if there is none, naming all and the nearest.
  const Row& operator[](std::string_view name) const {
    if (const Row* row = find(name)) return *row;
    fail_unknown_name(kind_, phrase_, name, names(), aliases());
  }
  /// The row for which `is_wanted` holds; null if there is none.
  template <class Test>
  constexpr const Row* find_if(const Test& is_wanted) const {
    for (const Row& row : rows_) {
      if (is_wanted(row)) return &row;
    }
    return nullptr;
  }
  /// All names in the order of the rows, without aliases.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Row& row : rows_) all.emplace_back(row.name);
    return all;
  }
  std::vector<std::string> aliases() const {
    std::vector<std::string> all;
    for (const Row& row : rows_) {
      if (!alias_of(row).empty()) all.emplace_back(alias_of(row));
    }
    return all;
  }
  constexpr std::string_view kind() const { return kind_; }
  constexpr auto begin() const { return rows_.begin(); }
  constexpr auto end() const { return rows_.end(); }

 private:
  static constexpr std::string_view alias_of(const Row& row) {
    if constexpr (requires { row.alias; }) return row.alias;
    else return {};
  }

  std::string_view kind_, phrase_;
  std::span<const Row> rows_;
};

}  // namespace gradus::core
