// Columns made of others, and columns left out: parts of dates, products, principal components.
#pragma once

#include <string>
#include <vector>

#include "gradus/preprocess/step.hpp"

namespace gradus::preprocess {

/// Options of Drop and Keep: names of columns.
struct ColumnsOptions {
  std::vector<std::string> columns{};
  GRADUS_OPTIONS(columns)
};
/// Leaves columns out.
struct Drop {
  static constexpr std::string_view kName = "Drop";
  ColumnsOptions options{};
  struct State {
    std::vector<std::string> columns{};
    GRADUS_FIELDS(columns)
  } state{};

  explicit Drop(ColumnsOptions given = {}) : options(std::move(given)) {}
  explicit Drop(std::vector<std::string> columns) : options{std::move(columns)} {}
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const {}
};
/// Leaves out all columns but these.
struct Keep {
  static constexpr std::string_view kName = "Keep";
  ColumnsOptions options{};
  Drop::State state{};

  explicit Keep(ColumnsOptions given = {}) : options(std::move(given)) {}
  explicit Keep(std::vector<std::string> columns) : options{std::move(columns)} {}
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const {}
};

/// Options of DateParts. No columns: all dates. What is asked for comes as columns "when.year", ...
struct DatePartsOptions {
  std::vector<std::string> columns{};
  /// Among year, month, day, weekday (0 is Monday), hour, day_of_year, elapsed (days since the first training row), and of month, weekday,
  /// hour and day_of_year "month_cycle" and the like: sine and cosine of the place in its circle. Empty: elapsed, month_cycle,
  /// weekday_cycle, and hour_cycle where times are no midnights.
  std::vector<std::string> parts{};
  GRADUS_OPTIONS(columns, parts)
};
/// Dates as numbers.
struct DateParts {
  static constexpr std::string_view kName = "DateParts";
  DatePartsOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<double> first{};                    ///< of each column, seconds since 1970
    std::vector<std::vector<std::string>> parts{};  ///< of each column
    GRADUS_FIELDS(columns, first, parts)
  } state{};

  explicit DateParts(DatePartsOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

/// Options of Polynomial. degree 2 .. 10.
struct PolynomialOptions {
  std::vector<std::string> columns{};
  int64_t degree = 2;
  bool interactions_only = false;  ///< no column twice in a product
  GRADUS_OPTIONS(columns, degree, interactions_only)
};
/// The columns, and all products of up to `degree` of them, in the order of PolynomialFeatures: a, b, "a^2", "a b", "b^2". More than 10,000
/// columns are an error.
struct Polynomial {
  static constexpr std::string_view kName = "Polynomial";
  PolynomialOptions options{};
  struct State {
    std::vector<std::string> columns{}, origins{};
    GRADUS_FIELDS(columns, origins)
  } state{};

  explicit Polynomial(PolynomialOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  Array forward(const Array& x) const;
  void check() const;
};

/// Options of PCA. components: at least 1, or a share of the variance that they are to explain.
struct PCAOptions {
  std::vector<std::string> columns{};
  double components = 0.95;  ///< below 1: as many as explain this share of the variance; else so many
  bool whiten = false;       ///< each divided by its deviation
  GRADUS_OPTIONS(columns, components, whiten)
};
/// Principal components: the columns, centred, turned to the axes of their greatest variance (Pearson 1901), "pca_0", "pca_1", ... The sign
/// of each is such that its largest weight is positive.
struct PCA {
  static constexpr std::string_view kName = "PCA";
  PCAOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<double> mean{}, variance{};         ///< variance: of each component, divided by rows - 1
    std::vector<std::vector<double>> components{};  ///< each has a weight for each column
    double total_variance = 0;
    GRADUS_FIELDS(columns, mean, variance, components, total_variance)
  } state{};

  explicit PCA(PCAOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  Array forward(const Array& x) const;
  void check() const;
};

/// Eigenvalues of a symmetric matrix, (n, n) row-major, in falling order, and their vectors as rows; by Jacobi's rotations.
void symmetric_eigen(std::vector<double> matrix, size_t n, std::vector<double>& values, std::vector<double>& vectors);

}  // namespace gradus::preprocess
