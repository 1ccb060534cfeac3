// Normal forms: take apart, order the marks, put together (Unicode Standard Annex 15).
#include <algorithm>
#include <iterator>
#include <vector>

#include "gradus/data/text/aligned_text.hpp"

namespace gradus::data {

namespace {

struct Unit {
  char32_t character = 0;
  uint8_t combining = 0;
  TextSpan origin{};
};

std::vector<Unit> taken_apart(const AlignedText& text, bool is_compatible) {
  std::vector<Unit> units;
  units.reserve(text.size());
  const auto add = [&](char32_t c, TextSpan origin) { units.push_back({c, detail::combining_class(c), origin}); };
  for (size_t at = 0; at < text.size();) {
    const TextSpan origin = text.origin(at);
    const char32_t c = next_code_point(text.text(), at);
    char32_t hangul[3];
    const std::u32string_view parts = c < 0x80 ? std::u32string_view() : detail::decomposition_of(c, is_compatible, hangul);
    if (parts.empty()) add(c, origin);
    for (const char32_t part : parts) add(part, origin);
  }
  return units;
}

void order_marks(std::vector<Unit>& units) {
  for (auto begin = units.begin(); begin != units.end();) {
    if (begin->combining == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, units.end(), [](const Unit& unit) { return unit.combining == 0; });
    // Characters change places, what they come from does not: a stretch of tokens comes from a stretch of text.
    std::vector<TextSpan> origins;
    std::transform(begin, end, std::back_inserter(origins), [](const Unit& unit) { return unit.origin; });
    std::stable_sort(begin, end, [](const Unit& a, const Unit& b) { return a.combining < b.combining; });
    for (auto unit = begin; unit != end; ++unit) unit->origin = origins[static_cast<size_t>(unit - begin)];
    begin = end;
  }
}

void put_together(std::vector<Unit>& units) {
  size_t starter = units.size(), kept = 0;
  for (size_t i = 0; i < units.size(); ++i) {
    const Unit unit = units[i];
    if (starter < kept) {
      // Blocked by a mark in between of the same class or a higher one, or, for a starter, by any.
      const bool is_next = starter + 1 == kept;
      const bool is_blocked = !is_next && units[kept - 1].combining >= unit.combining;
      const char32_t both = is_blocked ? 0 : detail::composition_of(units[starter].character, unit.character);
      if (both) {
        units[starter].character = both;
        units[starter].origin.end = std::max(units[starter].origin.end, unit.origin.end);
        continue;
      }
    }
    if (unit.combining == 0) starter = kept;
    units[kept++] = unit;
  }
  units.resize(kept);
}

}  // namespace

void apply_normal_form(AlignedText& text, NormalForm form) {
  const bool is_ascii = std::all_of(text.text().begin(), text.text().end(), [](char byte) { return static_cast<uint8_t>(byte) < 0x80; });
  if (is_ascii) return;
  std::vector<Unit> units = taken_apart(text, form == NormalForm::nfkc || form == NormalForm::nfkd);
  order_marks(units);
  if (form == NormalForm::nfc || form == NormalForm::nfkc) put_together(units);
  AlignedText out = text.successor();
  for (const Unit& unit : units) out.append(unit.character, unit.origin);
  text = std::move(out);
}

std::string normal_form(std::string_view text, NormalForm form) {
  check_utf8("normal_form", text);
  AlignedText out(text, false);
  apply_normal_form(out, form);
  return out.text();
}

}  // namespace gradus::data
