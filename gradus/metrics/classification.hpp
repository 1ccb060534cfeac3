// Scores of a classifier on a whole set: one number each, from outputs and targets. Of batches that do not fit in memory together:
// Accumulator.
#pragma once

#include "gradus/metrics/confusion.hpp"
#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

/// The confusion matrix of a set; its methods give accuracy and the rest.
///
///   metrics::confusion_matrix(array({{2.0, 0.0, 0.0}, {0.0, 0.0, 1.0}}), array({0, 1})).accuracy()   // 0.5
ConfusionMatrix confusion_matrix(const Array& output, const Array& target, const ClassOptions& options = {});

// Each is the method of that name of the confusion matrix.

/// Mean recall of the classes that occur.
double balanced_accuracy(const Array& output, const Array& target, const ClassOptions& options = {});
/// Of what is predicted as a class, the share that is of it.
///
///   metrics::precision(array({1.0, 1.0, -1.0}), array({1, 0, 1}))   // 0.5
double precision(const Array& output, const Array& target, const ClassOptions& options = {});
/// Of what is of a class, the share that is predicted as it: sensitivity, true positive rate.
double recall(const Array& output, const Array& target, const ClassOptions& options = {});
/// Harmonic mean of precision and recall.
double f1(const Array& output, const Array& target, const ClassOptions& options = {});
/// The same with recall `beta` times as important: (1 + beta^2) P R / (beta^2 P + R).
double f_beta(const Array& output, const Array& target, double beta, const ClassOptions& options = {});
/// Of what is not of a class, the share that is not predicted as it: true negative rate.
double specificity(const Array& output, const Array& target, const ClassOptions& options = {});
/// Matthews' correlation coefficient.
double mcc(const Array& output, const Array& target, const ClassOptions& options = {});
/// Cohen's kappa.
double kappa(const Array& output, const Array& target, const ClassOptions& options = {});
/// The same with classes in an order: linear or quadratic weights.
double kappa(const Array& output, const Array& target, KappaWeights weights, const ClassOptions& options = {});

/// Mean of -log of the probability that the right class was given, in nats: cross-entropy. Logits give it exactly; probabilities are first
/// cut to eps .. 1 - eps of their dtype.
///
///   metrics::log_loss(array({0.0, 0.0}), array({1, 0}))   // 0.693147
double log_loss(const Array& output, const Array& target, const ClassOptions& options = {});
/// Mean squared error of probabilities (Brier 1950): of two classes (p - y)^2, from 0 to 1; of more the sum of it over the classes, from 0
/// to 2.
double brier(const Array& output, const Array& target, const ClassOptions& options = {});
/// Expected calibration error with ten bins of equal width: see calibration.hpp.
double ece(const Array& output, const Array& target, const ClassOptions& options = {});

/// Share of samples whose class is among the k largest outputs; of equal outputs the first counts as the larger, as argmax has it.
///
///   metrics::top_k_accuracy(array({{3.0, 2.0, 1.0}, {3.0, 2.0, 1.0}}), array({1, 2}), 2)   // 0.5
double top_k_accuracy(const Array& output, const Array& target, int64_t k, const ClassOptions& options = {});

}  // namespace gradus::metrics
