#include "gradus/transform/vmap.hpp"

#include "gradus/ops/cumulative.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/sort.hpp"
#include "gradus/transform/jacobian.hpp"
#include "gradus/transform/vjp.hpp"
#include "support.hpp"

namespace gradus {

using namespace core;
namespace {

const auto wave = [](const Array& x) { return sum(sin(x) * x); };

Array loop(const Array& xs) {
  std::vector<Array> out;
  for (int64_t i = 0; i < xs.shape(0); ++i) out.push_back(wave(xs[i]));
  return stack(out);
}

TEST(Vmap, EqualsALoop) {
  const Array xs = samples({4, 3});
  expect_close(vmap(wave)(xs), loop(xs));
  expect_close(vmap(tanh)(xs), tanh(xs));
}

TEST(Vmap, OverAnyAxisAndWholeArguments) {
  const auto f = [](const Array& a, const Array& b) { return a * b + 1; };
  const Array a = samples({3, 4}), b = samples({3});
  expect_close(vmap(f, {1, whole})(a, b), transpose(a) * b + 1);
  expect_close(vmap(f, {-1, whole})(a, b), transpose(a) * b + 1);
  expect_close(vmap(f, {0, whole})(b, a), expand_dims(b, {1, 2}) * a + 1);
}

TEST(Vmap, HandsFormsThrough) {
  const auto f = [](const std::vector<Array>& v) { return std::pair{v[0] + v[1], std::array{v[0], 2 * v[1]}}; };
  const std::vector<Array> v{samples({4, 2}), samples({4, 2}, 1)};
  const auto [sum, parts] = vmap(f)(v);
  expect_close(sum, v[0] + v[1]);
  expect_close(parts[1], 2 * v[1]);
}

TEST(Vmap, RepeatsWhatDoesNotDependOnTheExample) {
  const Array ys = vmap([](const Array& x) { return std::pair{x, Array(2.0) * ones({3})}; })(samples({4})).second;
  EXPECT_EQ(ys.shape(), Shape({4, 3}));
}

TEST(Vmap, OfVmap) {
  const auto f = [](const Array& a, const Array& b) { return sum(a * b); };
  const Array a = samples({3, 5}), b = samples({4, 5});
  const Array table = vmap([&](const Array& row) { return vmap([&](const Array& other) { return f(row, other); })(b); })(a);
  EXPECT_EQ(table.shape(), Shape({3, 4}));
  expect_close(table, sum(expand_dims(a, 1) * b, 2));
  expect_close(vmap(vmap(f, {whole, 0}), {0, whole})(a, b), table);
}

TEST(Vmap, OfGradIsTheGradientOfEachExample) {
  const Array xs = samples({4, 3});
  expect_close(vmap(grad(wave))(xs), sin(xs) + xs * cos(xs));
}

TEST(Vmap, GradOfVmap) {
  const Array xs = samples({4, 3});
  expect_close(grad([](const Array& xs) { return sum(square(vmap(wave)(xs))); })(xs),
               2 * expand_dims(loop(xs), 1) * (sin(xs) + xs * cos(xs)));
}

TEST(Vmap, JvpOfVmapAndVmapOfJvp) {
  const Array xs = samples({4, 3}), vs = samples({4, 3}, 1);
  const Array expected = sum((sin(xs) + xs * cos(xs)) * vs, 1);
  expect_close(jvp(vmap(wave), xs, vs).second, expected);
  expect_close(vmap([](const Array& x, const Array& v) { return jvp(wave, x, v).second; })(xs, vs), expected);
}

TEST(Vmap, OfHessians) {
  const Array xs = samples({4, 3});
  const Array h = vmap(hessian(wave))(xs);
  for (int64_t i = 0; i < 4; ++i) expect_close(h[i], hessian(wave)(xs[i]));
}

TEST(Vmap, OfRandomDrawsFromKeys) {
  const std::vector<random::Key> keys = random::split(random::key(3), 4);
  std::vector<Array> words;
  for (const random::Key& key : keys) words.push_back(key.array());
  const auto f = [](const random::Key& key) { return random::normal(key, {3}); };
  const Array all = vmap(f)(random::Key::from_array(stack(words)));
  for (size_t i = 0; i < 4; ++i) expect_close(all[i], f(keys[i]), 0);
}

TEST(Vmap, DrawsWithoutKeyNeedAWord) {
  const auto f = [](const Array& x) { return x + random::normal({2}); };
  const Array xs = zeros({3, 2});
  EXPECT_NE(message_of([&] { vmap(f)(xs); }).find("vmap"), std::string::npos);
  const Array same = vmap(f, {.randomness = Randomness::same})(xs), different = vmap(f, {.randomness = Randomness::different})(xs);
  expect_close(same[0], same[1], 0);
  EXPECT_NE(different[0].to_vector<float>(), different[1].to_vector<float>());
}

TEST(Vmap, EmptyBatch) { EXPECT_EQ(vmap(wave)(zeros({0, 3})).shape(), Shape({0})); }

TEST(Vmap, ErrorsNameTheArgument) {
  const auto f = [](const Array& a, const Array& b) { return a * b; };
  EXPECT_EQ(message_of([&] { vmap(f)(zeros({3}), zeros({4})); }),
            "vmap: argument 1 has 4 examples along axis 0, argument 0 has 3; they must be equal");
  EXPECT_EQ(message_of([&] { vmap(f, {0, 0, 0})(zeros({3}), zeros({3})); }),
            "vmap: 3 axes were given for 2 arguments; there must be one for each (whole: not batched)");
  EXPECT_EQ(message_of([&] {
              vmap(f, {whole, whole})(zeros({3}), zeros({3}));
            }),
            "vmap: no argument is batched; at least one must have an axis of examples");
  EXPECT_EQ(message_of([&] { vmap(f)(Array(1.0), zeros({3})); }),
            "vmap: argument 0 is a scalar; only arrays with an axis of examples can be batched (whole: not batched)");
  EXPECT_EQ(message_of([&] { vmap([](const Array& x) { return x.item() > 0 ? x : -x; })(zeros({3})); }),
            "vmap: the value of an array () was asked for (item, data, printing, eval); inside vmap arrays have no values yet");
}

// Ops that write, pick and order, with the examples along any axis of what they read: rules that put the batch in front of the wrong axis
// pass along axis 0, and along axis 1 where the axes they exchange have the same size.
TEST(Vmap, OfWritesAndOrdersOverAnyAxis) {
  const std::vector<std::function<Array(const Array&)>> functions = {
      [](const Array& x) { Array y = x; y.set(1, 5.0); return y; },
      [](const Array& x) { Array y = x; y.set(array({0, 1, 0}), x[0] * 2); return y; },
      [](const Array& x) { Array y = x; y.add({slice(), array({0, 0})}, x[{slice(), slice(0, 2)}]); return y; },
      [](const Array& x) { Array y = x; y.set({slice({}, {}, -1), slice(0, {}, 2)}, x[{slice(), slice(0, {}, 2)}]); return y; },
      [](const Array& x) { return scatter(x, array({{0, 1}, {1, 1}}), x[{slice(0, 2), slice(0, 2)}] * 2, 0); },
      [](const Array& x) { return scatter_add(x, array({{0, 1}, {1, 1}}), x[{slice(0, 2), slice(0, 2)}] * 2, 1); },
      [](const Array& x) { return index_add(x, array({1, 1}), x[{slice(), slice(0, 2)}], 1); },
      [](const Array& x) { return dynamic_update_slice(x, x[{slice(0, 1), slice(0, 2)}] * 2, array({1, 0})); },
      [](const Array& x) { return take_along_axis(x, argsort(x, 0), 0) * sort(x, 1, true); },
      [](const Array& x) { return topk(x, 2, 0).first + topk(x, 2, 0, false).first; },
      [](const Array& x) { return cumsum(x, 0) * cumprod(x, 1) + cumsum(x)[0]; },
      [](const Array& x) { return roll(x, 1) + flip(x) * max(x); },
      [](const Array& x) { return x[slice(1, {}, 2)]; },
  };
  const Array x = samples({2, 3, 4});
  for (size_t f = 0; f < functions.size(); ++f) {
    const auto slope = [&](const Array& v) { return grad([&](const Array& a) { return sum(square(functions[f](a))); })(v); };
    for (int64_t axis = 0; axis < 3; ++axis) {
      SCOPED_TRACE(concat("function ", f, ", axis ", axis));
      const Array front = moveaxis(x, axis, 0), got = vmap(functions[f], {BatchAxis(axis)})(x), slopes = vmap(slope, {BatchAxis(axis)})(x);
      for (int64_t i = 0; i < front.shape(0); ++i) {
        expect_close(got[i], functions[f](front[i]));
        expect_close(slopes[i], slope(front[i]));
      }
    }
  }
}

TEST(Vmap, OfVmapOfASubscript) {
  const auto f = [](const Array& x, const Array& i) { return x[i]; };
  const Array x = samples({2, 3, 4, 5});
  const Array one = vmap(vmap(f, {0, whole}), {0, 0})(x, array({1, 3}));
  const Array several = vmap(vmap(f, {0, whole}), {0, 0})(x, array({{1, 3, 0}, {2, 2, -1}}));
  for (int64_t i = 0; i < 3; ++i) {
    expect_close(one[{1, i}], x[{1, i, 3}]);
    expect_close(several[{1, i}], x[{1, i, array({2, 2, -1})}]);
  }
}

TEST(Vmap, ExamplesOfUnequalRankBroadcastAsTheyDoAlone) {
  const Array a = samples({3, 4, 1}), b = samples({3, 1, 1, 5}, 1), got = vmap([](const Array& x, const Array& y) { return x + y; })(a, b);
  EXPECT_EQ(got.shape(), Shape({3, 1, 4, 5}));
  for (int64_t i = 0; i < 3; ++i) expect_close(got[i], a[i] + b[i]);
}

TEST(Vmap, AnInnerAxisOfAnyArgumentIsMovedToTheFront) {
  // Not symmetric in the axes that are left.
  const auto f = [](const Array& x) { return x * reshape(arange(static_cast<double>(x.size())), NewShape(x.shape())).astype(float64); };
  for (const Shape& shape : {Shape{2, 3, 4}, Shape{2, 3, 4, 5}}) {
    const Array x = samples(shape);
    for (int64_t axis = 0; axis < shape.rank(); ++axis) {
      const Array got = vmap(f, {BatchAxis(axis)})(x), front = moveaxis(x, axis, 0);
      ASSERT_EQ(got.shape(), front.shape());
      for (int64_t i = 0; i < front.shape(0); ++i) expect_close(got[i], f(front[i]));
      expect_close(vmap(f, {BatchAxis(axis - shape.rank())})(x), got);
    }
  }
}

}  // namespace
}  // namespace gradus
