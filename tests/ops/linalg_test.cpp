#include "gradus/ops/linalg.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/shape.hpp"
#include "tests/ops/expect.hpp"

namespace gradus {
namespace {

using test::expect_error;
using test::expect_values;

Array counted(const Shape& shape, DType dtype = float64) { return reshape(arange(shape.size(), float64) * 0.25 - 1, shape).astype(dtype); }

TEST(Matmul, vectors_count_as_a_row_and_a_column) {
  const Array m = array({{1, 2}, {3, 4}}), v = array({1, 10});
  expect_values(matmul(m, v), {2}, {21, 43});
  expect_values(matmul(v, m), {2}, {31, 42});
  expect_values(matmul(v, v), {}, {101});
  const Array stack_of_two = stack({m, 2 * m});
  expect_values(matmul(stack_of_two, v), {2, 2}, {21, 43, 42, 86});
  expect_values(matmul(v, stack_of_two), {2, 2}, {31, 42, 62, 84});
  EXPECT_EQ(matmul(m, v).dtype(), int64);
}

TEST(Matmul, batch_axes_broadcast) {
  const Array a = counted({2, 1, 3, 4}), b = counted({5, 4, 2});
  const Array y = matmul(a, b);
  EXPECT_EQ(y.shape(), (Shape{2, 5, 3, 2}));
  const std::vector<double> av = a.to_vector<double>(), bv = b.to_vector<double>(), yv = y.to_vector<double>();
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 5; ++j)
      for (int64_t r = 0; r < 3; ++r)
        for (int64_t c = 0; c < 2; ++c) {
          double sum = 0;
          for (int64_t k = 0; k < 4; ++k)
            sum += av[static_cast<size_t>((i * 3 + r) * 4 + k)] * bv[static_cast<size_t>((j * 4 + k) * 2 + c)];
          EXPECT_NEAR(yv[static_cast<size_t>(((i * 5 + j) * 3 + r) * 2 + c)], sum, 1e-12);
        }
}

TEST(Matmul, dtypes_meet) {
  const Array a = array({{1, 2}}), b = array({{0.5}, {1.5}});
  EXPECT_EQ(matmul(a, b).dtype(), float32);
  expect_values(matmul(a, b), {1, 1}, {3.5});
  EXPECT_EQ(matmul(a.astype(bool_), transpose(a).astype(uint8)).dtype(), uint8);
}

TEST(Matmul, errors) {
  expect_error([] { matmul(zeros({32, 784}), zeros({785, 128})); },
               "matmul: a is (32, 784) and b is (785, 128): a's last size (784) and b's second to last (785) must be equal");
  expect_error(
      [] {
        matmul(zeros({3, 4}), zeros(5));
      },
      "matmul: a is (3, 4) and b is (5,): a's last size (4) and b's only (5) must be equal");
  expect_error([] { matmul(zeros({3, 4}), 2.0); }, "matmul: b has rank 0; it must have an axis to sum over (numbers multiply by *)");
  expect_error([] { tensordot(zeros({3, 4}), zeros({3, 4}), 1); },
               "tensordot: a is (3, 4) and b is (3, 4): axis 1 of a (4) and axis 0 of b (3) must be equal");
}

TEST(Products, of_vectors_and_arrays) {
  const Array a = counted({2, 3}), b = counted({3, 2});
  expect_values(vdot(a, b), {}, {1.9375});
  expect_values(outer(array({1, 2}), array({3, 4, 5})), {2, 3}, {3, 4, 5, 6, 8, 10});
  expect_values(inner(array({{1, 2}, {3, 4}}), array({{1, 1}, {2, 0}})), {2, 2}, {3, 2, 7, 6});
  expect_values(tensordot(array({1, 2}), array({3, 4}), 0), {2, 2}, {3, 4, 6, 8});
  expect_values(dot(3, array({1, 2})), {2}, {3, 6});
  EXPECT_EQ(dot(zeros({2, 3, 4}), zeros({5, 4, 6})).shape(), (Shape{2, 3, 5, 6}));
  EXPECT_EQ(tensordot(zeros({2, 3, 4}), zeros({4, 2, 6}), Axes({0, 2}), Axes({1, 0})).shape(), (Shape{3, 6}));
  expect_values(kron(array({1, 2}), array({1, 10, 100})), {6}, {1, 10, 100, 2, 20, 200});
  expect_values(cross(array({1, 0, 0}), array({0, 1, 0})), {3}, {0, 0, 1});
  expect_values(linear(array({{1., 2.}}), array({{1.}, {1.}}), array({0.5})), {1, 1}, {3.5});
}

TEST(Norm, lengths) {
  const Array x = array({{3., 4.}, {0., 0.}});
  expect_values(linalg::norm(x), {}, {5});
  expect_values(linalg::norm(x, -1), {2}, {5, 0});
  expect_values(linalg::norm(x, 0, keepdims), {1, 2}, {3, 4});
  expect_values(linalg::vector_norm(x, 1, -1), {2}, {7, 0});
  expect_values(linalg::vector_norm(x, INFINITY, -1), {2}, {4, 0});
  expect_values(linalg::vector_norm(x, 0, -1), {2}, {2, 0});
  expect_values(linalg::vector_norm(array({3., 4.}, float64), 3, -1), {}, {std::cbrt(91)});
  EXPECT_TRUE(std::isnan(linalg::norm(array({NAN, 1.})).item()));
}

TEST(Linalg, chains_and_powers) {
  const Array a = counted({2, 3}), b = counted({3, 4}), c = counted({4, 2});
  const Array want = matmul(matmul(a, b), c);
  expect_values(linalg::multi_dot({a, b, c}), {2, 2}, want.to_vector<double>());
  const Array m = array({{1, 1}, {1, 0}});
  expect_values(linalg::matrix_power(m, 10), {2, 2}, {89, 55, 55, 34});
  expect_values(linalg::matrix_power(m, 0), {2, 2}, {1, 0, 0, 1});
  expect_error([&] { linalg::matrix_power(m, -1); }, "matrix_power: n is -1; it must be 0 or more");
}

// ---- einsum

TEST(Einsum, checks_the_sizes_of_a_letter_that_an_operand_has_twice) {
  expect_error([] { einsum("ii->i", ones({1, 3})); },
               "einsum: in \"ii->i\", 'i' is 1 and 3 in operand 0; a letter that an operand has twice must have one size there");
  EXPECT_THROW(einsum("ii->", ones({3, 1})), Error);
  EXPECT_THROW(einsum("iji->j", ones({1, 2, 3})), Error);
  EXPECT_THROW(einsum("ij,kk->ijk", ones({1, 2}), ones({4, 1})), Error);
  EXPECT_THROW(einsum("ii", ones({2, 3})), Error);
  EXPECT_THROW(einsum("...ii->...i", ones({2, 1, 3})), Error);
  EXPECT_THROW(einsum("ij,ij->ij", ones({2, 3}), ones({2, 4})), Error);
  // Between operands 1 meets any size, as in NumPy and PyTorch.
  expect_values(einsum("ii,i->i", ones({1, 1}), ones({3})), {3}, {1, 1, 1});
  expect_values(einsum("i,i->", ones({1}), ones({3})), {}, {3});
  expect_values(einsum("ij,jk->ik", ones({2, 1}), ones({3, 2})), {2, 2}, {3, 3, 3, 3});
  expect_values(einsum("...i,...i->...", ones({1, 3}), ones({2, 3})), {2}, {3, 3});
}


TEST(Einsum, two_operands) {
  const Array a = counted({2, 3}), b = counted({3, 4});
  expect_values(einsum("ij,jk->ik", a, b), {2, 4}, matmul(a, b).to_vector<double>());
  expect_values(einsum("ij,jk", a, b), {2, 4}, matmul(a, b).to_vector<double>());
  expect_values(einsum("ij,jk->ki", a, b), {4, 2}, transpose(matmul(a, b)).to_vector<double>());
  expect_values(einsum("ij,ij->", a, a), {}, {sum(a * a).item()});
  expect_values(einsum("ij,ij->i", a, a), {2}, sum(a * a, 1).to_vector<double>());
  expect_values(einsum(" i j , k l -> i k ", a, b), {2, 3}, outer(sum(a, 1), sum(b, 1)).to_vector<double>());
}

TEST(Einsum, one_operand) {
  const Array m = counted({3, 3}), x = counted({2, 3, 3});
  expect_values(einsum("ii->i", m), {3}, {-1, 0, 1});
  expect_values(einsum("ii", m), {}, {0});
  expect_values(einsum("ij->ji", m), {3, 3}, transpose(m).to_vector<double>());
  expect_values(einsum("...ii->...i", x), {2, 3}, {-1, 0, 1, 1.25, 2.25, 3.25});
  expect_values(einsum("ba", m), {3, 3}, transpose(m).to_vector<double>());
  expect_values(einsum("ijk->", x), {}, {sum(x).item()});
}

TEST(Einsum, ellipsis_broadcasts) {
  const Array a = counted({2, 1, 3, 4}), b = counted({5, 4, 2});
  expect_values(einsum("...ij,...jk->...ik", a, b), {2, 5, 3, 2}, matmul(a, b).to_vector<double>());
  expect_values(einsum("...a,a->...", counted({2, 3}), counted({3})), {2}, matmul(counted({2, 3}), counted({3})).to_vector<double>());
  expect_values(einsum("i,->i", array({1., 2.}), 3), {2}, {3, 6});
}

TEST(Einsum, against_plain_loops) {
  const Array a = counted({2, 3}), b = counted({3, 4, 2}), c = counted({4, 2});
  std::vector<double> want(static_cast<size_t>(3 * 2), 0);  // ij,jkl,kl->jl
  const std::vector<double> av = a.to_vector<double>(), bv = b.to_vector<double>(), cv = c.to_vector<double>();
  for (size_t i = 0; i < 2; ++i)
    for (size_t j = 0; j < 3; ++j)
      for (size_t k = 0; k < 4; ++k)
        for (size_t l = 0; l < 2; ++l) want[j * 2 + l] += av[i * 3 + j] * bv[(j * 4 + k) * 2 + l] * cv[k * 2 + l];
  expect_values(einsum("ij,jkl,kl->jl", a, b, c), {3, 2}, want);
}

TEST(Einsum, dtypes) {
  const Array i = array({{1, 2}, {3, 4}});
  EXPECT_EQ(einsum("ij,jk->ik", i, i).dtype(), int64);
  EXPECT_EQ(einsum("ij->i", i.astype(uint8)).dtype(), uint8);
  EXPECT_EQ(einsum("ij,jk->ik", i, i.astype(float32)).dtype(), float32);
}

TEST(Einsum, errors) {
  const Array a = zeros({2, 3});
  expect_error([&] { einsum("ij,jk->ik", a, a); },
               "einsum: in \"ij,jk->ik\", 'j' is 3 in operand 0 and 2 in operand 1; a letter must have one size");
  expect_error([&] { einsum("ij,jk->ik", a); }, "einsum: the equation \"ij,jk->ik\" names 2 operands, 1 were given; they must be as many");
  expect_error([&] { einsum("ijk->i", a); },
               "einsum: the equation \"ijk->i\" names 3 axes of operand 0, which is (2, 3); it must name each");
  expect_error([&] { einsum("ij->k", a); },
               "einsum: the equation \"ij->k\" has 'k' in the result and in no operand; the result's letters must occur in one");
  expect_error([&] { einsum("ij->ii", a); }, "einsum: the equation \"ij->ii\" has 'i' twice in the result; once is the most");
  expect_error([&] { einsum("i1->i", a); },
               "einsum: the equation \"i1->i\" has the character '1'; it may have letters, commas, \"...\" and one \"->\"");
  expect_error([&] { einsum("i......->i", a); }, "einsum: the equation \"i......->i\" has two ellipses in one operand; one is the most");
}

}  // namespace
}  // namespace gradus
