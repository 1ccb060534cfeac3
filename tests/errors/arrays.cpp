// Wrong calls on arrays: making, reading, indexing, writing.
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

Provocations array_provocations() {
  return {
      PROVOKE(Array x; x.shape()),
      PROVOKE(Array x; x + 1),
      PROVOKE(zeros({-1, 2})),
      PROVOKE(zeros({int64_t{1} << 40, int64_t{1} << 40})),
      PROVOKE(array({{1, 2}, {3}})),
      PROVOKE(array({1, 2, 3}, {2, 2})),
      PROVOKE(array({1, {2}})),
      PROVOKE(array(std::vector<float>{1, 2, 3}, {2, 2})),
      PROVOKE(array({1, 300}, uint8)),
      PROVOKE(array({1.5}, int32)),
      PROVOKE(arange(0, 10, 0)),
      PROVOKE(linspace(0, 1, -1)),
      PROVOKE(full({2, 2}, array({1, 2, 3}))),
      PROVOKE(zeros({2, 3}).item()),
      PROVOKE(zeros({2}).eval().data<double>()),
      PROVOKE(const Array x = zeros({2}, float64); x.data<float>()),
      PROVOKE(zeros({2, 3}).shape(2)),
      PROVOKE(zeros({4})[4]),
      PROVOKE(zeros({4})[-5]),
      PROVOKE(zeros({2, 3})[{0, 3}]),
      PROVOKE(zeros({2, 3})[{0, 0, 0}]),
      PROVOKE(zeros({2, 3})[{ellipsis, 0, ellipsis}]),
      PROVOKE(zeros({4})[slice(0, 4, 0)]),
      PROVOKE(zeros({4})[array({0.5})]),
      PROVOKE(zeros({4})[array({true, false})]),
      PROVOKE(zeros({4})[array({0, 4})].eval()),
      PROVOKE(zeros({4, 4})[{array({0, 1}), array({0, 1, 2})}]),
      PROVOKE(Array x = zeros({4}); x.set(slice(0, 2), array({1, 2, 3}))),
      PROVOKE(Array x = zeros({4}); x.set(7, 1)),
      PROVOKE(Array x = zeros({4}, int32); x.set(0, 1.5)),
      PROVOKE(zeros({2}, int32) + 3000000000),
      PROVOKE(zeros({2}, uint8) + 300),
      PROVOKE(reshape(zeros({12}), {5, 3})),
      PROVOKE(reshape(zeros({12}), {5, -1})),
      PROVOKE(reshape(zeros({12}), {-1, -1})),
      PROVOKE(squeeze(zeros({2, 3}), 0)),
      PROVOKE(expand_dims(zeros({2}), 4)),
      PROVOKE(transpose(zeros({2, 3}), {0, 0})),
      PROVOKE(transpose(zeros({2, 3}), {0})),
      PROVOKE(transpose(zeros({2, 3}), {0, 2})),
      PROVOKE(broadcast_to(zeros({2, 3}), {2, 4})),
      PROVOKE(concatenate({zeros({2, 3}), zeros({2, 4})}, 0)),
      PROVOKE(concatenate({zeros({2, 3}), zeros({2})}, 0)),
      PROVOKE(concatenate({})),
      PROVOKE(stack({zeros({2}), zeros({3})})),
      PROVOKE(split(zeros({7}), 2)),
      PROVOKE(split_sizes(zeros({7}), {3, 3})),
      PROVOKE(pad(zeros({3}), {{-1, 0}})),
      PROVOKE(pad(zeros({2, 2}), {1, 1, 1})),
      PROVOKE(tile(zeros({2}), {-1})),
      PROVOKE(sliding_windows(zeros({3}), 4, 0)),
      PROVOKE(eye(-2)),
  };
}

}  // namespace errors
