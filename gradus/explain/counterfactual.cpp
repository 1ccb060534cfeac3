// The search for counterfactuals. Rows are kept on the host as doubles that are exact in the dtype of x.
#include "gradus/explain/counterfactual.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "gradus/base/error.hpp"
#include "gradus/explain/draws_internal.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/grad.hpp"

namespace gradus::explain {

using namespace core;

namespace {

constexpr std::string_view kOp = "counterfactuals";
constexpr int64_t kGrid = 33, kSections = 16, kRefinements = 5;
constexpr size_t kFirstFeatures = 8, kMostCandidates = 48;

using Row = std::vector<double>;

// A feature with what may be done to it.
struct Changeable {
  Feature feature;
  bool is_immutable, is_integer;
  double low, high;  // what may be changed to
  double from, to;   // where values are tried: low and high, or where there are none a wide range around x and the data
  double scale;
  bool is_category() const { return feature.columns.size() > 1; }
  size_t column() const { return static_cast<size_t>(feature.columns[0]); }
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

class Search {
 public:
  Search(Function model, const Array& x, const CounterfactualOptions& options) : model_(model), options_(options), dtype_(x.dtype()) {
    x_ = x.to_vector<double>();
    for (size_t i = 0; i < x_.size(); ++i) {
      if (!std::isfinite(x_[i])) fail(kOp, "column ", i, " is ", x_[i], "; it must be finite");
    }
    read_rules();
    begin();
  }

  Counterfactuals run() {
    Counterfactuals result{.label = label_};
    if (std::all_of(features_.begin(), features_.end(), [](const Changeable& one) { return one.is_immutable; })) {
      result.reason = "every feature is immutable";
      return result;
    }
    search_by_features();
    if (options_.uses_gradients && dtype_.is_float()) search_by_gradients();
    search_in_data();
    result.found = chosen();
    result.evaluations = evaluations_;
    if (result.found.empty()) {
      result.reason = concat("none of ", evaluations_, " rows that were tried within the rules is ",
                             options_.wanted ? concat("class ", *options_.wanted) : concat("another class than ", label_),
                             "; the nearest was ", -best_margin_, " short of it");
    }
    return result;
  }

 private:
  // ---- the model

  Array rows_array(const std::vector<Row>& rows) const {
    std::vector<double> all;
    for (const Row& row : rows) all.insert(all.end(), row.begin(), row.end());
    return array(all, {rows.size(), x_.size()}).astype(dtype_);
  }
  Array output_at(const Array& rows) const {
    Array output = model_(rows);
    if (!output.exists() || output.rank() == 0 || output.rank() > 2 || output.shape(0) != rows.shape(0) || output.size() == 0) {
      fail(kOp, "the model gives ", output.exists() ? to_text(output.shape()) : std::string("nothing"), " for rows ", rows.shape(),
           "; it must give (rows, classes), (rows, 1) or (rows,)");
    }
    if (output.rank() == 2 && output.shape(1) == 1) output = output[{slice(), 0}];
    return output.dtype().is_float() ? output : output.astype(float32);
  }
  // How far an output lies on the wanted side: above 0 the answer is right.
  Array margin_of(const Array& output) const {
    if (output.rank() == 1) return label_ == 0 ? output - options_.threshold : options_.threshold - output;
    const int64_t side = options_.wanted ? *options_.wanted : label_;
    const Array is_side = reshape(arange(output.shape(1)), {1, output.shape(1)}) == side;
    const Array others = max(where(is_side, -std::numeric_limits<double>::infinity(), output), 1), own = output[{slice(), side}];
    return options_.wanted ? own - others : others - own;
  }
  std::vector<double> margins(const std::vector<Row>& rows) {
    const nn::TrainingMode inference(false);
    std::vector<double> all;
    for (size_t begin = 0; begin < rows.size(); begin += static_cast<size_t>(options_.batch_size)) {
      const size_t end = std::min(begin + static_cast<size_t>(options_.batch_size), rows.size());
      const Array part = rows_array({rows.begin() + static_cast<int64_t>(begin), rows.begin() + static_cast<int64_t>(end)});
      for (const double margin : margin_of(output_at(part)).to_vector<double>()) all.push_back(margin);
    }
    evaluations_ += static_cast<int64_t>(rows.size());
    for (const double margin : all) best_margin_ = std::max(best_margin_, margin);
    return all;
  }
  int64_t label_at(const Row& row) {
    const nn::TrainingMode inference(false);
    const Array output = output_at(rows_array({row}));
    ++evaluations_;
    return output.rank() == 1 ? output.item() > options_.threshold : argmax(output, 1).item<int64_t>();
  }
  void begin() {
    label_ = label_at(x_);
    const nn::TrainingMode inference(false);
    const Array output = output_at(rows_array({x_}));
    const int64_t classes = output.rank() == 1 ? 2 : output.shape(1);
    if (classes < 2) fail(kOp, "the model gives ", classes, " classes; there must be at least 2");
    if (options_.wanted && (*options_.wanted < 0 || *options_.wanted >= classes)) {
      fail(kOp, "class ", *options_.wanted, " is wanted; the model has ", classes, ", counted from 0");
    }
    if (options_.wanted && *options_.wanted == label_) fail(kOp, "x is class ", label_, " already; another must be wanted");
    const double margin = margins({x_})[0];
    if (!std::isfinite(margin)) fail(kOp, "the model gives numbers for x that are not finite; they must be");
    // A little past the boundary, so that the answer does not hang on the last bit.
    needed_ = 1e-3 * std::abs(margin) + 1e-6;
    best_margin_ = margin;
  }

