// The [model] part of recipes: layers by type, their fields filled from the keys of a table. The layers themselves say which fields
// they have; nothing of them is listed here.
#include <algorithm>

#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/nn/factory.hpp"

namespace gradus::cli {

namespace {

nn::Layer read_layer(const Section& section);

// Assigns the fields of one layer from one table.
class FieldReader final : public nn::FieldVisitor {
 public:
  explicit FieldReader(const Section& section) : section_(section) {}

  void field(std::string_view name, bool& value) override { value = section_.flag(name, value); }
  void field(std::string_view name, int64_t& value) override {
    require(name);
    value = section_.integer(name, value, is_required(name) ? IntegerRange{.low = 1} : IntegerRange{});
  }
  void field(std::string_view name, double& value) override {
    require(name);
    value = section_.number(name, value);
  }
  void field(std::string_view name, std::string& value) override { value = section_.text(name, value); }
  void field(std::string_view name, std::vector<int64_t>& value) override;
  void field(std::string_view name, Padding& value) override;
  void field(std::string_view name, nn::Activation& value) override {
    const std::string function = section_.text(name, value.name());
    if (function == value.name()) return;
    try {
      value = nn::Activation::from_name(function);
    } catch (const Error& error) {
      section_.fail_at(name, error.problem());
    }
  }
  void field(std::string_view name, nn::Layer& value) override {
    if (section_.has(name)) value = read_layer(section_.section(name));
  }
  void field(std::string_view name, std::vector<nn::Layer>& value) override {
    if (!section_.has(name)) return;
    value.clear();
    for (const Section& layer : section_.sections(name)) value.push_back(read_layer(layer));
  }

 private:
  // What make_layer fills with placeholders has no sensible default.
  static bool is_required(std::string_view name) {
    constexpr std::string_view required[] = {"units", "filters", "kernel_size", "count", "width", "rate"};
    return std::find(std::begin(required), std::end(required), name) != std::end(required);
  }
  void require(std::string_view name) const {
    if (!is_required(name) || section_.has(name)) return;
    section_.fail_missing(name, name == "rate" ? "a number from 0 to 1" : "a positive integer");
  }
  const Section& section_;
};

// Sizes: one number stands for all axes.
void FieldReader::field(std::string_view name, std::vector<int64_t>& value) {
  require(name);
  const toml::node* node = section_.find(name);
  if (!node) return;
  const std::string expected = value.size() == 1   ? "a positive integer"
                               : value.size() == 2 ? "a positive integer or [height, width]"
                                                   : "a positive integer or a list of them";
  if (!node->is_integer() && !node->is_array()) section_.fail_type(name, *node, expected);
  const std::vector<int64_t> numbers = section_.integers(name, {});
  if (numbers.size() != 1 && numbers.size() != value.size()) section_.fail_type(name, *node, expected);
  for (const int64_t number : numbers) {
    if (number < 1) section_.fail_type(name, *node, expected);
  }
  for (size_t i = 0; i < value.size(); ++i) value[i] = numbers.size() == 1 ? numbers[0] : numbers[i];
}

// "same", "valid", one number, one an axis, or [before, after] for each axis.
void FieldReader::field(std::string_view name, Padding& value) {
  const toml::node* node = section_.find(name);
  if (!node) return;
  constexpr const char* expected = "\"same\", \"valid\", an integer, or a list like [1, 2] or [[0, 1], [2, 2]]";
  const auto integer = [&](const toml::node& entry) {
    if (!entry.is_integer() || entry.as_integer()->get() < 0) section_.fail_type(name, *node, expected);
    return entry.as_integer()->get();
  };
  if (node->is_string() && node->as_string()->get() == "same") {
    value = same;
  } else if (node->is_string() && node->as_string()->get() == "valid") {
    value = valid;
  } else if (node->is_integer()) {
    value = integer(*node);
  } else if (node->is_array() && !node->as_array()->empty()) {
    std::vector<PadWidth> widths;
    for (const toml::node& entry : *node->as_array()) {
      const toml::array* pair = entry.as_array();
      if (pair && pair->size() != 2) section_.fail_type(name, *node, expected);
      widths.push_back(pair ? PadWidth(integer((*pair)[0]), integer((*pair)[1])) : PadWidth(integer(entry)));
    }
    value = Padding(widths);
  } else {
    section_.fail_type(name, *node, expected);
  }
}

nn::Layer read_layer(const Section& section) {
  const std::string type = section.choice("type", nn::library_layers());
  nn::Layer layer = nn::make_layer(type);
  FieldReader reader(section);
  try {
    layer.visit_fields(reader);
  } catch (const Error& error) {
    if (error.place().find(':') != std::string::npos || error.place().starts_with("--set")) throw;  // has its place already
    section.fail_at("type", error.place().empty() ? error.problem() : error.place() + ": " + error.problem());
  }
  section.finish();
  return layer;
}

}  // namespace

nn::Sequential read_model(const Section& section) {
  nn::Sequential model;
  const std::vector<Section> layers = section.sections("layers");
  section.require_entries("layers", "a list of layers, for example [{type = \"Dense\", units = 10}]");
  for (const Section& layer : layers) model.add(read_layer(layer));
  section.finish();
  return model;
}

}  // namespace gradus::cli
