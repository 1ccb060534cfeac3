#include "gradus/array/memory.hpp"
#include "gradus/ops/creation.hpp"

#include <gtest/gtest.h>

#include <array>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

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

TEST(array, takes_shape_and_dtype_from_the_literals) {
  EXPECT_EQ(array({1, 2, 3}).dtype(), int64);
  EXPECT_EQ(array({1, 2.5, 3}).dtype(), float32);
  EXPECT_EQ(array({true, false}).dtype(), bool_);
  EXPECT_EQ(array({true, 2}).dtype(), int64);
  EXPECT_EQ(array({{1, 2}, {3, 4}}, float64).dtype(), float64);
  EXPECT_EQ(array({{1}}).shape(), Shape({1, 1}));
  EXPECT_EQ(array({{{1, 2}, {3, 4}, {5, 6}}}).shape(), Shape({1, 3, 2}));
  EXPECT_EQ(array({1, 2, 3, 4}, {2, 2}).shape(), Shape({2, 2}));
  EXPECT_EQ(array(5).rank(), 0);
  EXPECT_EQ(array({}).shape(), Shape({0}));
}

TEST(array, refuses_ragged_literals_with_the_place) {
  EXPECT_EQ(error_of([] {
              array({{1, 2}, {3}});
            }),
            "array: list [1] has 1 elements, the first one at that depth has 2; all must be equally long");
  EXPECT_EQ(error_of([] { array({{{1}, {2}}, {{3}, 4}}); }),
            "array: element [1][1] is a number, the first one at that depth is a list; nesting must be equally deep everywhere");
  EXPECT_EQ(error_of([] { array({1, {2}}); }),
            "array: element [1] is a list, the first one at that depth is a number; nesting must be equally deep everywhere");
  EXPECT_EQ(error_of([] { array({1, 2, 3}, {2, 2}); }), "array: there are 3 numbers, shape (2, 2) has 4 elements; they must be equal");
}

TEST(array, refuses_numbers_out_of_the_dtype_s_range) {
  EXPECT_EQ(error_of([] { array({300}, uint8); }), "array: 300 is out of the range of uint8, 0 to 255");
  EXPECT_EQ(error_of([] { array({1.5}, int32); }), "array: 1.5 is not a number of int32");
  EXPECT_NE(error_of([] { array({18446744073709551615ull}); }), "no error");
  EXPECT_EQ(error_of([] {
              array(std::vector<uint64_t>{1, 18446744073709551615ull});
            }),
            "array: element 1 is 18446744073709551615, above the largest int64");
  EXPECT_EQ(error_of([] {
              array(std::vector<uint64_t>{9223372036854775808ull, 1});
            }),
            "array: element 0 is 9223372036854775808, above the largest int64");
  EXPECT_EQ(array(std::vector<uint64_t>{9223372036854775807ull}).item<int64_t>(), INT64_MAX);
  EXPECT_EQ(error_of([] { Array(uint64_t{9223372036854775808u}); }),
            "array: 9223372036854775808 is above the largest int64, 9223372036854775807");
  EXPECT_EQ(error_of([] { ones({2}, int64) + 18446744073709551615u; }),
            "array: 18446744073709551615 is above the largest int64, 9223372036854775807");
  EXPECT_EQ(error_of([] { full({2}, uint64_t{18446744073709551615u}); }),
            "array: 18446744073709551615 is above the largest int64, 9223372036854775807");
  EXPECT_EQ(Array(uint64_t{9223372036854775807u}).item<int64_t>(), INT64_MAX);
}