  // ---- the rules

  void read_rules() {
    std::vector<Feature> groups;
    for (const ChangeRule& rule : options_.rules) groups.push_back(rule.feature);
    const auto columns = static_cast<int64_t>(x_.size());
    const Array& data = options_.data;
    if (data.exists() && (data.rank() != 2 || data.shape(1) != columns || data.shape(0) == 0)) {
      fail(kOp, "data is ", data.shape(), ", x has ", columns, " columns; it must be (rows, columns) with at least one row");
    }
    const Array by_column = data.exists() ? transpose(data).eval() : Array();
    for (Feature& feature : features(columns, groups, options_.names)) {
      ChangeRule rule;
      for (const ChangeRule& one : options_.rules) {
        if (one.feature.columns == feature.columns) rule = one;
      }
      if (!(rule.low <= rule.high) || !(rule.scale >= 0) || std::isinf(rule.scale)) {
        fail(kOp, "\"", feature.name, "\" has low ", rule.low, ", high ", rule.high, ", scale ", rule.scale,
             "; low must be at most high, the scale finite and not negative");
      }
      features_.push_back(with_range(std::move(feature), rule, by_column));
    }
  }

  Changeable with_range(Feature feature, const ChangeRule& rule, const Array& by_column) const {
    Changeable one{std::move(feature), rule.is_immutable, rule.is_integer, rule.low, rule.high, rule.low, rule.high, rule.scale};
    if (one.is_category()) {
      one.scale = 1;
      return one;
    }
    const double at = x_[one.column()];
    double low = at, high = at, spread = 0;
    if (by_column.exists()) {
      const std::vector<double> values = by_column[one.feature.columns[0]].to_vector<double>();
      for (const double value : values) {
        if (!std::isfinite(value)) fail(kOp, "data has ", value, " in \"", one.feature.name, "\"; it must be finite");
        low = std::min(low, value);
        high = std::max(high, value);
      }
      const double middle = median(values);
      std::vector<double> distances;
      for (const double value : values) distances.push_back(std::abs(value - middle));
      spread = median(distances);
      // Without a bound of its own a column stays within what there is.
      if (std::isinf(one.low)) one.low = one.from = low;
      if (std::isinf(one.high)) one.high = one.to = high;
    }
    if (one.scale == 0) {
      const double range = one.high - one.low;
      one.scale = spread > 0 ? spread : std::isfinite(range) && range > 0 ? range / 4 : std::max(std::abs(at), 1.0);
    }
    if (std::isinf(one.from)) one.from = std::min(at, std::isinf(one.to) ? at : one.to) - 10 * one.scale;
    if (std::isinf(one.to)) one.to = std::max(at, one.from) + 10 * one.scale;
    return one;
  }

  // A value that the feature may have, nearest to `value`; it is exact in the dtype of x. Nothing where there is none.
  std::optional<double> allowed(const Changeable& one, double value) const {
    double low = one.low, high = one.high;
    if (one.is_integer) {
      low = std::ceil(low);
      high = std::floor(high);
      value = std::round(value);
    }
    value = std::clamp(value, std::min(low, high), high);
    if (dtype_ == float32) {
      auto rounded = static_cast<float>(value);
      if (rounded > high) rounded = std::nextafter(rounded, -std::numeric_limits<float>::infinity());
      if (rounded < low) rounded = std::nextafter(rounded, std::numeric_limits<float>::infinity());
      value = rounded;
    } else if (dtype_ != float64) {
      value = array({value}, float64).astype(dtype_).item();
    }
    if (value < low || value > high) return std::nullopt;
    return value;
  }

