// Arrays and numbers, as users write them.
#include <cmath>
#include <iostream>
#include <sstream>
#include <vector>

#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

static void numbers_are_weak() {  // 1.1, 1.2
  const Array x = ones({2}), x64 = ones({2}, float64), n = array({1, 2}), mask = array({true, false});
  CHECK((3 * x).dtype() == float32 && (x * 0.5f).dtype() == float32 && (x * n).dtype() == float32);
  CHECK((x64 + 0.1)[0].item() == 1.1);
  CHECK((n * 2).dtype() == int64 && (n * 0.5).dtype() == float32 && (n.astype(int32) * 2).dtype() == int32);
  CHECK((n / 2).dtype() == float32 && (n / 2)[0].item() == 0.5 && floor_divide(n, 2)[1].item<int>() == 1);
  CHECK((mask + 1).dtype() == int64);
  Array total = 0;
  total += x64;
  CHECK(total.dtype() == float64);
}

static void an_array_is_a_value() {  // 1.3, 1.4
  const Array a = array({1, 2, 3});
  Array b = a;
  b += 1;
  CHECK(array_equal(a, array({1, 2, 3})) && array_equal(b, array({2, 3, 4})));
  Array c = zeros({2, 3});
  c.set({0, slice()}, 5);
  c.set(c > 2, 1);
  c.add(array({0, 0}), 1);
  CHECK(c[0][1].item() == 3 && c[1][0].item() == 0);
  Array w;
  CHECK(!w.exists());
}

static void comparisons_and_logic() {  // 1.5, 1.6
  const Array a = array({1, 2, 3}), b = array({3, 2, 1});
  CHECK((a == b).dtype() == bool_ && any(a == b).item<bool>() && !all(a == b).item<bool>() && !array_equal(a, b));
  CHECK(array_equal((a > 1) & (b > 1), array({false, true, false})));
  CHECK(array_equal((!(a > 1)) | (a != b), array({true, false, true})));
  CHECK(array_equal(logical_xor(a > 1, b > 1), array({true, false, true})));
  CHECK((a <= b)[0].item<bool>() && (a < b)[0].item<bool>() && (a >= b)[2].item<bool>());
}

static void making_arrays() {  // 1.7, 1.8
  CHECK(array({1, 2.5, 3}).dtype() == float32 && array({1, 2, 3}).dtype() == int64);
  CHECK(array({{1, 2}, {3, 4}}, float64).shape() == Shape({2, 2}) && array({1, 2, 3, 4}, {2, 2}).shape() == Shape({2, 2}));
  CHECK(array({{1}}).shape() == Shape({1, 1}));
  const std::vector<double> vec{1, 2, 3};
  const float pointer[] = {1, 2, 3, 4, 5, 6};
  CHECK(array(vec).dtype() == float64 && array(vec, {vec.size(), 1}).shape() == Shape({3, 1}));
  CHECK(array(pointer, {2, 3})[{1, 2}].item() == 6);
  CHECK(zeros({2, 3}).size() == 6 && zeros(3).shape() == Shape(3) && zeros({}).rank() == 0 && full({2}, 0.5)[1].item() == 0.5);
  bool is_released = false;
  { const Array borrowed = from_buffer(pointer, {6}, [&] { is_released = true; }); CHECK(sum(borrowed).item() == 21); }
  CHECK(is_released);
  CHECK(Shape(3) == Shape{3} && reshape(zeros({4, 5}), {-1, 10}).shape() == Shape({2, 10}));
  const Array y = zeros({2, 10});
  CHECK(reshape(zeros({20}), y.shape()).shape() == y.shape());
  int rows = 2;
  unsigned long columns = 3;
  CHECK(zeros({rows, columns}).shape() == Shape({2, 3}));
}

static void reductions() {  // 1.9
  const Array x = reshape(arange(24), {2, 3, 4});
  CHECK(sum(x).item<int>() == 276 && sum(x, 0).shape() == Shape({3, 4}) && sum(x, {0, 1}).shape() == Shape({4}));
  CHECK(mean(x, -1, keepdims).shape() == Shape({2, 3, 1}) && array_equal(sum(x, {}), x));
}

static void indexing() {  // 1.10
  const Array a = reshape(arange(12), {3, 4}), mask = a > 5, indices = array({2, 0});
  CHECK(a[0].shape() == Shape({4}) && a[-1][0].item<int>() == 8 && a[slice(1, 5)].shape() == Shape({2, 4}));
  CHECK(a[mask].size() == 6 && a[indices][0][0].item<int>() == 8);
  CHECK(a[{0, 1}].item<int>() == 1 && a[{slice(), 0}].shape() == Shape({3}));
  CHECK(a[{slice(1, {}), slice({}, {}, -1)}][0][0].item<int>() == 7);
  CHECK(a[{ellipsis, newaxis, 0}].shape() == Shape({3, 1}));
}

static void reading_values() {  // 1.11, 1.12
  const Array x = array({1.5});
  const double v = x.item();
  const int n = x.item<int>();
  CHECK(v == 1.5 && n == 1);
  const Array row = array({1, 2, 3});
  const std::vector<float> out = row.to_vector<float>();
  CHECK(out.size() == 3 && row.data<int64_t>()[2] == 3);
  std::ostringstream text;
  text << row;
  CHECK(!text.str().empty());
  CHECK(row.rank() == 1 && row.size() == 3 && row.shape(0) == 3 && row.dtype() == int64 && row.astype(float32).eval().dtype() == float32);
}

int main() {
  numbers_are_weak();
  an_array_is_a_value();
  comparisons_and_logic();
  making_arrays();
  reductions();
  indexing();
  reading_values();
}
