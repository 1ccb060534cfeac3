// Laws of derivatives: finite differences, forward and reverse mode agree; at ties and kinks a definition takes the place of differences.
#include "gradus/base/error.hpp"
#include "tests/laws/driver.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

class derivatives : public EachFamily {};
GRADUS_ON_ALL_FAMILIES(derivatives);

double dot(const Arrays& a, const Arrays& b) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i].exists()) continue;
    const std::vector<double> p = numbers(a[i]), q = numbers(b[i]);
    for (size_t k = 0; k < p.size(); ++k) total += p[k] * q[k];
  }
  return total;
}
Arrays moved(const Arrays& x, const Arrays& direction, double step) {
  Arrays out;
  for (size_t i = 0; i < x.size(); ++i) out.push_back((x[i] + step * direction[i]).eval());
  return out;
}

// What can be compared at a sample.
struct Modes {
  explicit Modes(const Sample& sample)
      : differences(sample.is_smooth), reverse(sample.has_reverse), tolerance(sample.tolerance), mode_tolerance(sample.mode_tolerance) {}
  bool differences, reverse;
  double tolerance, mode_tolerance;
};
// d/dt <c, f(x + t v)> at 0: by central differences of fourth order, forward mode and reverse mode. All must agree.
void check_directional(const ListFunction& f, const Arrays& x, Modes modes, unsigned seed, const char* what) {
  const Arrays v = random_like(x, seed), c = random_like(f(x), seed + 50);
  const auto along = [&](double t) { return dot(c, f(moved(x, v, t))); };
  const double forward = dot(tests::push_forward(f, x, v).second, c);
  double scale = std::max({1.0, std::fabs(along(0)), std::fabs(forward)});
  if (modes.differences) {
    const double h = 1e-4, differences = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h);
    scale = std::max({1.0, std::fabs(differences), std::fabs(along(0))});
    EXPECT_NEAR(forward, differences, modes.tolerance * scale) << what << ": forward mode against differences";
  }
  if (modes.reverse) {
    const double reverse = dot(tests::pull_back(f, x, c), v);
    EXPECT_NEAR(forward, reverse, modes.mode_tolerance * scale) << what << ": forward against reverse mode";
  }
}

TEST_P(derivatives, of_order_one_agree_with_differences_in_both_modes) {
  for_each_sample([](const Sample& sample) {
    if (sample.orders < 1) return;
    const Smooth f(sample);
    for (const unsigned seed : {10u, 20u}) check_directional(f, f.x, Modes(sample), seed, "order 1");
  });
}

TEST_P(derivatives, of_order_two_agree_with_differences_in_both_modes) {
  for_each_sample([](const Sample& sample) {
    if (sample.orders < 2) return;
    const Smooth f(sample);
    Modes modes(sample);
    modes.tolerance *= 10;
    const Arrays v = random_like(f.x, 90);
    check_directional([&](const Arrays& x) { return tests::push_forward(f, x, v).second; }, f.x, modes, 40, "order 2, of the forward rule");
    if (!sample.has_reverse) return;
    // The gradient of <c, f>, as a function of x and c.
    const auto inputs = static_cast<ptrdiff_t>(f.x.size());
    const ListFunction gradient = [&](const Arrays& in) {
      return tests::pull_back(f, Arrays(in.begin(), in.begin() + inputs), Arrays(in.begin() + inputs, in.end()));
    };
    Arrays in = f.x;
    for (const Array& c : random_like(f(f.x), 70)) in.push_back(c);
    check_directional(gradient, in, modes, 30, "order 2, of the reverse rule");
  });
}

TEST_P(derivatives, are_as_defined_at_ties_and_kinks) {
  for_each_sample([](const Sample& sample) {
    if (!sample.gradient) return;
    std::vector<Plain> inputs;
    for (const Array& x : sample.inputs) inputs.push_back({x.shape().to_vector(), numbers(x)});
    const Plain want = sample.gradient(inputs);
    const Smooth f(sample);
    Arrays cotangents = f(f.x);
    for (size_t k = 0; k < cotangents.size(); ++k) {
      std::vector<double> values(static_cast<size_t>(cotangents[k].size()), 0.0);
      for (size_t i = 0; k == 0 && i < values.size(); ++i) values[i] = static_cast<double>(i + 1);
      cotangents[k] = array(values, cotangents[k].shape());
    }
    expect_near(tests::pull_back(f, f.x, cotangents)[0], array(want.values, Shape(want.shape)), {1e-13, 1e-14}, "gradient");
  });
}

TEST_P(derivatives, that_do_not_exist_are_errors_that_say_so) {
  for_each_sample([](const Sample& sample) {
    if (sample.has_reverse) return;
    const Smooth f(sample);
    try {
      tests::pull_back(f, f.x, random_like(f(f.x), 3));
      ADD_FAILURE() << "reverse mode was accepted";
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), Error::Kind::bug) << error.what();
    }
  });
}

}  // namespace
}  // namespace laws