  // ---- rows and their changes

  int64_t category_of(const Changeable& one, const Row& row) const {
    for (size_t i = 0; i < one.feature.columns.size(); ++i) {
      if (row[static_cast<size_t>(one.feature.columns[i])] == 1) return static_cast<int64_t>(i);
    }
    return -1;
  }
  bool is_changed(const Changeable& one, const Row& row) const {
    return std::any_of(one.feature.columns.begin(), one.feature.columns.end(),
                       [&](int64_t column) { return row[static_cast<size_t>(column)] != x_[static_cast<size_t>(column)]; });
  }
  double size_of(const Changeable& one, const Row& row) const {
    if (one.is_category()) return is_changed(one, row) ? 1 : 0;
    return std::abs(row[one.column()] - x_[one.column()]) / one.scale;
  }
  double distance(const Row& row) const {
    double total = 0;
    for (const Changeable& one : features_) total += size_of(one, row);
    return total;
  }
  std::vector<size_t> changed(const Row& row) const {
    std::vector<size_t> all;
    for (size_t i = 0; i < features_.size(); ++i) {
      if (is_changed(features_[i], row)) all.push_back(i);
    }
    return all;
  }
  void take_back(const Changeable& one, Row& row) const {
    for (const int64_t column : one.feature.columns) row[static_cast<size_t>(column)] = x_[static_cast<size_t>(column)];
  }
  // Sets a number, or of a category the place of its 1; false where the rules do not allow it.
  bool set(const Changeable& one, double value, Row& row) const {
    if (!one.is_category()) {
      const std::optional<double> fit = allowed(one, value);
      if (fit) row[one.column()] = *fit;
      return fit.has_value();
    }
    for (size_t i = 0; i < one.feature.columns.size(); ++i)
      row[static_cast<size_t>(one.feature.columns[i])] = static_cast<double>(i) == value;
    return true;
  }
  // The row with one feature at each of the values that are tried.
  void add_variants(size_t feature, const Row& row, std::vector<Row>& out) const {
    const Changeable& one = features_[feature];
    if (one.is_immutable) return;
    const int64_t values = one.is_category() ? static_cast<int64_t>(one.feature.columns.size()) : kGrid;
    for (int64_t i = 0; i < values; ++i) {
      const double part = static_cast<double>(i) / static_cast<double>(kGrid - 1);
      Row other = row;
      if (set(one, one.is_category() ? static_cast<double>(i) : one.from + part * (one.to - one.from), other) && other != row) {
        out.push_back(std::move(other));
      }
    }
  }

  // ---- three searches

  void note(const std::vector<Row>& rows, const std::vector<double>& found) {
    for (size_t i = 0; i < rows.size(); ++i) {
      if (found[i] > needed_) candidates_.insert(rows[i]);
    }
  }

  // Changes one feature after the other to the value with the best margin; begun with each of the best first features.
  void search_by_features() {
    std::vector<Row> begun{x_};
    for (int64_t round = 0; round < options_.most_changes && !begun.empty(); ++round) {
      std::vector<Row> next;
      for (const Row& row : begun) {
        std::vector<std::pair<double, Row>> best;  // of each feature
        for (size_t feature = 0; feature < features_.size(); ++feature) {
          if (is_changed(features_[feature], row)) continue;
          std::vector<Row> rows;
          add_variants(feature, row, rows);
          const std::vector<double> found = margins(rows);
          note(rows, found);
          const auto top = std::max_element(found.begin(), found.end());
          if (top != found.end()) best.emplace_back(*top, rows[static_cast<size_t>(top - found.begin())]);
        }
        std::stable_sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
        for (size_t i = 0; i < std::min(best.size(), round == 0 ? kFirstFeatures : size_t{1}); ++i) {
          if (best[i].first <= needed_) next.push_back(best[i].second);  // what is right already needs no more changes
        }
      }
      begun = std::move(next);
    }
  }

