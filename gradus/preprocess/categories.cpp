// What steps of categories share.
#include "gradus/preprocess/categories.hpp"

#include <unordered_map>

namespace gradus::preprocess {

using data::Column;

std::vector<int64_t> counts_of(const Column& column) {
  std::vector<int64_t> counts(column.categories().size(), 0);
  for (const int32_t code : column.codes()) {
    if (code >= 0) ++counts[static_cast<size_t>(code)];
  }
  return counts;
}

std::vector<int64_t> places_among(const Column& column, const std::vector<std::string>& known) {
  std::unordered_map<std::string_view, int64_t> by_text;
  for (size_t i = 0; i < known.size(); ++i) by_text.emplace(known[i], static_cast<int64_t>(i));
  std::vector<int64_t> out;
  for (const std::string& category : column.categories()) {
    const auto found = by_text.find(category);
    out.push_back(found == by_text.end() ? -1 : found->second);
  }
  return out;
}

void count_unknown(const Column& column, const std::vector<int64_t>& places, std::string_view what, Treatments& treatments) {
  const std::vector<int64_t> counts = counts_of(column);
  for (size_t i = 0; i < places.size(); ++i) {
    if (places[i] < 0) treatments.add(column.name(), what, counts[i], column.categories()[i]);
  }
}

}  // namespace gradus::preprocess
