// A small recipe that trains in a moment, and changes of it.
#pragma once

#include "tests/cli/subprocess.hpp"

namespace gradus::testing {

inline constexpr const char* kCloudsRecipe = R"(name = "clouds"
seed = 3

[data]
source = "blobs"
samples = 300
classes = 3
validation = 0.2

[model]
layers = [
  {type = "Dense", units = 8, activation = "tanh"},
  {type = "Dense", units = 3},
]

[loss]
name = "sparse_categorical_crossentropy"

[optimizer]
name = "adam"
learning_rate = 0.05

[train]
epochs = 4
metrics = ["accuracy"]
)";

inline std::string recipe_with(const std::string& from, const std::string& to) {
  std::string text = kCloudsRecipe;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

}  // namespace gradus::testing
