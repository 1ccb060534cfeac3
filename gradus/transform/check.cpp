// Finite differences and comparisons of derivatives.
#include <cmath>
#include <cstdio>

#include "gradus/base/error.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/check_op.hpp"
#include "gradus/transform/grad.hpp"
#include "gradus/transform/vjp.hpp"
#include "gradus/transform/vmap.hpp"

namespace gradus {

using namespace core;

bool CheckReport::passed() const {
  return std::all_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.passed; });
}

std::string CheckReport::text() const {
  std::string out;
  for (const Line& line : lines_) {
    char error[32];
    std::snprintf(error, sizeof error, "%.1e", line.error);
    out += concat(line.passed ? "ok    " : "FAIL  ", line.what, ": largest error ", error,
                  line.passed ? "" : concat(" (", line.detail, ")"), "\n");
  }
  return out;
}

void CheckReport::add(const std::string& name, const CheckReport& other) {
  for (Line line : other.lines_) {
    line.what = concat(name, ", ", line.what);
    lines_.push_back(std::move(line));
  }
}

namespace {

using Arrays = std::vector<Array>;

// Compares elements; what is not a number must be so on both sides.
CheckReport::Line compare(std::string what, const Arrays& found, const Arrays& expected, double tolerance) {
  CheckReport::Line line{std::move(what)};
  for (size_t k = 0; k < expected.size(); ++k) {
    if (found[k].shape() != expected[k].shape()) {
      line.passed = false;
      line.detail = concat("array ", k, " is ", found[k].shape(), ", expected ", expected[k].shape());
      return line;
    }
    const std::vector<double> a = found[k].to_vector<double>(), b = expected[k].to_vector<double>();
    for (size_t i = 0; i < a.size(); ++i) {
      if ((std::isnan(a[i]) && std::isnan(b[i])) || a[i] == b[i]) continue;
      const double difference = std::abs(a[i] - b[i]) / std::max(1.0, std::abs(b[i]));
      if (difference <= line.error) continue;
      line.error = std::isnan(difference) ? INFINITY : difference;
      line.detail = concat("array ", k, ", element ", i, ": ", a[i], ", expected ", b[i]);
    }
  }
  line.passed = line.passed && line.error <= tolerance;
  return line;
}

Array dot(const Array& a, const Array& b) { return sum(a * b); }

class Checker {
 public:
  Checker(const ArrayFunction& f, Arrays arguments, const CheckOptions& options) : f_(f), x_(std::move(arguments)), options_(options) {
    for (size_t i = 0; i < x_.size(); ++i) {
      if (!x_[i].exists()) fail("check_gradients", "argument ", i, " is an empty Array; give it a value first");
      if (!x_[i].dtype().is_float()) continue;
      x_[i] = x_[i].astype(float64).eval();
      varied_.push_back(i);
    }
    if (varied_.empty()) fail("check_gradients", "no argument is a float; there is nothing to differentiate by");
    for (const Array& output : floats(f_(x_))) weights_.push_back(weight_like(output));
    if (weights_.empty()) fail("check_gradients", "the function returns no float; there is nothing to differentiate");
  }

  CheckReport run() {
    const Arrays point = varied_of(x_), reverse = gradient(point);
    Arrays directions;
    for (const Array& x : point) directions.push_back(weight_like(x));
    report_.add(compare("first order, reverse mode against finite differences", picked(reverse),
                        differences([&](const Arrays& x) { return Arrays{value(x)}; }, point), options_.tolerance));
    if (options_.forward) {
      const Array forward = tangent(point, directions);
      report_.add(compare("first order, forward mode against reverse mode", {forward}, {inner(reverse, directions)}, options_.tolerance));
    }
    if (options_.order >= 2) second_order(point, directions);
    if (options_.batches) batches(point);
    return std::move(report_);
  }

 private:
  static Arrays floats(Arrays arrays) {
    std::erase_if(arrays, [](const Array& x) { return !x.dtype().is_float(); });
    return arrays;
  }
  // Numbers between 0.5 and 1.5 in size, of both signs, the same in every run.
  Array weight_like(const Array& x) {
    const random::Key key = random::key(91 + static_cast<int64_t>(++weights_made_));
    const Array u = random::uniform(key, x.shape(), 0.5, 1.5, float64);
    return (random::bernoulli(random::fold_in(key, 1), x.shape(), 0.5).astype(float64) * 2 - 1) * u;
  }
  Arrays varied_of(const Arrays& all) const {
    Arrays out;
    for (const size_t i : varied_) out.push_back(all[i]);
    return out;
  }
  static Array inner(const Arrays& a, const Arrays& b) {
    Array total = zeros({}, float64);
    for (size_t i = 0; i < a.size(); ++i) total = total + dot(a[i], b[i]);
    return total;
  }

