// Columns made of others, and columns left out.
#include "gradus/preprocess/expand.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/data/table/date_text.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;

std::span<const FieldNote> ColumnsOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"columns", "names of the columns", {}, true}};
  return notes;
}
void Drop::learn(const Frame& frame, const Learning&) {
  places_of(kName, frame, options.columns);
  state = {options.columns};
}
Frame Drop::apply(const Frame& frame, Treatments&) const {
  Frame out;
  for (const Feature& feature : frame) {
    if (std::find(state.columns.begin(), state.columns.end(), feature.column.name()) == state.columns.end()) out.push_back(feature);
  }
  return out;
}
void Keep::learn(const Frame& frame, const Learning&) {
  places_of(kName, frame, options.columns);
  state = {options.columns};
}
Frame Keep::apply(const Frame& frame, Treatments&) const {
  Frame out;
  for (const size_t place : places_of(kName, frame, state.columns)) out.push_back(frame[place]);
  return out;
}

namespace {

constexpr double kDay = 86400;

double of_day(double seconds) { return seconds - kDay * std::floor(seconds / kDay); }
double day_of_year(double seconds) {
  const data::CalendarDay day = data::calendar_day(seconds);
  double first = 0;
  data::read_date(concat(day.year < 1000 ? "0" : "", day.year, "-01-01"), data::DateOrder::month_first, first);
  return std::floor((seconds - first) / kDay);
}

// A part of a moment by name, and the length of its circle, 0 for none.
struct DatePart {
  std::string_view name;
  double circle;
  double (*of)(double seconds, double first);
};
constexpr DatePart kParts[] = {{"year", 0, [](double s, double) { return static_cast<double>(data::calendar_day(s).year); }},
                               {"month", 12, [](double s, double) { return static_cast<double>(data::calendar_day(s).month); }},
                               {"day", 0, [](double s, double) { return static_cast<double>(data::calendar_day(s).day); }},
                               {"weekday", 7, [](double s, double) { return static_cast<double>(data::calendar_day(s).weekday); }},
                               {"hour", 24, [](double s, double) { return of_day(s) / 3600; }},
                               {"day_of_year", 365.25, [](double s, double) { return day_of_year(s); }},
                               {"elapsed", 0, [](double s, double first) { return (s - first) / kDay; }}};
constexpr std::string_view kCycle = "_cycle";

const DatePart* find_part(std::string_view name) {
  const bool is_cycle = name.ends_with(kCycle);
  if (is_cycle) name.remove_suffix(kCycle.size());
  for (const DatePart& part : kParts) {
    if (part.name == name && (!is_cycle || part.circle > 0)) return &part;
  }
  return nullptr;
}
void check_parts(const std::vector<std::string>& parts) {
  for (const std::string& name : parts) {
    if (find_part(name)) continue;
    std::vector<std::string> known;
    for (const DatePart& part : kParts) {
      known.emplace_back(part.name);
      if (part.circle > 0) known.push_back(concat(part.name, kCycle));
    }
    std::string all;
    for (const std::string& each : known) all += (all.empty() ? "" : ", ") + each;
    fail(DateParts::kName, "there is no part of a date called \"", name, "\"; there are ", all);
  }
}

}  // namespace

std::span<const FieldNote> DatePartsOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"columns", "names of the columns; none: all dates"},
      {"parts",
       "among year, month, day, weekday, hour, day_of_year, elapsed, and month_cycle, weekday_cycle, hour_cycle, day_of_year_cycle"}};
  return notes;
}
DateParts::DateParts(DatePartsOptions given) : options(std::move(given)) { check_parts(options.parts); }
void DateParts::learn(const Frame& frame, const Learning&) {
  state = {chosen_columns(kName, frame, options.columns, {ColumnType::date}), {}, {}};
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const std::vector<double> sorted = sorted_values(frame[place].column.numbers());
    const bool has_times = std::any_of(sorted.begin(), sorted.end(), [](double s) { return of_day(s) != 0; });
    std::vector<std::string> parts = options.parts;
    if (parts.empty()) parts = {"elapsed", "month_cycle", "weekday_cycle"};
    if (options.parts.empty() && has_times) parts.emplace_back("hour_cycle");
    state.first.push_back(sorted.empty() ? 0 : sorted.front());
    state.parts.push_back(std::move(parts));
  }
}
Frame DateParts::apply(const Frame& frame, Treatments&) const {
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  Frame out = without(frame, places);
  for (size_t i = 0; i < places.size(); ++i) {
    const Column& column = frame[places[i]].column;
    const auto add = [&](const std::string& name, const auto& f) {
      std::vector<double> values;
      for (const double s : column.numbers()) values.push_back(std::isfinite(s) ? f(s) : std::nan(""));
      out.push_back({Column::numeric(column.name() + "." + name, std::move(values)), frame[places[i]].origin});
    };
    for (const std::string& name : state.parts[i]) {
      const DatePart& part = *find_part(name);
      const double first = state.first[i];
      if (!name.ends_with(kCycle)) {
        add(name, [&](double s) { return part.of(s, first); });
        continue;
      }
      const double turn = 2 * 3.141592653589793 / part.circle;
      add(std::string(part.name) + "_sin", [&](double s) { return std::sin(turn * part.of(s, first)); });
      add(std::string(part.name) + "_cos", [&](double s) { return std::cos(turn * part.of(s, first)); });
    }
  }
  return out;
}
void DateParts::check() const {
  check_sizes(kName, state.columns.size(), {state.first.size(), state.parts.size()});
  for (const auto& parts : state.parts) check_parts(parts);
}

