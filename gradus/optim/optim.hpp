// The optimisers. Rules and defaults of the papers named; where implementations differ, PyTorch's (epsilon outside the square root).
#pragma once

#include "gradus/graph/field_names.hpp"
#include "gradus/optim/optimizer.hpp"

namespace gradus::optim {

/// Options of SGD. momentum and dampening lie between 0 and 1, weight_decay is not negative; else the constructor throws, here as below.
struct SGDOptions {
  double momentum = 0.0;
  bool nesterov = false;      ///< needs a momentum and no dampening
  double weight_decay = 0.0;  ///< added to the gradient: g + weight_decay p
  double dampening = 0.0;
  GRADUS_OPTIONS(momentum, nesterov, weight_decay, dampening)
};
/// p - rate b with b = momentum b + (1 - dampening) g (the first step takes b = g); Nesterov: p - rate (g + momentum b).
class SGD : public Optimizer {
 public:
  explicit SGD(Schedule learning_rate = 1e-2, SGDOptions options = {});
};

/// Options of Adam. The betas are at least 0 and below 1, epsilon and weight_decay not negative.
struct AdamOptions {
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  double weight_decay = 0.0;  ///< added to the gradient; AdamW's is apart from it
  bool amsgrad = false;       ///< the largest second moment so far (Reddi et al. 2018)
  GRADUS_OPTIONS(beta_1, beta_2, epsilon, weight_decay, amsgrad)
};
/// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon) (Kingma and Ba 2015).
class Adam : public Optimizer {
 public:
  explicit Adam(Schedule learning_rate = 1e-3, AdamOptions options = {});
};

/// Options of AdamW; ranges as Adam's.
struct AdamWOptions {
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  double weight_decay = 0.01;
  bool amsgrad = false;
  GRADUS_OPTIONS(beta_1, beta_2, epsilon, weight_decay, amsgrad)
};
/// Adam after p (1 - rate weight_decay) (Loshchilov and Hutter 2019).
class AdamW : public Optimizer {
 public:
  explicit AdamW(Schedule learning_rate = 1e-3, AdamWOptions options = {});
};

/// Options of RMSprop. rho is at least 0 and below 1, momentum at most 1, and none is negative.
struct RMSpropOptions {
  double rho = 0.9, epsilon = 1e-7, momentum = 0.0, weight_decay = 0.0;
  bool centered = false;  ///< by the variance of the gradient instead of its second moment
  GRADUS_OPTIONS(rho, epsilon, momentum, weight_decay, centered)
};
/// v = rho v + (1 - rho) g^2, p - rate g / (sqrt(v) + epsilon); with momentum: b = momentum b + g / (...), p - rate b (Hinton 2012).
class RMSprop : public Optimizer {
 public:
  explicit RMSprop(Schedule learning_rate = 1e-3, RMSpropOptions options = {});
};

/// Options of Adagrad. None is negative.
struct AdagradOptions {
  double initial_accumulator = 0.1, epsilon = 1e-7, rate_decay = 0.0, weight_decay = 0.0;
  GRADUS_OPTIONS(initial_accumulator, epsilon, rate_decay, weight_decay)
};
/// s = s + g^2, p - rate / (1 + (t - 1) rate_decay) g / (sqrt(s) + epsilon) (Duchi et al. 2011).
class Adagrad : public Optimizer {
 public:
  explicit Adagrad(Schedule learning_rate = 1e-3, AdagradOptions options = {});
};

/// Options of Adadelta. rho is at least 0 and below 1, and none is negative.
struct AdadeltaOptions {
  double rho = 0.95, epsilon = 1e-7, weight_decay = 0.0;
  GRADUS_OPTIONS(rho, epsilon, weight_decay)
};
/// s = rho s + (1 - rho) g^2, d = sqrt(u + epsilon) / sqrt(s + epsilon) g, u = rho u + (1 - rho) d^2, p - rate d (Zeiler 2012).
class Adadelta : public Optimizer {
 public:
  explicit Adadelta(Schedule learning_rate = 1.0, AdadeltaOptions options = {});
};

/// Options of Adamax; ranges as Adam's.
struct AdamaxOptions {
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7, weight_decay = 0.0;
  GRADUS_OPTIONS(beta_1, beta_2, epsilon, weight_decay)
};
/// u = max(b2 u, |g| + epsilon), p - rate / (1 - b1^t) m / u (Kingma and Ba 2015, section 7).
class Adamax : public Optimizer {
 public:
  explicit Adamax(Schedule learning_rate = 1e-3, AdamaxOptions options = {});
};

/// Options of Nadam; ranges as Adam's; momentum_decay is not negative.
struct NadamOptions {
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7, weight_decay = 0.0, momentum_decay = 0.004;
  GRADUS_OPTIONS(beta_1, beta_2, epsilon, weight_decay, momentum_decay)
};
/// Adam with Nesterov's momentum, whose schedule is b1 (1 - 0.96^(t momentum_decay) / 2) (Dozat 2016).
class Nadam : public Optimizer {
 public:
  explicit Nadam(Schedule learning_rate = 1e-3, NadamOptions options = {});
};

/// Options of RAdam; ranges as Adam's.
struct RAdamOptions {
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7, weight_decay = 0.0;
  GRADUS_OPTIONS(beta_1, beta_2, epsilon, weight_decay)
};
/// Adam whose rate is rectified while the second moment is uncertain (Liu et al. 2020).
class RAdam : public Optimizer {
 public:
  explicit RAdam(Schedule learning_rate = 1e-3, RAdamOptions options = {});
};

/// Options of Rprop: factors of the step sizes (shrink at most 1, grow at least 1), and their bounds. The first step size is the rate.
struct RpropOptions {
  double shrink = 0.5, grow = 1.2, smallest_step = 1e-6, largest_step = 50.0;
  GRADUS_OPTIONS(shrink, grow, smallest_step, largest_step)
};
/// Steps by the sign of the gradient, each number with a step size of its own (Riedmiller and Braun 1993). For full batches.
class Rprop : public Optimizer {
 public:
  explicit Rprop(Schedule learning_rate = 1e-2, RpropOptions options = {});
};

/// Options of ASGD. None is negative.
struct ASGDOptions {
  double decay = 1e-4;         ///< lambda: how fast parameter and rate fall
  double power = 0.75;         ///< the rate is rate / (1 + decay rate (t - 1))^power
  double start = 1e6;          ///< the average begins after this step
  double weight_decay = 0.0;
  GRADUS_OPTIONS(decay, power, start, weight_decay)
};
/// p (1 - decay rate) - rate g, and in the state "average" the mean of p over the steps after `start` (Polyak and Juditsky 1992).
class ASGD : public Optimizer {
 public:
  explicit ASGD(Schedule learning_rate = 1e-2, ASGDOptions options = {});
};

/// The optimiser of a name ("adam", "sgd", ...) with that rate and otherwise its defaults; throws for an unknown one, naming the nearest.
Optimizer from_name(std::string_view name, Schedule learning_rate);

}  // namespace gradus::optim
