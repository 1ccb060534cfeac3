#include "gradus/ops/batch.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::rule {

std::vector<Array> batch_elementwise(const Call& call, std::span<const bool> is_batched, int64_t) {
  int64_t rank = 0;  // of one example of the result
  for (size_t i = 0; i < call.inputs.size(); ++i) rank = std::max(rank, call[i].rank() - (is_batched[i] ? 1 : 0));
  std::vector<Array> aligned;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    Array x = call[i];
    if (is_batched[i] && x.rank() - 1 < rank) {
      Dims sizes = x.shape().dims();
      for (int64_t missing = rank - (x.rank() - 1); missing > 0; --missing) sizes.insert(1, 1);
      x = reshape(x, NewShape(Shape(sizes)));
    }
    aligned.push_back(std::move(x));
  }
  return apply_all(call.op, aligned, call.args);
}

namespace {

// No example: dtypes and shapes are those of one that is recorded and never run.
std::vector<Array> batch_of_none(const Call& call, std::span<const bool> is_batched) {
  std::vector<Array> inputs, out;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    Dims sizes = call[i].shape().dims();
    if (is_batched[i]) sizes.erase(0);
    inputs.push_back(is_batched[i] ? zeros(Shape(sizes), call[i].dtype()) : call[i]);
  }
  for (const Array& example : apply_all(call.op, inputs, call.args)) {
    Dims sizes = example.shape().dims();
    sizes.insert(0, 0);
    out.push_back(zeros(Shape(sizes), example.dtype()));
  }
  return out;
}

}  // namespace

std::vector<Array> batch_by_loop(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  if (batch_size == 0) return batch_of_none(call, is_batched);
  std::vector<std::vector<Array>> examples;
  for (int64_t example = 0; example < batch_size; ++example) {
    std::vector<Array> inputs;
    for (size_t i = 0; i < call.inputs.size(); ++i) inputs.push_back(is_batched[i] ? call[i][example] : call[i]);
    const std::vector<Array> outputs = apply_all(call.op, inputs, call.args);
    examples.resize(outputs.size());
    for (size_t k = 0; k < outputs.size(); ++k) examples[k].push_back(outputs[k]);
  }
  std::vector<Array> out;
  for (const std::vector<Array>& example : examples) out.push_back(stack(example));
  return out;
}

}  // namespace gradus::rule
