// Error rates by edit distance.
#include "gradus/metrics/error_rates.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/data/text/utf8.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

using Units = std::vector<int64_t>;

// One number orders edits by mistakes, then by insertions and deletions: kMistake for each mistake, 1 more for one that is no substitution.
constexpr int64_t kMistake = int64_t{1} << 31;
int64_t least_edits(const Units& found, const Units& wanted) {
  std::vector<int64_t> row(wanted.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = static_cast<int64_t>(j) * (kMistake + 1);
  for (size_t i = 0; i < found.size(); ++i) {
    int64_t diagonal = row[0];
    row[0] += kMistake + 1;
    for (size_t j = 0; j < wanted.size(); ++j) {
      const int64_t replaced = diagonal + (found[i] == wanted[j] ? 0 : kMistake);
      diagonal = row[j + 1];
      row[j + 1] = std::min(replaced, std::min(row[j], row[j + 1]) + kMistake + 1);
    }
  }
  return row.back();
}

void add(ErrorRate& all, const Units& found, const Units& wanted) {
  const int64_t edits = least_edits(found, wanted), mistakes = edits / kMistake, unpaired = edits % kMistake;
  // deletions - insertions = wanted - found
  const auto longer = static_cast<int64_t>(wanted.size()) - static_cast<int64_t>(found.size());
  const int64_t deletions = (unpaired + longer) / 2;
  all.substitutions += mistakes - unpaired;
  all.deletions += deletions;
  all.insertions += unpaired - deletions;
  all.hits += static_cast<int64_t>(wanted.size()) - deletions - (mistakes - unpaired);
  all.wanted += static_cast<int64_t>(wanted.size());
}

template <class Split>
ErrorRate rate_of(std::string_view place, std::span<const std::string> found, std::span<const std::string> wanted, Split split) {
  if (found.size() != wanted.size())
    fail(place, "there are ", found.size(), " texts and ", wanted.size(), " references; they must be equally many");
  ErrorRate all;
  for (size_t i = 0; i < found.size(); ++i) {
    data::check_utf8(concat(place, ": text ", i), found[i]);
    data::check_utf8(concat(place, ": reference ", i), wanted[i]);
    add(all, split(found[i]), split(wanted[i]));
  }
  const int64_t mistakes = all.substitutions + all.deletions + all.insertions;
  if (all.wanted > 0) all.rate = static_cast<double>(mistakes) / static_cast<double>(all.wanted);
  else if (mistakes > 0) all.rate = std::numeric_limits<double>::infinity();
  return all;
}

}  // namespace

ErrorRate word_error_rate(std::span<const std::string> found, std::span<const std::string> wanted) {
  std::unordered_map<std::string, int64_t> ids;
  return rate_of("word_error_rate", found, wanted, [&](const std::string& text) {
    constexpr std::string_view kSpace = " \t\n\r\f\v";
    Units units;
    for (size_t begin = text.find_first_not_of(kSpace); begin != std::string::npos;) {
      const size_t end = std::min(text.find_first_of(kSpace, begin), text.size());
      units.push_back(ids.emplace(text.substr(begin, end - begin), static_cast<int64_t>(ids.size())).first->second);
      begin = text.find_first_not_of(kSpace, end);
    }
    return units;
  });
}

ErrorRate character_error_rate(std::span<const std::string> found, std::span<const std::string> wanted) {
  return rate_of("character_error_rate", found, wanted, [](const std::string& text) {
    Units units;
    for (size_t at = 0; at < text.size();) units.push_back(static_cast<int64_t>(data::next_code_point(text, at)));
    return units;
  });
}

}  // namespace gradus::metrics
