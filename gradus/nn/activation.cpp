// Activations by name.
#include "gradus/nn/activation.hpp"

#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/nn/fields.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/normalize.hpp"

namespace gradus::nn {

namespace {

using Function = Array (*)(const Array&);
struct Known {
  std::string_view name;
  Function function;
};
constexpr Known known[] = {{"relu", relu},
                           {"sigmoid", sigmoid},
                           {"tanh", tanh},
                           {"gelu", gelu},
                           {"silu", silu},
                           {"softplus", softplus},
                           {"softmax", softmax},
                           {"log_softmax", log_softmax},
                           {"exp", exp},
                           {"abs", abs},
                           {"square", square},
                           {"relu6", relu6},
                           {"leaky_relu", leaky_relu},
                           {"elu", elu},
                           {"celu", celu},
                           {"selu", selu},
                           {"log_sigmoid", log_sigmoid},
                           {"mish", mish},
                           {"softsign", softsign},
                           {"hardtanh", hardtanh},
                           {"hardsigmoid", hardsigmoid},
                           {"hardswish", hardswish},
                           {"tanhshrink", tanhshrink},
                           {"hardshrink", hardshrink},
                           {"softshrink", softshrink},
                           {"sin", sin},
                           {"cos", cos}};

}  // namespace

Activation::Activation(Array (*function)(const Array&)) : function_(function), name_("custom") {
  if (!function) fail("activation", "the function is null; leave the argument out for none");
  for (const Known& entry : known) {
    if (entry.function == function) name_ = entry.name;
  }
}

Activation Activation::from_name(std::string_view name) {
  if (name == "linear") return {};
  std::vector<std::string> names{"linear"};
  for (const Known& entry : known) {
    if (entry.name == name) return entry.function;
    names.emplace_back(entry.name);
  }
  const std::string near = nearest(name, names);
  fail("activation", "there is none called \"", name, "\"; known are ", join(names), near.empty() ? "" : concat("; did you mean ", near));
}

void Activation::visit_parts(PartVisitor& visitor, const std::string& path) const { visitor.on_value(join_path(path, "function"), name_); }
void Activation::visit_fields(FieldVisitor& visitor) { visitor.field("function", *this); }

}  // namespace gradus::nn
