// Losses by name, with their options as fields: for recipes, files and the reference of keys. Not for users.
#pragma once

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/nn/loss.hpp"

namespace gradus::loss {

using LossFunction = Array (*)(const Array&, const Array&);
/// What the outputs are that a loss trains: a logit for each class, logits of yes or no, or the numbers themselves.
enum class Aim { classes, answers, numbers };
std::string_view to_text(Aim aim);
struct LossKind {
  std::string_view name{}, alias{}, text{};
  Aim aim = Aim::numbers;
  LossFunction function = nullptr;  ///< with all defaults
  Array (*weighted)(const Array& output, const Array& target, const Array& weights) = nullptr;  ///< the same
  LossFunction divisor = nullptr;                                                               ///< the same; null: the number of examples
  core::Described (*options)() = nullptr;
  /// Reads the options; `others` are keys that the caller has read.
  Loss (*read)(const core::Datum::Table& given, core::FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const core::Named<LossKind>& loss_kinds();

}  // namespace gradus::loss
