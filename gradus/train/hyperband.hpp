// The brackets of Hyperband: how many trials are trained for how long.
#pragma once

#include <cstdint>
#include <vector>

namespace gradus::train {

/// So many trials trained until `epochs`.
struct Rung {
  int64_t trials = 0, epochs = 0;
};
/// Rungs of successive halving: the best of each go on to the next.
using Bracket = std::vector<Rung>;

/// Options of hyperband_brackets. All at least 1, reduction at least 2, min_epochs at most epochs.
struct HyperbandOptions {
  int64_t epochs = 81;     ///< R, which the last rung of each bracket is trained for
  int64_t min_epochs = 1;  ///< the first rung of the first bracket: R / reduction^s rounded, not below this
  int64_t reduction = 3;   ///< eta: one of so many trials goes on
};
/// Algorithm 1 of Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization", JMLR 18 (2018), with r counted from
/// min_epochs: brackets s = floor(log_eta(R / min_epochs)) .. 0, of which each has n = ceil((s_max + 1) / (s + 1) eta^s) trials, and
/// floor(n eta^-i) of them in rung i, trained until R eta^(i - s) epochs, rounded. Each bracket costs about the same.
///
///   train::hyperband_brackets({.epochs = 81})[1][0].trials   // 34
std::vector<Bracket> hyperband_brackets(HyperbandOptions options);

}  // namespace gradus::train