namespace {

constexpr size_t kMostProducts = 10'000;

// Columns of each product, in falling length last: 0, 1, 00, 01, 11, ...
std::vector<std::vector<size_t>> products(size_t columns, int64_t degree, bool are_different) {
  std::vector<std::vector<size_t>> out, last{{}};
  for (int64_t d = 1; d <= degree; ++d) {
    std::vector<std::vector<size_t>> next;
    for (const std::vector<size_t>& product : last) {
      for (size_t c = product.empty() ? 0 : product.back() + are_different; c < columns; ++c) {
        next.push_back(product);
        next.back().push_back(c);
        if (out.size() + next.size() > kMostProducts)
          fail(Polynomial::kName, columns, " columns have more than ", kMostProducts, " products of up to ", degree,
               "; name fewer columns");
      }
    }
    out.insert(out.end(), next.begin(), next.end());
    last = std::move(next);
  }
  return out;
}

std::string product_name(const std::vector<std::string>& columns, const std::vector<size_t>& product) {
  std::string out;
  for (size_t i = 0; i < product.size();) {
    size_t end = i;
    while (end < product.size() && product[end] == product[i]) ++end;
    out += (out.empty() ? "" : " ") + columns[product[i]] + (end - i > 1 ? concat("^", end - i) : "");
    i = end;
  }
  return out;
}

}  // namespace

std::span<const FieldNote> PolynomialOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"columns", "names of the columns; none: all that are numeric when it is its turn"},
                                        {"degree", "most factors of a product", {.low = 2, .high = 10}},
                                        {"interactions_only", "no column twice in a product"}};
  return notes;
}
Polynomial::Polynomial(PolynomialOptions given) : options(checked(kName, std::move(given))) {}
void Polynomial::learn(const Frame& frame, const Learning&) {
  state = {chosen_columns(kName, frame, options.columns, {ColumnType::numeric}), {}};
  for (const size_t place : places_of(kName, frame, state.columns)) state.origins.push_back(frame[place].origin);
  products(state.columns.size(), options.degree, options.interactions_only);
}
Array Polynomial::forward(const Array& x) const {
  const auto column = [&](size_t c) { return x[{slice(), slice(static_cast<int64_t>(c), static_cast<int64_t>(c) + 1)}]; };
  std::vector<Array> out;
  for (const auto& product : products(state.columns.size(), options.degree, options.interactions_only)) {
    Array y = column(product[0]);
    for (size_t i = 1; i < product.size(); ++i) y = y * column(product[i]);
    out.push_back(y);
  }
  return concatenate(out, 1);
}
Frame Polynomial::apply(const Frame& frame, Treatments&) const {
  std::vector<std::string> names, origins;
  for (const auto& product : products(state.columns.size(), options.degree, options.interactions_only)) {
    names.push_back(product_name(state.columns, product));
    const bool is_of_one = product.front() == product.back();
    origins.push_back(is_of_one ? state.origins[product[0]] : "");
  }
  return exchange_columns(kName, frame, state.columns, names, origins, [&](const Array& x) { return forward(x); });
}
void Polynomial::check() const { check_sizes(kName, state.columns.size(), {state.origins.size()}); }

void symmetric_eigen(std::vector<double> a, size_t n, std::vector<double>& values, std::vector<double>& vectors) {
  vectors.assign(n * n, 0.0);
  for (size_t i = 0; i < n; ++i) vectors[i * n + i] = 1;
  for (int sweep = 0; sweep < 64; ++sweep) {
    double off = 0, diagonal = 0;
    for (size_t i = 0; i < n; ++i) {
      diagonal += a[i * n + i] * a[i * n + i];
      for (size_t k = i + 1; k < n; ++k) off += a[i * n + k] * a[i * n + k];
    }
    if (off <= 1e-32 * diagonal) break;
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        const double apq = a[p * n + q];
        if (apq == 0) continue;
        // The angle that makes a_pq zero (Golub and Van Loan, 8.5).
        const double tau = (a[q * n + q] - a[p * n + p]) / (2 * apq);
        const double t = (tau >= 0 ? 1 : -1) / (std::fabs(tau) + std::sqrt(1 + tau * tau)), c = 1 / std::sqrt(1 + t * t), s = t * c;
        for (size_t k = 0; k < n; ++k) {
          const double x = a[p * n + k], y = a[q * n + k];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
        for (size_t k = 0; k < n; ++k) {
          const double x = a[k * n + p], y = a[k * n + q];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (size_t k = 0; k < n; ++k) {
          const double x = vectors[p * n + k], y = vectors[q * n + k];
          vectors[p * n + k] = c * x - s * y;
          vectors[q * n + k] = s * x + c * y;
        }
      }
    }
  }
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t i, size_t k) { return a[i * n + i] > a[k * n + k]; });
  std::vector<double> sorted(n * n);
  values.clear();
  for (size_t i = 0; i < n; ++i) {
    values.push_back(a[order[i] * n + order[i]]);
    std::copy_n(vectors.begin() + static_cast<std::ptrdiff_t>(order[i] * n), n, sorted.begin() + static_cast<std::ptrdiff_t>(i * n));
  }
  vectors = std::move(sorted);
}

