// Golden losses: the library's where there is one, else composed.
#include <cmath>

#include "tests/golden/border.hpp"

namespace golden {

using namespace gradus;
using namespace gradus::core;

Array reduced(const Array& losses, const std::string& reduction) {
  return reduction == "mean" ? mean(losses) : reduction == "sum" ? sum(losses) : losses;
}

namespace {

loss::Reduction reduction_of(const Call& c) {
  const std::string name = c.text("reduction");
  return name == "mean" ? loss::Reduction::mean : name == "sum" ? loss::Reduction::sum : loss::Reduction::none;
}
Results finish(const Call& c, const Array& losses) { return reduced(losses, c.text("reduction")); }

using WithOptions = Array (*)(const Array&, const Array&, loss::LossOptions);
template <WithOptions F>
Results library_loss(const Call& c) {
  return F(c["input"], c["target"], {.reduction = reduction_of(c)});
}
// Classes come on axis 1.
Array classes_last(const Array& x) { return moveaxis(x, 1, -1); }

Results cross_entropy_case(const Call& c) {
  loss::CrossentropyOptions options{.label_smoothing = c.number("label_smoothing", 0), .class_weights = optional(c, "weight"),
                                    .ignore_label = c.integer("ignore_index", -100), .reduction = reduction_of(c)};
  return loss::sparse_categorical_crossentropy(classes_last(c["input"]), c["target"], options);
}
// PyTorch's mean divides by the number of examples here, whatever the weights.
Results cross_entropy_of_probabilities(const Call& c) {
  const double smoothing = c.number("label_smoothing", 0);
  const Array logits = classes_last(c["input"]), target = classes_last(c["target"]);
  if (!c.has("weight"))
    return loss::categorical_crossentropy(logits, target, {.label_smoothing = smoothing, .reduction = reduction_of(c)});
  const Array smoothed = (1 - smoothing) * target + smoothing / static_cast<double>(logits.shape(-1));
  return finish(c, -sum(c["weight"] * smoothed * log_softmax(logits, -1), -1));
}
Results nll(const Call& c) {
  const Array scores = classes_last(c["input"]), target = c["target"], is_used = target != c.integer("ignore_index", -100);
  const Array label = where(is_used, target, 0);
  const Array picked = squeeze(take_along_axis(scores, expand_dims(label, -1), -1), -1);
  Array weights = is_used.astype(scores.dtype());
  if (c.has("weight")) weights = weights * take(c["weight"], label);
  const Array losses = -weights * picked;
  return c.text("reduction") == "mean" ? sum(losses) / sum(weights) : finish(c, losses);
}
Results bce(const Call& c) {
  const Array p = c["input"], t = c["target"];
  Array losses = -(t * maximum(log(p), -100) + (1 - t) * maximum(log1p(-p), -100));
  if (c.has("weight")) losses = c["weight"] * losses;
  return finish(c, losses);
}
// weight (-pos t log sigmoid(x) - (1 - t) log sigmoid(-x))
Results bce_with_logits(const Call& c) {
  const Array x = c["input"], t = c["target"];
  if (!c.has("weight") && !c.has("pos_weight")) return loss::binary_crossentropy(x, t, {.reduction = reduction_of(c)});
  Array losses = -(c["pos_weight"] * t * log_sigmoid(x) + (1 - t) * log_sigmoid(-x));
  if (c.has("weight")) losses = c["weight"] * losses;
  return finish(c, losses);
}
Results huber(const Call& c) { return loss::huber(c["input"], c["target"], {.delta = c.number("delta"), .reduction = reduction_of(c)}); }
// Huber over beta.
Results smooth_l1(const Call& c) {
  const double beta = c.number("beta");
  const Array e = abs(c["input"] - c["target"]);
  return finish(c, where(e < beta, square(e) * (0.5 / beta), e - 0.5 * beta));
}
Results kl_div(const Call& c) {
  const Array t = c["target"], input = c["input"];
  const Array losses = c.flag("log_target") ? exp(t) * (t - input) : xlogy(t, t) - t * input;
  return c.text("reduction") == "batchmean" ? sum(losses) / static_cast<double>(input.shape(0)) : finish(c, losses);
}
Results poisson_nll(const Call& c) {
  const Array x = c["input"], t = c["target"];
  Array losses = c.flag("log_input") ? exp(x) - t * x : x - t * log(x + c.number("eps"));
  if (c.flag("full")) losses = losses + where(t > 1, t * log(where(t > 1, t, 1)) - t + 0.5 * log(2 * M_PI * where(t > 1, t, 1)), 0);
  return finish(c, losses);
}
Results gaussian_nll(const Call& c) {
  const Array variance = maximum(c["var"], c.number("eps"));
  Array losses = 0.5 * (log(variance) + square(c["input"] - c["target"]) / variance);
  if (c.flag("full")) losses = losses + 0.5 * std::log(2 * M_PI);
  return finish(c, losses);
}
Results hinge_embedding(const Call& c) {
  return finish(c, where(c["target"] == 1, c["input"], relu(c.number("margin") - c["input"])));
}
Results margin_ranking(const Call& c) { return finish(c, relu(-c["target"] * (c["input1"] - c["input2"]) + c.number("margin"))); }
Results cosine_embedding(const Call& c) {
  // PyTorch adds its epsilon to the squared lengths.
  const Array a = c["input1"], b = c["input2"];
  const Array cosine = sum(a * b, -1) / sqrt((sum(square(a), -1) + 1e-12) * (sum(square(b), -1) + 1e-12));
  return finish(c, where(c["target"] == 1, 1 - cosine, relu(cosine - c.number("margin"))));
}
Results triplet_margin(const Call& c) {
  const double p = c.number("p"), eps = c.number("eps");
  const auto distance = [&](const Array& a, const Array& b) {
    const Array d = abs(a - b + eps);
    return p == 1 ? sum(d, -1) : p == 2 ? sqrt(sum(square(d), -1)) : pow(sum(pow(d, p), -1), 1 / p);
  };
  const Array near = distance(c["anchor"], c["positive"]);
  Array far = distance(c["anchor"], c["negative"]);
  if (c.flag("swap")) far = minimum(far, distance(c["positive"], c["negative"]));
  return finish(c, relu(near - far + c.number("margin")));
}
Results multilabel_soft_margin(const Call& c) {
  Array losses = -(c["target"] * log_sigmoid(c["input"]) + (1 - c["target"]) * log_sigmoid(-c["input"]));
  if (c.has("weight")) losses = c["weight"] * losses;
  return finish(c, mean(losses, -1));
}
Results multi_margin(const Call& c) {
  const Array x = c["input"], label = expand_dims(c["target"], -1);
  const Array own = take_along_axis(x, label, -1);
  Array terms = relu(c.number("margin") - own + x);
  if (c.integer("p") == 2) terms = square(terms);
  if (c.has("weight")) terms = take(c["weight"], label) * terms;
  const Array is_other = arange(x.shape(-1)) != label;
  return finish(c, sum(where(is_other, terms, 0), -1) / static_cast<double>(x.shape(-1)));
}
// Steps come first, and the mean divides by the lengths of the targets.
Results ctc(const Call& c) {
  return loss::ctc(moveaxis(c["logits"], 1, 0), c["targets"],
                   {.input_lengths = c["input_lengths"],
                    .target_lengths = c["target_lengths"],
                    .blank = c.integer("blank"),
                    .zero_infinity = c.flag("zero_infinity"),
                    .reduction = reduction_of(c)});
}
Results focal(const Call& c) {
  const Array x = c["input"], t = c["target"], p = sigmoid(x);
  const Array cross = -(t * log_sigmoid(x) + (1 - t) * log_sigmoid(-x)), right = p * t + (1 - p) * (1 - t);
  Array losses = cross * pow(1 - right, c.number("gamma"));
  const double alpha = c.number("alpha");
  if (alpha >= 0) losses = (alpha * t + (1 - alpha) * (1 - t)) * losses;
  return finish(c, losses);
}

const Entry table[] = {
    {"mse_loss", library_loss<loss::mean_squared_error>},
    {"l1_loss", library_loss<loss::mean_absolute_error>},
    {"smooth_l1_loss", smooth_l1},
    {"huber_loss", huber},
    {"log_cosh_loss", library_loss<loss::log_cosh>},
    {"cross_entropy", cross_entropy_case},
    {"cross_entropy_probabilities", cross_entropy_of_probabilities},
    {"nll_loss", nll},
    {"binary_cross_entropy", bce},
    {"binary_cross_entropy_with_logits", bce_with_logits},
    {"kl_div", kl_div},
    {"poisson_nll_loss", poisson_nll},
    {"gaussian_nll_loss", gaussian_nll},
    {"hinge_embedding_loss", hinge_embedding},
    {"margin_ranking_loss", margin_ranking},
    {"cosine_embedding_loss", cosine_embedding},
    {"triplet_margin_loss", triplet_margin},
    {"soft_margin_loss", [](const Call& c) { return finish(c, softplus(-c["target"] * c["input"])); }},
    {"multilabel_soft_margin_loss", multilabel_soft_margin},
    {"multi_margin_loss", multi_margin},
    {"sigmoid_focal_loss", focal},
    {"ctc_loss", ctc},
};

}  // namespace

Array torch_cross_entropy(const Array& logits, const Array& target, const std::string& reduction, double smoothing) {
  return loss::sparse_categorical_crossentropy(
      classes_last(logits), target,
      {.label_smoothing = smoothing,
       .reduction = reduction == "mean" ? loss::Reduction::mean : reduction == "sum" ? loss::Reduction::sum : loss::Reduction::none});
}

Table loss_table() { return table; }

}  // namespace golden
