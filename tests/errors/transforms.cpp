// Wrong calls of transforms, and what plans refuse.
#include "gradus/array/memory.hpp"
#include "gradus/array/buffer.hpp"
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

namespace {

struct Line {
  Array w{}, b{};
  Array forward(const Array& x) const { return x * w + b; }
  GRADUS_PARTS(w, b)
};
struct Counted {
  Parameter gain{};
  State calls{};
  Array forward(const Array& x) const {
    calls.set(calls({}, nn::init::zeros()) + 1);
    return x * gain({x.shape(-1)}, nn::init::ones());
  }
  GRADUS_PARTS(gain, calls)
};
// One that has been called.
Counted counted() {
  Counted model;
  model(zeros({3}));
  return model;
}
nn::Embedding tokens() {
  nn::Embedding layer(5, 2);
  nn::build(layer, Shape{1}, int64);
  return layer;
}
// A memory limit as long as it lives.
class Limit {
 public:
  explicit Limit(int64_t bytes) : before_(memory_limit()) { set_memory_limit(bytes); }
  ~Limit() { set_memory_limit(before_); }

 private:
  int64_t before_;
};

const auto total = [](const Array& x) { return sum(x); };
const auto total_of = [](const auto& model, const Array& x) { return sum(model(x)); };
const auto read = [](const Array& x) { return x * sum(x).item(); };

}  // namespace

