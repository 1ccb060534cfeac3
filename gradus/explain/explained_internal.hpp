// What all explanations do with a model: choose the explained number, call the model in bounded batches. Not for users.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gradus/base/function_ref.hpp"
#include "gradus/explain/target.hpp"

namespace gradus::explain::detail {

/// A model and the number of its output that is explained, with the classes chosen at the rows x.
class Explained {
 public:
  /// Calls the model at x in batches. Throws `op: ...` for an x without rows, targets that the model does not have, numbers that are not
  /// finite, and a batch size below 1.
  Explained(std::string_view op, Function model, const Array& x, const Target& target, Scale scale, int64_t batch_size);

  int64_t rows() const { return static_cast<int64_t>(output_.size()); }
  int64_t batch_size() const { return batch_size_; }
  /// How many outputs the model has; 1 for a function.
  int64_t outputs() const { return outputs_; }
  std::string_view op() const { return op_; }
  /// The explained number of each row of x.
  const std::vector<double>& output() const { return output_; }
  /// The chosen outputs, one a row; empty for a function.
  const std::vector<int64_t>& labels() const { return labels_; }
  /// values, with what was explained.
  Attribution attribution(Array values) const;

  /// The same with another model, which gives outputs of the same form.
  Explained with_model(Function model) const {
    Explained other = *this;
    other.model_ = model;
    return other;
  }

  /// The explained numbers (points,) of points (points, ...), pending: point i with the output that row owners[i] of x has.
  Array numbers(const Array& points, const Array& owners) const;
  /// Their gradients by the points: of the points' shape, computed, and the numbers.
  struct Slopes {
    Array gradients, numbers;
  };
  Slopes slopes(const Array& points, const Array& owners) const;

  /// The explained numbers at `count` points that are made piece by piece, at most batch_size at a time.
  using Points = core::FunctionRef<Array(int64_t begin, int64_t end)>;
  using Owner = core::FunctionRef<int64_t(int64_t point)>;
  std::vector<double> values(int64_t count, Points points, Owner owner) const;

 private:
  Array checked_output(const Array& points) const;
  Array scaled(const Array& output) const;
  Array picked(const Array& output, const Array& owners) const;
  void choose(const Array& output, int64_t first_row);

  std::string_view op_;
  Function model_;
  const Target& target_;
  Scale scale_;
  int64_t batch_size_, outputs_ = 1;
  std::vector<double> output_{};
  std::vector<int64_t> labels_{};
  Array label_array_{};
};

/// Throws for a model of several outputs where each row would have its own: what is compared among rows must be one output.
void check_one_target(const Explained& explained, const Target& target);
/// Throws unless x is of float dtype: gradients need that.
void check_float(std::string_view op, const Array& x);
void check_positive(std::string_view op, const char* name, int64_t value);
/// The owner of all points.
Array all_owned_by(int64_t row, int64_t count);
/// `rows` with itself repeated: (N, ...) to (N * count, ...), each row `count` times in place.
Array each_repeated(const Array& rows, int64_t count);
/// A row of numbers beside x: of x's dtype, `value` broadcast to the shape of one sample; zeros where `value` does not exist.
Array sample_like(std::string_view op, const char* name, const Array& value, const Array& x);
/// Throws unless the background has rows, with samples of x's shape.
void check_background(std::string_view op, const Array& background, const Array& x);
/// For each explained row the mean of its explained number over the background.
std::vector<double> background_means(const Explained& explained, const Array& background);
/// Rows begin .. end-1.
Array rows_of(const Array& x, int64_t begin, int64_t end);
/// The shape of x with another first size.
Shape with_rows(const Shape& shape, int64_t rows);
/// The shape of one row.
Shape sample_shape(const Shape& shape);

}  // namespace gradus::explain::detail
