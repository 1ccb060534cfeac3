// TableInput.
#include "gradus/models/table_input.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gradus/base/error.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/models/checks.hpp"
#include "gradus/nn/initializer.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr std::string_view kOp = "table_input";
constexpr int64_t kMostCategories = int64_t{1} << 31;

Array uniform(const Shape& shape, double bound) { return nn::init::random_uniform(-bound, bound)(shape); }

// Small, and nothing for what was never seen.
Array first_table(const Shape& shape) {
  return concatenate({zeros({1, shape[1]}, nn::ParameterDType::current()),
                      uniform({shape[0] - 1, shape[1]}, 1 / std::sqrt(static_cast<double>(shape[1])))},
                     0);
}

}  // namespace

int64_t embedding_width(int64_t categories) {
  if (categories < 1) fail("embedding_width", "categories is ", categories, "; it must be at least 1");
  return std::min<int64_t>(50, static_cast<int64_t>(std::ceil(1.6 * std::pow(static_cast<double>(categories), 0.56))));
}

std::span<const FieldNote> TableInputOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"categories", "how many categories each of the last columns has", range::positive, false, "a list of integers of at least 1"},
      {"embedding_widths", "numbers that stand for a category of each of them; []: by how many there are", range::positive, false,
       "a list of integers of at least 1"},
      {"frequencies", "waves that each number is measured by; 0: none", range::not_negative},
      {"frequency_scale", "deviation of their frequencies at the start", range::above_zero},
      {"number_width", "numbers that the waves of each number become", range::positive}};
  return notes;
}

TableInput::TableInput(TableInputOptions options) : options(std::move(options)) { check(); }

void TableInput::check() {
  check_fields("TableInput", fields_of(*this), this);
  const auto& widths = options.embedding_widths;
  if (!widths.empty() && widths.size() != options.categories.size()) {
    fail("TableInput", "embedding_widths has ", widths.size(), " numbers, categories ", options.categories.size(),
         "; there must be one for each, or none");
  }
  for (const std::vector<int64_t>* list : std::initializer_list<const std::vector<int64_t>*>{&options.categories, &widths}) {
    for (const int64_t count : *list) {
      if (count < 1 || count >= kMostCategories)
        fail("TableInput", list == &widths ? "embedding_widths" : "categories", " has ", count, "; each must be at least 1 and below 2^31");
    }
  }
  if (tables.size() != options.categories.size()) {
    tables.clear();
    tables.resize(options.categories.size());
  }
  const bool has_waves = options.frequencies > 0;
  for (const Parameter* wave : {&frequencies, &wave_weight, &wave_bias}) wave->set_used(has_waves);
}

std::string TableInput::describe() const {
  const std::string numbers = options.frequencies > 0 ? concat("numbers by ", options.frequencies, " waves") : "numbers";
  return options.categories.empty() ? numbers : concat(numbers, ", ", options.categories.size(), " columns of categories");
}

int64_t TableInput::width(int64_t columns) const {
  const auto codes = static_cast<int64_t>(options.categories.size());
  if (columns < std::max<int64_t>(codes, 1))
    fail(kOp, "x has ", columns, " columns, there are ", codes, " categories; it must have a column for each, and one at least");
  int64_t total = (columns - codes) * (options.frequencies > 0 ? options.number_width : 1);
  for (size_t i = 0; i < options.categories.size(); ++i)
    total += options.embedding_widths.empty() ? embedding_width(options.categories[i]) : options.embedding_widths[i];
  return total;
}

const Array& TableInput::table(size_t index) const {
  if (index >= tables.size()) fail(kOp, "table ", index, " is asked for, there are ", tables.size(), "; tables count from 0");
  return tables[index].get();
}

// numbers: (N, D); out: (N, D number_width).
Array TableInput::waves(const Array& numbers) const {
  const int64_t count = numbers.shape(1), k = options.frequencies, width = options.number_width;
  const Array& c = frequencies({count, k}, nn::init::random_normal(options.frequency_scale));
  const double bound = 1 / std::sqrt(2.0 * static_cast<double>(k));
  const auto init = [&](const Shape& shape) { return uniform(shape, bound); };
  const Array& weight = wave_weight({count, 2 * k, width}, init);
  const Array& bias = wave_bias({count, 1, width}, init);
  const Array angle = 2 * std::numbers::pi * expand_dims(transpose(numbers), -1) * expand_dims(c, 1);  // (D, N, k)
  const Array each = relu(matmul(concatenate({cos(angle), sin(angle)}, -1), weight) + bias);           // (D, N, width)
  return reshape(transpose(each, {1, 0, 2}), {numbers.shape(0), count * width});
}

Array TableInput::forward(const Array& x) const {
  if (x.rank() != 2) fail(kOp, "x is ", x.shape(), " of rank ", x.rank(), "; it must be (rows, columns)");
  width(x.shape(1));
  const auto codes = static_cast<int64_t>(options.categories.size());
  const int64_t count = x.shape(1) - codes;
  std::vector<Array> parts;
  if (count > 0) {
    const Array numbers = codes == 0 ? x : x[{slice(), slice(0, count)}];
    parts.push_back(options.frequencies > 0 ? waves(numbers) : numbers);
  }
  for (int64_t i = 0; i < codes; ++i) {
    const int64_t n = options.categories[static_cast<size_t>(i)];
    const int64_t width = options.embedding_widths.empty() ? embedding_width(n) : options.embedding_widths[static_cast<size_t>(i)];
    const Array& table = tables[static_cast<size_t>(i)]({n + 1, width}, &first_table);
    parts.push_back(embedding(table, detail::known_ids(x[{slice(), count + i}], 1, n, 0)));
  }
  return parts.size() == 1 ? parts[0] : concatenate(parts, 1);
}

}  // namespace gradus::models
