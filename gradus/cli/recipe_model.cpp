// The [model] part of recipes: layers by type. Which fields they have, they say themselves.
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"

namespace gradus::cli {

nn::Sequential read_model(const Section& section) {
  section.require_entries("layers", "a list of layers, for example [{type = \"Dense\", units = 10}]");
  nn::Sequential model;
  section.read_fields([&](const Datum::Table& given, FieldReading& reading, std::span<const std::string>) {
    read_fields(fields_of(model), &model, given, reading);
    model.check();
  });
  return model;
}

}  // namespace gradus::cli
