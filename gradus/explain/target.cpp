// Choosing what is explained, and calling the model in bounded batches.
#include "gradus/explain/target.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "gradus/base/error.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/grad.hpp"

namespace gradus::explain {

using namespace core;

namespace {

constexpr std::string_view kScales[] = {"output", "probability", "log_probability"};

}  // namespace

std::span<const std::string_view> enum_names(Scale) { return kScales; }

namespace detail {

void check_float(std::string_view op, const Array& x) {
  if (x.dtype().is_float()) return;
  fail(op, "x has dtype ", x.dtype(), "; gradients need floats: numbers by x.astype(float32), words by explain::from_layer");
}
void check_one_target(const Explained& explained, const Target& target) {
  if (target.has_index() || target.function() || target.labels().exists() || explained.outputs() == 1) return;
  fail(explained.op(), "the model has ", explained.outputs(), " outputs and no .target; it must be the index of one, as rows are compared");
}
void check_positive(std::string_view op, const char* name, int64_t value) {
  if (value < 1) fail(op, name, " is ", value, "; it must be at least 1");
}

Shape sample_shape(const Shape& shape) { return Shape(std::span<const int64_t>(shape.begin() + 1, shape.end())); }
Shape with_rows(const Shape& shape, int64_t rows) {
  Dims sizes = shape.dims();
  sizes[0] = rows;
  return Shape(sizes);
}
Array rows_of(const Array& x, int64_t begin, int64_t end) { return begin == 0 && end == x.shape(0) ? x : x[slice(begin, end)]; }
Array all_owned_by(int64_t row, int64_t count) { return full({count}, row, int64); }
Array each_repeated(const Array& rows, int64_t count) { return repeat(rows, count, 0); }

Array sample_like(std::string_view op, const char* name, const Array& value, const Array& x) {
  const Shape sample = sample_shape(x.shape());
  if (!value.exists()) return zeros(sample, x.dtype());
  Shape common;
  try {
    common = broadcast_shapes(op, value.shape(), sample);
  } catch (const Error&) {
  }
  if (common != sample) fail(op, name, " is ", value.shape(), ", a sample is ", sample, "; it must broadcast to a sample");
  return broadcast_to(value.astype(x.dtype()), sample);
}

void check_background(std::string_view op, const Array& background, const Array& x) {
  if (background.rank() > 0 && background.shape(0) > 0 && x.rank() == background.rank() &&
      sample_shape(background.shape()) == sample_shape(x.shape()))
    return;
  fail(op, "the background is ", background.shape(), ", x is ", x.shape(),
       "; it must have rows, and the shapes be equal but for their number");
}

std::vector<double> background_means(const Explained& explained, const Array& background) {
  const int64_t count = background.shape(0);
  std::map<int64_t, double> by_label;  // rows of one label have one mean
  std::vector<double> means;
  for (int64_t row = 0; row < explained.rows(); ++row) {
    const int64_t label = explained.labels().empty() ? 0 : explained.labels()[static_cast<size_t>(row)];
    if (!by_label.contains(label)) {
      const auto rows = [&](int64_t begin, int64_t end) { return rows_of(background, begin, end); };
      const std::vector<double> all = explained.values(count, rows, [&](int64_t) { return row; });
      by_label[label] = std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(count);
    }
    means.push_back(by_label[label]);
  }
  return means;
}

Explained::Explained(std::string_view op, Function model, const Array& x, const Target& target, Scale scale, int64_t batch_size)
    : op_(op), model_(model), target_(target), scale_(scale), batch_size_(batch_size) {
  check_positive(op, "batch_size", batch_size);
  if (x.rank() == 0 || x.shape(0) == 0) fail(op, "x is ", x.shape(), "; it must have rows to explain");
  if (const Array& labels = target.labels(); labels.exists() && (labels.shape() != Shape{x.shape(0)} || labels.dtype().is_float())) {
    fail(op, "the target is ", labels.shape(), " of ", labels.dtype(), ", x has ", x.shape(0), " rows; it must be one integer a row");
  }
  for (int64_t begin = 0; begin < x.shape(0); begin += batch_size) {
    const int64_t end = std::min(begin + batch_size, x.shape(0));
    const nn::TrainingMode inference(false);
    const Array output = checked_output(rows_of(x, begin, end));
    choose(output, begin);
    const Array owners = arange(begin, end);
    label_array_ = labels_.empty() ? Array() : array(labels_);
    for (const double value : picked(output, owners).to_vector<double>()) {
      if (!std::isfinite(value)) fail(op, "the explained number of row ", output_.size(), " is ", value, "; it must be finite");
      output_.push_back(value);
    }
  }
}

Attribution Explained::attribution(Array values) const {
  values.eval();
  return {std::move(values), array(output_), labels_};
}

Array Explained::checked_output(const Array& points) const {
  Array output = model_(points);
  if (!output.exists() || output.rank() == 0 || output.rank() > 2 || output.shape(0) != points.shape(0)) {
    // Of sequences and images a function says which of the numbers is meant.
    if (output.exists() && output.rank() > 2 && output.shape(0) == points.shape(0) && target_.function()) return output;
    fail(op_, "the model gives ", output.exists() ? to_text(output.shape()) : std::string("nothing"), " for x ", points.shape(),
         "; it must give (", points.shape(0), ", outputs), or the target be a function that makes one number a row of it");
  }
  return output.dtype().is_float() ? output : output.astype(float32);
}

// A single output is that of the second of two classes, as losses take it.
Array Explained::scaled(const Array& output) const {
  if (scale_ == Scale::output) return output;
  const bool is_single = output.rank() == 1 || output.shape(-1) == 1;
  if (scale_ == Scale::probability) return is_single ? sigmoid(output) : softmax(output);
  return is_single ? log_sigmoid(output) : log_softmax(output);
}

void Explained::choose(const Array& output, int64_t first_row) {
  if (target_.function()) return;
  const int64_t count = output.shape(0), outputs = output.rank() == 1 ? 1 : output.shape(1);
  if (outputs == 0) fail(op_, "the model gives ", output.shape(), "; there must be an output");
  outputs_ = outputs;
  std::vector<int64_t> chosen;
  if (target_.has_index()) chosen.assign(static_cast<size_t>(count), target_.index());
  else if (target_.labels().exists()) chosen = rows_of(target_.labels(), first_row, first_row + count).to_vector<int64_t>();
  else if (outputs == 1) chosen.assign(static_cast<size_t>(count), 0);
  else chosen = argmax(output, 1).to_vector<int64_t>();
  for (const int64_t label : chosen) {
    if (label < 0 || label >= outputs) fail(op_, "the target is output ", label, "; the model has ", outputs, ", counted from 0");
    labels_.push_back(label);
  }
}

Array Explained::picked(const Array& output, const Array& owners) const {
  const Array numbers = scaled(output);
  if (target_.function()) {
    const Array made = target_.function()(numbers);
    if (!made.exists() || made.rank() == 0 || made.shape(0) != output.shape(0) || made.size() != output.shape(0)) {
      fail(op_, "the target's function gives ", made.exists() ? to_text(made.shape()) : std::string("nothing"), " for outputs ",
           output.shape(), "; it must give one number a row");
    }
    return reshape(made, {output.shape(0)});
  }
  if (numbers.rank() == 1) return numbers;
  if (numbers.shape(1) == 1) return numbers[{slice(), 0}];
  const Array labels = take(label_array_, owners);
  return reshape(take_along_axis(numbers, reshape(labels, {labels.size(), 1}), 1), {labels.size()});
}

Array Explained::numbers(const Array& points, const Array& owners) const {
  const nn::TrainingMode inference(false);
  return picked(checked_output(points), owners);
}

Explained::Slopes Explained::slopes(const Array& points, const Array& owners) const {
  // Rows do not meet in the model, so that the gradient of the sum has that of each row.
  const auto total = [&](const Array& at) {
    const Array each = numbers(at, owners);
    return std::tuple(sum(each), each);
  };
  auto [terms, gradients] = value_and_grad(total)(points);
  Slopes found{gradients, std::get<1>(terms)};
  evaluate({found.gradients, found.numbers});
  return found;
}

std::vector<double> Explained::values(int64_t count, Points points, Owner owner) const {
  std::vector<double> all;
  all.reserve(static_cast<size_t>(count));
  for (int64_t begin = 0; begin < count; begin += batch_size_) {
    const int64_t end = std::min(begin + batch_size_, count);
    std::vector<int64_t> owners;
    for (int64_t point = begin; point < end; ++point) owners.push_back(owner(point));
    for (const double value : numbers(points(begin, end), array(owners)).to_vector<double>()) all.push_back(value);
  }
  return all;
}

}  // namespace detail

}  // namespace gradus::explain
