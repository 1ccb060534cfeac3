// Columns of tables.
#include "gradus/data/table/column.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/data/table/number_text.hpp"

namespace gradus::data {

using namespace core;

std::span<const std::string_view> enum_names(ColumnType) {
  static constexpr std::string_view names[] = {"numeric", "categorical", "ordinal", "text", "date", "image"};
  return names;
}
std::string_view name_of(ColumnType type) { return enum_names(type)[static_cast<size_t>(type)]; }

struct Column::Values {
  std::vector<double> numbers{};
  std::vector<int32_t> codes{};
  std::vector<std::string> categories{};
  Texts texts{};
  std::optional<DateOrder> dates{};
};

namespace {

constexpr size_t kMostCategories = size_t{1} << 30;

std::string place_of(const std::string& name) { return concat("column \"", name, "\""); }

// Distinct texts in the order of their bytes, and where each is.
std::vector<std::string> sorted_distinct(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts) {
    if (!text.empty()) out.push_back(text);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}
std::unordered_map<std::string_view, int32_t> places_of(const std::string& column, const std::vector<std::string>& categories) {
  if (categories.size() > kMostCategories) fail(place_of(column), "there are ", categories.size(), " categories; at most 2^30 are kept");
  std::unordered_map<std::string_view, int32_t> out;
  for (size_t i = 0; i < categories.size(); ++i) {
    if (!out.emplace(categories[i], static_cast<int32_t>(i)).second)
      fail(place_of(column), "the category \"", categories[i], "\" stands there twice");
  }
  return out;
}

}  // namespace

Column::Column(std::string name, ColumnType type, int64_t size, std::shared_ptr<const Values> values)
    : name_(std::move(name)), type_(type), size_(size), values_(std::move(values)) {}

Column Column::numeric(std::string name, std::vector<double> values) {
  const auto size = static_cast<int64_t>(values.size());
  return Column(
      std::move(name), ColumnType::numeric, size,
      std::make_shared<const Values>(Values{.numbers = std::move(values), .codes = {}, .categories = {}, .texts = {}, .dates = {}}));
}
Column Column::date(std::string name, std::vector<double> seconds, std::optional<DateOrder> order) {
  const auto size = static_cast<int64_t>(seconds.size());
  Values values;
  values.numbers = std::move(seconds);
  values.dates = order;
  return Column(std::move(name), ColumnType::date, size, std::make_shared<const Values>(std::move(values)));
}

Column Column::categorical(std::string name, const std::vector<std::string>& texts) {
  Column out = ordinal(std::move(name), texts, sorted_distinct(texts));
  out.type_ = ColumnType::categorical;
  return out;
}

Column Column::ordinal(std::string name, const std::vector<std::string>& texts, std::vector<std::string> order) {
  const auto places = places_of(name, order);
  std::vector<int32_t> codes;
  codes.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto found = places.find(texts[i]);
    if (found == places.end() && !texts[i].empty()) {
      const std::string near = nearest(texts[i], order);
      fail(place_of(name), "row ", i, " is \"", texts[i], "\", which is none of its ", order.size(), " categories",
           near.empty() ? "" : "; did you mean \"" + near + "\"?");
    }
    codes.push_back(found == places.end() ? -1 : found->second);
  }
  return coded(std::move(name), ColumnType::ordinal, std::move(codes), std::move(order));
}

Column Column::coded(std::string name, ColumnType type, std::vector<int32_t> codes, std::vector<std::string> categories) {
  // Those in the order of their bytes are seen to differ without a look-up.
  const bool are_in_order = std::adjacent_find(categories.begin(), categories.end(), std::greater_equal<>()) == categories.end();
  if (!are_in_order || categories.size() > kMostCategories) places_of(name, categories);
  const auto count = static_cast<int32_t>(categories.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] < -1 || codes[i] >= count)
      fail(place_of(name), "code ", codes[i], " of row ", i, " is out of range; there are ", count, " categories, and -1 is missing");
  }
  const auto size = static_cast<int64_t>(codes.size());
  return Column(std::move(name), type, size,
                std::make_shared<const Values>(
                    Values{.numbers = {}, .codes = std::move(codes), .categories = std::move(categories), .texts = {}, .dates = {}}));
}

Column Column::text(std::string name, const std::vector<std::string>& texts) {
  Texts packed;
  for (const std::string& each : texts) packed.add(each);
  return text(std::move(name), std::move(packed));
}
Column Column::text(std::string name, Texts texts, ColumnType type) {
  const int64_t size = texts.size();
  return Column(
      std::move(name), type, size,
      std::make_shared<const Values>(Values{.numbers = {}, .codes = {}, .categories = {}, .texts = std::move(texts), .dates = {}}));
}

void Column::fail_type(const char* wanted) const { fail(place_of(name_), "it is ", name_of(type_), "; it must be ", wanted); }