std::span<const FieldNote> PCAOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"columns", "names of the columns; none: all that are numeric when it is its turn"},
      {"components", "how many; below 1: as many as explain this share of the variance", range::above_zero},
      {"whiten", "each divided by its deviation"}};
  return notes;
}
PCA::PCA(PCAOptions given) : options(checked(kName, std::move(given))) {
  if (options.components >= 1 && options.components != std::floor(options.components))
    fail(kName, "components is ", options.components, "; it must be a whole number, or a share below 1");
}
void PCA::learn(const Frame& frame, const Learning&) {
  state = {};
  state.columns = chosen_columns(kName, frame, options.columns, {ColumnType::numeric});
  const size_t n = state.columns.size();
  const auto rows = static_cast<size_t>(rows_of(frame));
  if (n == 0) return;
  if (rows < 2) fail(kName, "there are ", rows, " rows; a variance needs 2");
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  std::vector<double> x = values_of(frame, places);
  for (size_t c = 0; c < n; ++c) {
    const std::span<const double> numbers = frame[places[c]].column.numbers();
    const Moments moments = moments_of(numbers);
    if (moments.count != static_cast<int64_t>(rows))
      fail(kName, "column \"", state.columns[c], "\" has missing or infinite values; fill them in first, for example by Impute()");
    state.mean.push_back(moments.mean);
    for (size_t row = 0; row < rows; ++row) x[row * n + c] -= moments.mean;
  }
  std::vector<double> covariance(n * n, 0.0), values, vectors;
  for (size_t row = 0; row < rows; ++row) {
    const double* const at = x.data() + row * n;
    for (size_t i = 0; i < n; ++i)
      for (size_t k = i; k < n; ++k) covariance[i * n + k] += at[i] * at[k];
  }
  for (size_t i = 0; i < n; ++i)
    for (size_t k = i; k < n; ++k) covariance[k * n + i] = covariance[i * n + k] /= static_cast<double>(rows - 1);
  symmetric_eigen(std::move(covariance), n, values, vectors);
  for (double& value : values) value = std::max(value, 0.0);
  state.total_variance = std::accumulate(values.begin(), values.end(), 0.0);
  const size_t most = std::min(n, rows - 1);
  double explained = 0;
  for (size_t i = 0; i < most; ++i) {
    const bool is_enough =
        options.components >= 1 ? static_cast<double>(i) >= options.components : explained >= options.components * state.total_variance;
    if (is_enough && i > 0) break;
    std::vector<double> component(vectors.begin() + static_cast<std::ptrdiff_t>(i * n),
                                  vectors.begin() + static_cast<std::ptrdiff_t>((i + 1) * n));
    const auto largest =
        std::max_element(component.begin(), component.end(), [](double a, double b) { return std::fabs(a) < std::fabs(b); });
    if (*largest < 0) {
      for (double& weight : component) weight = -weight;
    }
    explained += values[i];
    state.variance.push_back(values[i]);
    state.components.push_back(std::move(component));
  }
}
Array PCA::forward(const Array& x) const {
  std::vector<double> weights;
  const size_t n = state.columns.size(), count = state.components.size();
  for (size_t c = 0; c < n; ++c) {
    for (size_t i = 0; i < count; ++i) {
      const double divisor = options.whiten && state.variance[i] > 0 ? std::sqrt(state.variance[i]) : 1;
      weights.push_back(state.components[i][c] / divisor);
    }
  }
  const Array mean = array(state.mean, {1, static_cast<int64_t>(n)});
  return matmul(x - mean, array(weights, {static_cast<int64_t>(n), static_cast<int64_t>(count)}));
}
Frame PCA::apply(const Frame& frame, Treatments&) const {
  std::vector<std::string> names;
  for (size_t i = 0; i < state.components.size(); ++i) names.push_back(concat("pca_", i));
  return exchange_columns(kName, frame, state.columns, names, std::vector<std::string>(names.size()),
                          [&](const Array& x) { return forward(x); });
}
void PCA::check() const {
  check_sizes(kName, state.columns.size(), {state.mean.size()});
  check_sizes(kName, state.components.size(), {state.variance.size()});
  for (const auto& component : state.components) check_sizes(kName, state.columns.size(), {component.size()});
}

}  // namespace gradus::preprocess
