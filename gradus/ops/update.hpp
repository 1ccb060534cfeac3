// Steps of optimisers as single ops, and the check that stops one.
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus::rule {

struct AdamUpdate {
  Array parameter, m, v;
};

/// One step of Adam (Kingma and Ba 2015) for one parameter, equal to
///     m = beta_1 m + (1 - beta_1) g;  v = beta_2 v + (1 - beta_2) g^2;  p = keep p - rate m / (sqrt(v) + epsilon)
/// in one pass over memory, in place where the old arrays die.
///
/// p, g, m, v           one shape, all float32 or all float64
/// rate, epsilon, keep  rank 0, float64: numbers of the step, corrections for the bias included
AdamUpdate adam_update(const Array& p, const Array& g, const Array& m, const Array& v, const Array& rate, const Array& epsilon,
                       const Array& keep, double beta_1, double beta_2);

/// y = x; a run that computes it fails where an element is not finite, before the run has written anything in place. Evaluated together
/// with an update, it makes the update happen only for a finite loss.
///
/// x  any float dtype
Array finite(const Array& x);

}  // namespace gradus::rule