  // Steps up the margin in units of the scales (Adam), from x and from random rows around it; rows are looked at as the rules want them.
  void search_by_gradients() {
    const auto columns = static_cast<int64_t>(x_.size());
    std::vector<double> scales(x_.size(), 1.0), free(x_.size(), 0.0), low(x_.size(), 0.0), high(x_.size(), 1.0);
    for (const Changeable& one : features_) {
      for (const int64_t column : one.feature.columns) {
        const auto at = static_cast<size_t>(column);
        free[at] = one.is_immutable ? 0 : 1;
        if (one.is_category()) continue;
        scales[at] = one.scale;
        low[at] = std::min(one.from, x_[at]);
        high[at] = std::max(one.to, x_[at]);
      }
    }
    detail::Draws draws(static_cast<uint64_t>(options_.seed));
    std::vector<Row> rows(static_cast<size_t>(options_.starts), x_);
    for (size_t start = 1; start < rows.size(); ++start) {
      for (size_t i = 0; i < x_.size(); ++i) {
        const double shift = (2 * draws.uniform() - 1) * scales[i] * 0.5;
        rows[start][i] = std::clamp(x_[i] + free[i] * shift, std::min(low[i], x_[i]), std::max(high[i], x_[i]));
      }
    }
    const auto of_columns = [&](const std::vector<double>& values) { return array(values, {int64_t{1}, columns}).astype(dtype_); };
    const Array scale = of_columns(scales), mask = of_columns(free), least = of_columns(low), most = of_columns(high);
    const auto climb = grad([&](const Array& at) { return sum(margin_of(output_at(at))); });
    Array at = rows_array(rows), moment = zeros_like(at), power = zeros_like(at);
    const nn::TrainingMode inference(false);
    for (int64_t step = 1; step <= options_.steps; ++step) {
      const Array raw = climb(at) * scale * mask, slope = where(isfinite(raw), raw, 0);
      moment = 0.9 * moment + 0.1 * slope;
      power = 0.999 * power + 0.001 * square(slope);
      const double first = 1 - std::pow(0.9, step), second = 1 - std::pow(0.999, step);
      at = clip(at + 0.1 * scale * (moment / first) / (sqrt(power / second) + 1e-12), least, most);
      evaluations_ += options_.starts;
      if (step % 10 == 0 || step == options_.steps) note_as_allowed(at);
    }
  }
  void note_as_allowed(const Array& at) {
    const std::vector<double> all = at.to_vector<double>();
    std::vector<Row> rows;
    for (size_t begin = 0; begin < all.size(); begin += x_.size()) {
      Row row = x_;
      for (const Changeable& one : features_) {
        if (one.is_immutable) continue;
        if (!one.is_category()) {
          set(one, all[begin + one.column()], row);
          continue;
        }
        size_t top = 0;
        for (size_t i = 0; i < one.feature.columns.size(); ++i) {
          if (all[begin + static_cast<size_t>(one.feature.columns[i])] > all[begin + static_cast<size_t>(one.feature.columns[top])])
            top = i;
        }
        if (static_cast<int64_t>(top) != category_of(one, x_)) set(one, static_cast<double>(top), row);
      }
      rows.push_back(std::move(row));
    }
    note(rows, margins(rows));
  }

  // Rows of the data that have the wanted answer, the nearest ones, as far as the rules allow.
  void search_in_data() {
    if (!options_.data.exists()) return;
    const std::vector<double> all = options_.data.to_vector<double>();
    std::vector<std::pair<double, Row>> rows;
    for (size_t begin = 0; begin < all.size(); begin += x_.size()) {
      Row row = x_;
      for (const Changeable& one : features_) {
        if (one.is_immutable) continue;
        if (!one.is_category()) set(one, all[begin + one.column()], row);
        else
          for (const int64_t column : one.feature.columns) row[static_cast<size_t>(column)] = all[begin + static_cast<size_t>(column)];
      }
      const double far = distance(row);
      rows.emplace_back(far, std::move(row));
    }
    std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    // In growing parts: the nearest rows are often enough.
    for (size_t begin = 0, right = 0; begin < rows.size() && right < kMostCandidates / 3; begin += 256) {
      std::vector<Row> part;
      for (size_t i = begin; i < std::min(begin + 256, rows.size()); ++i) part.push_back(rows[i].second);
      const std::vector<double> found = margins(part);
      note(part, found);
      right += static_cast<size_t>(std::count_if(found.begin(), found.end(), [&](double margin) { return margin > needed_; }));
    }
  }

  // ---- thinning out and choosing

