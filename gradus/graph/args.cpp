// Text, hash and equality of op parameters.
#include "gradus/graph/args.hpp"

#include "gradus/base/text.hpp"
#include "gradus/graph/walk.hpp"

namespace gradus {

namespace detail {

void hash_field(Hasher& hasher, const SubgraphPtr& value) {
  hasher.add(value->hash().low);
  hasher.add(value->hash().high);
}
bool equal_field(const SubgraphPtr& a, const SubgraphPtr& b) { return a == b || a->equals(*b); }

}  // namespace detail

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
  return std::visit(Text{}, value);
}

}  // namespace

std::string Args::text() const {
  std::string out;
  for (const Field& field : fields()) out += (out.empty() ? "" : ", ") + field.name + "=" + value_text(field.value);
  return out;
}

}  // namespace gradus
