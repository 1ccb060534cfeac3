// Linear models as baselines.
#include "gradus/cli/linear_baseline.hpp"

#include <cmath>
#include <set>

#include "gradus/models/linear.hpp"
#include "gradus/ops/creation.hpp"

namespace gradus::cli {

namespace {

constexpr int64_t kMostRows = 20'000, kMostCodes = 100, kMostCoefficients = 2'000;
constexpr int64_t kMostCells = 20'000'000;  // of training rows times columns times classes

// Rows of numbers for a linear model: those of the pipeline on the scale of the training rows, and a column for each code.
class Design {
 public:
  Design(const std::vector<int64_t>& code_sizes, const std::vector<double>& train, int64_t columns)
      : codes_(code_sizes), columns_(columns), numbers_(columns - static_cast<int64_t>(code_sizes.size())) {
    const auto rows = static_cast<double>(train.size()) / static_cast<double>(columns);
    means_.assign(static_cast<size_t>(numbers_), 0.0);
    scales_.assign(static_cast<size_t>(numbers_), 0.0);
    for (size_t i = 0; i < train.size(); ++i) {
      const size_t j = i % static_cast<size_t>(columns);
      if (j < means_.size()) means_[j] += train[i] / rows;
    }
    for (size_t i = 0; i < train.size(); ++i) {
      const size_t j = i % static_cast<size_t>(columns);
      if (j < means_.size()) scales_[j] += (train[i] - means_[j]) * (train[i] - means_[j]) / rows;
    }
    for (double& scale : scales_) scale = scale > 0 ? 1 / std::sqrt(scale) : 0;
    for (const int64_t size : codes_) width_ += size <= kMostCodes ? size : 0;
    width_ += numbers_;
  }
  int64_t width() const { return width_; }
  Array operator()(const std::vector<double>& x) const {
    const int64_t rows = static_cast<int64_t>(x.size()) / columns_;
    std::vector<double> out(static_cast<size_t>(rows * width_), 0.0);
    for (int64_t row = 0; row < rows; ++row) {
      const double* from = x.data() + row * columns_;
      double* to = out.data() + row * width_;
      for (int64_t j = 0; j < numbers_; ++j) to[j] = (from[j] - means_[static_cast<size_t>(j)]) * scales_[static_cast<size_t>(j)];
      int64_t place = numbers_;
      for (size_t c = 0; c < codes_.size(); ++c) {
        if (codes_[c] > kMostCodes) continue;
        const double code = from[numbers_ + static_cast<int64_t>(c)];
        if (code >= 1 && code <= static_cast<double>(codes_[c])) to[place + static_cast<int64_t>(code) - 1] = 1;
        place += codes_[c];
      }
    }
    return array(std::move(out), {rows, width_});
  }

 private:
  std::vector<int64_t> codes_;
  int64_t columns_, numbers_, width_ = 0;
  std::vector<double> means_{}, scales_{};
};

}  // namespace

std::optional<metrics::SummaryBaseline> linear_baseline(const preprocess::Pipeline& pipeline, const data::Dataset& train,
                                                        const data::Dataset& test) {
  std::vector<int64_t> some = data::permutation(train.size(), 0);
  if (train.size() > kMostRows) some.resize(kMostRows);
  const data::Dataset seen = train.size() > kMostRows ? data::subset(train, some) : train;
  if (seen.x.rank() != 2 || seen.x.shape(1) == 0 || test.size() == 0) return std::nullopt;
  const auto classes = static_cast<int64_t>(pipeline.target().class_names.size());
  const int64_t outputs = classes > 2 ? classes : 1;
  const std::vector<double> x = seen.x.to_vector<double>();
  const Design design(pipeline.code_sizes(), x, seen.x.shape(1));
  const std::vector<double> labels = classes > 0 ? seen.y.to_vector<double>() : std::vector<double>();
  if (static_cast<int64_t>(std::set<double>(labels.begin(), labels.end()).size()) < classes) return std::nullopt;
  if (design.width() * outputs > kMostCoefficients || seen.size() * design.width() * outputs > kMostCells) return std::nullopt;
  const Array at = design(x), rows = design(test.x.to_vector<double>());
  if (classes == 0) return metrics::SummaryBaseline{"linear", models::fit_ridge(at, seen.y, {.alpha = 1}).predict(rows)};
  const models::LogisticOptions options{.alpha = 1, .tolerance = 1e-4};
  const models::LinearFit fit = classes == 2 ? models::fit_logistic(at, seen.y, options) : models::fit_softmax(at, seen.y, options);
  return metrics::SummaryBaseline{"linear", fit.predict(rows)};
}

}  // namespace gradus::cli
