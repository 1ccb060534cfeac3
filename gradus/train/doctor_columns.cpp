// The doctor's look at columns: what they are, constant ones, duplicates.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/base/hash.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/preprocess/automatic.hpp"
#include "gradus/preprocess/pipeline.hpp"
#include "gradus/train/doctor_parts.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr int64_t kMostColumns = 4096, kManyColumns = 16, kMostNamed = 4;

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

std::vector<std::string> quoted_of(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    if (name.starts_with("column \"")) out.push_back(name.substr(7));
  }
  return out;
}

bool is_constant(const Feature& feature, int64_t rows, const std::vector<int64_t>& few) {
  const double first = feature.at(0);
  const auto differs = [&](int64_t row) { return !same(feature.at(row), first); };
  if (std::any_of(few.begin(), few.end(), differs)) return false;
  for (int64_t row = 0; row < rows; ++row) {
    if (differs(row)) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> names_of_columns(const data::Dataset& set, int64_t width) {
  std::vector<std::string> names;
  if (set.pipeline) {
    const preprocess::Pipeline pipeline = preprocess::Pipeline::from_datum(*set.pipeline, "data set");
    for (size_t i = 0; i < pipeline.features().size(); ++i) {
      const std::string& origin = pipeline.origins()[i];
      names.push_back(concat("column \"", origin.empty() ? pipeline.features()[i] : origin, "\""));
    }
  }
  if (static_cast<int64_t>(names.size()) == width) return names;
  names.clear();
  for (int64_t i = 0; i < width; ++i) names.push_back(concat("x[:, ", i, "]"));
  return names;
}

std::vector<double> values_at(const Feature& feature, const std::vector<int64_t>& rows) {
  std::vector<double> out;
  out.reserve(rows.size());
  for (const int64_t row : rows) out.push_back(feature.at(row));
  return out;
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}
std::string share_text(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string drop_text(const std::vector<std::string>& names) {
  const std::vector<std::string> quoted = quoted_of(names);
  if (quoted.empty()) return concat("leave ", join(names, " and "), " out of x");
  return concat("preprocess::Drop({", join(quoted), "}) as a step of the pipeline (recipe: {type = \"Drop\", columns = [", join(quoted),
                "]} in preprocess.steps)");
}

std::vector<int64_t> sampled_rows(int64_t rows, int64_t most) {
  const int64_t count = std::min(rows, most);
  std::vector<int64_t> out;
  for (int64_t i = 0; i < count; ++i)
    out.push_back(static_cast<int64_t>(static_cast<double>(i) * static_cast<double>(rows) / static_cast<double>(count)));
  return out;
}

bool has_labels(const data::Dataset& set) {
  return set.y.exists() && (set.y.dtype().is_integer() || set.y.dtype() == bool_) &&
         (set.y.rank() == 1 || (set.y.rank() == 2 && set.y.shape(1) == 1));
}

Features features_of(const data::Dataset& set) {
  Features out{.rows = set.size()};
  const Array& stored = set.stored_x();
  if (!stored.exists() || stored.rank() != 2 || stored.shape(1) < 1 || stored.shape(1) > kMostColumns || set.size() < 2) return out;
  const Array x = stored.astype(float32).eval();
  const float* values = static_cast<const float*>(row_major_data(x));
  const int64_t width = x.shape(1);
  const std::vector<std::string> names = names_of_columns(set, width);
  for (int64_t i = 0; i < width; ++i) {
    out.columns.push_back(
        {names[static_cast<size_t>(i)], false, [x, values, width, i](int64_t row) { return double{values[row * width + i]}; }});
  }
  if (!set.y.exists() || set.y.size() != set.size()) return out;
  out.target.values = set.y.to_vector<double>();
  out.target.is_class = has_labels(set);
  return out;
}

Features features_of(const data::Table& table, const std::string& target) {
  Features out{.rows = table.rows()};
  const auto feature_of = [](const data::Column& column) -> Feature {
    const std::string name = concat("column \"", column.name(), "\"");
    if (column.has_numbers()) return {name, false, [numbers = column.numbers()](int64_t row) { return numbers[static_cast<size_t>(row)]; }};
    return {name, true, [codes = column.codes()](int64_t row) {
              const int32_t code = codes[static_cast<size_t>(row)];
              return code < 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(code);
            }};
  };
  for (const data::Column& column : table.columns()) {
    const bool is_target = column.name() == target;
    if (!column.has_numbers() && !column.is_coded()) continue;
    if (!is_target && preprocess::counts_rows(column)) continue;
    const Feature feature = feature_of(column);
    if (!is_target) {
      if (static_cast<int64_t>(out.columns.size()) < kMostColumns) out.columns.push_back(feature);
      continue;
    }
    out.target.is_class = preprocess::target_of(column).is_class();
    std::map<double, double> codes;  // numbers that are classes, as 0, 1, ...
    for (int64_t row = 0; row < table.rows(); ++row) out.target.values.push_back(feature.at(row));
    if (!out.target.is_class) continue;
    for (const double y : out.target.values) codes.emplace(y, 0);
    double next = 0;
    for (auto& [value, code] : codes) code = next++;
    for (double& y : out.target.values) y = std::isnan(y) ? y : codes[y];
  }
  return out;
}

void find_constants(const Features& features, std::vector<Finding>& findings) {
  const std::vector<int64_t> few = sampled_rows(features.rows, 1000);
  if (features.rows < 2) return;
  std::vector<size_t> constant;
  int64_t from_zero = 0;
  for (size_t i = 0; i < features.columns.size(); ++i) {
    const Feature& feature = features.columns[i];
    const std::vector<double> values = values_at(feature, few);
    from_zero += !feature.is_coded && *std::min_element(values.begin(), values.end()) == 0;
    if (is_constant(feature, features.rows, few)) constant.push_back(i);
  }
  // Among many pixels or counts some are always zero, by nature.
  const bool are_counts = from_zero >= kManyColumns && 2 * from_zero >= static_cast<int64_t>(features.columns.size());
  if (are_counts) std::erase_if(constant, [&](size_t i) { return features.columns[i].at(0) == 0; });
  if (constant.empty()) return;
  std::vector<std::string> names;
  for (const size_t i : constant) names.push_back(features.columns[i].name);
  const bool are_more = static_cast<int64_t>(names.size()) > kMostNamed;
  const double value = features.columns[constant[0]].at(0);
  const bool is_number = !features.columns[constant[0]].is_coded && !std::isnan(value);
  findings.push_back(
      {.where = names[0],
       .what = concat(is_number ? concat("is ", short_number(value), " in all ") : "has the same value in all ", with_commas(features.rows),
                      " rows", names.size() > 1 ? concat(", and ", names.size() - 1, " more columns are constant too") : ""),
       .why = "it tells the model nothing, and what another value means was never learnt",
       .remedy = are_more ? "leave them out: preprocess::Drop (recipe: a step of type \"Drop\")" : drop_text(names),
       .severity = Severity::warning,
       .kind = "constant column"});
}

void find_duplicates(const Features& features, std::vector<Finding>& findings) {
  const std::vector<int64_t> few = sampled_rows(features.rows, 1000);
  std::map<std::pair<uint64_t, uint64_t>, std::vector<size_t>> alike;
  for (size_t i = 0; i < features.columns.size(); ++i) {
    const std::vector<double> values = values_at(features.columns[i], few);
    std::vector<double> different;
    for (const double x : values) {
      if (different.size() < 3 && std::find(different.begin(), different.end(), x) == different.end() && !std::isnan(x))
        different.push_back(x);
    }
    // Columns of two values are often made of categories, and rare categories of two columns may go together.
    if (different.size() < 3) continue;
    Hasher hasher;
    hasher.add_bytes(values.data(), values.size() * sizeof(double));
    alike[{hasher.value().low, hasher.value().high}].push_back(i);
  }
  for (const auto& [hash, columns] : alike) {
    for (size_t k = 1; k < columns.size(); ++k) {
      const Feature &one = features.columns[columns[0]], &other = features.columns[columns[k]];
      bool are_equal = one.is_coded == other.is_coded;
      for (int64_t row = 0; are_equal && row < features.rows; ++row) are_equal = same(one.at(row), other.at(row));
      if (!are_equal) continue;
      findings.push_back({.where = other.name,
                          .what = concat("holds the same ", with_commas(features.rows), " values as ", one.name),
                          .why = "what it says counts twice, and weights and importances are divided between the two by chance",
                          .remedy = drop_text({other.name}),
                          .severity = Severity::warning,
                          .kind = "duplicate column"});
      if (findings.size() > 20) return;
    }
  }
}

}  // namespace gradus::train::detail
