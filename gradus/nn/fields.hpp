// Walks over the hyper-parameters of library layers, for writing them to a model file and reading them back. One list serves both: the
// one that GRADUS_PARTS gives.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "gradus/graph/parts.hpp"
#include "gradus/nn/activation.hpp"
#include "gradus/ops/conv_options.hpp"

namespace gradus::nn {

class Layer;

/// Receives each field of a layer in order, by reference: a writer reads it, a reader assigns it. Parameters and states are no fields;
/// neither are initialisers, which have done their work.
class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void field(std::string_view name, bool& value) = 0;
  virtual void field(std::string_view name, int64_t& value) = 0;
  virtual void field(std::string_view name, double& value) = 0;
  virtual void field(std::string_view name, std::string& value) = 0;
  virtual void field(std::string_view name, std::vector<int64_t>& value) = 0;
  virtual void field(std::string_view name, Padding& value) = 0;
  virtual void field(std::string_view name, Activation& value) = 0;
  virtual void field(std::string_view name, Layer& value) = 0;
  virtual void field(std::string_view name, std::vector<Layer>& value) = 0;
};

/// A type that lists its fields itself.
template <class T>
concept VisitsFields = requires(T& value, FieldVisitor& visitor) {
  value.visit_fields(visitor);
};
/// SizeOf as its numbers.
template <class T>
inline constexpr int size_rank = 0;
template <int kRank>
inline constexpr int size_rank<SizeOf<kRank>> = kRank;
/// Of one number (for all axes) or of kRank numbers; throws for another count.
template <int kRank>
SizeOf<kRank> size_from(std::string_view name, const std::vector<int64_t>& numbers);
template <>
Size1 size_from<1>(std::string_view name, const std::vector<int64_t>& numbers);
template <>
Size2 size_from<2>(std::string_view name, const std::vector<int64_t>& numbers);
template <>
Size3 size_from<3>(std::string_view name, const std::vector<int64_t>& numbers);

/// Visits one member if it is a field.
template <class T>
void visit_field(FieldVisitor& visitor, std::string_view name, T& value) {
  if constexpr (std::same_as<T, bool> || std::same_as<T, int64_t> || std::same_as<T, double> || std::same_as<T, std::string> ||
                std::same_as<T, std::vector<int64_t>> || std::same_as<T, Padding> || std::same_as<T, Activation> ||
                std::same_as<T, Layer> || std::same_as<T, std::vector<Layer>>) {
    visitor.field(name, value);
  } else if constexpr (size_rank<T> != 0) {
    const Dims dims = value.dims();
    std::vector<int64_t> numbers(dims.begin(), dims.end());
    visitor.field(name, numbers);
    value = size_from<size_rank<T>>(name, numbers);
  } else if constexpr (std::is_enum_v<T>) {
    int64_t number = static_cast<int64_t>(value);
    visitor.field(name, number);
    value = static_cast<T>(number);
  }
}

/// Visits the fields of a layer.
template <class M>
void visit_fields(FieldVisitor& visitor, M& module) {
  if constexpr (VisitsFields<M>) {
    module.visit_fields(visitor);
  } else if constexpr (HasParts<M>) {
    const auto parts = module.parts();
    std::apply(
        [&](const auto&... member) {
          size_t index = 0;
          (visit_field(visitor, ::gradus::detail::part_name(parts.names, index++),
                       const_cast<std::remove_cvref_t<decltype(member)>&>(member)),
           ...);
        },
        parts.values);
  }
}

}  // namespace gradus::nn
