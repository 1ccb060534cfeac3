// Arrays as NumPy 2.4 prints them: each text is str() of the same array there.
#include <gtest/gtest.h>

#include <limits>

#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

TEST(print, agrees_with_numpy) {
  struct Row {
    Array array;
    const char* text;
  };
  const Row rows[] = {
      {array({0.0001, 1.0}, float64),
       R"([1.e-04 1.e+00])"},
      {array({0.0001, 0.01}, float64),
       R"([0.0001 0.01  ])"},
      {array({0.00009, 0.01}, float64),
       R"([9.e-05 1.e-02])"},
      {array({0.002, 1.0}, float64),
       R"([0.002 1.   ])"},
      {array({0.0009, 1.0}, float64),
       R"([9.e-04 1.e+00])"},
      {array({99999999.0, 100000.0}, float64),
       R"([99999999.   100000.])"},
      {array({100000000.0, 100000000.0}, float64),
       R"([1.e+08 1.e+08])"},
      {array({1.0, 1000.0}, float64),
       R"([   1. 1000.])"},
      {array({1.0, 1001.0}, float64),
       R"([1.000e+00 1.001e+03])"},
      {array({0.1, 0.25, 1.0 / 3}, float64),
       R"([0.1        0.25       0.33333333])"},
      {array({1.0 / 3, -2.0 / 3}),
       R"([ 0.33333334 -0.6666667 ])"},
      {array({123.456, 7.0}),
       R"([123.456   7.   ])"},
      {array({0.0, -0.0}, float64),
       R"([ 0. -0.])"},
      {array({1e-8, 3e-8}, float64),
       R"([1.e-08 3.e-08])"},
      {array({1.5e-8, -3.25e9, 0.0}, float64),
       R"([ 1.50e-08 -3.25e+09  0.00e+00])"},
      {array({1.23456789e10, 1.0}, float64),
       R"([1.23456789e+10 1.00000000e+00])"},
      {array({kNan, 1e-9, kInf}, float64),
       R"([   nan 1.e-09    inf])"},
      {array({-kInf, 123.25}, float64),
       R"([  -inf 123.25])"},
      {array({kInf, kNan}, float64),
       R"([inf nan])"},
      {array({0.1, 2048.0}, float16),
       R"([9.998e-02 2.048e+03])"},
      {array({1.1, 65504.0}, float16),
       R"([1.10e+00 6.55e+04])"},
      {array({{-5, 0}, {12345, 7}}),
       R"([[   -5     0]
 [12345     7]])"},
      {array({{true, false}, {false, false}}),
       R"([[ True False]
 [False False]])"},
      {reshape(arange(40), {2, 20}) * 12345,
       R"([[     0  12345  24690  37035  49380  61725  74070  86415  98760 111105
  123450 135795 148140 160485 172830 185175 197520 209865 222210 234555]
 [246900 259245 271590 283935 296280 308625 320970 333315 345660 358005
  370350 382695 395040 407385 419730 432075 444420 456765 469110 481455]])"},
      {reshape(arange(1002), {501, 2}),
       R"([[   0    1]
 [   2    3]
 [   4    5]
 ...
 [ 996  997]
 [ 998  999]
 [1000 1001]])"},
      {reshape(arange(2 * 7 * 80), {2, 7, 80}),
       R"([[[   0    1    2 ...   77   78   79]
  [  80   81   82 ...  157  158  159]
  [ 160  161  162 ...  237  238  239]
  ...
  [ 320  321  322 ...  397  398  399]
  [ 400  401  402 ...  477  478  479]
  [ 480  481  482 ...  557  558  559]]

 [[ 560  561  562 ...  637  638  639]
  [ 640  641  642 ...  717  718  719]
  [ 720  721  722 ...  797  798  799]
  ...
  [ 880  881  882 ...  957  958  959]
  [ 960  961  962 ... 1037 1038 1039]
  [1040 1041 1042 ... 1117 1118 1119]]])"},
      {reshape(arange(6 * 200), {6, 200}),
       R"([[   0    1    2 ...  197  198  199]
 [ 200  201  202 ...  397  398  399]
 [ 400  401  402 ...  597  598  599]
 [ 600  601  602 ...  797  798  799]
 [ 800  801  802 ...  997  998  999]
 [1000 1001 1002 ... 1197 1198 1199]])"},
      {reshape(arange(7 * 200), {7, 200}),
       R"([[   0    1    2 ...  197  198  199]
 [ 200  201  202 ...  397  398  399]
 [ 400  401  402 ...  597  598  599]
 ...
 [ 800  801  802 ...  997  998  999]
 [1000 1001 1002 ... 1197 1198 1199]
 [1200 1201 1202 ... 1397 1398 1399]])"},
      {reshape(arange(8), {2, 2, 1, 2}),
       R"([[[[0 1]]

  [[2 3]]]


 [[[4 5]]

  [[6 7]]]])"},
      {reshape(arange(3), {3, 1}),
       R"([[0]
 [1]
 [2]])"},
  };
  for (const Row& row : rows) EXPECT_EQ(to_text(row.array), row.text);
}

TEST(print, scalars_agree_with_python) {
  const std::pair<double, const char*> rows[] = {
      {1e+16, "1e+16"},
      {9999999999999998.0, "9999999999999998.0"},
      {0.0001, "0.0001"},
      {9.999e-05, "9.999e-05"},
      {123456789.125, "123456789.125"},
      {-2.5, "-2.5"},
      {kNan, "nan"},
      {-kInf, "-inf"},
      {100.0, "100.0"},
      {1e+22, "1e+22"},
      {5e-324, "5e-324"},
  };
  for (const auto& [value, text] : rows) EXPECT_EQ(to_text(array(value, float64)), text);
  EXPECT_EQ(to_text(array(1.0 / 3)), "0.33333334");
  EXPECT_EQ(to_text(array(1.0 / 3, float16)), "0.3333");
  EXPECT_EQ(to_text(array(-7, int32)), "-7");
  EXPECT_EQ(to_text(array(false)), "False");
}

}  // namespace
}  // namespace gradus
