// The table of a model: layers, output shapes, parameters, multiply-adds.
#pragma once

#include <string>

#include "gradus/nn/model.hpp"
#include "gradus/nn/module.hpp"

namespace gradus::nn {

/// One line of a summary.
struct SummaryRow {
  int depth = 0;
  std::string name{}, type{}, details{};
  std::optional<Shape> output{};
  int64_t parameters = 0;     ///< of the layer itself, without its parts; trained, frozen and statistics; shared ones where they come first
  int64_t multiply_adds = 0;  ///< of its matrix products and convolutions, for this input
};
struct Summary {
  std::vector<detail::InputSpec> inputs{};
  std::vector<SummaryRow> rows{};
  int64_t trainable = 0, frozen = 0, state = 0;  ///< numbers in parameters that are trained, in frozen ones, and in statistics
  int64_t bytes = 0;                             ///< of all of them
  int64_t multiply_adds = 0;
};
std::string to_text(const Summary& summary);

namespace detail {
Summary summarize(const std::vector<InputSpec>& inputs, const std::vector<Variable>& variables, const Recorded& recorded);
InputSpec known_input(const Layer& layer, const std::vector<int64_t>& example_shape, DType dtype);
}  // namespace detail

/// What a call with an input of this shape (batch included) does; recorded, never computed. Makes the parameters that are missing.
template <class M>
Summary summarize(const M& model, const Shape& input, DType dtype = float32) {
  if constexpr (!::gradus::core::must_be_module<M>()) return {};
  const std::vector<detail::InputSpec> inputs{{input, dtype}};
  const detail::Recorded recorded =
      detail::record(inputs, [&](const std::vector<Array>& arrays) { return detail::call_with(model, arrays); });
  return detail::summarize(inputs, variables(model), recorded);
}
/// The table as text.
template <class M>
std::string summary(const M& model, const Shape& input, DType dtype = float32) {
  return to_text(summarize(model, input, dtype));
}
/// For an input as the model was first called with, or as its file says.
std::string summary(const Sequential& model);
std::string summary(const Layer& model);
std::string summary(const Model& model);

}  // namespace gradus::nn
