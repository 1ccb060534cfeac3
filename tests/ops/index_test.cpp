// Subscripts and gathers. Expected values are NumPy's.
#include "gradus/ops/index.hpp"

#include <gtest/gtest.h>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/gather.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/sort.hpp"

namespace gradus {

using namespace core;
namespace {

std::vector<double> values(const Array& x) { return x.to_vector<double>(); }
std::string error_of(auto&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
Array counted(const Shape& shape) { return reshape(arange(shape.size()), shape); }
using Values = std::vector<double>;

TEST(subscript, numbers_drop_axes_and_slices_keep_them) {
  const Array x = counted({2, 3, 4});
  EXPECT_EQ(values(x[{1, 2, 3}]), (Values{23}));
  EXPECT_EQ((x[{1, 2, 3}].rank()), 0);
  EXPECT_EQ(values(x[{-1, -1}]), (Values{20, 21, 22, 23}));
  EXPECT_EQ(values(x[{0, slice(1, 3), 0}]), (Values{4, 8}));
  EXPECT_EQ(values(x[{ellipsis, 0}]), (Values{0, 4, 8, 12, 16, 20}));
  EXPECT_EQ((x[{slice(), newaxis, 1}].shape()), Shape({2, 1, 4}));
  EXPECT_EQ((x[{newaxis, ellipsis, newaxis}].shape()), Shape({1, 2, 3, 4, 1}));
}

TEST(subscript, slices_clip_and_step_both_ways) {
  const Array x = arange(5);
  EXPECT_EQ(values(x[slice(1, 100)]), (Values{1, 2, 3, 4}));
  EXPECT_EQ(values(x[slice(-2, {})]), (Values{3, 4}));
  EXPECT_EQ(values(x[slice({}, {}, -2)]), (Values{4, 2, 0}));
  EXPECT_EQ(values(x[slice(3, 0, -1)]), (Values{3, 2, 1}));
  EXPECT_EQ(values(x[slice(100, {}, -3)]), (Values{4, 1}));
  EXPECT_EQ(x[slice(3, 1)].size(), 0);
  EXPECT_EQ(x[slice(-100, -50)].size(), 0);
  EXPECT_EQ(values(x[slice({}, {}, INT64_MIN)]), (Values{4}));
  EXPECT_EQ(values(x[slice(INT64_MIN, INT64_MAX, INT64_MAX)]), (Values{0}));
}

TEST(subscript, index_arrays_broadcast_and_stand_in_place_or_in_front) {
  const Array x = counted({7, 3, 4, 5}), i = array({0, 1});
  EXPECT_EQ((x[{slice(), i, i}].shape()), Shape({7, 2, 5}));
  EXPECT_EQ((x[{slice(), i, slice(), i}].shape()), Shape({2, 7, 4}));
  EXPECT_EQ((x[{slice(), i, ellipsis, i, slice()}].shape()), Shape({2, 7, 5}));
  EXPECT_EQ((x[{slice(), 0, i}].shape()), Shape({7, 2, 5}));
  EXPECT_EQ((x[{slice(), 0, slice(), i}].shape()), Shape({2, 7, 4}));
  EXPECT_EQ((x[{array({{0}, {1}, {2}}), i}].shape()), Shape({3, 2, 4, 5}));
  EXPECT_EQ(values(counted({3, 4})[{array({0, -1}), array({1, 3})}]), (Values{1, 11}));
  EXPECT_EQ(values(counted({3, 4})[{slice(), array({0, -1})}]), (Values{0, 3, 4, 7, 8, 11}));
  EXPECT_EQ((x[array(std::vector<int64_t>{})].shape()), Shape({0, 3, 4, 5}));
}

TEST(subscript, masks_select_over_as_many_axes_as_they_have) {
  const Array x = counted({2, 3});
  EXPECT_EQ(values(x[x > 2]), (Values{3, 4, 5}));
  EXPECT_EQ(values(x[array({false, true})]), (Values{3, 4, 5}));
  EXPECT_EQ(values(x[{slice(), array({true, false, true})}]), (Values{0, 2, 3, 5}));
  EXPECT_EQ(x[x > 100].size(), 0);
  EXPECT_EQ(error_of([&] { x[array({true, false, true})]; }),
            "index: the mask is (3,), the array is (2, 3); their sizes must be equal, axis 0 has 2");
}

TEST(subscript, refuses_what_is_out_of_range) {
  const Array x = counted({2, 3});
  EXPECT_EQ(error_of([&] { x[2]; }), "index: position 2 is out of range; axis 0 has size 2");
  EXPECT_EQ(error_of([&] { x[SIZE_MAX]; }), "index: position 9223372036854775807 is out of range; axis 0 has size 2");
  EXPECT_EQ(x[slice(size_t{0}, SIZE_MAX)].shape(0), 2);
  EXPECT_EQ(error_of([&] { (void)x[{0, -4}]; }), "index: position -4 is out of range; axis 1 has size 3");
  EXPECT_EQ(error_of([&] { (void)x[{0, 0, 0}]; }), "index: there are indices for 3 axes, the array is (2, 3) of rank 2");
  EXPECT_EQ(error_of([&] { (void)x[{ellipsis, ellipsis}]; }), "index: there are 2 ellipses; one is allowed");
  EXPECT_EQ(error_of([&] { x[slice(0, 1, 0)]; }), "index: the step of a slice of axis 0 is 0; it must not be");
  EXPECT_EQ(error_of([&] { x[array({0.5})]; }), "index: the index has dtype float32; it must be an integer's");
  EXPECT_EQ(error_of([&] { x[array({0, 7})].eval(); }), "gather: index out of range: element 1 is 7; it must be at most 1");
  EXPECT_NE(error_of([&] { (void)x[{array({0, 1}), array({0, 1, 2})}]; }), "no error");
  EXPECT_NE(error_of([&] { x[Array()]; }), "no error");
}

TEST(set, rebinds_this_variable_only) {
  Array x = zeros({2, 3});
  const Array copy = x;
  x.set({0, slice()}, 5);
  EXPECT_EQ(values(x), (Values{5, 5, 5, 0, 0, 0}));
  EXPECT_EQ(values(copy), Values(6, 0));
  x.set(x > 2, -1);
  EXPECT_EQ(values(x), (Values{-1, -1, -1, 0, 0, 0}));
  x.set({slice(), array({2, 0})}, array({{1, 2}, {3, 4}}));
  EXPECT_EQ(values(x), (Values{2, -1, 1, 4, 0, 3}));
  x.set({slice({}, {}, -1), slice(0, 2)}, array({7, 8}));
  EXPECT_EQ(values(x), (Values{7, 8, 1, 7, 8, 3}));
  x.set(x > 7, array({100, 200}));
  EXPECT_EQ(values(x), (Values{7, 100, 1, 7, 200, 3}));
  x.set(ellipsis, 0);
  EXPECT_EQ(values(x), Values(6, 0));
  EXPECT_EQ(x.dtype(), float32);
}

TEST(set, keeps_the_last_of_repeated_positions_and_add_sums_them) {
  Array x = zeros({3});
  x.set(array({1, 1}), array({5, 6}));
  EXPECT_EQ(values(x), (Values{0, 6, 0}));
  x.add(array({1, 1, -1}), array({1, 2, 3}));
  EXPECT_EQ(values(x), (Values{0, 9, 3}));
  x.add(slice(0, 2), 1);
  EXPECT_EQ(values(x), (Values{1, 10, 3}));
  x.add(x > 2, 0.5);
  EXPECT_EQ(values(x), (Values{1, 10.5, 3.5}));
}

TEST(set, refuses_values_that_do_not_fit) {
  Array x = zeros({2, 3}, int64);
  EXPECT_EQ(error_of([&] { x.set(0, 0.5); }),
            "set: the array has dtype int64, the value has float64, which it cannot hold; convert one of them with astype");
  EXPECT_NE(error_of([&] { x.set(0, zeros({4}, int64)); }), "no error");
  EXPECT_NE(error_of([&] { x.set(5, 1); }), "no error");
  EXPECT_NE(error_of([&] { x.set(0, Array()); }), "no error");
  EXPECT_EQ(values(x), Values(6, 0));
}

TEST(set, can_feed_a_long_loop) {
  Array x = zeros({10});
  for (int i = 0; i < 1000; ++i) x.set(i % 10, i);
  EXPECT_EQ(values(x), (Values{990, 991, 992, 993, 994, 995, 996, 997, 998, 999}));
}

TEST(take, replaces_the_axis_by_the_indices_shape) {
  const Array x = counted({2, 3});
  EXPECT_EQ(values(take(x, array({0, 5, -1}))), (Values{0, 5, 5}));
  EXPECT_EQ(values(take(x, array({{2, 0}}), 1)), (Values{2, 0, 5, 3}));
  EXPECT_EQ(take(x, array({{2, 0}}), 1).shape(), Shape({2, 1, 2}));
  EXPECT_EQ(take(x, 1, 0).shape(), Shape({3}));
  EXPECT_NE(error_of([&] { take(x, array({0}), 2); }), "no error");
}

TEST(take_along_axis, broadcasts_and_gather_does_not) {
  const Array x = counted({2, 3});
  EXPECT_EQ(values(take_along_axis(x, array({{2, 0}}), 1)), (Values{2, 0, 5, 3}));
  EXPECT_EQ(values(gather(x, array({{2, 0}}), 1)), (Values{2, 0}));
  EXPECT_EQ(values(gather(x, array({{1, 0, 1}}), 0)), (Values{3, 1, 5}));
  EXPECT_NE(error_of([&] { gather(x, array({{0}, {0}, {0}}), 1); }), "no error");
  EXPECT_EQ(error_of([&] { gather(x, array({{3}}), 1).eval(); }), "gather: index out of range: element 0 is 3; it must be at most 2");
}

TEST(scatter, writes_and_adds_along_an_axis) {
  EXPECT_EQ(values(scatter(zeros({2, 3}), array({{0, 2}}), array({{5.0, 6.0}}), 1)), (Values{5, 0, 6, 0, 0, 0}));
  EXPECT_EQ(values(scatter_add(zeros({2, 3}), array({{0, 0, 2}, {1, 1, 1}}), 1, 1)), (Values{2, 0, 1, 0, 3, 0}));
  EXPECT_EQ(values(index_add(zeros({2, 2}), array({1, 1}), array({{1, 2}, {3, 4}}), 0)), (Values{0, 0, 4, 6}));
  EXPECT_EQ(values(index_copy(zeros({2, 2}), array({1}), 7, 1)), (Values{0, 7, 0, 7}));
}

TEST(one_hot, and_embedding_refuse_negative_classes) {
  EXPECT_EQ(values(one_hot(array({2, 0}), 3)), (Values{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(one_hot(array({2, 0}), 3, bool_).dtype(), bool_);
  EXPECT_EQ(values(embedding(eye(2), array({{1, 0}}))), (Values{0, 1, 1, 0}));
  EXPECT_EQ(error_of([] { one_hot(array({0, 3}), 3).eval(); }), "one_hot: index out of range: element 1 is 3; it must be at most 2");
  EXPECT_EQ(error_of([] { embedding(eye(2), array({-1})).eval(); }),
            "embedding: index out of range: element 0 is -1; it must be at least 0");
  EXPECT_NE(error_of([] { embedding(zeros(3), array({0})); }), "no error");
  EXPECT_NE(error_of([] { one_hot(array({0.5}), 3); }), "no error");
}

TEST(unravel_index, refuses_positions_outside_the_shape) {
  EXPECT_EQ(values(unravel_index(array({0, 5, 3}), {2, 3})), (Values{0, 0, 1, 2, 1, 0}));
  EXPECT_EQ(values(unravel_index(array({23}, uint8), {2, 3, 4})), (Values{1, 2, 3}));
  EXPECT_EQ(unravel_index(array({0}, int32)[0], {1}).shape(), Shape({1}));
  EXPECT_EQ(error_of([] {
              unravel_index(array({5, 100}), {2, 3}).eval();
            }),
            "unravel_index: index out of range: element 1 is 100; it must be at most 5");
  EXPECT_EQ(error_of([] {
              unravel_index(array({-1}), {2, 3}).eval();
            }),
            "unravel_index: index out of range: element 0 is -1; it must be at least 0");
  EXPECT_NE(error_of([] { unravel_index(array({0}), {0, 3}).eval(); }), "no error");
}

TEST(indices, out_of_range_are_errors_everywhere) {
  const Array x = ones({3, 2});
  for (const int64_t bad : {int64_t{3}, int64_t{-4}, INT64_MAX, INT64_MIN}) {
    const Array i = array({bad}), column = array({{bad, 0}}), corner = array({bad, 0});
    EXPECT_NE(error_of([&] { take(x, i, 0).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { take(x, array({bad > 0 ? std::max<int64_t>(bad, 6) : std::min<int64_t>(bad, -7)})).eval(); }), "no error")
        << bad;
    EXPECT_NE(error_of([&] { take_along_axis(x, column, 0).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { gather(x, column, 0).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { scatter(x, column, 1, 0).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { scatter_add(x, column, 1, 0).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { index_copy(x, i, 1, 0).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { index_add(x, i, 1, 0).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { embedding(x, i).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { one_hot(i, 3).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { unravel_index(i, {3}).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { dynamic_slice(x, corner, {1, 1}).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { dynamic_update_slice(x, ones({1, 1}), corner).eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { x[bad].eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { x[i].eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { x[{ellipsis, bad}].eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { Array y = x; y.set(bad, 1); y.eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { Array y = x; y.set(i, 1); y.eval(); }), "no error") << bad;
    EXPECT_NE(error_of([&] { Array y = x; y.add(i, 1); y.eval(); }), "no error") << bad;
  }
  for (const int64_t k : {int64_t{-1}, int64_t{4}, INT64_MAX}) EXPECT_NE(error_of([&] { topk(x, k, 0).first.eval(); }), "no error") << k;
  EXPECT_EQ(topk(x, 0, 0).first.shape(), Shape({0, 2}));
  EXPECT_EQ(values(roll(arange(3), INT64_MIN)), values(roll(arange(3), (INT64_MIN % 3 + 3) % 3)));
  EXPECT_EQ(values(roll(arange(3), INT64_MAX)), values(roll(arange(3), INT64_MAX % 3)));
}

TEST(nonzero, lists_positions_row_major) {
  const Array x = array({{0, 1}, {2, 0}});
  EXPECT_EQ(values(argwhere(x)), (Values{0, 1, 1, 0}));
  EXPECT_EQ(values(nonzero(x)[1]), (Values{1, 0}));
  EXPECT_EQ(argwhere(zeros({2, 2})).shape(), Shape({0, 2}));
  EXPECT_EQ(argwhere(array(1)).shape(), Shape({1, 0}));
}

TEST(sort, brings_in_order_along_any_axis) {
  const Array x = array({{3, 1, 2}, {1, 5, 0}});
  EXPECT_EQ(values(sort(x)), (Values{1, 2, 3, 0, 1, 5}));
  EXPECT_EQ(values(sort(x, 0)), (Values{1, 1, 0, 3, 5, 2}));
  EXPECT_EQ(values(sort(x, 1, true)), (Values{3, 2, 1, 5, 1, 0}));
  EXPECT_EQ(values(argsort(x, 0)), (Values{1, 0, 1, 0, 1, 0}));
  const auto [top, where] = topk(x, 2);
  EXPECT_EQ(values(top), (Values{3, 2, 5, 1}));
  EXPECT_EQ(values(where), (Values{0, 2, 1, 0}));
  EXPECT_EQ(values(topk(x, 1, 0, false).first), (Values{1, 1, 0}));
  EXPECT_EQ(sort(zeros({0, 3}), 0).shape(), Shape({0, 3}));
  EXPECT_EQ(error_of([&] { topk(x, 4); }), "topk: k is 4, axis 1 has size 3; k must be 0 to 3");
  EXPECT_NE(error_of([&] { sort(Array(1)); }), "no error");
}

TEST(searchsorted, finds_places) {
  EXPECT_EQ(values(searchsorted(array({1, 3, 5}), array({0, 3, 6}))), (Values{0, 1, 3}));
  EXPECT_EQ(values(searchsorted(array({1, 3, 5}), array({0, 3, 6}), Side::right)), (Values{0, 2, 3}));
  EXPECT_EQ(values(searchsorted(array({{1, 3}, {5, 7}}), array({{4}, {4}}))), (Values{2, 0}));
  EXPECT_NE(error_of([] { searchsorted(zeros({2, 3}), zeros({3, 1})); }), "no error");
}

TEST(WriteRows, TakesPositionsOutsideToTheNearest) {
  const Array x = zeros({2, 3}), source = array({{{1.0f, 2.0f}}, {{3.0f, 4.0f}}});
  const auto written = [&](std::vector<int64_t> at) {
    return rule::write_rows(x, reshape(source, {2, 2}), array(std::move(at)), 1).to_vector<float>();
  };
  EXPECT_EQ(written({2, 0}), (std::vector<float>{2, 0, 1, 4, 0, 3}));
  EXPECT_EQ(written({-5, 9}), (std::vector<float>{1, 0, 2, 3, 0, 4}));
  const Array far = array(std::vector<int64_t>{INT64_MIN, INT64_MAX});
  EXPECT_EQ(rule::write_rows(x, reshape(source, {2, 2}), far, 1).to_vector<float>(), written({0, 2}));
}

}  // namespace
}  // namespace gradus
