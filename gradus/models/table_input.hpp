// What networks for tables read: rows of numbers and codes of categories.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gradus/graph/parameter.hpp"
#include "gradus/graph/parts.hpp"

namespace gradus::models {

/// How many numbers stand for one of n categories: min(50, ceil(1.6 n^0.56)), and at least 1.
///
///   models::embedding_width(7)   // 5
int64_t embedding_width(int64_t categories);

/// Options of TableInput.
struct TableInputOptions {
  std::vector<int64_t> categories{};        ///< how many categories each of the last columns has; empty: all columns are numbers
  std::vector<int64_t> embedding_widths{};  ///< numbers that stand for a category of each of them; empty: embedding_width
  int64_t frequencies = 0;                  ///< waves that each number is measured by; 0: it stays the number that it is
  double frequency_scale = 0.1;             ///< deviation of their frequencies at the start, for numbers of deviation 1
  int64_t number_width = 16;                ///< numbers that the waves of each number become
  GRADUS_OPTIONS(categories, embedding_widths, frequencies, frequency_scale, number_width)
};

/// Rows of a table (N, D) to vectors (N, W). The first D - categories.size() columns hold numbers, which go on as they are; or each, by
/// waves of learnt frequencies, as relu(weight [cos 2 pi c x, sin 2 pi c x] + bias) (Gorishniy et al. 2022, "PLR", with weights of its own
/// for each column). The last columns hold codes, each of which stands for a vector that is learnt: 1 .. n for the n categories of the
/// column, and 0 for what is missing or was never seen, whose vector starts as zeros. What is no such code (one out of range, a fraction,
/// NaN) counts as 0, and no derivative goes through codes. Codes in float32 are exact up to 2^24.
///
///   models::TableInput input({.categories = {3, 12}});
///   input(array({{0.5, 2.0, 11.0}, {-1.0, 3.0, 99.0}}));   // (2, 1 + 3 + 7)
class TableInput {
 public:
  explicit TableInput(TableInputOptions options = {});

  Array forward(const Array& x) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }
  /// The width of the vectors for rows of that many columns; throws where they hold less than the categories.
  int64_t width(int64_t columns) const;
  /// What category column `index` is turned into, (n + 1, width), row 0 for what was never seen. Throws before the first call.
  const Array& table(size_t index) const;

  TableInputOptions options;
  std::vector<Parameter> tables{};
  Parameter frequencies{}, wave_weight{}, wave_bias{};  ///< (numbers, k), (numbers, 2 k, width), (numbers, 1, width)
  GRADUS_PARTS(options, tables, frequencies, wave_weight, wave_bias)

 private:
  int64_t numbers_of(const Array& x) const;
  Array waves(const Array& numbers) const;
};

}  // namespace gradus::models
