// Linear models: coefficients of other systems, certified problems, standard errors, what has no optimum, bad input.
//
// Reference values: scikit-learn 1.9.1 at tolerances of 1e-13 and less, statsmodels 0.15.0, on the table that `sample` makes.
#include "gradus/models/linear.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::models {
namespace {

using testing::error_of;

double hundredths(double x) { return std::floor(100 * x + 0.5) / 100; }

// 60 rows of 4 columns and targets of two decimals; labels of two and three classes; weights 1, 2, 3.
struct Sample {
  Array x, y, label, label_3, weights;
};
Sample sample() {
  constexpr int64_t n = 60, d = 4;
  std::vector<double> x, y, w;
  std::vector<int64_t> label, label_3;
  for (int64_t i = 0; i < n; ++i) {
    double row[d];
    for (int64_t j = 0; j < d; ++j)
      x.push_back(row[j] = hundredths(1.5 * std::sin(static_cast<double>(1 + 3 * i + 7 * j + i * j)) + 0.2 * static_cast<double>(j)));
    const double noise = hundredths(std::sin(static_cast<double>((5 + 11 * i * i % 97))));
    y.push_back(hundredths(2 + (1.5 * row[0] - 2 * row[1] + 0.3 * row[3]) + 0.8 * noise));
    const double score = row[0] - row[1] + 0.5 * row[2];
    label.push_back(score + 1.2 * noise > 0.3);
    label_3.push_back((score + 1.5 * noise >= -0.5) + (score + 1.5 * noise >= 0.9));
    w.push_back(static_cast<double>(1 + i % 3));
  }
  return {array(x, {n, d}), array(y), array(label), array(label_3), array(w)};
}

void expect_near(const Array& got, const std::vector<double>& want, double tolerance, const char* what = "") {
  const std::vector<double> values = got.to_vector<double>();
  ASSERT_EQ(values.size(), want.size()) << what;
  double most = 0;
  for (const double x : want) most = std::max(most, std::fabs(x));
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(values[i], want[i], tolerance * most) << what << " " << i;
}
// Intercept, then coefficients.
void expect_fit(const LinearFit& fit, std::vector<double> want, double tolerance = 1e-9) {
  const int64_t targets = fit.intercept.size();
  expect_near(fit.intercept, {want.begin(), want.begin() + targets}, tolerance, "intercept");
  expect_near(fit.coefficients, {want.begin() + targets, want.end()}, tolerance, "coefficient");
  EXPECT_TRUE(fit.certificate.is_met()) << fit.certificate.name << " " << fit.certificate.value;
}

TEST(FitLinear, has_the_coefficients_and_standard_errors_of_statistics_packages) {
  const Sample s = sample();
  const LinearFit fit = fit_linear(s.x, s.y);
  expect_fit(fit, {2.0881118414939, 1.41879918385944, -1.98348368935831, -0.0147760510312704, 0.189158832294173}, 1e-13);
  expect_near(fit.intercept_error, {0.101585336722041}, 1e-13);
  expect_near(fit.standard_errors, {0.0773989735284347, 0.0730383995703933, 0.0735329981843754, 0.0753686758264101}, 1e-13);
  EXPECT_NEAR(fit.r2, 0.952303824470002, 1e-13);
  EXPECT_NEAR(fit.deviation, 0.604689553168028, 1e-13);
  EXPECT_EQ(fit.degrees_of_freedom, 55);
  EXPECT_EQ(fit.rank, 5);
  EXPECT_FALSE(fit.errors_are_biased);
  const std::vector<CoefficientRow> rows = fit.table();
  ASSERT_EQ(rows.size(), 5u);
  const std::vector<double> p{1.75033212949131e-27, 4.32329893568409e-25, 1.52235817273667e-33, 0.841483249336242, 0.0150535443642625};
  for (size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(rows[i].p / p[i], 1, 1e-9) << i;
  EXPECT_NEAR(rows[1].low, 1.26368817472785, 1e-12);
  EXPECT_NEAR(rows[1].high, 1.57391019299103, 1e-12);

  const LinearFit weighted = fit_linear(s.x, s.y, {.weights = s.weights});
  expect_fit(weighted, {2.10059705503507, 1.4510123983768, -1.99034262753264, 0.0293967627141214, 0.154291329826531}, 1e-13);
  expect_near(weighted.standard_errors, {0.0749008004900259, 0.0714577185040933, 0.0716911826166788, 0.0725467327320186}, 1e-13);
}

TEST(FitRidge, has_the_coefficients_of_other_systems) {
  const Sample s = sample();
  expect_fit(fit_ridge(s.x, s.y, {.alpha = 10}),
             {2.0598032709129, 1.22326124809367, -1.73412501852771, -0.00655442966404958, 0.158849322293437}, 1e-13);
  const LinearFit fit = fit_ridge(s.x, s.y, {.alpha = 10, .weights = s.weights});
  expect_fit(fit, {2.07701687636296, 1.34648349151548, -1.85670630106839, 0.0286997627384733, 0.145713255770565}, 1e-13);
  EXPECT_TRUE(fit.errors_are_biased);
  EXPECT_NE(fit.to_text().find("note: standard errors are of the scatter alone"), std::string::npos);
}
TEST(FitRidge, is_the_same_by_rows_by_columns_and_by_qr) {
  // With alpha rows below the table ridge is least squares: x above sqrt(alpha) I, without intercept.
  const Array wide = random::normal(random::key(1), {6, 9}, 0, 1, float64), y = random::normal(random::key(2), {6}, 0, 1, float64);
  const double alpha = 0.7;
  for (const bool is_wide : {true, false}) {
    const Array x = is_wide ? wide : transpose(wide), target = is_wide ? y : concatenate({y, array({0.5, -1.0, 2.0})}, 0);
    const int64_t d = x.shape(1);
    const LinearFit ridge = fit_ridge(x, target, {.alpha = alpha, .use_intercept = false});
    const LinearFit plain = fit_linear(concatenate({x, std::sqrt(alpha) * eye(d, float64)}, 0),
                                       concatenate({target, zeros({d}, float64)}, 0), {.use_intercept = false});
    EXPECT_TRUE(allclose(ridge.coefficients, plain.coefficients, {.relative = 1e-12, .absolute = 1e-13})) << is_wide;
    EXPECT_EQ(ridge.intercept.item(), 0);
  }
}
TEST(FitRidge, is_least_squares_without_a_penalty) {
  const Sample s = sample();
  const LinearFit ridge = fit_ridge(s.x, s.y, {.alpha = 0}), plain = fit_linear(s.x, s.y);
  EXPECT_TRUE(array_equal(ridge.coefficients, plain.coefficients));
  EXPECT_TRUE(array_equal(ridge.standard_errors, plain.standard_errors));
}
TEST(FitRidge, measures_scatter_by_the_data_alone) {
  // Centred: x (-2, -1, 1, 2), y (-1.75, 0.25, -0.75, 2.25), x'x = 10, x'y = 7. w = 7 / 12, of variance s^2 10 / 12^2, and its hat matrix
  // has the trace 10 / 12, besides the mean's 1.
  const Array x = array({{1.0}, {2.0}, {4.0}, {5.0}}), y = array({1.0, 3.0, 2.0, 5.0});
  const LinearFit fit = fit_ridge(x, y, {.alpha = 2});
  const double w = 7.0 / 12;
  double left = 0;
  const double xs[] = {-2, -1, 1, 2}, ys[] = {-1.75, 0.25, -0.75, 2.25};
  for (int i = 0; i < 4; ++i) left += (ys[i] - w * xs[i]) * (ys[i] - w * xs[i]);
  const double degrees = 4 - 1 - 10.0 / 12, variance = left / degrees;
  expect_near(fit.coefficients, {w}, 1e-14);
  expect_near(fit.standard_errors, {std::sqrt(variance * 10) / 12}, 1e-14);
  expect_near(fit.intercept_error, {std::sqrt(variance * (1.0 / 4 + 9 * 10.0 / 144))}, 1e-14);
  EXPECT_NEAR(fit.degrees_of_freedom, degrees, 1e-14);
}

TEST(FitLasso, has_the_coefficients_of_other_systems) {
  const Sample s = sample();
  const LinearFit lasso = fit_lasso(s.x, s.y, {.alpha = 0.3});
  expect_fit(lasso, {2.17257237940207, 1.12560631712592, -1.72521488640083, 0, 0}, 1e-12);
  EXPECT_EQ(lasso.coefficients.to_vector<double>()[2], 0) << "exactly";
  EXPECT_FALSE(lasso.standard_errors.exists());
  expect_fit(fit_elastic_net(s.x, s.y, {.alpha = 0.3, .l1_ratio = 0.4, .weights = s.weights}),
             {2.11508413274797, 1.14362984671074, -1.63698908251164, 0, 0.0423601126653153}, 1e-12);
  expect_fit(fit_elastic_net(s.x, s.y, {.alpha = 0.3, .l1_ratio = 0.4, .use_intercept = false}),
             {0, 1.14587499925672, -1.41761384552851, 0.350219686639494, 0.84274552332512}, 1e-12);
}
TEST(FitElasticNet, is_ridge_and_least_squares_at_its_ends) {
  const Sample s = sample();
  // The objectives differ by a factor of 2 N: alpha of ridge is N alpha.
  const LinearFit net = fit_elastic_net(s.x, s.y, {.alpha = 0.5, .l1_ratio = 0}), ridge = fit_ridge(s.x, s.y, {.alpha = 30});
  EXPECT_TRUE(allclose(net.coefficients, ridge.coefficients, {.relative = 1e-12, .absolute = 0}));
  EXPECT_EQ(net.certificate.name, "gradient");
  EXPECT_TRUE(net.certificate.is_met());
  const LinearFit none = fit_lasso(s.x, s.y, {.alpha = 0});
  EXPECT_TRUE(allclose(none.coefficients, fit_linear(s.x, s.y).coefficients, {.relative = 1e-11, .absolute = 0}));
}
TEST(FitLasso, chooses_few_of_many_columns) {
  // More columns than are taken at once, and than rows.
  const Array x = random::normal(random::key(3), {60, 3000}, 0, 1, float64);
  const Array y = 3 * x[{slice(), 7}] - 2 * x[{slice(), 2500}] + 0.01 * random::normal(random::key(4), {60}, 0, 1, float64);
  const LinearFit fit = fit_lasso(x, y, {.alpha = 0.1});
  EXPECT_TRUE(fit.certificate.is_met());
  const std::vector<double> w = fit.coefficients.to_vector<double>();
  for (size_t j = 0; j < w.size(); ++j) EXPECT_EQ(std::fabs(w[j]) > 0.5, j == 7 || j == 2500) << j;
  EXPECT_LT(std::count_if(w.begin(), w.end(), [](double c) { return c != 0; }), 60);
  // The optimum's conditions: x_j'(y - x w - b) / N is alpha sign w_j, or within alpha.
  const std::vector<double> slopes = (matmul(transpose(x - mean(x, 0)), y - fit.predict(x)) / 60.0).to_vector<double>();
  for (size_t j = 0; j < w.size(); ++j) {
    if (w[j] != 0) EXPECT_NEAR(slopes[j], w[j] > 0 ? 0.1 : -0.1, 1e-7);
    else EXPECT_LE(std::fabs(slopes[j]), 0.1 + 1e-7);
  }
}
TEST(FitLasso, is_zero_above_the_largest_slope) {
  const Sample s = sample();
  const LinearFit fit = fit_lasso(s.x, s.y, {.alpha = 3});
  EXPECT_EQ(max(abs(fit.coefficients)).item(), 0);
  EXPECT_NEAR(fit.intercept.item(), mean(s.y).item(), 1e-14);
}
TEST(FitLasso, takes_constant_columns_and_targets) {
  const Array x = array({{1.0, 5.0}, {2.0, 5.0}, {4.0, 5.0}}), y = array({1.0, 3.0, 4.0});
  EXPECT_EQ(fit_lasso(x, y, {.alpha = 0.1}).coefficients.to_vector<double>()[1], 0);
  const LinearFit flat = fit_lasso(x, array({2.0, 2.0, 2.0}), {.alpha = 0.1});
  EXPECT_EQ(max(abs(flat.coefficients)).item(), 0);
  EXPECT_NEAR(flat.intercept.item(), 2, 1e-15);
}

TEST(FitLogistic, has_the_coefficients_and_standard_errors_of_statistics_packages) {
  const Sample s = sample();
  const LinearFit fit = fit_logistic(s.x, s.label, {.alpha = 0});
  expect_fit(fit, {-0.382828312077532, 1.50617359207793, -1.41816486183273, 0.392574057488233, 0.251404934079277}, 1e-12);
  expect_near(fit.intercept_error, {0.47194578384029}, 1e-12);
  expect_near(fit.standard_errors, {0.453175165434785, 0.44533256314661, 0.371817530723017, 0.365310557697054}, 1e-12);
  EXPECT_NEAR(fit.log_likelihood, -26.3637005135272, 1e-11);
  const std::vector<double> p{0.417267989651867, 0.000888631257884928, 0.00145000582084763, 0.291048403942823, 0.491329932137195};
  const auto rows = fit.table();
  for (size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(rows[i].p / p[i], 1, 1e-10);
}
TEST(FitLogistic, has_the_coefficients_of_other_systems) {
  const Sample s = sample();
  expect_fit(fit_logistic(s.x, s.label, {.alpha = 2}),
             {-0.268659189676465, 1.02630491570699, -0.967489895778744, 0.214987510143537, 0.184707733016882});
  expect_fit(fit_logistic(s.x, s.label, {.alpha = 2, .class_weight = train::balanced, .weights = s.weights}),
             {-0.201292351221728, 1.25594900973804, -1.05268132940308, 0.306468947210966, 0.170037170294839});
  expect_fit(fit_logistic(s.x, s.label, {.alpha = 2, .use_intercept = false}),
             {0, 1.00683567304467, -0.97914224865541, 0.172373750706319, 0.0817599717140967});
  const LinearFit lasso = fit_logistic(s.x, s.label, {.alpha = 5, .l1_ratio = 1});
  expect_fit(lasso, {-0.0509390294769877, 0.626914761078314, -0.591629698436041, 0, 0});
  EXPECT_EQ(lasso.coefficients.to_vector<double>()[3], 0) << "exactly";
  EXPECT_EQ(lasso.certificate.name, "KKT residual");
  expect_fit(fit_logistic(s.x, s.label, {.alpha = 5, .l1_ratio = 0.5}),
             {-0.0502373592884342, 0.703138631758496, -0.666891284840008, 0.0163886394637356, 4.48967519316004e-05});
}
TEST(FitLogistic, counts_weights_as_repeated_rows) {
  const Sample s = sample();
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < 60; ++i)
    for (int64_t k = 0; k <= i % 3; ++k) rows.push_back(i);
  const Array at = array(rows);
  const LinearFit repeated = fit_logistic(take(s.x, at, 0), take(s.label, at, 0), {.alpha = 1}),
                  weighted = fit_logistic(s.x, s.label, {.alpha = 1, .weights = s.weights});
  EXPECT_TRUE(allclose(repeated.coefficients, weighted.coefficients, {.relative = 1e-10, .absolute = 0}));
  EXPECT_TRUE(allclose(repeated.standard_errors, weighted.standard_errors, {.relative = 1e-10, .absolute = 0}));
  EXPECT_EQ(weighted.rows, 60);
  // A weight of 0 is no row.
  const Array none = where(arange(60) < 30, 1.0, 0.0).astype(float64).eval();
  EXPECT_TRUE(allclose(fit_logistic(s.x, s.label, {.weights = none}).coefficients,
                       fit_logistic(s.x[slice(0, 30)], s.label[slice(0, 30)]).coefficients, {.relative = 1e-10, .absolute = 0}));
}
TEST(FitLogistic, weighs_classes_by_their_labels) {
  const Sample s = sample();
  const Array weights = where(s.label == 1, 3.0, 1.0).astype(float64).eval();
  EXPECT_TRUE(allclose(fit_logistic(s.x, s.label, {.class_weight = {{1, 3.0}}}).coefficients,
                       fit_logistic(s.x, s.label, {.weights = weights}).coefficients, {.relative = 1e-12, .absolute = 0}));
  EXPECT_THROW(fit_logistic(s.x, s.label, {.class_weight = {{2, 3.0}}}), Error);
  EXPECT_THROW(fit_logistic(s.x, s.label, {.class_weight = {{"yes", 3.0}}}), Error);
}

TEST(FitSoftmax, has_the_coefficients_of_other_systems) {
  const Sample s = sample();
  const LinearFit fit = fit_softmax(s.x, s.label_3, {.alpha = 2});
  ASSERT_EQ(fit.coefficients.shape(), (Shape{4, 3}));
  expect_fit(fit, {0.0923736083715653, 0.146482250086491, -0.238855858458056, -0.723256901824806, -0.314290956020444, 1.03754785784525,
                   0.999116678006972, -0.256732672501455, -0.742384005505517, -0.345514682747739, 0.0462917322088527, 0.299222950538887,
                   0.0535290599983218, 0.0209854020253725, -0.0745144620236942});
  EXPECT_LT(max(abs(sum(fit.coefficients, 1))).item(), 1e-12) << "classes sum to 0";
  expect_fit(
      fit_softmax(s.x, s.label_3, {.alpha = 5, .l1_ratio = 1}),
      {0.0735746170839306, -0.0160260603618752, -0.0575485567220642, 0, 0, 0.916814838480415, 0.889500076793069, 0, 0, 0, 0, 0, 0, 0, 0},
      1e-8);
}
TEST(FitSoftmax, has_the_errors_of_contrasts_that_statistics_packages_give) {
  const Sample s = sample();
  const LinearFit fit = fit_softmax(s.x, s.label_3, {.alpha = 0});
  const std::vector<double> w = fit.coefficients.to_vector<double>(), b = fit.intercept.to_vector<double>(),
                            c = fit.covariance.to_vector<double>();
  // Class k against class 0: statsmodels' MNLogit, a row a number, a column a class.
  const std::vector<double> want{0.346310957667305, -1.09603419971734, 0.95386710068103, 3.68095707581079,    -1.99354438095571,
                                 -3.47149640446213, 0.747424518089108, 1.90426730105986, -0.0972589844596433, -0.316443276408171};
  const std::vector<double> errors{0.54976191893969, 0.588308277472109, 0.700962404588358, 0.509054185309029, 0.41102286363657,
                                   1.01161760994499, 1.16474690855897,  1.0185232960276,   0.88539623481023,  0.606346431624988};
  for (size_t k = 1; k < 3; ++k) {
    for (size_t j = 0; j < 5; ++j) {
      const double contrast = j == 0 ? b[k] - b[0] : w[(j - 1) * 3 + k] - w[(j - 1) * 3];
      EXPECT_NEAR(contrast, want[j * 2 + k - 1], 1e-10);
      const size_t a = k * 5 + j, o = j;
      EXPECT_NEAR(std::sqrt(c[a * 15 + a] + c[o * 15 + o] - 2 * c[a * 15 + o]), errors[(k - 1) * 5 + j], 1e-10);
    }
  }
}
TEST(FitSoftmax, of_two_classes_is_logistic_regression) {
  const Sample s = sample();
  const LinearFit two = fit_softmax(s.x, s.label, {.alpha = 0}), one = fit_logistic(s.x, s.label, {.alpha = 0});
  EXPECT_TRUE(
      allclose(two.coefficients[{slice(), 1}] - two.coefficients[{slice(), 0}], one.coefficients, {.relative = 1e-10, .absolute = 0}));
  EXPECT_TRUE(allclose(two.probabilities(s.x), one.probabilities(s.x), {.relative = 1e-10, .absolute = 0}));
}
TEST(FitSoftmax, goes_by_lbfgs_where_there_are_many_numbers) {
  const Array x = random::normal(random::key(5), {200, 400}, 0, 1, float64);
  const Array y = argmax(x[{slice(), slice(0, 3)}] + 0.5 * random::normal(random::key(6), {200, 3}, 0, 1, float64), 1).eval();
  const LinearFit fit = fit_softmax(x, y, {.alpha = 1});
  EXPECT_TRUE(fit.certificate.is_met()) << fit.certificate.value;
  // The gradient: x'(p - onehot) + alpha w = 0.
  const Array gradient = matmul(transpose(x), fit.probabilities(x) - one_hot(y, 3, float64)) + fit.coefficients;
  EXPECT_LT(max(abs(gradient)).item(), 1e-7);
  EXPECT_FALSE(fit.standard_errors.exists());
}

TEST(FitLogistic, says_that_separated_classes_have_no_optimum) {
  const auto refusal = [](const Array& x, const Array& y) { return error_of([&] { fit_logistic(x, y, {.alpha = 0}); }); };
  const std::string whole = refusal(array({{1.0, 3.0}, {2.0, 1.0}, {3.0, 2.0}, {4.0, 2.5}}), array({0, 0, 1, 1}));
  EXPECT_NE(
      whole.find("fit_logistic: x separates the classes, wholly or in part (column 0 alone): without a penalty the coefficients grow for "
                 "ever and have no optimum; alpha must be above 0"),
      std::string::npos)
      << whole;
  // One value of a column that only one class has.
  const std::string part = refusal(array({{1.0, 0.0}, {2.0, 1.0}, {3.0, 0.0}, {1.5, 0.0}, {2.0, 0.0}, {2.5, 1.0}, {2.2, 0.0}, {0.5, 0.0}}),
                                   array({0, 1, 1, 1, 0, 1, 0, 1}));
  EXPECT_NE(part.find("(column 1 alone)"), std::string::npos) << part;
  // Two columns together, and none alone.
  const std::string both =
      refusal(array({{0.0, 1.0}, {1.0, 2.1}, {2.0, 2.9}, {1.0, 0.0}, {2.1, 1.0}, {3.0, 2.0}}), array({0, 0, 0, 1, 1, 1}));
  EXPECT_NE(both.find("in part: without"), std::string::npos) << both;
  EXPECT_NE(error_of([] {
              fit_softmax(array({{1.0}, {2.0}, {3.0}, {4.0}, {5.0}, {6.0}}), array({0, 0, 1, 1, 2, 2}), {.alpha = 0});
            }).find("separates the classes"),
            std::string::npos);
  // With a penalty they have one.
  EXPECT_TRUE(fit_logistic(array({{1.0}, {2.0}, {3.0}, {4.0}}), array({0, 0, 1, 1}), {.alpha = 1e-4}).certificate.is_met());
}
TEST(FitLogistic, takes_nearly_separated_classes) {
  // One row of each class on the wrong side: large coefficients, and an optimum.
  const Array x = array({{-3.0}, {-2.0}, {-1.0}, {0.1}, {-0.1}, {1.0}, {2.0}, {3.0}}), y = array({0, 0, 0, 0, 1, 1, 1, 1});
  const LinearFit fit = fit_logistic(x, y, {.alpha = 0});
  EXPECT_TRUE(fit.certificate.is_met());
  EXPECT_GT(fit.coefficients.to_vector<double>()[0], 1);
}

TEST(FitLinear, takes_the_least_coefficients_where_columns_depend_on_each_other) {
  const Sample s = sample();
  const Array x = concatenate({s.x, s.x[{slice(), slice(0, 1)}] + s.x[{slice(), slice(1, 2)}]}, 1).eval();
  const LinearFit fit = fit_linear(x, s.y);
  EXPECT_EQ(fit.rank, 5);
  EXPECT_EQ(fit.columns, 6);
  EXPECT_FALSE(fit.standard_errors.exists());
  EXPECT_NE(fit.to_text().find("note: rank 5 of 6: columns depend on each other"), std::string::npos);
  // a, b, c with a + c and b + c given: the least |w| has c = (a + c + b + c) / 3.
  const std::vector<double> w = fit.coefficients.to_vector<double>();
  EXPECT_NEAR(w[0] + w[4], 1.41879918385944, 1e-12);
  EXPECT_NEAR(w[1] + w[4], -1.98348368935831, 1e-12);
  EXPECT_NEAR(w[4], (1.41879918385944 - 1.98348368935831) / 3, 1e-12);
  // Dummies that sum to the intercept's column; a constant column; the same column twice.
  const Array dummies = one_hot(s.label_3, 3, float64);
  EXPECT_EQ(fit_linear(dummies, s.y).rank, 3);
  EXPECT_NEAR(sum(fit_linear(dummies, s.y).coefficients).item(), 0, 1e-12);
  EXPECT_EQ(fit_linear(full({60, 1}, 7.0).astype(float64), s.y).coefficients.to_vector<double>()[0], 0);
  const std::vector<double> twice = fit_linear(concatenate({s.x, s.x}, 1), s.y).coefficients.to_vector<double>();
  for (size_t j = 0; j < 4; ++j) EXPECT_NEAR(twice[j], twice[j + 4], 1e-12);
  const LinearFit logistic = fit_logistic(x, s.label, {.alpha = 0});
  EXPECT_EQ(logistic.rank, 5);
  EXPECT_TRUE(allclose(logistic.predict(x), fit_logistic(s.x, s.label, {.alpha = 0}).predict(s.x), {.relative = 1e-8, .absolute = 1e-9}));
  const std::vector<double> v = logistic.coefficients.to_vector<double>();
  EXPECT_NEAR(v[4], (v[0] + v[1] + 2 * v[4]) / 3, 1e-8);
}
TEST(FitLinear, fits_fewer_rows_than_columns_with_the_least_coefficients) {
  const LinearFit fit = fit_linear(array({{1.0, 2.0, 2.0}}), array({9.0}), {.use_intercept = false});
  expect_near(fit.coefficients, {1, 2, 2}, 1e-15);
  EXPECT_EQ(fit.rank, 1);
  const LinearFit exact = fit_linear(array({{1.0}, {2.0}}), array({1.0, 3.0}));
  expect_near(exact.coefficients, {2}, 1e-14);
  EXPECT_FALSE(exact.standard_errors.exists());
  EXPECT_NE(exact.to_text().find("2 rows fix 2 numbers"), std::string::npos);
}
TEST(FitLinear, does_not_mind_scales) {
  const Sample s = sample();
  const std::vector<double> factors{1e-150, 1e120, 1e-7, 1.0};
  const Array x = s.x * array(factors);
  const std::vector<double> scaled = fit_linear(x, s.y).coefficients.to_vector<double>(),
                            plain = fit_linear(s.x, s.y).coefficients.to_vector<double>();
  for (size_t j = 0; j < 4; ++j) EXPECT_NEAR(scaled[j] * factors[j] / plain[j], 1, 1e-12) << j;
}

TEST(LinearFits, take_several_targets) {
  const Sample s = sample();
  const Array both = stack({s.y, square(s.y)}, 1).eval();
  const auto check = [&](const auto& fit_with) {
    const LinearFit fit = fit_with(both), second = fit_with(both[{slice(), 1}]);
    ASSERT_EQ(fit.coefficients.shape(), (Shape{4, 2}));
    ASSERT_EQ(fit.intercept.shape(), (Shape{2}));
    EXPECT_TRUE(allclose(fit.coefficients[{slice(), 1}], second.coefficients, {.relative = 1e-12, .absolute = 1e-12}));
    EXPECT_TRUE(allclose(fit.predict(s.x)[{slice(), 1}], second.predict(s.x), {.relative = 1e-12, .absolute = 1e-12}));
    if (!fit.standard_errors.exists()) return;
    EXPECT_TRUE(allclose(fit.standard_errors[{slice(), 1}], second.standard_errors, {.relative = 1e-12, .absolute = 0}));
    EXPECT_NEAR(fit.table({}, 1)[2].standard_error, second.table()[2].standard_error, 1e-12);
  };
  check([&](const Array& y) { return fit_linear(s.x, y); });
  check([&](const Array& y) { return fit_ridge(s.x, y, {.alpha = 3}); });
  check([&](const Array& y) { return fit_lasso(s.x, y, {.alpha = 0.1}); });
}

TEST(LinearFits, become_networks_that_say_the_same) {
  const Sample s = sample();
  const Array x = s.x.astype(float32);
  for (const LinearFit& fit : {fit_ridge(s.x, s.y), fit_logistic(s.x, s.label), fit_softmax(s.x, s.label_3)}) {
    nn::Sequential model = fit.to_model();
    const Array want = fit.predict(x), got = model(x);
    EXPECT_TRUE(allclose(reshape(got, want.shape()), want.astype(float32), {.relative = 1e-5, .absolute = 1e-5})) << fit.kind;
    EXPECT_TRUE(allclose(reshape(fit.to_model(float64)(s.x), want.shape()), fit.predict(s.x), {.relative = 1e-14, .absolute = 1e-14}));
    const std::string path = ::testing::TempDir() + "linear.gradus";
    io::save(model, path);
    EXPECT_TRUE(array_equal(io::load(path)(x), got));
    std::remove(path.c_str());
  }
  // From there on training goes: the loss at the optimum cannot fall.
  nn::Sequential model = fit_logistic(s.x, s.label, {.alpha = 0}).to_model();
  const data::Dataset set(x, s.label);
  const auto history = train::fit(
      model, set, {.loss = loss::binary_crossentropy, .optimizer = optim::SGD(1e-3), .epochs = 1, .batch_size = 60, .verbose = false});
  EXPECT_NEAR(history.last("loss"), 26.3637005135272 / 60, 1e-5);
}

TEST(LinearFits, print_a_table) {
  const Sample s = sample();
  const std::vector<std::string> names{"age", "a name that is far too long for its column of the table", "\xe5\xb9\xb4\xe9\xbd\xa2", "d"};
  const std::string text = fit_linear(s.x, s.y).to_text(names);
  EXPECT_EQ(text.substr(0, text.find('\n')), "linear regression: 60 rows, 4 columns");
  EXPECT_NE(text.find("intercept                         2.08811     0.101585    20.555  1.75e-27"), std::string::npos) << text;
  EXPECT_NE(text.find("\na name that is far too lon..     -1.98348"), std::string::npos) << text;
  EXPECT_NE(text.find("R2 0.952304"), std::string::npos);
  EXPECT_NE(fit_lasso(s.x, s.y, {.alpha = 0.3}).to_text().find("lasso regression: 60 rows, 4 columns, alpha 0.3"), std::string::npos);
  EXPECT_NE(fit_logistic(s.x, s.label).to_text().find("\nlog likelihood -2"), std::string::npos);
  EXPECT_THROW(fit_linear(s.x, s.y).table(std::vector<std::string>{"a"}), Error);
  EXPECT_THROW(fit_linear(s.x, s.y).table({}, 1), Error);
  EXPECT_THROW(fit_linear(s.x, s.y).table({}, 0, 1.0), Error);
}

TEST(LinearFits, refuse_what_is_no_table) {
  const Array x = array({{1.0, 2.0}, {3.0, 4.0}, {0.5, 1.0}}), y = array({1.0, 2.0, 3.0});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto refusal = [](const auto& call) { return error_of(call); };
  EXPECT_NE(refusal([&] {
              fit_ridge(array({{1.0, 2.0}, {3.0, nan}, {0.5, 1.0}}), y);
            }).find("fit_ridge: x[1, 1] is nan; values must be finite"),
            std::string::npos);
  EXPECT_NE(refusal([&] { fit_lasso(x, array({1.0, INFINITY, 2.0})); }).find("y[1, 0] is inf"), std::string::npos);
  EXPECT_NE(refusal([&] { fit_linear(array({1.0, 2.0}), y); }).find("x is (2,); it must be (rows, columns)"), std::string::npos);
  EXPECT_NE(refusal([&] {
              fit_linear(x, array({1.0, 2.0}));
            }).find("y is (2,), x (3, 2); y must be (3,) or (3, targets)"),
            std::string::npos);
  EXPECT_THROW(fit_linear(zeros({0, 2}), zeros({0})), Error);
  EXPECT_THROW(fit_ridge(x, y, {.alpha = -1}), Error);
  EXPECT_THROW(fit_ridge(x, y, {.alpha = nan}), Error);
  EXPECT_THROW(fit_elastic_net(x, y, {.l1_ratio = 1.5}), Error);
  EXPECT_THROW(fit_lasso(x, y, {.iterations = 0}), Error);
  EXPECT_NE(refusal([&] { fit_linear(x, y, {.weights = array({1.0, -1.0, 1.0})}); }).find("weights[1] is -1"), std::string::npos);
  EXPECT_THROW(fit_linear(x, y, {.weights = zeros({3})}), Error);
  EXPECT_THROW(fit_linear(x, y, {.weights = ones({2})}), Error);
  EXPECT_NE(refusal([&] { fit_logistic(x, array({0, 1, 2})); }).find("y[2] is 2; labels must be whole numbers 0 and 1"), std::string::npos);
  EXPECT_NE(refusal([&] { fit_logistic(x, array({0, 1, 2})); }).find("hint: fit_softmax takes more than two classes"), std::string::npos);
  EXPECT_NE(refusal([&] { fit_softmax(x, array({0.0, 0.5, 1.0})); }).find("y[1] is 0.5"), std::string::npos);
  EXPECT_NE(refusal([&] { fit_softmax(x, array({0, 2, 2})); }).find("no row is of class 1"), std::string::npos);
  EXPECT_NE(refusal([&] { fit_logistic(x, array({1, 1, 1})); }).find("no row is of class 0"), std::string::npos);
  EXPECT_NE(refusal([&] { fit_softmax(x, array({0, 0, 0})); }).find("all labels are 0"), std::string::npos);
  EXPECT_NE(refusal([&] { fit_linear(x, y).predict(zeros({2, 3})); }).find("the model was fitted to 2 columns"), std::string::npos);
  EXPECT_THROW(fit_linear(x, y).probabilities(x), Error);
}
TEST(LinearFits, take_any_dtype) {
  const Array x = array({{1, 0}, {0, 1}, {1, 1}, {0, 0}}), y = array({1, 2, 3, 0});
  expect_near(fit_linear(x.astype(bool_), y.astype(uint8)).coefficients, {1, 2}, 1e-14);
  expect_near(fit_linear(x.astype(float32), y.astype(float16)).coefficients, {1, 2}, 1e-14);
  expect_near(fit_logistic(x, array({false, true, true, false})).coefficients,
              fit_logistic(x.astype(float32), array({0.0, 1.0, 1.0, 0.0})).coefficients.to_vector<double>(), 1e-14);
}
TEST(LinearFits, have_the_same_bits_for_any_number_of_threads) {
  const Array x = random::normal(random::key(7), {9000, 12}, 0, 1, float64), y = matmul(x, arange(12).astype(float64));
  const Array label = (y + random::normal(random::key(8), {9000}, 0, 9, float64) > 0).astype(int64).eval();
  const auto run = [&] {
    return std::vector<Array>{fit_linear(x, y + square(y)).coefficients, fit_ridge(x, y).coefficients, fit_lasso(x, y).coefficients,
                              fit_logistic(x, label).coefficients};
  };
  const int before = threads();
  set_threads(1);
  const auto one = run();
  set_threads(2);
  const auto two = run();
  set_threads(before);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(array_equal(one[i], two[i])) << i;
}

TEST(FitElasticNet, has_a_gap_that_bounds_what_is_lost) {
  // After one pass the objective is above the optimum by no more than the gap says.
  const Sample s = sample();
  for (const double l1_ratio : {1.0, 0.5, 0.1}) {
    const double alpha = 0.4;
    const auto objective = [&](const LinearFit& fit) {
      return (sum(square(s.y - fit.predict(s.x))) / 120.0 +
              alpha * (l1_ratio * sum(abs(fit.coefficients)) + (1 - l1_ratio) / 2 * sum(square(fit.coefficients))))
          .item();
    };
    const LinearFit early = fit_elastic_net(s.x, s.y, {.alpha = alpha, .l1_ratio = l1_ratio, .iterations = 1}),
                    best = fit_elastic_net(s.x, s.y, {.alpha = alpha, .l1_ratio = l1_ratio});
    const double scale = sum(square(s.y - mean(s.y))).item() / 120, lost = (objective(early) - objective(best)) / scale;
    EXPECT_GE(early.certificate.value, lost) << l1_ratio;
    EXPECT_FALSE(early.certificate.is_met());
    EXPECT_NE(early.to_text().find("note: the optimum was not reached: the duality gap is"), std::string::npos);
  }
}
TEST(LinearFits, measure_significance_by_students_distribution) {
  // scipy.stats.t: a coefficient of t standard errors, with n degrees of freedom.
  const auto row = [](double t, double n, double level = 0.95) {
    LinearFit fit{.kind = "linear", .intercept = zeros({}, float64)};
    fit.standard_errors = ones({1}, float64);
    fit.coefficients = full({1}, t, float64);
    fit.degrees_of_freedom = n;
    return fit.table({}, 0, level)[1];
  };
  struct Tail {
    double t, n, p;
  };
  for (const auto& [t, n, p] : {Tail{0.1, 1, 0.936548965138893},
                                {0.01, 5, 0.9924080180425819},
                                {2.5, 3, 0.08770664700806556},
                                {0.3, 55, 0.7653081018716388},
                                {1.2, 30000, 0.230148816637904},
                                {40, 55, 2.39823230126547e-42},
                                {1e-8, 7, 0.999999992300171}})
    EXPECT_NEAR(row(t, n).p / p, 1, 1e-12) << t << " " << n;
  EXPECT_NEAR(row(0, 3).high, 3.182446305283708, 1e-13);
  EXPECT_NEAR(row(0, 1, 0.99).high, 63.65674116287153, 1e-10);
  EXPECT_NEAR(row(0, 0).high, 1.959963984540054, 1e-13) << "the normal one";
  EXPECT_TRUE(std::isnan(row(std::nan(""), 3).p));
}

// ---- what users of other systems have run into

TEST(FitLogistic, takes_almost_no_penalty) {
  // Of two values of x: the intercept is log(1/3), the slope 2 log 3.
  const Array x = array({{0.0}, {0.0}, {0.0}, {0.0}, {1.0}, {1.0}, {1.0}, {1.0}}), y = array({1, 0, 0, 0, 1, 1, 1, 0});
  for (const double alpha : {0.0, 1e-200}) {
    const LinearFit fit = fit_logistic(x, y, {.alpha = alpha});
    EXPECT_NEAR(fit.intercept.item(), -std::log(3.0), 1e-12) << alpha;
    expect_near(fit.coefficients, {2 * std::log(3.0)}, 1e-12);
  }
}
TEST(FitLogistic, finds_separation_among_columns_that_depend_on_each_other) {
  const Array x = array({{1.0, 0.0, 1.0}, {1.0, 0.0, 1.0}, {1.0, 2.0, 1.0}, {1.0, 1.0, 1.0}});
  EXPECT_NE(error_of([&] { fit_logistic(x, array({1, 1, 0, 0}), {.alpha = 0}); }).find("x separates the classes"), std::string::npos);
}
TEST(FitLogistic, does_not_penalise_the_intercept_with_l1) {
  // With all else 0 the intercept is the log odds of the classes.
  const Array x = array({{1.0}, {-1.0}, {1.0}, {-1.0}, {1.0}, {-1.0}}), y = array({1, 1, 1, 1, 0, 0});
  const LinearFit fit = fit_logistic(x, y, {.alpha = 100, .l1_ratio = 1});
  EXPECT_NEAR(fit.intercept.item(), std::log(2.0), 1e-12);
  EXPECT_EQ(fit.coefficients.to_vector<double>()[0], 0);
}
TEST(FitLogistic, converges_on_columns_of_very_unlike_scale) {
  const Sample s = sample();
  const std::vector<double> factors{1e6, 1e-5, 1.0, 1e3};
  const LinearFit fit = fit_logistic(s.x * array(factors), s.label, {.alpha = 0}), plain = fit_logistic(s.x, s.label, {.alpha = 0});
  EXPECT_TRUE(fit.certificate.is_met());
  EXPECT_TRUE(allclose(fit.coefficients * array(factors), plain.coefficients, {.relative = 1e-9, .absolute = 0}));
}
TEST(FitLasso, measures_its_gap_by_the_target) {
  // Values of hundredths, whose objective is below 1e-4 anywhere: w = (x'y / N - alpha) / (x'x / N) all the same.
  const std::vector<double> x{0, 0, 0, 0, 0, 0, 0, 0.001, 0, 0, 0.015, 0, 0, 0.046, 0, 0, 0.061, 0, 0, 0.062},
      y{0.008, 0, 0.001, 0.02, 0, 0.001, 0.024, 0.001, 0.001, 0.023, 0.006, 0, 0.011, 0.032, 0, 0.002, 0.056, 0.001, 0.001, 0.062};
  double mx = 0, my = 0, sxy = 0, sxx = 0;
  for (size_t i = 0; i < 20; ++i) mx += x[i] / 20, my += y[i] / 20;
  for (size_t i = 0; i < 20; ++i) sxy += (x[i] - mx) * (y[i] - my) / 20, sxx += (x[i] - mx) * (x[i] - mx) / 20;
  const LinearFit fit = fit_lasso(array(x, {20, 1}), array(y), {.alpha = 1e-4});
  expect_near(fit.coefficients, {(sxy - 1e-4) / sxx}, 1e-12);
}
TEST(FitLasso, takes_a_table_of_zeros) {
  const LinearFit fit = fit_lasso(zeros({3, 1}), zeros({3}), {.alpha = 0.1});
  EXPECT_EQ(fit.coefficients.to_vector<double>()[0], 0);
  EXPECT_TRUE(fit.certificate.is_met());
}
TEST(LinearFits, refuse_or_take_values_near_the_ends_of_float64) {
  const Sample s = sample();
  const Array large = s.x * 1e160, small = s.x * 1e-160;
  EXPECT_NE(error_of([&] { fit_lasso(large, s.y, {.alpha = 1}); }).find("the squares of column 0 are beyond float64"), std::string::npos);
  EXPECT_NE(error_of([&] { fit_logistic(large, s.label); }).find("the squares of column 0 are beyond float64"), std::string::npos);
  EXPECT_TRUE(allclose(fit_ridge(large, s.y).coefficients * 1e160, fit_linear(s.x, s.y).coefficients, {.relative = 1e-10, .absolute = 0}));
  EXPECT_LT(max(abs(fit_ridge(small, s.y).coefficients)).item(), 1e-100);
  EXPECT_LT(max(abs(fit_logistic(small, s.label).coefficients)).item(), 1e-100);
}

// ---- certified problems

struct Certified {
  Array x, y;
  std::vector<double> coefficients{}, errors{};
};
// NIST's file: certified values, and below the last line that starts with "Data:" y and x; x to its powers up to `degree`.
Certified read_nist(const std::filesystem::path& path, int degree) {
  Certified out;
  std::ifstream file(path);
  std::string line;
  std::vector<std::string> data;
  while (std::getline(file, line)) {
    double value, error;
    int number;
    if (std::sscanf(line.c_str(), " B%d %lf %lf", &number, &value, &error) == 3) {
      out.coefficients.push_back(value);
      out.errors.push_back(error);
    }
    if (line.starts_with("Data:")) data.clear();
    else data.push_back(line);
  }
  std::vector<double> x, y;
  for (const std::string& row : data) {
    std::istringstream words(row);
    double value;
    if (!(words >> value)) continue;
    y.push_back(value);
    while (words >> value) {
      double power = 1;
      for (int k = 0; k < std::max(degree, 1); ++k) x.push_back(power *= value);
    }
  }
  const auto rows = static_cast<int64_t>(y.size());
  out.y = array(y);
  out.x = array(x, {rows, static_cast<int64_t>(x.size()) / rows});
  return out;
}
double right_digits(double value, double certified) {
  const double error = std::fabs(value - certified) / (certified == 0 ? 1 : std::fabs(certified));
  return error == 0 ? 16 : -std::log10(error);
}
TEST(FitLinear, has_the_digits_of_certified_problems) {
  const std::filesystem::path folder = std::filesystem::path(GRADUS_SOURCE_DIR) / "../shared/nist";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is not there";
  struct Problem {
    const char* name;
    int degree;
    bool has_intercept;
    double digits, error_digits;
  };
  // Filip's powers of x are rounded to float64 here, which leaves it 7.6 digits.
  for (const auto& [name, degree, has_intercept, digits, error_digits] : {Problem{"Norris", 1, true, 13.5, 13},
                                                                          {"Pontius", 2, true, 13, 13},
                                                                          {"NoInt1", 1, false, 14, 14},
                                                                          {"NoInt2", 1, false, 14, 14},
                                                                          {"Filip", 10, true, 7.5, 7},
                                                                          {"Longley", 0, true, 13.5, 13},
                                                                          {"Wampler1", 5, true, 15, 0},
                                                                          {"Wampler2", 5, true, 12.5, 0},
                                                                          {"Wampler3", 5, true, 15, 13},
                                                                          {"Wampler4", 5, true, 15, 13},
                                                                          {"Wampler5", 5, true, 15, 13}}) {
    const Certified problem = read_nist(folder / (std::string(name) + ".dat"), degree);
    const LinearFit fit = fit_linear(problem.x, problem.y, {.use_intercept = has_intercept});
    std::vector<double> got, errors;
    for (const CoefficientRow& row : fit.table()) {
      if (row.name == "intercept" && !has_intercept) continue;
      got.push_back(row.value);
      errors.push_back(row.standard_error);
    }
    ASSERT_EQ(got.size(), problem.coefficients.size()) << name;
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_GE(right_digits(got[i], problem.coefficients[i]), digits) << name << " B" << i;
      if (problem.errors[i] == 0) EXPECT_LT(errors[i], 1e-9 * std::fabs(got[i])) << name;
      else EXPECT_GE(right_digits(errors[i], problem.errors[i]), error_digits) << name << " error of B" << i;
    }
  }
}

}  // namespace
}  // namespace gradus::models
