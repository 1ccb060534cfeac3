// Ways back, step by step: what each step of a pipeline has done to the columns that it names.
#include "gradus/preprocess/units.hpp"

#include <algorithm>
#include <map>

#include "gradus/base/error.hpp"

namespace gradus::preprocess {

using namespace core;

namespace {

class Way {
 public:
  explicit Way(const Pipeline& pipeline) : pipeline_(pipeline) {
    for (const Step& step : pipeline.steps()) take(step);
  }

  TableUnits units() {
    TableUnits out;
    for (const std::string& name : pipeline_.features()) out.features.push_back(units_[name]);
    const auto place = [&](const std::string& name) {
      const auto found = std::find(pipeline_.features().begin(), pipeline_.features().end(), name);
      return found == pipeline_.features().end() ? int64_t{-1} : found - pipeline_.features().begin();
    };
    for (auto& [given, names] : categories_) {
      CategoryFeatures kept = given;
      kept.values.clear();
      kept.numbers.clear();
      for (size_t i = 0; i < given.values.size(); ++i) {
        const int64_t feature = place(names[i]);
        if (feature < 0) continue;  // a later step took it
        kept.values.push_back(given.values[i]);
        kept.features.push_back(feature);
        kept.numbers.push_back(given.numbers[i]);
      }
      if (!kept.missing.empty() && place(kept.missing) < 0) kept.missing.clear();
      if (!kept.values.empty()) out.categories.push_back(std::move(kept));
    }
    return out;
  }

 private:
  void take(const Step& step) {
    if (const auto* standardise = step.as<Standardise>())
      scale(standardise->state.columns, standardise->state.mean, standardise->state.deviation);
    else if (const auto* robust = step.as<Robust>()) scale(robust->state.columns, robust->state.median, robust->state.range);
    else if (const auto* range = step.as<MinMax>()) take(*range);
    else if (const auto* one_hot = step.as<OneHot>()) take(*one_hot);
    else if (const auto* codes = step.as<Codes>()) number(codes->state, 1);
    else if (const auto* ordinal = step.as<Ordinal>()) number(ordinal->state, 0);
    else if (const auto* products = step.as<Polynomial>()) take(*products);
    else if (step.as<Clip>() || step.as<Power>() || step.as<Quantile>() || step.as<UnitNorm>() || step.as<TargetEncode>()) change(step);
  }
  void take(const MinMax& own) {
    for (size_t i = 0; i < own.state.columns.size(); ++i) {
      const std::string& column = own.state.columns[i];
      if (own.options.clip) {
        change(column, MinMax::kName);
        continue;
      }
      // y = low + (x - least) (high - low) / range  =>  x = least + (y - low) range / (high - low)
      const double range = own.state.greatest[i] - own.state.least[i];
      const bool is_constant = !(range > 10 * 2.220446049250313e-16 * std::max(own.state.greatest[i], -own.state.greatest[i]));
      const double divisor = (is_constant ? 1 : range) / (own.options.high - own.options.low);
      scale(column, own.state.least[i] - own.options.low * divisor, divisor);
    }
  }
  void take(const OneHot& own) {
    for (size_t i = 0; i < own.state.columns.size(); ++i) {
      const std::string& column = own.state.columns[i];
      CategoryFeatures one{.column = column, .is_one_hot = true};
      std::vector<std::string> names;
      const std::vector<std::string>& known = own.state.categories[i];
      const bool drops_first = own.options.drop_binary && known.size() == 2 && !own.state.has_other[i] && !own.state.has_missing[i];
      for (size_t k = 0; k < known.size(); ++k) {
        one.values.push_back(known[k]);
        const bool is_the_other = drops_first && k == 0;
        names.push_back(column + "=" + known[is_the_other ? 1 : k]);
        one.numbers.push_back(is_the_other ? 0 : 1);
      }
      if (own.state.has_other[i]) {
        one.values.emplace_back("other");
        names.push_back(column + "=other");
        one.numbers.push_back(1);
      }
      if (own.state.has_missing[i]) one.missing = column + "=missing";
      categories_.emplace_back(std::move(one), std::move(names));
    }
  }
  // The products are of what the columns are by then; only the columns themselves have a way back.
  void take(const Polynomial& products) {
    const std::vector<std::string>& own = products.state.columns;
    for (const std::string& feature : pipeline_.features()) {
      const bool is_product = feature.find_first_of("^ ") != std::string::npos;
      if (is_product && !units_.contains(feature) && std::find(own.begin(), own.end(), feature) == own.end())
        units_[feature].changed_by = Polynomial::kName;
    }
  }
  void number(const KnownCategories& known, int64_t first) {
    for (size_t i = 0; i < known.columns.size(); ++i) {
      CategoryFeatures one{.column = known.columns[i], .values = known.categories[i]};
      for (size_t k = 0; k < one.values.size(); ++k) one.numbers.push_back(static_cast<double>(static_cast<int64_t>(k) + first));
      const auto is_it = [&](const InputColumn& input) { return input.name == one.column; };
      const auto input = std::find_if(pipeline_.columns().begin(), pipeline_.columns().end(), is_it);
      one.is_ordered = input != pipeline_.columns().end() && input->type == data::ColumnType::ordinal && first == 0;
      std::vector<std::string> names(one.values.size(), one.column);
      categories_.emplace_back(std::move(one), std::move(names));
    }
  }
  // y = (x - shift) / scale
  void scale(const std::string& column, double shift, double scale) {
    FeatureUnit& unit = units_[column];
    unit.shift += unit.scale * shift;
    unit.scale *= scale;
  }
  void scale(const std::vector<std::string>& columns, const std::vector<double>& shifts, const std::vector<double>& scales) {
    for (size_t i = 0; i < columns.size(); ++i) scale(columns[i], shifts[i], scales[i]);
  }
  void change(const Step& step) {
    for (const std::string& column : step.columns()) change(column, step.name());
  }
  void change(const std::string& column, std::string_view step) {
    FeatureUnit& unit = units_[column];
    if (unit.changed_by.empty()) unit.changed_by = step;
  }

  const Pipeline& pipeline_;
  std::map<std::string, FeatureUnit> units_{};
  std::vector<std::pair<CategoryFeatures, std::vector<std::string>>> categories_{};  // and the names of their features
};

}  // namespace

TableUnits units_of(const Pipeline& pipeline) {
  if (!pipeline.is_fitted()) fail("units_of", "the pipeline has learnt nothing; call fit(training table) first");
  return Way(pipeline).units();
}

}  // namespace gradus::preprocess
