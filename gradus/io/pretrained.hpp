// Weights that others have trained, under the names that their files have.
#pragma once

#include <string>
#include <vector>

#include "gradus/graph/parts.hpp"
#include "gradus/io/model_file.hpp"

namespace gradus::io {

/// Where a file of another system holds the value of a parameter.
struct WeightSource {
  std::string path{};                ///< of the parameter in the model
  std::vector<std::string> names{};  ///< of the array in the file: the first one that is there
  bool is_transposed = false;        ///< the file has (out, in)
  /// Part number `part` of `parts` along the last axis, after transposing: queries, keys and values in one array.
  int64_t part = 0, parts = 1;
  bool is_optional = false;  ///< files of the same kind may go without it
};

namespace detail {
LoadReport load_pretrained(const std::vector<Variable>& variables, const std::vector<WeightSource>& sources, const std::string& path);
}  // namespace detail

/// Fills a model of the catalogue from a safetensors file with Hugging Face's names, and tells what became of each array:
/// io::to_text(report). The model says itself what it is called there (weight_sources()). Arrays of other float dtypes are converted.
/// Throws for a damaged file, for a parameter that the file lacks (naming the nearest there is), and for one of another shape; the model is
/// then as it was. Arrays that the model has no use for are listed as unexpected.
///
///   models::BERT bert({.vocabulary = 8, .context = 6, .width = 4, .layers = 1, .heads = 2});
///   std::cout << io::to_text(io::load_pretrained(bert, "bert/model.safetensors"));
template <class M>
LoadReport load_pretrained(M& model, const std::string& path) {
  constexpr bool has_names = requires {
    { model.weight_sources() } -> std::convertible_to<std::vector<WeightSource>>;
  };
  static_assert(has_names,
                "this type does not say what its weights are called elsewhere: std::vector<io::WeightSource> weight_sources() const");
  if constexpr (has_names) return detail::load_pretrained(variables(model), model.weight_sources(), path);
  else return {};
}

}  // namespace gradus::io
