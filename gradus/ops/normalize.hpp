// Softmax and normalisation: softmax, log_softmax, layer, root-mean-square, group, instance and batch norm. Of floats.
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus {

/// e^x / sum e^x along an axis (the last if not given), and its logarithm; both without overflow. -infinity has weight exactly 0.
Array softmax(const Array& x);
Array softmax(const Array& x, int64_t axis);
Array log_softmax(const Array& x);
Array log_softmax(const Array& x, int64_t axis);
/// softmax(-x).
Array softmin(const Array& x);
Array softmin(const Array& x, int64_t axis);

/// (x - mean) / sqrt(var + eps) * weight + bias, with the (biased) statistics of each row: the last axis, or as many last axes as `weight`
/// and `bias` have. Either may be an empty Array{}. A large mean costs no digits. (Ba, Kiros, Hinton 2016)
///
/// weight, bias  the shape of x's last axes
Array layer_norm(const Array& x);
Array layer_norm(const Array& x, double eps);
Array layer_norm(const Array& x, const Array& weight, const Array& bias, double eps = 1e-5);
/// Without weight and bias, over the last `axes` axes.
Array layer_norm_over(const Array& x, int64_t axes, double eps = 1e-5);

/// x / sqrt(mean(x^2) + eps) * weight over the last axes, which are those of `weight` (the last one without it). (Zhang, Sennrich 2019)
Array rms_norm(const Array& x);
Array rms_norm(const Array& x, double eps);
Array rms_norm(const Array& x, const Array& weight, double eps = 1e-6);
Array rms_norm_over(const Array& x, int64_t axes, double eps = 1e-6);

/// Channels last: the last axis is cut into `groups` equal parts, and each example (axis 0) has its own statistics for each part, over all
/// axes between. weight and bias (channels) may be empty. instance_norm: every channel is a group. (Wu, He 2018)
Array group_norm(const Array& x, int64_t groups, const Array& weight, const Array& bias, double eps = 1e-5);
Array instance_norm(const Array& x, const Array& weight, const Array& bias, double eps = 1e-5);

/// What batch_norm gives in training.
struct BatchNormResult {
  Array y;          ///< like x
  Array mean, var;  ///< (channels): of this batch, var biased (times n / (n - 1): the unbiased one); float32 for 16-bit x
};
/// Channels last, in training: the statistics are those of the batch, over all axes but the last. weight and bias (channels) may be empty.
/// All three results are differentiable. (Ioffe, Szegedy 2015)
///
///   auto [y, mean, var] = batch_norm(x, weight, bias);
BatchNormResult batch_norm(const Array& x, const Array& weight, const Array& bias, double eps = 1e-5);
/// In inference: with given mean and var (channels).
Array batch_norm(const Array& x, const Array& mean, const Array& var, const Array& weight, const Array& bias, double eps = 1e-5);

}  // namespace gradus
