// Reading of TOML tables, key by key: wrong types, ranges and unknown keys are errors that name file, line and key.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"

namespace gradus::cli {

/// A parsed TOML file with changes from the command line.
class Document {
 public:
  /// Reads a file of at most 1 MiB. Throws naming line and column when it is no TOML.
  explicit Document(const std::string& path);
  /// The same from a text; `path` stands for it in messages.
  Document(std::string path, std::string text);
  Document(const Document&) = default;
  Document(Document&&) = default;
  Document& operator=(const Document&) = delete;

  /// Applies "train.epochs=3", "model.layers[2].units=64", "optimizer.name=adam": the value is TOML, or else a text.
  void set(const std::string& assignment);

  /// Leaves out a key of the top.
  void remove(const std::string& key);

  const std::string& path() const { return path_; }
  const toml::table& root() const { return root_; }
  /// Where a file lies that a key names. Paths that are not absolute go from the document's folder, those that --set gave from the working
  /// folder. The folder is that of the file, or what the key `folder` at the top says; a text without a file has the working folder.
  std::string located(const std::string& key_path, const std::string& path) const;
  /// The file as it was, or, after changes, as it would have to be. Read from any folder and under any file name it means the same: `name`
  /// is what it is called where it does not say so itself.
  std::string text(const std::string& name) const;
  /// "recipes/my.toml:12: model.layers[2].kernel", or "--set model.layers[2].kernel" for what the command line has set.
  std::string place(const std::string& key_path, const toml::source_region& where) const;

 private:
  bool is_set(const std::string& key_path) const;
  std::string folder() const;

  std::string path_, text_;
  toml::table root_;
  std::vector<std::string> set_paths_, assignments_;
  bool is_file_ = false, is_cut_ = false;  // cut: something was left out
  // What text() has to say differently.
  mutable bool uses_folder_ = false;
  mutable std::vector<std::pair<std::string, std::string>> absolute_paths_;  // by key
};

/// One table of a document. Every key that is read is known from then on; finish() throws for those that nobody read, naming the
/// nearest known one.
class Section {
 public:
  explicit Section(const Document& document) : Section(document, document.root(), "", {}) {}
  Section(const Document& document, const toml::table& table, std::string path, toml::source_region where)
      : document_(&document), table_(&table), path_(std::move(path)), where_(std::move(where)) {}

  bool has(std::string_view key) const;
  std::string text(std::string_view key, std::string_view otherwise) const;
  /// One of `choices`; the error names the nearest. With an empty `otherwise` the key must be there.
  std::string choice(std::string_view key, const std::vector<std::string>& choices, std::string_view otherwise = {}) const;

  /// The table under a key; an empty one if it is absent.
  Section section(std::string_view key) const;

  /// The row of `kinds` that a key names; the error names the nearest.
  template <class Row>
  const Row& choice(std::string_view key, const Named<Row>& kinds, std::string_view otherwise = {}) const {
    std::vector<std::string> names = kinds.names();
    for (std::string& alias : kinds.aliases()) names.push_back(std::move(alias));
    return *kinds.find(choice(key, names, otherwise));
  }
  /// `options` with those of its keys that are given; who reads on finds them known.
  template <class T>
  T assigned(T options) const {
    read_fields([&](const Datum::Table& given, FieldReading& reading, std::span<const std::string> known) {
      assign_fields(fields_of(options), &options, given, reading, known);
    });
    for (const FieldRow& row : fields_of(options)) find(row.name);
    return options;
  }
  /// Calls read(all values, reading, the keys that have been read), which reads all others; what it finds wrong is thrown with its place.
  template <class Read>
  auto read_fields(const Read& read) const {
    FieldReading reading;
    try {
      return read(values(), reading, std::span<const std::string>(known_));
    } catch (const FieldError& error) {
      fail_below(error.place(), error.problem());
    } catch (const Error& error) {
      throw Error(Error::Kind::invalid, place(), error.place().empty() ? error.problem() : error.place() + ": " + error.problem());
    }
  }

  /// Document::located for a path under a key of this table.
  std::string located(std::string_view key, const std::string& path) const { return document_->located(path_of(key), path); }

  /// Throws where a list is missing or empty.
  void require_entries(std::string_view key, const std::string& wanted) const;

  /// Throws for a key that was not read.
  void finish() const;

  /// The value under a key, null if absent; the key is known from then on.
  const toml::node* find(std::string_view key) const;
  [[noreturn]] void fail_at(std::string_view key, const std::string& problem) const;
  /// `key: is missing; it must be WANTED`, or the key of nearly that name that is there.
  [[noreturn]] void fail_missing(std::string_view key, const std::string& wanted) const;
  /// `key: expected EXPECTED, got VALUE`.
  [[noreturn]] void fail_type(std::string_view key, const toml::node& value, std::string_view expected) const;
  /// The place of this table itself, for errors about all of it.
  std::string place() const { return document_->place(path_, where_); }

 private:
  std::string path_of(std::string_view key) const;
  Datum::Table values() const;
  [[noreturn]] void fail_below(const std::string& path, const std::string& problem) const;
  [[noreturn]] void fail_unknown(std::string_view key, std::string_view near) const;

  const Document* document_;
  const toml::table* table_;
  std::string path_;
  toml::source_region where_;
  mutable std::vector<std::string> known_;
};

}  // namespace gradus::cli
