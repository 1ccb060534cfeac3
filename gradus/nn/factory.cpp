// The table of library layers.
#include "gradus/nn/factory.hpp"

#include "gradus/base/error.hpp"
#include "gradus/nn/conv.hpp"
#include "gradus/nn/dense.hpp"
#include "gradus/nn/norm.hpp"
#include "gradus/nn/pool.hpp"

namespace gradus::nn {

namespace {

struct Row {
  std::string_view type;
  Layer (*make)();
};
constexpr Row rows[] = {{"Activation", [] { return Layer(Activation()); }},
                        {"AveragePooling2D", [] { return Layer(AveragePooling2D(2)); }},
                        {"BatchNorm", [] { return Layer(BatchNorm()); }},
                        {"Conv1D", [] { return Layer(Conv1D(1, 1)); }},
                        {"Conv2D", [] { return Layer(Conv2D(1, 1)); }},
                        {"Dense", [] { return Layer(Dense(1)); }},
                        {"Dropout", [] { return Layer(Dropout(0)); }},
                        {"Embedding", [] { return Layer(Embedding(1, 1)); }},
                        {"Flatten", [] { return Layer(Flatten()); }},
                        {"GlobalAveragePooling2D", [] { return Layer(GlobalAveragePooling2D()); }},
                        {"LayerNorm", [] { return Layer(LayerNorm()); }},
                        {"MaxPooling2D", [] { return Layer(MaxPooling2D(2)); }},
                        {"Residual", [] { return Layer(Residual(Activation())); }},
                        {"Sequential", [] { return Layer(Sequential()); }}};

}  // namespace

Layer make_layer(std::string_view type) {
  for (const Row& row : rows) {
    if (row.type == type) return row.make();
  }
  const std::vector<std::string> names = library_layers();
  const std::string near = nearest(type, names);
  fail("layer", "there is no type \"", type, "\"; known are ", join(names), near.empty() ? "" : concat("; did you mean ", near));
}

bool is_library_layer(std::string_view type) {
  for (const Row& row : rows) {
    if (row.type == type) return true;
  }
  return false;
}

std::vector<std::string> library_layers() {
  std::vector<std::string> names;
  for (const Row& row : rows) names.emplace_back(row.type);
  return names;
}

}  // namespace gradus::nn
