// Recipes against each other.
#include "gradus/cli/held_out.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/cli/folds.hpp"

namespace gradus::cli {

namespace {

constexpr double kHopeless = 1.5;  // times the best mean loss

// A recipe and its losses so far.
class Entrant {
 public:
  Entrant(const Recipe& recipe, int64_t parts) : recipe_(recipe) {
    guarded([&] { folds_ = recipe.data.folds(nn::ModelInfo(), parts); });
  }
  void measure(int64_t fold) {
    guarded([&] {
      const DataParts data = folds_.parts(fold);
      sum_ += fold_scores(recipe_, data, attempt(recipe_, data).model)["loss"];
      ++measured_;
    });
  }
  bool is_out = false;
  double mean() const { return measured_ > 0 && std::isfinite(sum_) ? sum_ / measured_ : std::numeric_limits<double>::infinity(); }

 private:
  // What cannot be trained is out.
  template <class F>
  void guarded(const F& f) {
    try {
      f();
    } catch (const Error& error) {
      if (error.kind() == Error::Kind::interrupted) throw;
      is_out = true;
      sum_ = std::numeric_limits<double>::infinity();
    }
  }
  const Recipe& recipe_;
  FoldedData folds_{};
  double sum_ = 0, measured_ = 0;
};

}  // namespace

std::vector<double> held_out_losses(const std::vector<Recipe>& recipes, int64_t parts, int64_t measured) {
  std::vector<Entrant> entrants;
  for (const Recipe& recipe : recipes) entrants.emplace_back(recipe, parts);
  for (int64_t fold = 0; fold < measured; ++fold) {
    double best = std::numeric_limits<double>::infinity();
    for (Entrant& entrant : entrants) {
      if (!entrant.is_out) entrant.measure(fold);
      best = std::min(best, entrant.mean());
    }
    for (Entrant& entrant : entrants) entrant.is_out |= entrant.mean() > kHopeless * best;
    if (std::count_if(entrants.begin(), entrants.end(), [](const Entrant& entrant) { return !entrant.is_out; }) < 2) break;
  }
  std::vector<double> losses;
  for (const Entrant& entrant : entrants) losses.push_back(entrant.mean());
  return losses;
}

}  // namespace gradus::cli