  // One number from all outputs.
  Array value(const Arrays& varied) const {
    Arrays x = x_;
    for (size_t i = 0; i < varied_.size(); ++i) x[varied_[i]] = varied[i];
    return inner(floats(f_(x)), weights_);
  }
  Arrays gradient(const Arrays& point) const {
    return grad([&](const Arrays& x) { return value(x); })(point);
  }
  Array tangent(const Arrays& point, const Arrays& direction) const {
    return jvp([&](const Arrays& x) { return value(x); }, point, direction).second;
  }

  // The elements of an argument that are varied: all, or some spread over it.
  std::vector<int64_t> chosen(const Array& x) const {
    std::vector<int64_t> places;
    const int64_t count = std::min(x.size(), options_.coordinates);
    for (int64_t k = 0; k < count; ++k) places.push_back(count == x.size() ? k : k * (x.size() - 1) / std::max<int64_t>(count - 1, 1));
    return places;
  }
  // The chosen elements of each array of a gradient, as one vector.
  Arrays picked(const Arrays& gradient) const {
    std::vector<double> out;
    for (const Array& g : gradient) {
      const std::vector<double> all = g.to_vector<double>();
      for (const int64_t place : chosen(g)) out.push_back(all[static_cast<size_t>(place)]);
    }
    return {array(out)};
  }
  // d/dx_i of a scalar function for each chosen element, by central differences of order 6.
  template <class Scalar>
  Arrays differences(const Scalar& scalar, const Arrays& point) const {
    constexpr double coefficients[] = {45.0 / 60, -9.0 / 60, 1.0 / 60};
    std::vector<double> out;
    for (size_t a = 0; a < point.size(); ++a) {
      const std::vector<double> values = point[a].to_vector<double>();
      for (const int64_t place : chosen(point[a])) {
        const double step = options_.step * std::max(1.0, std::abs(values[static_cast<size_t>(place)]));
        double slope = 0;
        for (int k = 1; k <= 3; ++k) {
          for (const int sign : {1, -1}) {
            std::vector<double> moved = values;
            moved[static_cast<size_t>(place)] += sign * k * step;
            Arrays x = point;
            x[a] = array(moved, point[a].shape());
            slope += sign * coefficients[k - 1] * scalar(x)[0].item();
          }
        }
        out.push_back(slope / step);
      }
    }
    return {array(out)};
  }

  void second_order(const Arrays& point, const Arrays& directions) {
    const auto slope = [&](const Arrays& x) { return inner(gradient(x), directions); };
    const Arrays expected = differences([&](const Arrays& x) { return Arrays{slope(x)}; }, point);
    const Arrays reverse = grad([&](const Arrays& x) { return slope(x); })(point);
    report_.add(
        compare("second order, reverse over reverse against finite differences", picked(reverse), expected, 10 * options_.tolerance));
    if (!options_.forward) return;
    const Arrays forward = jvp([&](const Arrays& x) { return gradient(x); }, point, directions).second;
    report_.add(compare("second order, forward over reverse against reverse over reverse", forward, reverse, 10 * options_.tolerance));
    const auto along = [&](const Arrays& x) { return tangent(x, directions); };
    report_.add(
        compare("second order, reverse over forward against reverse over reverse", grad(along)(point), reverse, 10 * options_.tolerance));
  }

  void batches(const Arrays& point) {
    constexpr int64_t count = 3;
    Arrays stacked;
    for (const Array& x : point) {
      Arrays examples;
      for (int64_t b = 0; b < count; ++b) examples.push_back(x * (1 + 0.03 * static_cast<double>(b)));
      stacked.push_back(stack(examples));
    }
    const auto outputs = [&](const Arrays& x) {
      Arrays all = x_;
      for (size_t i = 0; i < varied_.size(); ++i) all[varied_[i]] = x[i];
      return f_(all);
    };
    const auto slopes = [&](const Arrays& x) { return gradient(x); };
    const auto loop = [&](const auto& f) {
      std::vector<Arrays> results;
      for (int64_t b = 0; b < count; ++b) {
        Arrays example;
        for (const Array& x : stacked) example.push_back(x[b]);
        const Arrays out = f(example);
        results.resize(out.size());
        for (size_t k = 0; k < out.size(); ++k) results[k].push_back(out[k]);
      }
      Arrays joined;
      for (const Arrays& result : results) joined.push_back(stack(result));
      return joined;
    };
    report_.add(compare("values, vmap against a loop", vmap(outputs)(stacked), loop(outputs), options_.tolerance));
    report_.add(compare("first order, vmap against a loop", vmap(slopes)(stacked), loop(slopes), options_.tolerance));
  }

