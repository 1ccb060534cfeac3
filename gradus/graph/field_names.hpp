// The members of a plain struct by name: listed once, from which equality, hash, printing, saving, recipes and their reference follow.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "gradus/graph/members.hpp"

namespace gradus::core {

struct FieldNote;  // graph/fields.hpp

/// The `index`-th name of "axis, keepdims".
std::string_view name_at(std::string_view names, size_t index);
}  // namespace gradus::core

/// Names the fields of a parameter struct of an op:
///   struct SoftmaxArgs { int64_t axis = -1; GRADUS_FIELDS(axis) };
/// Fields may be bool, integers, enums, double, std::string, Dims, Shape, std::vector<int64_t>, DType, SubgraphPtr.
#define GRADUS_FIELDS(...)                                      \
  static constexpr std::string_view field_names = #__VA_ARGS__; \
  auto tied_fields() const { return ::gradus::core::members(__VA_ARGS__); }

/// Names the fields of an options struct, at its end, in order. Its source file says what they are for and which values they take:
///   std::span<const FieldNote> SGDOptions::field_notes() {
///     static constexpr FieldNote notes[] = {{"momentum", "share of the last move that is added", range::part}};
///     return notes;
///   }
#define GRADUS_OPTIONS(...)  \
  GRADUS_FIELDS(__VA_ARGS__) \
  static std::span<const ::gradus::core::FieldNote> field_notes();
