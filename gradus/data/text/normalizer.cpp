// One function a kind.
#include "gradus/data/text/normalizer.hpp"

#include "gradus/data/text/byte_level.hpp"
#include "gradus/data/text/spec_internal.hpp"

namespace gradus::data {

namespace {

struct Kind {
  std::string_view name;
  Normalizer (*read)(const Spec& spec);
};

bool is_ascii(std::string_view text) {
  for (const char byte : text) {
    if (static_cast<uint8_t>(byte) >= 0x80) return false;
  }
  return true;
}

void lower(AlignedText& text) {
  text.rewrite([](AlignedText& out, char32_t c, TextSpan origin) { lower_case(c, [&](char32_t each) { out.append(each, origin); }); });
}

void strip_marks(AlignedText& text, uint8_t marks) {
  if (is_ascii(text.text())) return;
  text.rewrite([&](AlignedText& out, char32_t c, TextSpan origin) {
    if (!is_any(c, marks)) out.append(c, origin);
  });
}

// Control characters go, white space becomes a space.
void clean(AlignedText& text) {
  text.rewrite([](AlignedText& out, char32_t c, TextSpan origin) {
    if (is_space(c) && c != 0xB && c != 0xC && c != 0x85) out.append(U' ', origin);
    else if (c >= 0x20 && c < 0x7F) out.append(c, origin);
    else if (!is_any(c, kControl)) out.append(c, origin);
  });
}

void set_chinese_apart(AlignedText& text) {
  if (is_ascii(text.text())) return;
  text.rewrite([](AlignedText& out, char32_t c, TextSpan origin) {
    if (!is_chinese(c)) {
      out.append(c, origin);
      return;
    }
    out.append(U' ', origin);
    out.append(c, origin);
    out.append(U' ', origin);
  });
}

Normalizer read_bert(const Spec& spec) {
  const bool cleans = spec["clean_text"].flag_or(true), is_apart = spec["handle_chinese_chars"].flag_or(true);
  const bool lowers = spec["lowercase"].flag_or(true), strips = spec["strip_accents"].flag_or(lowers);
  return [=](AlignedText& text) {
    if (cleans) clean(text);
    if (is_apart) set_chinese_apart(text);
    if (strips) {
      apply_normal_form(text, NormalForm::nfd);
      strip_marks(text, kNonspacing);
    }
    if (lowers) lower(text);
  };
}

template <NormalForm form>
Normalizer read_form(const Spec&) {
  return [](AlignedText& text) { apply_normal_form(text, form); };
}

Normalizer read_replace(const Spec& spec) {
  const Spec pattern = spec["pattern"];
  if (pattern["Regex"].exists())
    pattern.fail("the regular expression \"", pattern["Regex"].text(), "\" is not known; only {\"String\": ...} is replaced");
  const std::string from = pattern["String"].text(), to = spec["content"].text();
  if (from.empty()) pattern["String"].fail("the text is empty; there must be something to replace");
  return [from, to](AlignedText& text) {
    if (text.text().find(from) == std::string::npos) return;
    AlignedText out = text.successor();
    size_t at = 0;
    for (size_t found; (found = text.text().find(from, at)) != std::string::npos; at = found + from.size()) {
      out.append(text, at, found);
      out.append(to, text.origin(found, found + from.size()));
    }
    out.append(text, at, text.size());
    text = std::move(out);
  };
}

Normalizer read_prepend(const Spec& spec) {
  return [front = spec["prepend"].text()](AlignedText& text) {
    if (text.empty()) return;
    AlignedText out = text.successor();
    out.append(front, text.origin(0));
    out.append(text, 0, text.size());
    text = std::move(out);
  };
}

Normalizer read_strip(const Spec& spec) {
  const bool strips_left = spec["strip_left"].flag_or(true), strips_right = spec["strip_right"].flag_or(true);
  return [=](AlignedText& text) {
    const std::string& all = text.text();
    size_t begin = 0, end = all.size();
    for (size_t next = 0; strips_left && next < end && is_space(next_code_point(all, next));) begin = next;
    for (size_t before = end; strips_right && before > begin && is_space(code_point_before(all, before));) end = before;
    if (begin > 0 || end < all.size()) text = text.part(begin, end);
  };
}

Normalizer read_byte_level(const Spec&) {
  return [](AlignedText& text) {
    AlignedText out = text.successor();
    for (size_t at = 0; at < text.size(); ++at) out.append(character_of_byte(static_cast<uint8_t>(text.text()[at])), text.origin(at));
    text = std::move(out);
  };
}

Normalizer read_sequence(const Spec& spec) {
  std::vector<Normalizer> steps;
  for (const Spec& each : spec["normalizers"].elements()) steps.push_back(read_normalizer(each));
  return [steps](AlignedText& text) {
    for (const Normalizer& step : steps) step(text);
  };
}

constexpr Kind kKinds[] = {
    {"BertNormalizer", read_bert},
    {"NFC", read_form<NormalForm::nfc>},
    {"NFD", read_form<NormalForm::nfd>},
    {"NFKC", read_form<NormalForm::nfkc>},
    {"NFKD", read_form<NormalForm::nfkd>},
    {"Lowercase", [](const Spec&) { return Normalizer(lower); }},
    {"Replace", read_replace},
    {"Prepend", read_prepend},
    {"Strip", read_strip},
    {"StripAccents", [](const Spec&) { return Normalizer([](AlignedText& text) { strip_marks(text, kCombining); }); }},
    {"ByteLevel", read_byte_level},
    {"Sequence", read_sequence},
};

}  // namespace

Normalizer read_normalizer(const Spec& spec) { return kind_of(spec, kKinds, "normalizer").read(spec); }

}  // namespace gradus::data