  // Takes back one change after the other, the largest first, as long as the answer stays.
  Row thinned(Row row) {
    while (true) {
      std::vector<size_t> open = changed(row);
      if (open.size() < 2) return row;
      std::vector<Row> rows;
      for (const size_t feature : open) {
        rows.push_back(row);
        take_back(features_[feature], rows.back());
      }
      const std::vector<double> found = margins(rows);
      size_t best = open.size();
      for (size_t i = 0; i < open.size(); ++i) {
        if (found[i] <= needed_) continue;
        if (best == open.size() || size_of(features_[open[i]], row) > size_of(features_[open[best]], row)) best = i;
      }
      if (best == open.size()) return row;
      row = rows[best];
    }
  }
  // Moves each number back towards x, to the nearest of evenly spaced places with the right answer, in ever smaller sections.
  Row shrunk(Row row) {
    for (const size_t feature : changed(row)) {
      const Changeable& one = features_[feature];
      if (one.is_category()) continue;
      double near = x_[one.column()];
      for (int64_t round = 0; round < kRefinements; ++round) {
        const double far = row[one.column()];
        std::vector<Row> rows;
        for (int64_t i = 1; i < kSections; ++i) {
          Row other = row;
          const double value = near + (far - near) * static_cast<double>(i) / static_cast<double>(kSections);
          if (set(one, value, other) && other != row &&
              std::abs(other[one.column()] - x_[one.column()]) < std::abs(far - x_[one.column()])) {
            rows.push_back(std::move(other));
          }
        }
        const std::vector<double> found = margins(rows);
        const auto first = std::find_if(found.begin(), found.end(), [&](double margin) { return margin > needed_; }) - found.begin();
        if (first > 0) near = rows[static_cast<size_t>(first - 1)][one.column()];
        if (first == static_cast<int64_t>(rows.size())) {
          if (rows.empty()) break;
          continue;
        }
        row = rows[static_cast<size_t>(first)];
      }
    }
    return row;
  }

  std::vector<Counterfactual> chosen() {
    std::vector<Row> rows(candidates_.begin(), candidates_.end());
    const auto is_better = [&](const Row& a, const Row& b) {
      return std::pair(changed(a).size(), distance(a)) < std::pair(changed(b).size(), distance(b));
    };
    // Of each set of changed features the nearest, so that many values of one feature do not push out the others.
    std::map<std::vector<size_t>, Row> nearest;
    for (const Row& row : rows) {
      const auto [known, is_new] = nearest.emplace(changed(row), row);
      if (!is_new && distance(row) < distance(known->second)) known->second = row;
    }
    rows.clear();
    for (const auto& [set, row] : nearest) rows.push_back(row);
    std::stable_sort(rows.begin(), rows.end(), is_better);
    rows.resize(std::min(rows.size(), kMostCandidates));
    for (Row& row : rows) row = shrunk(thinned(std::move(row)));
    std::stable_sort(rows.begin(), rows.end(), is_better);

    std::vector<Counterfactual> all;
    std::set<std::vector<size_t>> sets;
    for (const Row& row : rows) {
      if (static_cast<int64_t>(all.size()) == options_.count) break;
      const std::vector<size_t> which = changed(row);
      if (which.empty() || static_cast<int64_t>(which.size()) > options_.most_changes || sets.contains(which)) continue;
      const int64_t label = label_at(row);
      if (label == label_ || (options_.wanted && label != *options_.wanted)) continue;
      sets.insert(which);
      Counterfactual one{reshape(rows_array({row}), {row.size()}).eval(), {}, distance(row), label};
      for (const size_t i : which) {
        const Changeable& feature = features_[i];
        if (feature.is_category()) {
          one.changes.push_back(
              {feature.feature.name, static_cast<double>(category_of(feature, x_)), static_cast<double>(category_of(feature, row)), true});
        } else {
          one.changes.push_back({feature.feature.name, x_[feature.column()], row[feature.column()], false});
        }
      }
      all.push_back(std::move(one));
    }
    return all;
  }

  Function model_;
  const CounterfactualOptions& options_;
  DType dtype_;
  Row x_;
  std::vector<Changeable> features_;
  std::set<Row> candidates_;  // rows with the right answer, within the rules
  int64_t label_ = 0, evaluations_ = 0;
  double needed_ = 0, best_margin_ = -std::numeric_limits<double>::infinity();
};

}  // namespace

Counterfactuals counterfactuals(Function model, const Array& x, const CounterfactualOptions& options) {
  if (x.rank() != 1 && !(x.rank() == 2 && x.shape(0) == 1))
    fail(kOp, "x is ", x.shape(), "; it must be one row, (columns,) or (1, columns)");
  if (x.size() == 0) fail(kOp, "x is ", x.shape(), "; it must have columns");
  for (const auto& [name, value] : {std::pair("count", options.count),
                                    {"starts", options.starts},
                                    {"steps", options.steps},
                                    {"most_changes", options.most_changes},
                                    {"batch_size", options.batch_size}}) {
    detail::check_positive(kOp, name, value);
  }
  return Search(model, x, options).run();
}

}  // namespace gradus::explain
