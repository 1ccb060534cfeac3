// Wrong calls of operations.
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

Provocations op_provocations() {
  return {
      PROVOKE(zeros({2, 3}) + zeros({2, 4})),
      PROVOKE(zeros({3}) * zeros({2, 4})),
      PROVOKE(where(zeros({2}), 1, 2)),
      PROVOKE(array({true}) - array({false})),
      PROVOKE(-array({true})),
      PROVOKE(zeros({2}) & zeros({2})),
      PROVOKE(pow(array({1, 2}), -1)),
      PROVOKE(polygamma(-1, zeros({2}))),
      PROVOKE(sum(zeros({2, 3}), 2)),
      PROVOKE(sum(zeros({2, 3}), {0, 0})),
      PROVOKE(sum(zeros({2, 3}), -3)),
      PROVOKE(max(zeros({0}))),
      PROVOKE(argmax(zeros({2, 0}), 1)),
      PROVOKE(var(zeros({3}), 0, {.ddof = -1})),
      PROVOKE(softmax(zeros({2, 3}), 2)),
      PROVOKE(softmax(Array(1.0))),
      PROVOKE(cumsum(zeros({2}), 1)),
      PROVOKE(sort(zeros({2}), 1)),
      PROVOKE(topk(zeros({2}), 3)),
      PROVOKE(take(zeros({3}), array({0.5}), 0)),
      PROVOKE(take(zeros({3}), array({0, 5}), 0).eval()),
      PROVOKE(gather(zeros({3, 2}), zeros({3}, int64), 0)),
      PROVOKE(scatter(zeros({3, 2}), zeros({1, 2}, int64), zeros({2, 2}), 0)),
      PROVOKE(embedding(zeros({5, 2}), array({0, 5})).eval()),
      PROVOKE(embedding(zeros({5}), array({0}))),
      PROVOKE(embedding(zeros({5, 2}), zeros({3}))),
      PROVOKE(one_hot(array({0, 4}), 3).eval()),
      PROVOKE(one_hot(array({0}), -1)),
      PROVOKE(layer_norm(zeros({2, 4}), zeros({3}), {})),
      PROVOKE(batch_norm(zeros({2, 4}), zeros({3}), zeros({4}))),
      PROVOKE(group_norm(zeros({2, 3, 6}), 4, {}, {})),
      PROVOKE(allclose(zeros({1}), zeros({1}), {.relative = -1})),
      PROVOKE(dropout(zeros({2}), 1.5)),
      PROVOKE(random::uniform({2}, zeros({3}), 1)),
      PROVOKE(random::normal({-2})),
      PROVOKE(random::integers({2}, 5, 5)),
      PROVOKE(random::permutation(-1)),
      PROVOKE(random::bernoulli({2}, 1.5).eval()),
      PROVOKE(random::truncated_normal({2}, 2, -2)),
  };
}

}  // namespace errors
