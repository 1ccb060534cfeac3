// Model: a layer with what a model file says of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gradus/nn/layer.hpp"

namespace gradus::nn {

/// What goes with a model but is not computed: saved in the model file.
struct ModelInfo {
  std::string name{}, description{};
  std::vector<std::string> class_names{};  ///< of the outputs of a classifier; may be empty
  std::vector<int64_t> input_shape{};      ///< of one example, without the batch; empty: not known
  DType input_dtype = float32;
  std::map<std::string, std::string> extra{};  ///< further texts by name, for example a recipe or fitted preprocessing
};

/// A model as it comes from a file, or is about to be saved: made of library layers, callable, with its metadata.
class Model {
 public:
  Model() : layer_(Sequential()) {}
  explicit Model(Layer layer, ModelInfo info = {}) : info(std::move(info)), layer_(std::move(layer)) {}

  Array forward(const Array& x) const { return layer_.forward(x); }
  Array operator()(const Array& x) const { return layer_.forward(x); }
  const Layer& layer() const { return layer_; }
  Layer& layer() { return layer_; }
  void visit_parts(PartVisitor& visitor, const std::string& path) const { layer_.visit_parts(visitor, path); }

  ModelInfo info{};

 private:
  Layer layer_;
};

}  // namespace gradus::nn
