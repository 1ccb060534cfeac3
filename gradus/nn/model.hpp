// Model: a layer with what a model file says of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gradus/base/datum.hpp"
#include "gradus/graph/field_names.hpp"
#include "gradus/nn/layer.hpp"

namespace gradus::nn {

/// How the numbers that people have become inputs of a model: x is (x - mean) / deviation.
struct Preprocessing {
  std::vector<double> mean{}, deviation{};  ///< one number for all, or one for each place of the last axis; empty: 0, and 1
  std::vector<double> range{};              ///< lowest and highest number of the training samples, before that; empty: not known
  GRADUS_OPTIONS(mean, deviation, range)

  /// Bytes that are divided by 255.
  static Preprocessing of_bytes() { return {.mean = {}, .deviation = {255}, .range = {0, 255}}; }
  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

/// What goes with a model but is not computed: saved in the model file.
struct ModelInfo {
  std::string name{}, description{};
  std::vector<std::string> class_names{};  ///< of the outputs of a classifier; may be empty
  std::vector<int64_t> input_shape{};      ///< of one example, without the batch; empty: not known
  DType input_dtype = float32;
  std::optional<Preprocessing> preprocessing{};  ///< nothing: not known
  std::map<std::string, std::string> extra{};    ///< further texts by name, for example a recipe
  core::Datum tokenizer{};  ///< what makes its inputs of texts: data::Tokenizer::to_datum(); nothing: it takes no texts
  core::Datum pipeline{};   ///< what makes its inputs of tables: preprocess::Pipeline::to_datum(); nothing: it takes no tables
};

/// Throws `op: ...` for class names, shapes or preprocessing that do not fit each other, and for numbers that are not finite.
void check_info(std::string_view op, const ModelInfo& info);
/// Inputs for the model, of its input_dtype, from numbers as its training samples had them; as they are where no preprocessing is known.
///
///   Array logits = loaded(nn::prepare(loaded.info, bytes));   // a model of bytes: bytes / 255
Array prepare(const ModelInfo& info, const Array& x);

/// A model as it comes from a file, or is about to be saved: made of library layers, callable, with its metadata.
class Model {
 public:
  Model();
  explicit Model(Layer layer, ModelInfo info = {}) : info(std::move(info)), layer_(std::move(layer)) {}

  Array forward(const Array& x) const { return layer_.forward(x); }
  Array operator()(const Array& x) const { return layer_.forward(x); }
  const Layer& layer() const { return layer_; }
  Layer& layer() { return layer_; }
  void visit_parts(core::PartVisitor& visitor, const std::string& path) const { layer_.visit_parts(visitor, path); }

  ModelInfo info{};

 private:
  Layer layer_;
};

}  // namespace gradus::nn
