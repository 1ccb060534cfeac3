// The doctor's look for copies of samples: within the training set, and of it in the sets that test what was learnt.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "gradus/base/hash.hpp"
#include "gradus/base/text.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/train/doctor_parts.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr int64_t kMostBytes = int64_t{1} << 30, kMostRows = 2000;
// Shares of copies below these are no finding: data that are collected have some.
constexpr double kCopiesWithin = 0.10, kCopiesAcross = 0.05;

// Rows as bytes; null where there are none, or too many.
struct RowBytes {
  const char* data = nullptr;
  int64_t count = 0;
  size_t width = 0;
  const char* operator[](int64_t row) const { return data + static_cast<size_t>(row) * width; }
};
RowBytes rows_of(const data::Dataset& set) {
  const Array& x = set.stored_x();
  if (!x.exists() || x.rank() < 1 || x.size() == 0 || x.size() * x.dtype().size() > kMostBytes) return {};
  const auto width = static_cast<size_t>(x.size() / x.shape(0) * x.dtype().size());
  return {static_cast<const char*>(row_major_data(x)), x.shape(0), width};
}

// Where each row first stands.
class RowIndex {
 public:
  explicit RowIndex(const RowBytes& rows) : rows_(rows) {
    first_.reserve(static_cast<size_t>(rows.count));
    for (int64_t row = 0; row < rows.count; ++row) {
      const auto [place, is_new] = first_.emplace(hash(rows[row]), row);
      // Rows of one hash that differ are as good as unheard of: the later one is left out.
      if (is_new || std::memcmp(rows[place->second], rows[row], rows.width) != 0) continue;
      if (copies_++ == 0) example_ = {row, place->second};
    }
  }
  /// The training row that has these bytes; -1 if there is none.
  int64_t find(const char* row) const {
    const auto found = first_.find(hash(row));
    return found != first_.end() && std::memcmp(rows_[found->second], row, rows_.width) == 0 ? found->second : -1;
  }
  int64_t copies() const { return copies_; }
  std::pair<int64_t, int64_t> example() const { return example_; }

 private:
  Hash128 hash(const char* row) const {
    Hasher hasher;
    hasher.add_bytes(row, rows_.width);
    return hasher.value();
  }
  const RowBytes& rows_;
  std::unordered_map<Hash128, int64_t, Hash128Low> first_;
  int64_t copies_ = 0;
  std::pair<int64_t, int64_t> example_{};
};

// The share of rows that chance gives a copy: tables of few values a column have them. Two rows agree in column j with probability p_j, in
// all of them with the product of the p_j if the columns are independent, and at most the least p_j if they are not; between both lies the
// root of the product.
double share_by_chance(const Features& features) {
  if (features.columns.empty()) return 0;
  const std::vector<int64_t> rows = sampled_rows(features.rows, kMostRows);
  const double n = static_cast<double>(rows.size());
  double sum_of_logs = 0, least = 1;
  for (const Feature& feature : features.columns) {
    std::unordered_map<double, int64_t> counts;
    for (const int64_t row : rows) {
      const double x = feature.at(row);
      ++counts[std::isnan(x) ? HUGE_VAL : x];
    }
    double pairs = 0;
    for (const auto& [value, count] : counts) pairs += static_cast<double>(count) * static_cast<double>(count - 1);
    const double agree = std::max(pairs / (n * (n - 1)), 1e-6);
    sum_of_logs += std::log(agree);
    least = std::min(least, agree);
  }
  return 1 - std::exp(-static_cast<double>(features.rows) * std::min(least, std::exp(sum_of_logs / 2)));
}

}  // namespace

void find_copies(const data::Dataset& train, const std::vector<NamedSet>& others, const Features& features,
                 std::vector<Finding>& findings) {
  const RowBytes rows = rows_of(train);
  if (!rows.data || rows.count < 10) return;
  const RowIndex index(rows);
  const double within = static_cast<double>(index.copies()) / static_cast<double>(rows.count);
  std::optional<double> known;  // asked for only where there are many copies
  const auto chance = [&] { return known ? *known : *(known = share_by_chance(features)); };
  if (within > kCopiesWithin && within > kCopiesWithin + chance()) {
    const auto [copy, first] = index.example();
    findings.push_back({.where = "train.x",
                        .what = concat(with_commas(index.copies()), " of ", with_commas(rows.count), " training samples (",
                                       share_text(within), ") are copies of earlier ones; the first is x[", copy, "], of x[", first, "]"),
                        .why = "they count more than others, and any split puts copies into training, validation and test alike",
                        .remedy = "drop copies before the split; to weigh samples: data::weighted(set, weights), or .class_weight (recipe: "
                                  "train.class_weight)",
                        .severity = Severity::warning,
                        .kind = "duplicate rows"});
  }
  for (const auto& [name, set] : others) {
    const RowBytes own = rows_of(set);
    if (!own.data || own.width != rows.width || set.stored_x().dtype() != train.stored_x().dtype()) continue;
    int64_t count = 0, first = -1, of_first = -1;
    for (int64_t row = 0; row < own.count; ++row) {
      const int64_t found = index.find(own[row]);
      if (found < 0) continue;
      if (count++ == 0) first = row, of_first = found;
    }
    const double share = static_cast<double>(count) / static_cast<double>(own.count);
    const double natural = kCopiesAcross + std::min(2 * within, kCopiesWithin);
    if (!(share > natural && share > natural + chance())) continue;
    findings.push_back(
        {.where = concat(name, ".x"),
         .what = concat(with_commas(count), " of ", with_commas(own.count), " ", name, " samples (", share_text(share),
                        ") are training samples too; the first is x[", first, "], x[", of_first, "] of the training set"),
         .why = "the model is asked what it has learnt by heart: its score there is better than it will be on new samples",
         .remedy = "drop copies before the split, or keep rows that belong together in one part: data::split(table, 0.2, 0, {.group "
                   "= \"id\"}) (recipe: data.group = \"id\")",
         .severity = Severity::serious,
         .kind = "duplicate rows across sets"});
  }
}

}  // namespace gradus::train::detail
