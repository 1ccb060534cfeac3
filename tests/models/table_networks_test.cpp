// Networks for tables: what codes mean, that each learns, options, files.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "gradus/gradus.hpp"
#include "gradus/models/models.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::models {
namespace {

using testing::error_of;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(EmbeddingWidth, grows_with_the_categories_up_to_50) {
  EXPECT_EQ(embedding_width(1), 2);  // ceil(1.6)
  EXPECT_EQ(embedding_width(7), 5);  // 1.6 * 7^0.56 = 4.76
  EXPECT_EQ(embedding_width(42), 13);
  EXPECT_EQ(embedding_width(1000000), 50);
  EXPECT_THROW(embedding_width(0), Error);
}

TEST(TableInput, puts_numbers_before_the_vectors_of_codes) {
  const TableInput input({.categories = {3, 2}, .embedding_widths = {2, 1}});
  const Array x = array({{0.5, 1.0, 2.0}, {-1.0, 3.0, 0.0}});
  const Array y = input(x);
  ASSERT_EQ(y.shape(), (Shape{2, 4}));
  EXPECT_EQ(input.width(3), 4);
  const Array first = input.table(0), second = input.table(1);
  EXPECT_EQ(first.shape(), (Shape{4, 2}));
  EXPECT_TRUE(array_equal(y[{slice(), slice(0, 1)}], x[{slice(), slice(0, 1)}].astype(float32)));
  EXPECT_TRUE(array_equal(y[{0, slice(1, 3)}], first[1]));
  EXPECT_TRUE(array_equal(y[{1, slice(1, 3)}], first[3]));
  EXPECT_TRUE(array_equal(y[{0, slice(3, 4)}], second[2]));
  EXPECT_EQ((y[{1, 3}].item()), 0) << "what was never seen starts as zeros";
  EXPECT_GT(min(abs(first[slice(1, {})])).item(), 0);
}

// Codes that are none are the same as 0, wherever they are: by themselves, in a gradient, in a compiled function, under vmap.
TEST(TableInput, takes_what_is_no_code_as_unseen) {
  TableInput input({.categories = {3}, .embedding_widths = {2}});
  const Array strange = array({{-1.0}, {4.0}, {1e30}, {1.5}, {kNan}, {-INFINITY}, {3e9}}).astype(float32);
  nn::build(input, {1, 1});
  input.tables[0].set(array({{5.0, 6.0}, {1.0, 1.0}, {2.0, 2.0}, {3.0, 3.0}}).astype(float32).eval());
  const Array want = broadcast_to(array({5.0, 6.0}).astype(float32), {7, 2});
  EXPECT_TRUE(array_equal(input(strange), want));
  auto compiled = compile([&](const Array& x) { return input(x); }, input);
  EXPECT_TRUE(array_equal(compiled(strange), want));
  EXPECT_TRUE(array_equal(vmap([&](const Array& row) { return input(expand_dims(row, 0))[0]; })(strange), want));
  // All of the gradient goes to row 0, and none to the codes.
  const Gradients grads = grad([&](const TableInput& m) { return sum(m(strange)); })(input);
  EXPECT_TRUE(array_equal(grads["tables.0"], array({{7.0, 7.0}, {0.0, 0.0}, {0.0, 0.0}, {0.0, 0.0}}).astype(float32)));
  const Array by_codes = grad([&](const Array& x) { return sum(input(x)); })(array({{1.0}, {2.5}}).astype(float32));
  EXPECT_TRUE(array_equal(by_codes, zeros({2, 1})));
}

TEST(TableInput, refuses_rows_that_lack_columns) {
  const TableInput input({.categories = {3, 2}});
  EXPECT_NE(error_of([&] {
              input(zeros({2, 1}));
            }).find("x has 1 columns, there are 2 categories; it must have a column for each, and one at least"),
            std::string::npos);
  EXPECT_THROW(input(zeros({3})), Error);
  EXPECT_THROW(TableInput()(zeros({2, 0})), Error);
  EXPECT_EQ(input(zeros({0, 5})).shape(0), 0);
}

TEST(TableInput, refuses_options_that_make_no_sense) {
  EXPECT_THROW(TableInput({.categories = {3, 0}}), Error);
  EXPECT_THROW(TableInput({.categories = {3, 2}, .embedding_widths = {4}}), Error);
  EXPECT_THROW(TableInput({.frequencies = -1}), Error);
  EXPECT_THROW(TableInput({.frequencies = 2, .frequency_scale = 0}), Error);
  EXPECT_NE(error_of([] {
              TableMLP({.categories = {3, 2}, .embedding_widths = {4}});
            }).find("embedding_widths has 1 numbers, categories 2; there must be one for each, or none"),
            std::string::npos);
}

TEST(TableInput, measures_numbers_by_waves) {
  const TableInput input({.frequencies = 2, .number_width = 3});
  const Array x = array({{0.25, -1.0}, {2.0, 0.5}});
  const Array y = input(x).eval();
  ASSERT_EQ(y.shape(), (Shape{2, 6}));
  const std::vector<double> c = input.frequencies.get().to_vector<double>(), w = input.wave_weight.get().to_vector<double>(),
                            b = input.wave_bias.get().to_vector<double>(), values = x.to_vector<double>();
  for (size_t row = 0; row < 2; ++row) {
    for (size_t column = 0; column < 2; ++column) {
      for (size_t unit = 0; unit < 3; ++unit) {
        double sum = b[column * 3 + unit];
        for (size_t k = 0; k < 2; ++k) {
          const double angle = 2 * M_PI * c[column * 2 + k] * values[row * 2 + column];
          sum += std::cos(angle) * w[(column * 4 + k) * 3 + unit] + std::sin(angle) * w[(column * 4 + 2 + k) * 3 + unit];
        }
        EXPECT_NEAR((y[{static_cast<int64_t>(row), static_cast<int64_t>(column * 3 + unit)}].item()), std::max(sum, 0.0), 1e-5);
      }
    }
  }
}

// The loss of rows whose label needs a number and a category together.
template <class M>
double loss_after(M model, int64_t epochs) {
  random::seed(4);
  const Array numbers = random::normal(random::key(1), {256, 2}), codes = floor(random::uniform(random::key(2), {256, 1}) * 3) + 1;
  const Array x = concatenate({numbers, codes}, 1).eval();
  const Array y = ((numbers[{slice(), 0}] > 0) != (codes[{slice(), 0}] == 2)).astype(int64).eval();
  const data::Dataset set(x, y);
  train::fit(model, set,
             {.loss = loss::sparse_categorical_crossentropy,
              .optimizer = optim::Adam(1e-2),
              .epochs = epochs,
              .batch_size = 64,
              .verbose = false});
  return train::evaluate(model, set, {.loss = loss::sparse_categorical_crossentropy, .verbose = false})["loss"];
}
TEST(TableNetworks, learn) {
  EXPECT_LT(loss_after(TableMLP({.outputs = 2, .categories = {3}, .hidden = {32}, .dropout = 0}), 30), 0.2);
  EXPECT_LT(loss_after(TableMLP({.outputs = 2, .categories = {3}, .hidden = {32}, .norm = TableNorm::batch}), 30), 0.25);
  EXPECT_LT(loss_after(TableMLP({.outputs = 2, .categories = {3}, .hidden = {32}, .norm = TableNorm::layer, .frequencies = 4}), 30), 0.25);
  EXPECT_LT(loss_after(TableResNet({.outputs = 2, .categories = {3}, .width = 16}), 30), 0.25);
  EXPECT_GT(loss_after(TableMLP({.outputs = 2, .categories = {3}, .hidden = {}}), 30), 0.5) << "no sum of the columns knows it";
}

TEST(TableNetworks, have_the_parameters_that_their_options_say) {
  const auto count = [](const auto& model, int64_t columns) {
    nn::build(model, {1, columns});
    return nn::count_parameters(model);
  };
  // (2 + 5 columns of a table of 8 rows) x 4 + 4, 4 x 3 + 3.
  EXPECT_EQ(count(TableMLP({.outputs = 3, .categories = {7}, .hidden = {4}}), 3), 8 * 5 + 7 * 4 + 4 + 4 * 3 + 3);
  EXPECT_EQ(count(TableMLP({.outputs = 3, .hidden = {4}, .norm = TableNorm::batch}), 3), 3 * 4 + 4 + 8 + 15);
  EXPECT_EQ(count(TableMLP({.hidden = {}, .frequencies = 2, .number_width = 3}), 5), 5 * (2 + 4 * 3 + 3) + 5 * 3 + 1);
  EXPECT_EQ(count(TableResNet({.outputs = 2, .width = 8, .blocks = 3}), 5),
            5 * 8 + 8 + 3 * (16 + 8 * 16 + 16 + 16 * 8 + 8) + 16 + 8 * 2 + 2);
}

TEST(TableNetworks, come_back_from_files_and_recipes_as_they_were) {
  const Array x =
      concatenate({random::normal(random::key(3), {5, 2}), array({{1.0}, {2.0}, {0.0}, {3.0}, {9.0}}).astype(float32)}, 1).eval();
  const auto check = [&](const auto& model) {
    const Array before = model(x).eval();
    const std::string path = ::testing::TempDir() + "table.gradus";
    io::save(model, path);
    EXPECT_TRUE(array_equal(io::load(path)(x), before)) << nn::detail::type_name<std::remove_cvref_t<decltype(model)>>();
    std::remove(path.c_str());
  };
  check(TableMLP({.outputs = 3, .categories = {3}, .hidden = {8, 4}, .activation = gelu}));
  check(TableMLP({.outputs = 3, .categories = {3}, .hidden = {8}, .norm = TableNorm::layer, .frequencies = 3}));
  check(TableMLP({.outputs = 3, .categories = {3}, .hidden = {8}, .norm = TableNorm::batch}));
  check(TableResNet({.outputs = 2, .categories = {3}, .width = 8}));
  check(nn::Sequential{TableInput({.categories = {3}}), nn::Dense(2)});
}

TEST(TableNetworks, keep_what_they_have_learnt_when_options_are_checked_again) {
  const Array x = array({{0.3, -0.5, 2.0}, {1.0, 2.0, 1.0}}).astype(float32);
  const auto check = [&](auto model) {
    const Array before = model(x).eval();
    model.options.dropout = 0.5;
    model.check();
    EXPECT_TRUE(array_equal(model(x), before));
    const auto copy = model;
    EXPECT_TRUE(array_equal(copy(x), before));
    EXPECT_EQ(nn::count_parameters(copy), nn::count_parameters(model));
  };
  check(TableMLP({.outputs = 3, .categories = {3}, .hidden = {8}, .norm = TableNorm::batch, .frequencies = 2}));
  check(TableResNet({.outputs = 2, .categories = {3}, .width = 8}));
}

TEST(TableNetworks, take_float64) {
  const TableMLP model({.categories = {3}, .hidden = {4}, .frequencies = 2});
  nn::build(model, {1, 3}, float64);
  EXPECT_EQ(model(zeros({2, 3}, float64)).dtype(), float64);
}

}  // namespace
}  // namespace gradus::models
