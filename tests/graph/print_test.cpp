// Expected texts are NumPy's.
#include "gradus/graph/print.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/checkpoint.hpp"

namespace gradus {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

TEST(print, aligns_floats_on_the_point) {
  EXPECT_EQ(to_text(array({1, 2.5, 3})), "[1.  2.5 3. ]");
  EXPECT_EQ(to_text(array({{1.5, 100.0}, {-2.25, 3.0}})), "[[  1.5  100.  ]\n [ -2.25   3.  ]]");
  EXPECT_EQ(to_text(array({1.0 / 3, 2.0 / 3}, float64)), "[0.33333333 0.66666667]");
  EXPECT_EQ(to_text(array({0.1, 0.2})), "[0.1 0.2]");
  EXPECT_EQ(to_text(array({0.1, 0.2}, bfloat16)), "[0.1 0.2]");
}

TEST(print, turns_to_exponents_where_sizes_differ_much) {
  EXPECT_EQ(to_text(array({1e10, 1.0, -3.5}, float64)), "[ 1.0e+10  1.0e+00 -3.5e+00]");
  EXPECT_EQ(to_text(array({1e-5, 1.0})), "[1.e-05 1.e+00]");
  EXPECT_EQ(to_text(array({1e-300, 1.5}, float64)), "[1.0e-300 1.5e+000]");
}

TEST(print, shows_nan_and_infinities_in_the_columns) {
  EXPECT_EQ(to_text(array({kNan, 1.0, -kInf})), "[ nan   1. -inf]");
  EXPECT_EQ(to_text(array({kInf, 0.25})), "[ inf 0.25]");
}

TEST(print, aligns_integers_and_bools) {
  EXPECT_EQ(to_text(array({{1, -20}, {300, 4}})), "[[  1 -20]\n [300   4]]");
  EXPECT_EQ(to_text(array({true, false})), "[ True False]");
  EXPECT_EQ(to_text(reshape(arange(4), {2, 1, 2})), "[[[0 1]]\n\n [[2 3]]]");
}

TEST(print, breaks_long_lines) {
  EXPECT_EQ(to_text(arange(30)), "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n 24 25 26 27 28 29]");
}

TEST(print, leaves_out_the_middle_above_1000_elements) {
  EXPECT_EQ(to_text(arange(2000)), "[   0    1    2 ... 1997 1998 1999]");
  EXPECT_EQ(to_text(zeros({1001, 2})), "[[0. 0.]\n [0. 0.]\n [0. 0.]\n ...\n [0. 0.]\n [0. 0.]\n [0. 0.]]");
}

TEST(print, shows_scalars_as_python_does_and_empty_arrays_as_brackets) {
  EXPECT_EQ(to_text(array(5)), "5");
  EXPECT_EQ(to_text(array(2.0)), "2.0");
  EXPECT_EQ(to_text(array(true)), "True");
  EXPECT_EQ(to_text(array(1e-7)), "1e-07");
  EXPECT_EQ(to_text(zeros({0, 3})), "[]");
}

TEST(print, streams) {
  std::ostringstream out;
  out << transpose(array({{1, 2}, {3, 4}}));
  EXPECT_EQ(out.str(), "[[1 3]\n [2 4]]");
}

TEST(graph_text, lists_nodes_before_their_readers) {
  const Array x = array({1.0, 2.0}), y = x * 2;
  EXPECT_EQ(graph_text(transpose(reshape(y + y, {1, 2}))),
            "%0 = data : float32 (2,)\n"
            "%1 = scalar 2 : int64 ()\n"
            "%2 = multiply(%0, %1) : float32 (2,)\n"
            "%3 = add(%2, %2) : float32 (2,)\n"
            "%4 = reshape(%3; shape=(1, 2)) : float32 (1, 2)\n"
            "%5 = transpose(%4; axes=(1, 0)) : float32 (2, 1)\n"
            "return %5\n");
}

TEST(graph_text, shows_the_graphs_inside_with_numbers_of_their_own) {
  const Array x = array({1.0, 2.0}), w = array({3.0, 4.0});
  EXPECT_EQ(graph_text(checkpoint([](const Array& a, const Array& b) { return a * b + b; })(x, w)),
            "%0 = data : float32 (2,)\n"
            "%1 = data : float32 (2,)\n"
            "%2 = checkpoint(%0, %1; graph=graph of 2 nodes) : float32 (2,)\n"
            "  graph:\n"
            "    %0 = parameter : float32 (2,)\n"
            "    %1 = parameter : float32 (2,)\n"
            "    %2 = multiply(%0, %1) : float32 (2,)\n"
            "    %3 = add(%2, %1) : float32 (2,)\n"
            "    return %3\n"
            "return %2\n");
}

TEST(graph_dot, names_nodes_and_edges) {
  const std::string dot = graph_dot(array({1.0}) + 1);
  EXPECT_NE(dot.find("n2 [label=\"add\\nfloat32 (1,)\"];"), std::string::npos) << dot;
  EXPECT_NE(dot.find("n0 -> n2;"), std::string::npos) << dot;
}

TEST(graph_text, walks_a_long_chain) {
  Array x = ones({1});
  for (int i = 0; i < 10000; ++i) x = x + 1;
  EXPECT_GT(graph_text(x).size(), 100000u);
}

}  // namespace
}  // namespace gradus