std::span<const double> Column::numbers() const {
  if (!has_numbers()) fail_type("numeric or date");
  return values_ ? std::span<const double>(values_->numbers) : std::span<const double>();
}
std::optional<DateOrder> Column::date_order() const {
  if (type_ != ColumnType::date) fail_type("date");
  return values_->dates;
}
std::span<const int32_t> Column::codes() const {
  if (!is_coded()) fail_type("categorical or ordinal");
  return values_->codes;
}
const std::vector<std::string>& Column::categories() const {
  if (!is_coded()) fail_type("categorical or ordinal");
  return values_->categories;
}
const Texts& Column::texts() const {
  if (has_numbers() || is_coded()) fail_type("text or image");
  return values_->texts;
}

bool Column::is_missing(int64_t row) const {
  if (has_numbers()) return std::isnan(values_->numbers[static_cast<size_t>(row)]);
  return is_coded() ? values_->codes[static_cast<size_t>(row)] < 0 : values_->texts.is_missing(row);
}
int64_t Column::missing() const {
  int64_t count = 0;
  for (int64_t row = 0; row < size_; ++row) count += is_missing(row);
  return count;
}

std::string Column::cell(int64_t row) const {
  if (is_missing(row)) return "";
  if (type_ == ColumnType::numeric) return to_text(values_->numbers[static_cast<size_t>(row)]);
  if (type_ == ColumnType::date) return date_text(values_->numbers[static_cast<size_t>(row)]);
  if (is_coded()) return values_->categories[static_cast<size_t>(values_->codes[static_cast<size_t>(row)])];
  return std::string(values_->texts[row]);
}

Column Column::renamed(std::string name) const {
  Column out = *this;
  out.name_ = std::move(name);
  return out;
}

Column Column::take(std::span<const int64_t> rows) const {
  Values out;
  for (const int64_t row : rows) {
    if (row < 0 || row >= size_) fail("take", "row ", row, " is out of range; ", place_of(name_), " has ", size_);
    if (has_numbers()) out.numbers.push_back(values_->numbers[static_cast<size_t>(row)]);
    else if (is_coded()) out.codes.push_back(values_->codes[static_cast<size_t>(row)]);
    else if (is_missing(row)) out.texts.add_missing();
    else out.texts.add(values_->texts[row]);
  }
  if (is_coded()) out.categories = values_->categories;
  out.dates = values_->dates;
  return Column(name_, type_, static_cast<int64_t>(rows.size()), std::make_shared<const Values>(std::move(out)));
}

Column Column::as(ColumnType type) const {
  if (type == type_) return *this;
  if (is_coded() && (type == ColumnType::categorical || type == ColumnType::ordinal)) {
    Column out = *this;
    out.type_ = type;
    return out;
  }
  if (type == ColumnType::numeric && type_ == ColumnType::date) {
    Column out = *this;
    out.type_ = type;
    return out;
  }
  if (type == ColumnType::numeric || type == ColumnType::date) {
    std::vector<double> numbers(static_cast<size_t>(size_), std::nan(""));
    for (int64_t row = 0; row < size_; ++row) {
      if (is_missing(row)) continue;
      const std::string text = cell(row);
      double& number = numbers[static_cast<size_t>(row)];
      const bool fits = type == ColumnType::date ? read_date(text, DateOrder::month_first, number) : read_number(text, '.', number);
      if (!fits) fail(place_of(name_), "row ", row, " is \"", text, "\", which is no ", type == ColumnType::date ? "date" : "number");
    }
    return type == ColumnType::date ? date(name_, std::move(numbers)) : numeric(name_, std::move(numbers));
  }
  std::vector<std::string> texts;
  texts.reserve(static_cast<size_t>(size_));
  for (int64_t row = 0; row < size_; ++row) texts.push_back(cell(row));
  if (type == ColumnType::ordinal && type_ == ColumnType::numeric) {
    // From the least number to the greatest.
    std::vector<double> order(values_->numbers);
    order.erase(std::remove_if(order.begin(), order.end(), [](double x) { return std::isnan(x); }), order.end());
    std::sort(order.begin(), order.end());
    order.erase(std::unique(order.begin(), order.end()), order.end());
    std::vector<std::string> names;
    for (const double number : order) names.push_back(to_text(number));
    return ordinal(name_, texts, std::move(names));
  }
  if (type == ColumnType::categorical || type == ColumnType::ordinal) {
    Column out = categorical(name_, texts);
    out.type_ = type;
    return out;
  }
  Texts packed;
  for (int64_t row = 0; row < size_; ++row) {
    if (is_missing(row)) packed.add_missing();
    else packed.add(texts[static_cast<size_t>(row)]);
  }
  return text(name_, std::move(packed), type);
}

}  // namespace gradus::data
