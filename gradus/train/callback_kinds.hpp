// Callbacks by name, with their options as fields: for recipes and the reference of keys. Not for users.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/train/history.hpp"

namespace gradus::train {

/// A callback that a recipe asks for. `make` is given the folder of the run, where paths that are not absolute go from.
struct NamedCallback {
  std::string name{};
  std::function<std::shared_ptr<Callback>(const std::string& folder)> make{};
};

struct CallbackKind {
  std::string_view name{}, text{};
  core::Described (*options)() = nullptr;
  /// Reads the options; `others` are keys that the caller has read.
  NamedCallback (*read)(const core::Datum::Table& given, core::FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const core::Named<CallbackKind>& callback_kinds();

}  // namespace gradus::train

namespace gradus::core {
/// A list of names, or of tables with a name and options: ["csv", {name = "tensorboard", folder = "curves"}].
template <>
struct FieldType<std::vector<train::NamedCallback>> {
  static std::string expected(const FieldNote&, const std::vector<train::NamedCallback>&) { return "a list of names or tables"; }
  static Datum write(const std::vector<train::NamedCallback>& value, FieldWriting&);
  static bool read(std::vector<train::NamedCallback>& value, const Datum& given, const FieldNote& note, FieldReading& reading);
};
}  // namespace gradus::core
