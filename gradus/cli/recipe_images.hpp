// The source of [data] that is images: a folder with a folder a class, or a table with a column of paths.
#pragma once

#include <string>

#include "gradus/cli/recipe_sequences.hpp"
#include "gradus/data/image.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/ops/pool.hpp"

namespace gradus::cli {

struct Images {
  std::string path{}, test_path{}, target{};
  Size2 size{64};
  int64_t channels = 3;
  data::Fit fit = data::Fit::stretch;
  double test = 0.2;
  bool stratify = true;
  Source source(const Section& section, uint64_t seed) const;
  GRADUS_OPTIONS(path, test_path, target, size, channels, fit, test, stratify)
};

/// How images came to their size when the model was trained; stretched where its recipe does not tell.
data::Fit fit_of(const nn::ModelInfo& info);

}  // namespace gradus::cli
