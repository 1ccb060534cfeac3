#include "gradus/ops/shape.hpp"

#include <gtest/gtest.h>

#include "gradus/base/error.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/plan/counters.hpp"

namespace gradus {
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

TEST(reshape, infers_one_size) {
  const Array x = counted({4, 6});
  EXPECT_EQ(reshape(x, {3, -1}).shape(), Shape({3, 8}));
  EXPECT_EQ(reshape(x, -1).shape(), Shape({24}));
  EXPECT_EQ(reshape(zeros({0, 3}), {0, 5}).shape(), Shape({0, 5}));
  EXPECT_EQ(error_of([&] { reshape(x, {5, 3}); }), "reshape: x has 24 elements, shape (5, 3) has 15; they must be equal");
  EXPECT_EQ(error_of([&] { reshape(x, {5, -1}); }), "reshape: x has 24 elements; no size in place of -1 makes (5, -1) hold as many");
  EXPECT_EQ(error_of([&] { reshape(x, {-1, -1}); }), "reshape: shape (-1, -1) has two sizes of -1; only one can follow from the others");
  EXPECT_EQ(error_of([&] { reshape(x, {-2, 3}); }), "reshape: shape (-2, 3) has the size -2; sizes must not be negative, but for one -1");
  EXPECT_NE(error_of([&] { reshape(x, {0, -1}); }), "no error");
  EXPECT_NE(error_of([&] { reshape(x, {int64_t{1} << 40, int64_t{1} << 40}); }), "no error");
}

TEST(reshape, of_strided_views_keeps_row_major_order) {
  const Array x = counted({4, 6});
  EXPECT_EQ(values(reshape(transpose(x), -1))[1], 6);
  EXPECT_EQ(values(reshape(x[{slice(), slice({}, {}, 2)}], -1)), (std::vector<double>{0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22}));
  EXPECT_EQ(values(reshape(transpose(counted({2, 3, 4}), {1, 0, 2}), {3, 8})), values(transpose(counted({2, 3, 4}), {1, 0, 2})));
  EXPECT_EQ(values(reshape(broadcast_to(array({1, 2}), {3, 2}), {2, 3})), (std::vector<double>{1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(values(reshape(flip(counted({6})), {2, 3})), (std::vector<double>{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(values(reshape(transpose(counted({2, 1, 3})), {3, 2, 1, 1})), (std::vector<double>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(values(reshape(transpose(x * 1), {2, 12})), values(transpose(x)));  // pending
}

TEST(views, of_computed_arrays_record_nothing) {
  const Array x = counted({4, 6});
  for (const Array& view : {x[slice(1, 3)], x[2], transpose(x), reshape(x, {3, 8}), broadcast_to(x, {2, 4, 6}), flip(x)}) {
    EXPECT_TRUE(view.node()->is_ready(0));
    EXPECT_EQ(view.node()->output(0).value.buffer, x.node()->output(0).value.buffer);
  }
}

TEST(views, taken_by_slicing_share_one_plan) {
  const Array x = counted({320, 4}).astype(float32).eval();
  const int64_t before = counters().plans_made;
  for (int i = 0; i < 10; ++i) sin(x[slice(32 * i, 32 * (i + 1))]).eval();
  EXPECT_LE(counters().plans_made - before, 1);
}

TEST(flatten, joins_a_range_of_axes) {
  const Array x = counted({2, 3, 4, 5});
  EXPECT_EQ(flatten(x, 1, 2).shape(), Shape({2, 12, 5}));
  EXPECT_EQ(flatten(x, 1).shape(), Shape({2, 60}));
  EXPECT_EQ(flatten(Array(3)).shape(), Shape({1}));
  EXPECT_NE(error_of([&] { flatten(x, 2, 1); }), "no error");
}

TEST(squeeze, drops_only_axes_of_size_one) {
  const Array x = counted({1, 3, 1});
  EXPECT_EQ(squeeze(x).shape(), Shape({3}));
  EXPECT_EQ(squeeze(x, -1).shape(), Shape({1, 3}));
  EXPECT_EQ(error_of([&] { squeeze(x, 1); }), "squeeze: axis 1 of x (1, 3, 1) has size 3; it must be 1");
  EXPECT_EQ(expand_dims(array({1, 2}), {0, -1}).shape(), Shape({1, 2, 1}));
  EXPECT_NE(error_of([&] { expand_dims(x, 5); }), "no error");
}

TEST(transpose, names_each_axis_once) {
  const Array x = counted({2, 3, 4});
  EXPECT_EQ(transpose(x).shape(), Shape({4, 3, 2}));
  EXPECT_EQ(transpose(x, {1, -1, 0}).shape(), Shape({3, 4, 2}));
  EXPECT_EQ(moveaxis(x, {0, 1}, {2, 0}).shape(), Shape({3, 4, 2}));
  EXPECT_EQ(swapaxes(x, 0, -1).shape(), Shape({4, 3, 2}));
  EXPECT_EQ(values(transpose(counted({2, 3}))), (std::vector<double>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(error_of([&] { transpose(x, {0, 1}); }), "transpose: axes (0, 1) name 2 axes, x has rank 3; each axis must be named once");
  EXPECT_EQ(error_of([&] { transpose(x, {0, 1, 1}); }), "transpose: axes (0, 1, 1) name axis 1 twice");
  EXPECT_NE(error_of([&] { transpose(x, {0, 1, 3}); }), "no error");
  EXPECT_NE(error_of([&] { moveaxis(x, {0, 1}, {0}); }), "no error");
}

TEST(broadcast_to, follows_numpy) {
  EXPECT_EQ(values(broadcast_to(array({{1}, {2}}), {2, 2})), (std::vector<double>{1, 1, 2, 2}));
  EXPECT_EQ(broadcast_to(zeros({1, 3}), {0, 3}).size(), 0);
  EXPECT_EQ(error_of([] { broadcast_to(zeros({2, 3}), {2, 4}); }),
            "broadcast_to: x is (2, 3), which does not broadcast to (2, 4); sizes must be equal or 1, counted from the last axis");
  EXPECT_NE(error_of([] { broadcast_to(zeros({2, 3}), {3}); }), "no error");
}

TEST(concatenate, promotes_and_checks) {
  EXPECT_EQ(values(concatenate({array({1, 2}), array({0.5})})), (std::vector<double>{1, 2, 0.5}));
  EXPECT_EQ(concatenate({array({1, 2}), array({0.5})}).dtype(), float32);
  EXPECT_EQ(values(concatenate({counted({2, 1}), transpose(counted({2, 2}))}, -1)), (std::vector<double>{0, 0, 2, 1, 1, 3}));
  EXPECT_EQ(concatenate({zeros({0, 2}), zeros({3, 2})}).shape(), Shape({3, 2}));
  EXPECT_EQ(error_of([] { concatenate({}); }), "concatenate: the list of arrays is empty; there must be one or more");
  EXPECT_EQ(error_of([] { concatenate({zeros({2, 3}), zeros({2, 4})}); }),
            "concatenate: array 0 is (2, 3) and array 1 is (2, 4); all sizes but that of axis 0 must be equal");
  EXPECT_NE(error_of([] { concatenate({zeros({2}), zeros({2})}, 1); }), "no error");
  EXPECT_NE(error_of([] { concatenate({Array(1)}); }), "no error");
  std::vector<Array> many(100, ones({1}));
  EXPECT_EQ(concatenate(many).size(), 100);
  EXPECT_EQ(values(concatenate(many)), std::vector<double>(100, 1));
}

TEST(stack, makes_a_new_axis) {
  const Array a = array({1, 2}), b = array({3, 4});
  EXPECT_EQ(values(stack({a, b})), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(values(stack({a, b}, -1)), (std::vector<double>{1, 3, 2, 4}));
  EXPECT_EQ(vstack({a, b}).shape(), Shape({2, 2}));
  EXPECT_EQ(hstack({a, b}).shape(), Shape({4}));
  EXPECT_EQ(dstack({a, b}).shape(), Shape({1, 2, 2}));
  EXPECT_EQ(values(column_stack({a, b})), (std::vector<double>{1, 3, 2, 4}));
  EXPECT_EQ(error_of([&] { stack({a, array({1})}); }), "stack: array 0 is (2,) and array 1 is (1,); the shapes must be equal");
}

TEST(split, of_every_kind) {
  const Array x = counted({6, 2});
  auto [first, second, third] = split<3>(x);
  EXPECT_EQ(values(second), (std::vector<double>{4, 5, 6, 7}));
  EXPECT_EQ(split_sizes(x, {1, 3, 2})[1].shape(), Shape({3, 2}));
  EXPECT_EQ(split_at(x, {1, 3})[2].shape(), Shape({3, 2}));
  EXPECT_EQ(split_at(x, {4, 2, 9})[1].size(), 0);
  EXPECT_EQ(array_split(x, 4)[0].shape(), Shape({2, 2}));
  EXPECT_EQ(array_split(x, 4)[3].shape(), Shape({1, 2}));
  EXPECT_EQ(values(unstack(x, 1)[1]), (std::vector<double>{1, 3, 5, 7, 9, 11}));
  EXPECT_NE(error_of([&] { split(x, 4); }), "no error");
  EXPECT_NE(error_of([&] { split(x, 0); }), "no error");
  EXPECT_EQ(error_of([&] { split_sizes(x, {1, 2}); }), "split: sizes (1, 2) add up to 3, axis 0 has size 6; they must be equal");
  EXPECT_NE(error_of([&] { split_sizes(x, {-1, 7}); }), "no error");
}

TEST(tile, and_repeat_refuse_negative_counts_and_overflow) {
  EXPECT_EQ(values(tile(array({1, 2}), {2, 2})), (std::vector<double>{1, 2, 1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(tile(counted({2, 3}), 2).shape(), Shape({2, 6}));
  EXPECT_EQ(values(repeat(array({1, 2}), 2)), (std::vector<double>{1, 1, 2, 2}));
  EXPECT_EQ(values(repeat(counted({2, 2}), 2, 1)), (std::vector<double>{0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(values(repeat_each(array({1, 2, 3}), {2, 0, 1}, 0)), (std::vector<double>{1, 1, 3}));
  EXPECT_NE(error_of([] { tile(zeros(2), -1); }), "no error");
  EXPECT_NE(error_of([] { repeat(zeros(2), int64_t{1} << 62); }), "no error");
  EXPECT_NE(error_of([] { tile(zeros({0, int64_t{1} << 40}), {1, int64_t{1} << 40}); }), "no error");
  EXPECT_NE(error_of([] { repeat_each(zeros(2), {1}, 0); }), "no error");
}

TEST(flip, roll_and_rot90_move_elements) {
  const Array x = counted({2, 3});
  EXPECT_EQ(values(flip(x)), (std::vector<double>{5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(values(flip(x, 1)), (std::vector<double>{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(values(roll(x, 1)), (std::vector<double>{5, 0, 1, 2, 3, 4}));
  EXPECT_EQ(values(roll(x, {-1, 7}, {0, 1})), (std::vector<double>{5, 3, 4, 2, 0, 1}));
  EXPECT_EQ(values(rot90(x)), (std::vector<double>{2, 5, 1, 4, 0, 3}));
  EXPECT_EQ(values(rot90(x, -1)), (std::vector<double>{3, 0, 4, 1, 5, 2}));
  EXPECT_EQ(flip(zeros({0, 3})).size(), 0);
}

TEST(pad, knows_numpys_modes) {
  const Array x = array({1, 2, 3});
  EXPECT_EQ(values(pad(x, {{1, 2}})), (std::vector<double>{0, 1, 2, 3, 0, 0}));
  EXPECT_EQ(values(pad(x, {{1, 2}}, 9)), (std::vector<double>{9, 1, 2, 3, 9, 9}));
  EXPECT_EQ(values(pad(x, {{2, 2}}, PadMode::edge)), (std::vector<double>{1, 1, 1, 2, 3, 3, 3}));
  EXPECT_EQ(values(pad(x, {{5, 1}}, PadMode::reflect)), (std::vector<double>{2, 1, 2, 3, 2, 1, 2, 3, 2}));
  EXPECT_EQ(values(pad(x, {{4, 1}}, PadMode::symmetric)), (std::vector<double>{3, 3, 2, 1, 1, 2, 3, 3}));
  EXPECT_EQ(values(pad(x, {{4, 1}}, PadMode::wrap)), (std::vector<double>{3, 1, 2, 3, 1, 2, 3, 1}));
  EXPECT_EQ(values(pad(array({7}), {{1, 1}}, PadMode::reflect)), (std::vector<double>{7, 7, 7}));
  EXPECT_EQ(error_of([&] { pad(x, {{-1, 0}}); }), "pad: the width of axis 0 is {-1, 0}; widths must not be negative");
  EXPECT_EQ(error_of([&] { pad(x, {1, 1}); }), "pad: there are 2 widths, x has rank 1; there must be one an axis");
  EXPECT_NE(error_of([&] { pad(x, {{INT64_MAX, 1}}); }), "no error");
  EXPECT_NE(error_of([&] { pad(zeros({0}), {1}, PadMode::edge); }), "no error");
}

TEST(dynamic_slice, takes_its_corner_as_an_operand) {
  const Array x = counted({4, 4});
  EXPECT_EQ(values(dynamic_slice(x, array({1, 2}), {2, 2})), (std::vector<double>{6, 7, 10, 11}));
  EXPECT_EQ(values(dynamic_update_slice(array({1, 2, 3}), array({9}), array({2}))), (std::vector<double>{1, 2, 9}));
  EXPECT_EQ(error_of([&] { dynamic_slice(x, array({1, 3}), {2, 2}).eval(); }),
            "dynamic_slice: starts put the window outside the array: element 1 is 3; it must be at most 2");
  EXPECT_NE(error_of([&] { dynamic_slice(x, array({1}), {2, 2}); }), "no error");
  EXPECT_NE(error_of([&] { dynamic_slice(x, array({1, 0}), {2, 5}); }), "no error");
  dynamic_slice(x, array({0, 0}), {2, 2}).eval();
  const int64_t before = counters().plans_made;
  for (int i = 0; i < 3; ++i) dynamic_slice(x, array({i, i}), {1, 1}).eval();
  EXPECT_LE(counters().plans_made - before, 1);
}

TEST(slices, refuse_windows_outside) {
  EXPECT_NE(error_of([] { strided_slice(zeros({3}), {1}, {3}, {1}); }), "no error");
  EXPECT_NE(error_of([] { strided_slice(zeros({3}), {0}, {2}, {0}); }), "no error");
  EXPECT_NE(error_of([] { slice_update(zeros({3}), zeros({2}), {2}, {1}); }), "no error");
  EXPECT_NE(error_of([] { slice_update(zeros({3}), zeros({2}, float64), {0}, {1}); }), "no error");
}

TEST(sliding_windows, slide) {
  EXPECT_EQ(values(sliding_windows(arange(6), 3, 0, 2)), (std::vector<double>{0, 1, 2, 2, 3, 4}));
  EXPECT_EQ(sliding_windows(counted({5, 2}), 2, 0).shape(), Shape({4, 2, 2}));
  EXPECT_NE(error_of([] { sliding_windows(arange(3), 4, 0); }), "no error");
}

}  // namespace
}  // namespace gradus
