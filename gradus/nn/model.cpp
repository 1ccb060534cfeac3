// What goes with a model: its checks, and its preprocessing.
#include "gradus/nn/model.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"

namespace gradus::nn {

using namespace core;

Model::Model() : layer_(Sequential()) {}

std::span<const FieldNote> Preprocessing::field_notes() {
  static constexpr FieldNote notes[] = {{"mean", "subtracted first"},
                                        {"deviation", "divided by then", range::above_zero, false, "a list of numbers above 0"},
                                        {"range", "of the training samples"}};
  return notes;
}

namespace {

void check_numbers(std::string_view op, std::string_view name, const std::vector<double>& numbers, const ModelInfo& info) {
  const auto count = static_cast<int64_t>(numbers.size());
  if (count > 1 && !info.input_shape.empty() && count != info.input_shape.back()) {
    fail(op, name, " holds ", count, " numbers, the samples are ", Shape(info.input_shape),
         "; there must be one, or one for each place of the last axis");
  }
  const auto bad = std::find_if(numbers.begin(), numbers.end(), [](double number) { return !std::isfinite(number); });
  if (bad != numbers.end()) fail(op, name, "[", bad - numbers.begin(), "] is ", *bad, "; it must be finite");
}

Array row_of(const std::vector<double>& numbers) { return numbers.size() == 1 ? Array(numbers[0]) : array(numbers).astype(float32); }

}  // namespace

void check_info(std::string_view op, const ModelInfo& info) {
  if (!info.preprocessing) return;
  const auto& [mean, deviation, range] = *info.preprocessing;
  check_numbers(op, "mean", mean, info);
  check_numbers(op, "deviation", deviation, info);
  const auto bad = std::find_if(deviation.begin(), deviation.end(), [](double number) { return !(number > 0); });
  if (bad != deviation.end())
    fail(op, "deviation[", bad - deviation.begin(), "] is ", *bad, "; it must be above 0, numbers are divided by it");
  if (range.empty()) return;
  if (range.size() != 2) fail(op, "range holds ", range.size(), " numbers; they must be two, the lowest and the highest");
  if (!std::isfinite(range[0]) || !std::isfinite(range[1]) || range[0] > range[1]) {
    fail(op, "range is ", range[0], " to ", range[1], "; it must go from a finite number to one that is not below it");
  }
}

Array prepare(const ModelInfo& info, const Array& x) {
  check_info("prepare", info);
  Array out = x.astype(info.input_dtype);
  if (!info.preprocessing) return out;
  const auto& [mean, deviation, range] = *info.preprocessing;
  const auto places = static_cast<int64_t>(std::max(mean.size(), deviation.size()));
  if (places > 1 && (x.rank() < 1 || x.shape(-1) != places)) {
    fail("prepare", "x is ", x.shape(), ", and the model's mean and deviation have ", places, " numbers; the last size of x must be ",
         places);
  }
  if (!mean.empty()) out = out - row_of(mean);
  if (!deviation.empty()) out = out / row_of(deviation);
  return out.astype(info.input_dtype);
}

}  // namespace gradus::nn
