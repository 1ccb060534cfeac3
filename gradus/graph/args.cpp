// Text, hash and equality of op parameters.
#include "gradus/graph/args.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/graph/walk.hpp"

namespace gradus::core {

void hash_field(Hasher& hasher, const SubgraphPtr& value) {
  hasher.add(value->hash().low);
  hasher.add(value->hash().high);
}
bool equal_field(const SubgraphPtr& a, const SubgraphPtr& b) { return a == b || a->equals(*b); }

namespace {

std::string value_text(const FieldValue& value) {
  struct Text {
    std::string operator()(bool flag) const { return to_text(flag); }
    std::string operator()(int64_t number) const { return to_text(number); }
    std::string operator()(double number) const { return to_text(number); }
    std::string operator()(const std::string& text) const { return "\"" + text + "\""; }
    std::string operator()(const std::vector<int64_t>& numbers) const { return to_text(std::span<const int64_t>(numbers)); }
    std::string operator()(DType dtype) const { return to_text(dtype); }
    std::string operator()(const SubgraphPtr& graph) const { return concat("graph of ", graph->nodes().size(), " nodes"); }
  };
  return value.visit(Text{});
}

}  // namespace

void refuse_unknown_field(std::string_view op, std::string_view name, std::string_view known) {
  std::vector<std::string> names;
  const auto count = static_cast<size_t>(std::count(known.begin(), known.end(), ',')) + !known.empty();
  for (size_t index = 0; index < count; ++index) names.emplace_back(name_at(known, index));
  const std::string near = nearest(name, names);
  fail(op, "it has no parameter \"", name, "\"; it has ", join(names), near.empty() ? "" : concat("; did you mean ", near, "?"));
}
void refuse_field(std::string_view op, const Field& field, std::string_view expected) {
  fail(op, field.name, " is ", value_text(field.value), "; it must be ", expected);
}

std::string Args::text() const {
  std::string out;
  for (const Field& field : fields()) out += (out.empty() ? "" : ", ") + field.name + "=" + value_text(field.value);
  return out;
}

}  // namespace gradus::core