  const ArrayFunction& f_;
  Arrays x_, weights_;
  std::vector<size_t> varied_;
  CheckOptions options_;
  CheckReport report_;
  int weights_made_ = 0;
};

Arrays visible(const OpDef& op, Arrays outputs) {
  outputs.resize(outputs.size() - static_cast<size_t>(op.hidden_outputs));
  return outputs;
}

// One input batched, or all (input -1), against one call for each example.
CheckReport::Line check_batched_input(const OpDef& op, const OpSample& sample, int input, double tolerance) {
  constexpr int64_t count = 2;
  Arrays batched = sample.inputs;
  std::vector<Arrays> each(count, sample.inputs);
  for (size_t i = 0; i < batched.size(); ++i) {
    if (input >= 0 && static_cast<size_t>(input) != i) continue;
    const bool is_float = batched[i].dtype().is_float();
    for (size_t b = 0; b < count; ++b) {
      if (is_float && b > 0) each[b][i] = (sample.inputs[i] * 1.05).astype(sample.inputs[i].dtype());
    }
    batched[i] = stack({each[0][i], each[1][i]});
  }
  Arrays moving;
  const auto is_moving = [&](size_t i) { return input < 0 || static_cast<size_t>(input) == i; };
  for (size_t i = 0; i < batched.size(); ++i) {
    if (is_moving(i)) moving.push_back(batched[i]);
  }
  const auto call = [&](const Arrays& examples) {
    Arrays inputs = sample.inputs;
    size_t next = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (is_moving(i)) inputs[i] = examples[next++];
    }
    return visible(op, apply_all(op, inputs, sample.args));
  };
  const Arrays found = vmap(call)(moving);
  Arrays expected;
  const Arrays first = visible(op, apply_all(op, each[0], sample.args)), second = visible(op, apply_all(op, each[1], sample.args));
  for (size_t k = 0; k < first.size(); ++k) expected.push_back(stack({first[k], second[k]}));
  const std::string which = input < 0 ? std::string("all inputs") : concat("input ", input);
  return compare(concat("vmap over ", which, " against a loop"), found, expected, tolerance);
}

}  // namespace

CheckReport core::check_gradients_of(const ArrayFunction& f, std::vector<Array> arguments, const CheckOptions& options) {
  return Checker(f, std::move(arguments), options).run();
}

CheckReport check_gradients(FunctionOfOne f, const Array& x) { return check_gradients<Array (*)(const Array&)>(f.pointer(), x); }

CheckReport core::check_op(const OpDef& op, std::span<const OpSample> samples, const CheckOptions& options) {
  CheckReport report;
  CheckOptions derivatives = options;
  derivatives.batches = false;
  for (size_t s = 0; s < samples.size(); ++s) {
    const OpSample& sample = samples[s];
    CheckReport one;
    const auto call = [&](const Arrays& inputs) { return visible(op, apply_all(op, inputs, sample.args)); };
    const Arrays outputs = call(sample.inputs);
    const auto is_float = [](const Array& x) { return x.dtype().is_float(); };
    const bool has_derivative = op.derivative.kind != Derivative::Kind::not_differentiable &&
                                std::any_of(outputs.begin(), outputs.end(), is_float) &&
                                std::any_of(sample.inputs.begin(), sample.inputs.end(), is_float);
    if (has_derivative) one = check_gradients_of(call, sample.inputs, derivatives);
    if (op.derivative.kind == Derivative::Kind::composed) {
      Arrays composition = op.derivative.compose({op, sample.args, sample.inputs});
      composition.resize(outputs.size());
      one.add(compare("values against the composition", outputs, composition, options.tolerance));
    }
    if (options.batches && !sample.inputs.empty()) {
      if (sample.inputs.size() > 1) {
        for (size_t i = 0; i < sample.inputs.size(); ++i) one.add(check_batched_input(op, sample, static_cast<int>(i), options.tolerance));
      }
      one.add(check_batched_input(op, sample, -1, options.tolerance));
    }
    report.add(concat(op.name, " sample ", s), one);
  }
  return report;
}

}  // namespace gradus
