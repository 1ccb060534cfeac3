// Layers inside a model are reached by nn::ResultScope: a gradient by a layer's result is one by zeros that are added to it.
#include "gradus/explain/layers.hpp"

#include <algorithm>
#include <tuple>

#include "gradus/base/error.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/explain/layers_internal.hpp"
#include "gradus/graph/call.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/grad.hpp"

namespace gradus::explain {

using namespace core;

namespace {

constexpr std::string_view kCam = "class_activation", kFromLayer = "from_layer", kCamKinds[] = {"grad_cam", "grad_cam_plus_plus"};

// "Sequential > conv2d (Conv2D, 3x3, 1 -> 8)" without what stands in parentheses.
std::string without_details(std::string_view place) {
  std::string out;
  int depth = 0;
  for (const char c : place) {
    if (c == '(') {
      if (depth++ == 0 && out.ends_with(' ')) out.pop_back();
    } else if (c == ')') {
      --depth;
    } else if (depth == 0) {
      out += c;
    }
  }
  return out;
}

bool is_named(const LayerResult& one, std::string_view layer) {
  return one.name == layer || one.place == layer || one.place.ends_with(concat(" > ", layer));
}

const LayerResult& last_convolution(const std::vector<LayerResult>& all) {
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    if (one->type == "Conv2D" || one->type == "Conv1D") return *one;
  }
  fail(kCam, "the model has no Conv2D or Conv1D; .layer must name a layer that gives (N, h, w, channels) or (N, t, channels)");
}

// a = g^2 / (2 g^2 + g^3 sum of A over the places), where g is not 0; weight of a channel: the sum of a relu(g).
Array weights_of(CamKind kind, const Array& activation, const Array& gradient, const Axes& places) {
  if (kind == CamKind::grad_cam) return mean(gradient, places, keepdims);
  const Array squared = square(gradient), below = 2 * squared + squared * gradient * sum(activation, places, keepdims);
  const Array part = where(below != 0, squared / where(below != 0, below, 1), 0);
  return sum(part * relu(gradient), places, keepdims);
}

}  // namespace

std::span<const std::string_view> enum_names(CamKind) { return kCamKinds; }

std::vector<LayerResult> layers(Function model, const Array& x) {
  const nn::TrainingMode inference(false);
  std::vector<LayerResult> all;
  const nn::ResultScope scope([&](const nn::LayerCall& call, const Array& result) {
    all.push_back(
        {std::string(call.name), std::string(call.type), without_details(call.place), result.shape(), static_cast<int64_t>(all.size())});
    return result;
  });
  model(x);
  return all;
}

LayerResult find_layer(const std::vector<LayerResult>& all, std::string_view layer) {
  constexpr std::string_view op = "find_layer";
  const LayerResult* found = nullptr;
  for (const LayerResult& one : all) {
    if (!is_named(one, layer)) continue;
    if (found && found->place != one.place) {
      fail(op, "\"", layer, "\" stands for ", found->place, " and for ", one.place, "; it must be the end of one place");
    }
    found = &one;
  }
  if (found) return *found;
  std::vector<std::string> names;
  for (const LayerResult& one : all) {
    if (std::find(names.begin(), names.end(), one.name) == names.end()) names.push_back(one.name);
  }
  if (names.empty()) fail(op, "there is no layer called \"", layer, "\"; the model calls no modules");
  const std::string near = nearest(layer, names);
  fail(op, "there is no layer called \"", layer, "\"; there are ", join(names), near.empty() ? "" : concat("; did you mean ", near, "?"));
}

Array detail::call_with_shift(Function model, const Array& x, int64_t number, const Array& shift, Array* result) {
  const nn::TrainingMode inference(false);
  int64_t returned = 0;
  const nn::ResultScope scope([&](const nn::LayerCall&, const Array& made) {
    if (returned++ != number) return made;
    *result = made;
    return shift.exists() ? made + shift : made;
  });
  Array output = model(x);
  if (!result->exists())
    fail("layers", "the model made ", returned, " calls, call ", number, " is asked for; it must make the same calls each time");
  return output;
}

Array activations(Function model, const Array& x, std::string_view layer, int64_t batch_size) {
  detail::check_positive("activations", "batch_size", batch_size);
  if (x.rank() == 0 || x.shape(0) == 0) fail("activations", "x is ", x.shape(), "; it must have rows");
  const LayerResult chosen = find_layer(layers(model, detail::rows_of(x, 0, 1)), layer);
  std::vector<Array> parts;
  for (int64_t begin = 0; begin < x.shape(0); begin += batch_size) {
    Array result;
    detail::call_with_shift(model, detail::rows_of(x, begin, std::min(begin + batch_size, x.shape(0))), chosen.number, {}, &result);
    parts.push_back(result.eval());
  }
  return concatenate(parts);
}

std::function<Array(const Array&)> from_layer(Function model, const Array& x, std::string_view layer) {
  if (x.rank() == 0 || x.shape(0) != 1) fail(kFromLayer, "x is ", x.shape(), "; it must be one row");
  const LayerResult chosen = find_layer(layers(model, x), layer);
  return [model, x, chosen](const Array& given) {
    if (given.rank() == 0 || detail::sample_shape(given.shape()) != detail::sample_shape(chosen.shape)) {
      fail(kFromLayer, chosen.place, " gives ", chosen.shape, ", it is to give ", given.shape(),
           "; the shapes must be equal but for the first size");
    }
    int64_t returned = 0;
    const nn::ResultScope scope([&](const nn::LayerCall&, const Array& made) { return returned++ == chosen.number ? given : made; });
    return model(detail::each_repeated(x, given.shape(0)));
  };
}

ClassActivation class_activation(Function model, const Array& x, const CamOptions& options) {
  const detail::Explained explained(kCam, model, x, options.target, options.scale, options.batch_size);
  const std::vector<LayerResult> all = layers(model, detail::rows_of(x, 0, 1));
  const LayerResult layer = options.layer.empty() ? last_convolution(all) : find_layer(all, options.layer);
  const int64_t rank = layer.shape.rank();
  if (rank != 3 && rank != 4) {
    fail(kCam, layer.place, " gives ", layer.shape, "; it must give (N, h, w, channels) or (N, t, channels)");
  }
  const Axes places = rank == 4 ? Axes{1, 2} : Axes{1};
  Array seen;
  detail::call_with_shift(model, detail::rows_of(x, 0, 1), layer.number, {}, &seen);
  std::vector<Array> maps;
  for (int64_t begin = 0; begin < x.shape(0); begin += options.batch_size) {
    const int64_t end = std::min(begin + options.batch_size, x.shape(0));
    const Array rows = detail::rows_of(x, begin, end), owners = arange(begin, end);
    const auto total = [&](const Array& shift) {
      Array result;
      const auto shifted = [&](const Array& at) { return detail::call_with_shift(model, at, layer.number, shift, &result); };
      const Array numbers = explained.with_model(shifted).numbers(rows, owners);
      return std::tuple(sum(numbers), result);
    };
    auto [terms, gradient] = value_and_grad(total)(zeros(detail::with_rows(seen.shape(), end - begin), seen.dtype()));
    const Array activation = std::get<1>(terms);
    const Array map = sum(weights_of(options.kind, activation, gradient, places) * activation, -1);
    maps.push_back((options.keeps_negative ? map : relu(map)).eval());
  }
  Attribution found = explained.attribution(concatenate(maps));
  return {std::move(found.values), std::move(found.output), std::move(found.labels), layer};
}

}  // namespace gradus::explain
