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
#define GRADUS_KNOWN(name) {#name, static_cast<Function>(gradus::name)}
constexpr Known known[] = {GRADUS_KNOWN(relu),     GRADUS_KNOWN(sigmoid),      GRADUS_KNOWN(tanh),         GRADUS_KNOWN(gelu),
                           GRADUS_KNOWN(silu),     GRADUS_KNOWN(softplus),     GRADUS_KNOWN(softmax),      GRADUS_KNOWN(log_softmax),
                           GRADUS_KNOWN(exp),      GRADUS_KNOWN(abs),          GRADUS_KNOWN(square),
                           GRADUS_KNOWN(relu6),    GRADUS_KNOWN(leaky_relu),   GRADUS_KNOWN(elu),          GRADUS_KNOWN(celu),
                           GRADUS_KNOWN(selu),     GRADUS_KNOWN(log_sigmoid),  GRADUS_KNOWN(mish),         GRADUS_KNOWN(softsign),
                           GRADUS_KNOWN(hardtanh), GRADUS_KNOWN(hardsigmoid),  GRADUS_KNOWN(hardswish),    GRADUS_KNOWN(tanhshrink),
                           GRADUS_KNOWN(hardshrink), GRADUS_KNOWN(softshrink), GRADUS_KNOWN(sin),          GRADUS_KNOWN(cos)};
#undef GRADUS_KNOWN

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