TEST(array, keeps_the_element_type_of_containers) {
  EXPECT_EQ(array(std::vector<double>{1, 2}).dtype(), float64);
  EXPECT_EQ(array(std::vector<float>{1, 2}, {2, 1}).shape(), Shape({2, 1}));
  EXPECT_EQ(array(std::vector<bool>{true, false}).dtype(), bool_);
  EXPECT_EQ(array(std::vector<uint16_t>{65535}).dtype(), int32);
  EXPECT_EQ(values(array(std::vector<uint16_t>{65535})), (std::vector<double>{65535}));
  EXPECT_EQ(array(std::vector<uint32_t>{4000000000u}).dtype(), int64);
  const std::array<float, 4> plain{1, 2, 3, 4};
  EXPECT_EQ(values(array(plain.data(), {2, 2})), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(values(array(std::span<const float>(plain))), (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(error_of([] {
              array(std::vector<float>(3), {2, 2});
            }),
            "array: there are 3 numbers, shape (2, 2) has 4 elements; they must be equal");
}

TEST(from_buffer, borrows_and_gives_back_once) {
  int released = 0;
  const float data[] = {1, 2, 3};
  {
    const Array x = from_buffer(data, {3}, [&] { ++released; });
    EXPECT_EQ(x.data<float>(), data);
    EXPECT_EQ(values(x + 1), (std::vector<double>{2, 3, 4}));
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
}

TEST(full, costs_no_memory) {
  const int64_t before = memory_use().live;
  const Array x = zeros({100000, 1000}), y = full({100000, 1000}, 0.5), z = ones_like(x);
  EXPECT_LT(memory_use().live - before, 10000);
  EXPECT_EQ((x[{99999, 999}].item()), 0);
  EXPECT_EQ((y[{5, 7}].item()), 0.5);
  EXPECT_EQ((z[{5, 7}].item()), 1);
}

TEST(full, takes_the_kind_of_its_value) {
  EXPECT_EQ(full({2}, 0.5).dtype(), float32);
  EXPECT_EQ(full({2}, 3).dtype(), int64);
  EXPECT_EQ(full({2}, true).dtype(), bool_);
  EXPECT_EQ(full({2}, 3, float64).dtype(), float64);
  EXPECT_FALSE(full({2}, 3).is_weak());
  EXPECT_EQ(values(full({2, 2}, array({1.0, 2.0}))), (std::vector<double>{1, 2, 1, 2}));
  EXPECT_EQ(error_of([] { full({2}, 300, uint8); }), "full: 300 is out of the range of uint8, 0 to 255");
  EXPECT_EQ(zeros({}).rank(), 0);
  EXPECT_EQ(zeros(3).shape(), Shape({3}));
}

TEST(shapes, refuse_negative_sizes_and_overflow) {
  EXPECT_EQ(error_of([] { zeros({-1, 2}); }), "shape: (-1, 2) has the size -1; sizes must not be negative");
  EXPECT_NE(error_of([] { zeros({int64_t{1} << 40, int64_t{1} << 40}); }), "no error");
  EXPECT_NE(error_of([] { arange(int64_t{1} << 60); }), "no error");
  EXPECT_NE(error_of([] { eye(-1); }), "no error");
  EXPECT_NE(error_of([] { diag_embed(zeros(3), INT64_MIN); }), "no error");
}

TEST(arange, counts_like_numpy) {
  EXPECT_EQ(values(arange(5)), (std::vector<double>{0, 1, 2, 3, 4}));
  EXPECT_EQ(arange(5).dtype(), int64);
  EXPECT_EQ(arange(5, float32).dtype(), float32);
  EXPECT_EQ(arange(0, 1, 0.25).dtype(), float32);
  EXPECT_EQ(values(arange(5, -1, -2)), (std::vector<double>{5, 3, 1}));
  EXPECT_EQ(arange(0.5, 0.5).size(), 0);
  EXPECT_EQ(arange(3, 1).size(), 0);
  EXPECT_EQ(values(arange(1, 2, 0.3, float64)), (std::vector<double>{1, 1.3, 1.6, 1.9}));
  EXPECT_EQ(values(arange(INT64_MAX - 1, INT64_MAX)).size(), 1u);
  EXPECT_EQ(error_of([] { arange(0, 5, 0); }), "arange: step is 0; it must not be");
  EXPECT_NE(error_of([] { arange(0, 300, 1, uint8); }), "no error");
  EXPECT_NE(error_of([] { arange(0.0, std::numeric_limits<double>::quiet_NaN()); }), "no error");
}

TEST(linspace, hits_both_ends) {
  EXPECT_EQ(values(linspace(0, 1, 5)), (std::vector<double>{0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(linspace(0, 1, 0).size(), 0);
  EXPECT_EQ(values(linspace(-2, 3, 1)), (std::vector<double>{-2}));
  EXPECT_EQ(linspace(0, 0.3, 7, float64).to_vector<double>().back(), 0.3);
  EXPECT_EQ(error_of([] { linspace(0, 1, -1); }), "linspace: count is -1; it must not be negative");
}

TEST(matrices, of_ones_on_diagonals) {
  EXPECT_EQ(values(eye(2, 3, 1)), (std::vector<double>{0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(values(tri(2, 3)), (std::vector<double>{1, 0, 0, 1, 1, 0}));
}

TEST(triangles, keep_one_side) {
  const Array x = reshape(arange(9), {3, 3});
  EXPECT_EQ(values(tril(x)), (std::vector<double>{0, 0, 0, 3, 4, 0, 6, 7, 8}));
  EXPECT_EQ(values(triu(x, 1)), (std::vector<double>{0, 1, 2, 0, 0, 5, 0, 0, 0}));
  EXPECT_EQ(tril(x).dtype(), int64);
  EXPECT_EQ(error_of([] { tril(arange(3)); }), "tril: x is (3,); it must have rank 2 or more");
}

TEST(diag, builds_and_reads) {
  EXPECT_EQ(values(diag(array({1, 2}), 1)), (std::vector<double>{0, 1, 0, 0, 0, 2, 0, 0, 0}));
  EXPECT_EQ(values(diag(array({1, 2}), -1)), (std::vector<double>{0, 0, 0, 1, 0, 0, 0, 2, 0}));
  const Array x = reshape(arange(12), {3, 4});
  EXPECT_EQ(values(diag(x)), (std::vector<double>{0, 5, 10}));
  EXPECT_EQ(values(diag(x, 2)), (std::vector<double>{2, 7}));
  EXPECT_EQ(values(diag(x, -2)), (std::vector<double>{8}));
  EXPECT_EQ(diag(x, 9).size(), 0);
  EXPECT_EQ(diag(x, -9).size(), 0);
}

TEST(meshgrid, orders_axes_both_ways) {
  const auto xy = meshgrid({array({1, 2, 3}), array({4, 5})});
  EXPECT_EQ(values(xy[0]), (std::vector<double>{1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(values(xy[1]), (std::vector<double>{4, 4, 4, 5, 5, 5}));
  const auto ij = meshgrid({array({1, 2, 3}), array({4, 5})}, Indexing::ij);
  EXPECT_EQ(ij[0].shape(), Shape({3, 2}));
}

}  // namespace
}  // namespace gradus
