// Layers inside a model: which there are, what they give, and Grad-CAM on one of them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// A call of a layer inside a model.
struct LayerResult {
  std::string name{};   ///< "conv2d_1"
  std::string type{};   ///< "Conv2D"
  std::string place{};  ///< "Sequential > conv2d_1": names from the outside in
  Shape shape{};        ///< of what it gave
  int64_t number = 0;   ///< which of the calls, in the order in which they returned
};

/// What the modules that a call of the model at x calls have given, inner ones first. A model that calls no module has none.
///
///   explain::layers(nn::Sequential{nn::Flatten(), nn::Dense(4)}, images)[1].name   // dense
std::vector<LayerResult> layers(Function model, const Array& x);

/// The one of these that `layer` names: by its name, or by the end of its place ("residual > conv2d") where several have the name; of
/// several calls of one layer the last. Throws for a name that stands for none, naming the nearest, and for one that stands for several.
LayerResult find_layer(const std::vector<LayerResult>& all, std::string_view layer);

/// What a layer gives at x, (N, ...), called in batches.
///
///   explain::activations(nn::Sequential{nn::Flatten(), nn::Dense(4, relu), nn::Dense(2)}, images, "dense")   // (4, 4)
Array activations(Function model, const Array& x, std::string_view layer, int64_t batch_size = 256);

/// The rest of a model behind a layer as a model of its own: takes what the layer gives, (n, ...), and gives the output; all else is as at
/// the one row x. So words, which have no gradients, are explained by their vectors. It refers to the model, which must outlive it.
///
///   nn::Sequential net{nn::Embedding(20, 8), nn::GlobalAveragePooling1D(), nn::Dense(2)};
///   const Array words = array({{3, 1, 4}}), vectors = explain::activations(net, words, "embedding");
///   const auto rest = explain::from_layer(net, words, "embedding");
///   explain::over_channels(explain::integrated_gradients(rest, vectors).values)   // (1, 3)
std::function<Array(const Array&)> from_layer(Function model, const Array& x, std::string_view layer);

/// grad_cam: channels weighted by the mean of their gradients (Selvaraju et al. 2017); grad_cam_plus_plus: by gradients weighted place by
/// place, better where a class stands in the image several times (Chattopadhay et al. 2018).
enum class CamKind { grad_cam, grad_cam_plus_plus };
std::span<const std::string_view> enum_names(CamKind);

/// Options of class_activation.
struct CamOptions {
  Target target = largest;
  Scale scale = Scale::output;
  std::string layer{};  ///< as find_layer takes it; empty: the last convolution
  CamKind kind = CamKind::grad_cam;
  bool keeps_negative = false;  ///< also where the layer speaks against the class
  int64_t batch_size = 64;
};

/// Where in an image a layer saw what speaks for the class.
struct ClassActivation {
  Array map{};                    ///< of the layer's places, (N, h, w) or (N, t); not negative unless asked for
  Array output{};                 ///< (N,) float64: the explained number
  std::vector<int64_t> labels{};  ///< which output it is, one a row; empty where the target is a function
  LayerResult layer{};
};

/// Grad-CAM: relu(sum over channels of weight * activation) of a convolution layer. resize (explain/picture.hpp) brings the map to the size
/// of the image.
///
///   nn::Sequential net{nn::Conv2D(4, 3, relu), nn::MaxPooling2D(2), nn::Conv2D(8, 3, relu), nn::Flatten(), nn::Dense(3)};
///   explain::class_activation(net, images).map   // (4, 11, 11)
ClassActivation class_activation(Function model, const Array& x, const CamOptions& options = {});

}  // namespace gradus::explain
