// The doctor's look at sizes of numbers: those that are none, inputs and targets of very different or very large size.
#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/text.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/train/doctor_parts.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr double kLarge = 100, kManyTimes = 1000;

}  // namespace

void find_not_finite(const data::Dataset& set, const char* name, std::vector<Finding>& findings) {
  for (const auto& [letter, array] : {std::pair("x", &set.stored_x()), std::pair("y", &set.y)}) {
    if (!array->exists() || !array->dtype().is_float() || array->size() == 0 || all(isfinite(*array)).item<bool>()) continue;
    const std::vector<double> values = array->to_vector<double>();
    const auto is_bad = [](double x) { return !std::isfinite(x); };
    const auto first = std::find_if(values.begin(), values.end(), is_bad);
    const int64_t place = first - values.begin(), bad = std::count_if(first, values.end(), is_bad);
    std::string column;
    if (*letter == 'x' && array->rank() == 2 && set.pipeline)
      column = concat(" (", names_of_columns(set, array->shape(1))[static_cast<size_t>(place % array->shape(1))], ")");
    findings.push_back({.where = concat(name, ".", letter),
                        .what = concat(letter, data::index_text(array->shape(), place), column, " is ", *first,
                                       bad == 1 ? ", the only one" : concat(", the first of ", with_commas(bad)), " of ",
                                       with_commas(array->size()), " numbers that ", bad == 1 ? "is" : "are", " not finite"),
                        .why = "the first step that meets it makes every parameter nan",
                        .remedy = "preprocess::Impute(preprocess::median) for missing values, or leave those samples out (recipe: {type = "
                                  "\"Impute\"} in preprocess.steps)",
                        .severity = Severity::serious,
                        .kind = "nan in data"});
  }
}

void find_scales(const data::Dataset& set, const Features& features, std::vector<Finding>& findings) {
  const Array& stored = set.stored_x();
  if (set.is_from_bytes() || !stored.exists() || stored.rank() < 2 || stored.size() == 0) return;
  const auto add = [&](std::string where, std::string what, std::string remedy) {
    findings.push_back(
        {.where = std::move(where),
         .what = std::move(what),
         .why = "one learning rate suits one size of numbers: the gradients of large ones drown the others, and steps explode or crawl",
         .remedy = std::move(remedy),
         .severity = Severity::warning,
         .kind = "unscaled inputs"});
  };
  const std::string standardise =
      "preprocess::Standardise() as a step of the pipeline, or an nn::BatchNorm() before the first layer (recipe: "
      "{type = \"Standardise\"} in preprocess.steps)";
  const bool are_images = stored.rank() >= 3 || stored.shape(1) >= 64;
  const double low = min(stored).item(), high = max(stored).item();
  if (are_images && low >= 0 && high > 100 && high <= 255) {
    add("train.x", concat("goes from ", short_number(low), " to ", short_number(high), ", as bytes of images do"),
        "divide by 255, or data::Dataset::from_bytes(bytes, y), which does (recipe: sources of images do so by themselves)");
    return;
  }
  if (stored.rank() != 2) {
    if (stored.rank() > 2 && stored.dtype().is_float() && std::max(std::fabs(low), std::fabs(high)) > 100 * kLarge)
      add("train.x", concat("goes from ", short_number(low), " to ", short_number(high)), "subtract the mean and divide by the deviation");
    return;
  }
  const std::vector<int64_t> few = sampled_rows(features.rows, 2000);
  double largest = 0, smallest = std::numeric_limits<double>::infinity();
  const Feature *of_largest = nullptr, *of_smallest = nullptr;
  for (const Feature& feature : features.columns) {
    double squares = 0, lowest = feature.at(0), highest = lowest;
    for (const double x : values_at(feature, few)) {
      squares += x * x;
      lowest = std::min(lowest, x), highest = std::max(highest, x);
    }
    const double size = std::sqrt(squares / static_cast<double>(few.size()));
    if (lowest == highest) continue;
    if (size > largest) largest = size, of_largest = &feature;
    if (size < smallest) smallest = size, of_smallest = &feature;
  }
  if (!of_largest || (largest <= kLarge && largest <= kManyTimes * smallest)) return;
  const bool are_different = of_largest != of_smallest && largest > kManyTimes * smallest;
  add(of_largest->name,
      concat("its numbers are about ", short_number(largest), " in size",
             are_different ? concat(", those of ", of_smallest->name, " about ", short_number(smallest)) : "", "; they should be about 1"),
      standardise);
}

void find_target_scale(const data::Dataset& set, const loss::Loss& loss, std::vector<Finding>& findings) {
  const loss::LossKind* kind = loss.exists() ? loss::loss_kinds().find(loss.name()) : nullptr;
  // The poisson loss is of counts, which are as large as they are.
  if (!set.y.exists() || !set.y.dtype().is_float() || set.y.size() == 0 ||
      (kind && (kind->aim != loss::Aim::numbers || kind->name == "poisson")))
    return;
  const double size = std::sqrt(mean(square(set.y.astype(float64))).item());
  if (!(size > kLarge)) return;
  findings.push_back({.where = "train.y",
                      .what = concat("the target's numbers are about ", short_number(size), " in size; they should be about 1"),
                      .why = "the first errors are as large, and so are their gradients: steps explode, or take very long to get there",
                      .remedy = "learn (y - mean) / deviation: pipeline.fit(table, target, {.scale = preprocess::TargetScale::automatic}) "
                                "(recipe: data.target_scale = \"automatic\")",
                      .severity = Severity::warning,
                      .kind = "unscaled target"});
}

}  // namespace gradus::train::detail
