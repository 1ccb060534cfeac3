// Fields of layers that other structs do not have: sizes, padding, and layers themselves.
#pragma once

#include <string>
#include <vector>

#include "gradus/graph/fields.hpp"
#include "gradus/ops/conv_options.hpp"

namespace gradus::nn {
class Activation;
class Initializer;
class Layer;
}  // namespace gradus::nn

namespace gradus::core {

/// "a positive integer or [height, width]".
std::string expected_sizes(const FieldNote& note, int64_t rank);
/// One number stands for all axes.
bool read_sizes(std::span<int64_t> sizes, const Datum& given, const FieldNote& note);
template <int kRank>
struct FieldType<SizeOf<kRank>> {
  static std::string expected(const FieldNote& note, const SizeOf<kRank>&) { return expected_sizes(note, kRank); }
  static Datum write(const SizeOf<kRank>& value, FieldWriting&) {
    Datum::List list;
    for (const int64_t size : value.dims()) list.push_back(size);
    return list;
  }
  static bool read(SizeOf<kRank>& value, const Datum& given, const FieldNote& note, FieldReading&) {
    int64_t sizes[kRank];
    if (!read_sizes(sizes, given, note)) return false;
    if constexpr (kRank == 1) value = sizes[0];
    else if constexpr (kRank == 2) value = {sizes[0], sizes[1]};
    else value = {sizes[0], sizes[1], sizes[2]};
    return true;
  }
};

/// "same", "valid", one number, one an axis, or [before, after] for each axis.
template <>
struct FieldType<Padding> {
  static std::string expected(const FieldNote&, const Padding&) {
    return "\"same\", \"valid\", an integer, or a list like [1, 2] or [[0, 1], [2, 2]]";
  }
  static Datum write(const Padding& value, FieldWriting&);
  static bool read(Padding& value, const Datum& given, const FieldNote&, FieldReading&);
};

/// The name of an activation, or a table with its name and parameters: "relu", {name = "leaky_relu", slope = 0.2}.
template <>
struct FieldType<nn::Activation> {
  static std::string expected(const FieldNote&, const nn::Activation&) {
    return "the name of an activation, or a table with its name and parameters";
  }
  static Datum write(const nn::Activation& value, FieldWriting&);
  static bool read(nn::Activation& value, const Datum& given, const FieldNote&, FieldReading& reading);
};
/// The same of an initialiser. Files leave it out: it has done its work.
template <>
struct FieldType<nn::Initializer> {
  static constexpr bool is_saved = false;
  static std::string expected(const FieldNote&, const nn::Initializer&) {
    return "the name of an initialiser, or a table with its name and parameters";
  }
  static Datum write(const nn::Initializer& value, FieldWriting&);
  static bool read(nn::Initializer& value, const Datum& given, const FieldNote&, FieldReading& reading);
};
/// A table with the layer's type and its fields. A layer that stands in several places of a file has a number there: {"shared": 0}.
template <>
struct FieldType<nn::Layer> {
  static std::string expected(const FieldNote&, const nn::Layer&) { return "a table"; }
  static Datum write(const nn::Layer& value, FieldWriting& writing);
  static bool read(nn::Layer& value, const Datum& given, const FieldNote&, FieldReading& reading);
};
template <>
struct FieldType<std::vector<nn::Layer>> {
  static std::string expected(const FieldNote&, const std::vector<nn::Layer>&) { return "a list of tables"; }
  static Datum write(const std::vector<nn::Layer>& value, FieldWriting& writing);
  static bool read(std::vector<nn::Layer>& value, const Datum& given, const FieldNote& note, FieldReading& reading);
};

}  // namespace gradus::core