Provocations transform_provocations() {
  return {
      // What is differentiated.
      PROVOKE(grad([](const Array& x) { return 2 * x; })(zeros({3}))),
      PROVOKE(grad([](const Array& x) { return sum(x > 0); })(zeros({3}))),
      PROVOKE(grad([](const Array&) { return Array(); })(zeros({3}))),
      PROVOKE(grad(total)(Array())),
      PROVOKE(grad(total)(array({1, 2}))),
      PROVOKE(grad([](const Array& x, const Array& n) { return sum(x * n); })(zeros({2}), array({1, 2}))),
      PROVOKE(grad<0>(total_of)(nn::Flatten(), zeros({2, 3}))),
      PROVOKE(grad<0>([](const auto&, const Array& x) { return sum(x); })(Line{zeros({3}), zeros({3})}, zeros({3}))),
      PROVOKE(grad([](const Array& x) { return while_loop([](const Array& y) { return y < 10; }, [](const Array& y) { return 2 * y; }, x); })(1.0)),
      PROVOKE(jacobian([](const Array& x) { return x > 0; })(zeros({3}))),
      PROVOKE(vjp(total, zeros({3})).second(zeros({2}))),
      PROVOKE(jvp(total, zeros({3}), zeros({2}))),
      PROVOKE(jvp(total, zeros({3}, int32), zeros({3}))),
      PROVOKE(hvp(total, zeros({3}), zeros({2}))),
      PROVOKE(hvp(total, zeros({3}, int32), zeros({3}))),
      PROVOKE(hvp([](const Array& x) { return 2 * x; }, zeros({3}), zeros({3}))),
      PROVOKE(hessian([](const Array& x) { return 2 * x; })(zeros({3}))),
      PROVOKE(jacobian(total)(zeros({3}, int32))),
      // An index that is out of range is found by the op of the derivative, and named by the op that was called.
      PROVOKE(grad([](const Array& x) { return sum(take(x, array({0, 5}), 0)); })(zeros({4})).eval()),
      PROVOKE(grad([](const Array& x) { return sum(gather(x, array({{0, 5}}), 0)); })(zeros({4, 2})).eval()),
      PROVOKE(grad([](const Array& x) { return sum(embedding(x, array({0, 5}))); })(zeros({4, 2})).eval()),
      PROVOKE(hvp([](const Array& x) { return sum(pow(embedding(x, array({0, 5})), 3)); }, zeros({4, 2}), zeros({4, 2})).eval()),
      PROVOKE(grad([](const Array& x) { return sum(softmax_cross_entropy(x, array({0, 5}))); })(zeros({2, 3})).eval()),
      PROVOKE(grad<0>([](const auto& model, const Array& ids) { return sum(model(ids)); })(tokens(), array({1, 7}))["weights"].eval()),
      PROVOKE(vmap(grad<0>([](const auto& model, const Array& ids) { return sum(model(ids)); }), {whole, 0})(tokens(), array({{1}, {7}}))["weights"].eval()),
      PROVOKE(const Line line{zeros({3}), zeros({3})}; const Gradients tangent({{"v", zeros({3})}});
              jvp(total_of, args(line, zeros({3})), args(tangent, zeros({3})))),
      PROVOKE(grad([](const Array& x) {
        return sum(custom_vjp([](const Array& a) { return 2 * a; }, [](const Array& c, const Array&, const Array&) { return sum(c); })(x));
      })(zeros({3}))),
      PROVOKE(jvp(custom_vjp([](const Array& a) { return 2 * a; }, [](const Array& c, const Array&, const Array&) { return square(c); }), zeros({3}),
                  zeros({3}))),
      PROVOKE(custom_vjp([](const Array& a, const Array& b) { return a * b; },
                         [](const Array& c, const Array&, const Array&, const Array&) { return c; })(zeros({3}), zeros({3}))),
      PROVOKE(check_gradients(total, array({1, 2}))),
      // Values inside.
      PROVOKE(vmap(read)(zeros({2, 3}))),
      PROVOKE(compile(read)(zeros({3}))),
      PROVOKE(vmap([](const Array& x) { return x[x > 0]; })(zeros({2, 3}))),
      PROVOKE(compile([](const Array& x) { to_text(x); return x; })(zeros({3}))),
      PROVOKE(scan([](const Array& c, const Array& x) { return std::pair{c + x, Array(x.item())}; }, Array(0.0), zeros({3}))),
      PROVOKE(cond(Array(true), [](const Array& x) { return x * x.item(); }, [](const Array& x) { return x; }, Array(1.0))),
      // vmap.
      PROVOKE(vmap(total)(Array(1.0))),
      PROVOKE(vmap(total)(Array())),
      PROVOKE(vmap(total, {0, 0})(zeros({2, 3}))),
      PROVOKE(vmap(total, {2})(zeros({2, 3}))),
      PROVOKE(vmap(total, {whole})(zeros({2, 3}))),
      PROVOKE(vmap([](const Array& x, const Array& y) { return sum(x * y); })(zeros({2, 3}), zeros({4, 3}))),
      PROVOKE(vmap([](const Array& x) { return x + random::normal({3}); })(zeros({2, 3}))),
      PROVOKE(const Counted model = counted(); vmap([&](const Array& x) { model.calls.set(sum(x)); return x; })(zeros({2, 3}))),
      // Variables.
      PROVOKE(const Counted model; grad([&](const Array& x) { return sum(model(x)); })(zeros({3}))),
      PROVOKE(const Counted model; model.gain.get()),
      PROVOKE(const Counted model = counted(); model(zeros({4}))),
      PROVOKE(const Counted model = counted(); compile([&](const Array& x) { return model(x); })(zeros({3}))),
      PROVOKE(const Counted model = counted();
              scan([&](const Array& c, const Array& x) { return std::pair{c, model(x)}; }, Array(0.0), zeros({2, 3}))),
      PROVOKE(Parameter p; p({2}, [](const Shape&) { return zeros({3}); })),
      PROVOKE(const Gradients grads({{"kernel", zeros({2})}}); grads["kernl"]),
      PROVOKE(const Gradients a({{"w", zeros({2})}}), b({{"v", zeros({2})}}); a.zip(b, [](const Array& x, const Array& y) { return x + y; })),
      // compile.
      PROVOKE(compile(total)(Array())),
      PROVOKE(Array w = ones({3}).eval(); compile([&](const Array& x) { return x * w; })(w)),
      PROVOKE(compile([](const Array&) { return Array(); })(zeros({3}))),
      // Loops and branches.
      PROVOKE(scan([](const Array& c, const Array& x) { return std::pair{c + x, c}; }, zeros({3}), Array(1.0))),
      PROVOKE(scan([](const Array& c, const Array&) { return std::pair{concatenate({c, c}), c}; }, zeros({3}), zeros({2}))),
      PROVOKE(scan([](const Array& c, const Array& x) { return std::pair{c + x, c}; }, Array(), zeros({2}))),
      PROVOKE(scan([](const Array& c, const auto& x) { return std::pair{c + x[0], x[1]}; }, Array(0.0),
                   std::vector<Array>{zeros({2}), zeros({3})})),
      PROVOKE(cond(zeros({2}) > 0, [](const Array& x) { return x; }, [](const Array& x) { return -x; }, Array(1.0))),
      PROVOKE(cond(Array(true), [](const Array& x) { return x; }, [](const Array& x) { return stack({x, x}); }, Array(1.0))),
      PROVOKE(while_loop([](const Array& x) { return x; }, [](const Array& x) { return 2 * x; }, Array(1.0))),
      PROVOKE(while_loop([](const Array& x) { return all(x < 10); }, [](const Array& x) { return stack({x, x}); }, zeros({2}))),
      // Settings, memory.
      PROVOKE(set_threads(0)),
      PROVOKE(set_memory_limit(-1)),
      PROVOKE(const Limit limit(1 << 20); (zeros({1024, 1024}) + 1).eval()),
      PROVOKE(const Limit limit(1 << 20); array(std::vector<float>(1 << 20))),
  };
}

}  // namespace errors
