// What steps of numbers share: sorting out their columns, and putting what they make back in its place. Not for users.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "gradus/preprocess/frame.hpp"

namespace gradus::preprocess {

/// The values of a column that are there, in order of size; infinite ones are left out.
std::vector<double> sorted_values(std::span<const double> numbers);
/// The value below which a share of sorted values lies, between two of them on the line through both (NumPy's default). nan for none.
double quantile_of(std::span<const double> sorted, double share);
/// The same at part / parts, in whole numbers: a place that is one of the values is exactly that.
double quantile_of(std::span<const double> sorted, int64_t part, int64_t parts);

struct Moments {
  double mean = 0, variance = 0;  ///< divided by the count
  int64_t count = 0;
};
/// Of the values that are there (Welford); infinite ones are left out.
Moments moments_of(std::span<const double> numbers);

/// The columns of the frame, of type numeric, in one call of f: (rows, columns) float64 to the same shape; each goes back in its place.
template <class F>
Frame replace_columns(std::string_view step, const Frame& frame, const std::vector<std::string>& columns, const F& f);
/// The columns taken out, and those that f makes of them put behind the others, under new names and origins.
template <class F>
Frame exchange_columns(std::string_view step, const Frame& frame, const std::vector<std::string>& columns,
                       const std::vector<std::string>& names, const std::vector<std::string>& origins, const F& f);

namespace detail {
Frame put_back(const Frame& frame, const std::vector<size_t>& places, const Array& values);
Frame put_behind(const Frame& frame, const std::vector<size_t>& places, const std::vector<std::string>& names,
                 const std::vector<std::string>& origins, const Array& values);
}  // namespace detail

template <class F>
Frame replace_columns(std::string_view step, const Frame& frame, const std::vector<std::string>& columns, const F& f) {
  const std::vector<size_t> places = places_of(step, frame, columns);
  return columns.empty() || rows_of(frame) == 0 ? frame : detail::put_back(frame, places, f(matrix_of(frame, places)));
}
template <class F>
Frame exchange_columns(std::string_view step, const Frame& frame, const std::vector<std::string>& columns,
                       const std::vector<std::string>& names, const std::vector<std::string>& origins, const F& f) {
  const std::vector<size_t> places = places_of(step, frame, columns);
  return columns.empty() ? frame : detail::put_behind(frame, places, names, origins, f(matrix_of(frame, places)));
}

/// Throws, as the step, where lists of a state that is read from a file are not as long as each other.
void check_sizes(std::string_view step, size_t columns, std::initializer_list<size_t> sizes);

}  // namespace gradus::preprocess
