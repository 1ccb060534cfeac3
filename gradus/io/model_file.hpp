// Model files: parameters, architecture and metadata in one safetensors container. Plain data: loading one never runs code.
//
// The arrays are the model's variables under their paths ("0.kernel"). The metadata holds
//   format         "gradus"
//   version        "1"; a file of a newer version is refused
//   architecture   JSON: {"type": "Sequential", "layers": [{"type": "Dense", "units": 10, ...}]}
//   fields         JSON: numbers of a model of one's own type, by path
//   info           JSON: name, description, class_names, input_shape, input_dtype; where it is known preprocessing, of mean, deviation,
//   range
//   tokenizer      JSON, of models of text: in the form of a tokenizer.json, its vocabulary a list
//   pipeline       JSON, of models of tables: steps with what they have learnt, columns, target
//   checksum       "crc32:" and eight digits, of all else that the file says; files without it are taken
// and the texts of ModelInfo::extra under "extra." and their name.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gradus/data/dataset.hpp"
#include "gradus/graph/field_names.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/io/safetensors.hpp"
#include "gradus/nn/model.hpp"

namespace gradus::io {

/// Paths that begin with the parts `from` in the file and with the parts `to` in the model; "" stands for no parts.
struct Renaming {
  std::string from{}, to{};
};

/// How much of a model file is loaded into a model. Patterns (base/path_pattern.hpp) are of the model's paths.
struct LoadOptions {
  std::vector<std::string> only{};    ///< what is to be loaded; empty: all
  std::vector<std::string> except{};  ///< and what is not
  std::vector<Renaming> rename{};     ///< of the file's paths, before all else; for each the first one that fits counts
  bool is_strict = false;             ///< what is missing, not expected or does not fit is an error, instead of left out
  GRADUS_OPTIONS(only, except, rename, is_strict)
};

/// What became of each parameter.
struct LoadReport {
  struct Misfit {
    std::string path{}, problem{};  ///< "is (8, 3) in the file and (8, 10) in the model"
  };
  std::string file{};
  nn::ModelInfo info{};                   ///< of the file
  std::vector<std::string> loaded{};      ///< paths of the model
  std::vector<std::string> missing{};     ///< asked for, and not in the file: they stay as they are
  std::vector<std::string> unexpected{};  ///< in the file (renamed), and not in the model
  std::vector<Misfit> misfits{};          ///< in both, of another shape or dtype: they stay as they are
  std::vector<std::string> left_out{};    ///< in both, and not asked for
};
/// One line that counts, and one a path that was not loaded.
std::string to_text(const LoadReport& report);

namespace detail {
/// A model of any type, for the code that is the same for all.
struct AnyModel {
  std::string type;
  std::vector<Variable> variables;
  std::function<void(core::PartVisitor&)> visit;
  nn::Layer* layer = nullptr;  ///< null for a model of one's own type
};
void save(AnyModel model, const nn::ModelInfo& info, const std::string& path);
/// What a model file holds: arrays by name, and texts.
struct ModelContent {
  std::vector<NamedArray> arrays{};
  std::map<std::string, std::string> metadata{};
};
ModelContent content_of(AnyModel model, const nn::ModelInfo& info);
nn::ModelInfo load_into(AnyModel model, const std::string& path);
LoadReport load_part(const std::vector<Variable>& variables, const std::string& path, const LoadOptions& options);

template <Module M>
AnyModel any(const M& model) {
  AnyModel out{nn::detail::type_name<M>(), variables(model), [&model](core::PartVisitor& visitor) { visit_part(visitor, "", model); },
               nullptr};
  if constexpr (std::same_as<M, nn::Layer>) out.layer = const_cast<nn::Layer*>(&model);
  else if constexpr (std::same_as<M, nn::Model>) out.layer = const_cast<nn::Layer*>(&model.layer());
  if (out.layer) out.type = out.layer->type();
  return out;
}
/// Calls f with the model as an AnyModel, which refers to it.
template <class M, class F>
void with_any(const M& model, const F& f) {
  if constexpr (nn::UnaryModule<M> && !std::same_as<M, nn::Model>) {
    // Shares the parameters: a reference in a Layer's clothes.
    const nn::Layer layer(nn::Shared<M>(std::shared_ptr<M>(const_cast<M*>(&model), [](M*) {})));
    f(any(layer));
  } else {
    f(any(model));
  }
}
}  // namespace detail

/// Writes a model. A shape of samples that `info` does not say is that of the first call. The old file stays whole if anything fails. A
/// lambda as activation, or a parameter without value, is an error. Numbers that are not finite are saved and loaded, with a warning on the
/// standard error stream that says in which parameter and how many.
template <class M>
void save(const M& model, const std::string& path, const nn::ModelInfo& info) {
  if constexpr (::gradus::core::must_be_module<M>())
    detail::with_any(model, [&](detail::AnyModel any) { detail::save(std::move(any), info, path); });
}
template <class M>
void save(const M& model, const std::string& path) {
  if constexpr (std::same_as<M, nn::Model>) save(model, path, model.info);
  else save(model, path, nn::ModelInfo{});
}
/// What a training set says of its model: class names, shape and dtype of a sample, the range of its numbers, that bytes were divided
/// by 255, the tokenizer of texts and the pipeline of tables. Reads all inputs that are floats.
nn::ModelInfo info_of(const data::Dataset& set);
/// Writes a model with what its training set says: then `gradus predict` and `gradus evaluate` know its classes and prepare samples as
/// training did.
///
///   io::save(model, "fashion.gradus", train_set);
template <class M, std::same_as<data::Dataset> S>
void save(const M& model, const std::string& path, const S& set) {
  save(model, path, info_of(set));
}

/// Reads a model that is made of the library's layers; a sealed file (io/sealed.hpp) by the key that an UnsealScope gives. Throws for a
/// missing, truncated or damaged file (its checksum is compared), for parameters that are no floats, and for a model with layers of one's
/// own types, naming them.
nn::Model load(const std::string& path);
/// Fills a model that the caller has made, of any type, and returns the file's metadata. Every parameter must be in the file with the
/// right shape and dtype, and the file must hold no others; numbers of the model's own must agree. On failure the model is as it was.
template <class M>
nn::ModelInfo load(M& model, const std::string& path) {
  if constexpr (::gradus::core::must_be_module<M>()) return detail::load_into(detail::any(model), path);
  else return {};
}
/// Fills a part of a model from a file of perhaps another one, for transfer learning, and tells what became of each parameter. Build the
/// model first (nn::build), or the shapes of what it has not made yet are only checked when it is called. Throws for a damaged file, for a
/// pattern of `only` or `except` that stands for no parameter of the model, for a renaming that no path of the file begins with, for two
/// paths that become one, if nothing can be loaded, and for what is_strict forbids; the model is then as it was.
///
///   io::to_text(io::load(model, "old.gradus", {.except = {"norm.**"}}))   // all but the layer "norm"
template <class M>
LoadReport load(M& model, const std::string& path, const LoadOptions& options) {
  if constexpr (::gradus::core::must_be_module<M>()) return detail::load_part(variables(model), path, options);
  else return {};
}

}  // namespace gradus::io
