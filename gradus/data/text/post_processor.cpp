// One function a kind.
#include "gradus/data/text/post_processor.hpp"

#include "gradus/data/text/spec_internal.hpp"

namespace gradus::data {

namespace {

struct Kind {
  std::string_view name;
  PostProcessor (*read)(const Spec& spec, int64_t tokens);
};

int32_t read_id(const Spec& spec, int64_t tokens) {
  const int64_t id = spec.integer(0, int64_t{1} << 30);
  if (id >= tokens) spec.fail("there is no token ", id, "; ids must be 0 to ", tokens - 1);
  return static_cast<int32_t>(id);
}

// ["[SEP]", 102]
int32_t read_named(const Spec& spec, int64_t tokens) {
  const std::vector<Spec> parts = spec.elements();
  if (parts.size() != 2) spec.fail_type("a token and its id");
  parts[0].text();
  return read_id(parts[1], tokens);
}

PostProcessor read_bert(const Spec& spec, int64_t tokens) {
  const int32_t cls = read_named(spec["cls"], tokens), sep = read_named(spec["sep"], tokens);
  return {.single = {{{cls}, -1, 0}, {{}, 0, 0}, {{sep}, -1, 0}},
          .pair = {{{cls}, -1, 0}, {{}, 0, 0}, {{sep}, -1, 0}, {{}, 1, 1}, {{sep}, -1, 1}}};
}

PostProcessor read_roberta(const Spec& spec, int64_t tokens) {
  const int32_t cls = read_named(spec["cls"], tokens), sep = read_named(spec["sep"], tokens);
  return {.single = {{{cls}, -1, 0}, {{}, 0, 0}, {{sep}, -1, 0}},
          .pair = {{{cls}, -1, 0}, {{}, 0, 0}, {{sep}, -1, 0}, {{sep}, -1, 0}, {{}, 1, 0}, {{sep}, -1, 0}},
          .trims_offsets = spec["trim_offsets"].flag_or(true),
          .has_added_space = spec["add_prefix_space"].flag_or(true)};
}

std::vector<TemplatePart> read_parts(const Spec& spec, const Spec& special_tokens, int64_t tokens, bool is_pair) {
  std::vector<TemplatePart> out;
  bool has[2] = {};
  for (const Spec& each : spec.elements()) {
    TemplatePart part;
    const bool is_special = each["SpecialToken"].exists();
    const Spec said = each[is_special ? "SpecialToken" : "Sequence"], name = said["id"];
    part.type = static_cast<int32_t>(said["type_id"].exists() ? said["type_id"].integer(0, 1 << 16) : 0);
    if (is_special) {
      const Spec ids = special_tokens[name.text()]["ids"];
      if (!ids.exists()) name.fail("\"", name.text(), "\" is none of the special_tokens");
      for (const Spec& id : ids.elements()) part.ids.push_back(read_id(id, tokens));
    } else {
      if (name.text() != "A" && (name.text() != "B" || !is_pair)) name.fail_type(is_pair ? "\"A\" or \"B\"" : "\"A\"");
      part.sequence = name.text() == "B";
      if (has[part.sequence]) name.fail("text ", name.text(), " stands there twice");
      has[part.sequence] = true;
    }
    out.push_back(std::move(part));
  }
  if (!has[0] || (is_pair && !has[1])) spec.fail("text ", has[0] ? "B" : "A", " is left out");
  return out;
}

PostProcessor read_template(const Spec& spec, int64_t tokens) {
  PostProcessor out;
  const Spec special = spec["special_tokens"];
  out.single = read_parts(spec["single"], special, tokens, false);
  if (spec["pair"].exists()) out.pair = read_parts(spec["pair"], special, tokens, true);
  return out;
}

PostProcessor read_byte_level(const Spec& spec, int64_t) {
  PostProcessor out;
  out.trims_offsets = spec["trim_offsets"].flag_or(true);
  out.has_added_space = spec["add_prefix_space"].flag_or(true);
  return out;
}

// Each says one thing: at most one has a template.
PostProcessor read_sequence(const Spec& spec, int64_t tokens) {
  PostProcessor out;
  bool has_template = false;
  for (const Spec& each : spec["processors"].elements()) {
    PostProcessor next = read_post_processor(each, tokens);
    if (next.trims_offsets) out.has_added_space = next.has_added_space;
    out.trims_offsets |= next.trims_offsets;
    if (next.single.size() == 1 && next.pair.size() == 2) continue;
    if (has_template) each.fail("two processors in a sequence add special tokens; one may");
    has_template = true;
    out.single = std::move(next.single);
    out.pair = std::move(next.pair);
  }
  return out;
}

constexpr Kind kKinds[] = {{"BertProcessing", read_bert},
                           {"RobertaProcessing", read_roberta},
                           {"TemplateProcessing", read_template},
                           {"ByteLevel", read_byte_level},
                           {"Sequence", read_sequence}};

}  // namespace

PostProcessor read_post_processor(const Spec& spec, int64_t tokens) { return kind_of(spec, kKinds, "post_processor").read(spec, tokens); }

}  // namespace gradus::data
