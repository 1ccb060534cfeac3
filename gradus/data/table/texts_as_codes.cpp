// Codes of texts most of which differ.
#include <algorithm>

#include "gradus/data/table/column_builder.hpp"

namespace gradus::data {

namespace {

constexpr size_t kBytes = 8;

// What is behind the common beginning of a text: so many of its bytes, the first of most weight, and its length where that is all of it.
struct Place {
  uint64_t bytes;
  int64_t row : 60;
  uint64_t length : 4;  // at most kBytes + 1

  bool is_whole() const { return length <= kBytes; }
};

std::string_view common_beginning(const Texts& texts) {
  std::string_view out;
  bool has_one = false;
  for (int64_t row = 0; row < texts.size(); ++row) {
    const std::string_view text = texts[row];
    if (text.empty()) continue;
    if (!has_one) out = text;
    has_one = true;
    const auto end = std::mismatch(out.begin(), out.end(), text.begin(), text.end()).first;
    out = out.substr(0, static_cast<size_t>(end - out.begin()));
  }
  return out;
}

std::vector<Place> places_of(const Texts& texts) {
  const size_t common = common_beginning(texts).size();
  std::vector<Place> out;
  out.reserve(static_cast<size_t>(texts.size()));
  for (int64_t row = 0; row < texts.size(); ++row) {
    if (texts[row].empty()) continue;
    const std::string_view rest = texts[row].substr(common);
    uint64_t bytes = 0;
    for (size_t i = 0; i < kBytes; ++i) bytes = bytes << 8 | (i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0);
    out.push_back({bytes, row, std::min(rest.size(), kBytes + 1)});
  }
  return out;
}

}  // namespace

// Their order tells which are the same, and mostly without a look at them.
Column texts_as_codes(const std::string& name, const Texts& texts) {
  std::vector<Place> places = places_of(texts);
  std::sort(places.begin(), places.end(), [&](const Place& a, const Place& b) {
    if (a.bytes != b.bytes) return a.bytes < b.bytes;
    return a.is_whole() || b.is_whole() ? a.length < b.length : texts[a.row] < texts[b.row];
  });
  const auto are_same = [&](const Place& a, const Place& b) {
    return a.bytes == b.bytes && a.length == b.length && (a.is_whole() || texts[a.row] == texts[b.row]);
  };
  std::vector<int32_t> codes(static_cast<size_t>(texts.size()), -1);
  std::vector<std::string> categories;
  for (size_t i = 0; i < places.size(); ++i) {
    if (i == 0 || !are_same(places[i - 1], places[i])) categories.emplace_back(texts[places[i].row]);
    codes[static_cast<size_t>(places[i].row)] = static_cast<int32_t>(categories.size()) - 1;
  }
  return Column::coded(name, ColumnType::categorical, std::move(codes), std::move(categories));
}

}  // namespace gradus::data
