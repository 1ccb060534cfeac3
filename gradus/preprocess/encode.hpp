// Categories as numbers.
#pragma once

#include <string>
#include <vector>

#include "gradus/preprocess/step.hpp"

namespace gradus::preprocess {

/// The categories of columns as at training, for steps that look values up.
struct KnownCategories {
  std::vector<std::string> columns{};
  std::vector<std::vector<std::string>> categories{};
  GRADUS_FIELDS(columns, categories)
};

/// Options of OneHot. No columns: all that are categorical or ordinal when it is its turn.
struct OneHotOptions {
  std::vector<std::string> columns{};
  int64_t least = 1;         ///< categories that fewer training rows have are one column together, "job=other"
  int64_t most = 0;          ///< and so are those beyond the so many most frequent ones; 0: no limit
  bool drop_binary = false;  ///< of two categories, one column for the second
  bool missing = true;       ///< a column for missing values, where training has some; else they are zeros throughout
  GRADUS_OPTIONS(columns, least, most, drop_binary, missing)
};
/// One column a category, 1 where it is that one (OneHotEncoder): "job=clerk". A category that training did not have is "other" where there
/// is such a column, and zeros throughout where there is none; it is counted.
struct OneHot {
  static constexpr std::string_view kName = "OneHot";
  OneHotOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<std::vector<std::string>> categories{};  ///< that have a column of their own
    std::vector<int64_t> has_other{}, has_missing{};
    GRADUS_FIELDS(columns, categories, has_other, has_missing)
  } state{};

  explicit OneHot(OneHotOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

/// Options of Ordinal.
struct OrdinalOptions {
  std::vector<std::string> columns{};
  double unknown = -1;  ///< what a category that training did not have becomes
  GRADUS_OPTIONS(columns, unknown)
};
/// Each category as its place in the order, 0, 1, ... (OrdinalEncoder): of ordinal columns in their own order, of others by their bytes.
/// No columns: all that are ordinal. Missing values stay missing.
struct Ordinal {
  static constexpr std::string_view kName = "Ordinal";
  OrdinalOptions options{};
  KnownCategories state{};

  explicit Ordinal(OrdinalOptions given = {}) : options(std::move(given)) {}
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

/// Options of Codes. least: at least 1.
struct CodesOptions {
  std::vector<std::string> columns{};
  int64_t least = 1;  ///< categories that fewer training rows have count as unknown
  GRADUS_OPTIONS(columns, least)
};
/// Each category as a whole number from 1, and 0 for missing and unknown ones: what models with embeddings take, whose columns of codes
/// come last. Pipeline::code_sizes says how many there are.
struct Codes {
  static constexpr std::string_view kName = "Codes";
  CodesOptions options{};
  KnownCategories state{};

  explicit Codes(CodesOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

/// Options of Hashing. buckets: at least 1.
struct HashingOptions {
  std::vector<std::string> columns{};
  int64_t buckets = 32;
  bool alternate_sign = true;  ///< 1 or -1, so that categories that meet cancel out in the mean
  GRADUS_OPTIONS(columns, buckets, alternate_sign)
};
/// A category is added to one of some buckets by the hash of "column=category", all columns in the same buckets: no categories are kept,
/// and none is unknown (Weinberger et al. 2009; FeatureHasher, with the same hash: MurmurHash3).
struct Hashing {
  static constexpr std::string_view kName = "Hashing";
  HashingOptions options{};
  struct State {
    std::vector<std::string> columns{};
    GRADUS_FIELDS(columns)
  } state{};

  explicit Hashing(HashingOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const {}
};

/// Options of TargetEncode. folds: at least 2.
struct TargetEncodeOptions {
  std::vector<std::string> columns{};
  double smooth = 0;  ///< so many rows of the overall mean are added to each category's; 0: by the variances (empirical Bayes)
  int64_t folds = 5;
  GRADUS_OPTIONS(columns, smooth, folds)
};
/// A category becomes the mean of the target over its rows, drawn towards that of all rows (Micci-Barreca 2001; TargetEncoder). Training
/// rows get the mean of the other folds, so that no row sees its own target. Of several classes one column a class, of two the share of the
/// second. Unknown and missing categories become the overall mean.
struct TargetEncode {
  static constexpr std::string_view kName = "TargetEncode";
  TargetEncodeOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<std::vector<std::string>> categories{};
    std::vector<std::vector<double>> means{};  ///< of each column: category after category, of each its classes
    std::vector<double> overall{};             ///< by class, or one
    GRADUS_FIELDS(columns, categories, means, overall)
  } state{};

  explicit TargetEncode(TargetEncodeOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame learn_and_apply(const Frame& frame, const Learning& learning, Treatments& treatments);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

/// The 32-bit MurmurHash3 of a text (Appleby 2011).
uint32_t murmur_hash(std::string_view text, uint32_t seed = 0);

}  // namespace gradus::preprocess
