// The whole idea of Gradus in one file of plain C++: arrays, a graph, derivatives and vmap. Read it from top to bottom.
// It uses nothing of Gradus and is slow; the same ideas in earnest are in gradus/graph, gradus/ops and gradus/transform.
//
// An array is a value that may not have been computed yet: calling an operation records a node and computes nothing. Then
//   evaluate  walks the graph and computes its numbers,
//   grad      walks the graph and writes down another one, the derivative,
//   vmap      walks the graph and writes down another one, the same computation on a whole batch.
// What goes from graph to graph can be stacked: grad(grad(f)), vmap(grad(f)), the gradient of a sum of vmaps.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

// ---- arrays and nodes ---------------------------------------------------------------------------------------------------------------
using Shape = std::vector<int>;
using Numbers = std::vector<double>;  // row-major
struct Node;
struct Op;

struct Array {  // a handle; copying it copies no numbers
  Array() = default;
  Array(double number);  // of rank 0, so that 2 * x reads as it should
  Array(Shape shape, std::optional<Numbers> numbers);
  explicit Array(std::shared_ptr<Node> node) : node(std::move(node)) {}
  const Shape& shape() const;
  std::shared_ptr<Node> node;
};

using Arrays = std::vector<Array>;

struct Node {
  const Op* op = nullptr;  // null where the numbers are given
  Arrays inputs{};
  int axis = 0, size = 0;  // parameters of the ops that have an axis
  Shape shape{};
  std::optional<Numbers> numbers{};  // filled by evaluate
};

Array::Array(Shape shape, std::optional<Numbers> numbers) : node(new Node{.shape = std::move(shape), .numbers = std::move(numbers)}) {}
Array::Array(double number) : Array(Shape{}, Numbers{number}) {}
const Shape& Array::shape() const { return node->shape; }

int count(const Shape& shape, int first_axis = 0) {
  return std::accumulate(shape.begin() + first_axis, shape.end(), 1, std::multiplies<>());
}
Shape without(Shape shape, int axis) { return shape.erase(shape.begin() + axis), shape; }
Shape with(Shape shape, int axis, int size) { return shape.insert(shape.begin() + axis, size), shape; }

// ---- one op is one block ------------------------------------------------------------------------------------------------------------
// All that is true of an op: the shape of its result, its numbers, its derivative. `pull` gets the recorded call y = op(inputs) and dy,
// the derivative of some scalar in y, and answers with the derivatives of that scalar in the inputs. It is written with ops, so its
// answer is a graph again.
struct Op {
  std::string name;
  std::function<Shape(const Node&)> infer;
  std::function<void(const Node&, Numbers& y)> compute;
  std::function<Arrays(const Array& y, const Array& dy)> pull;
};
using Pull = decltype(Op::pull);

const Array& input(const Array& y, int i) { return y.node->inputs[i]; }
const Numbers& x0(const Node& node) { return *node.inputs[0].node->numbers; }
const Numbers& x1(const Node& node) { return *node.inputs[1].node->numbers; }

Array record(const Op& op, Arrays inputs, int axis = 0, int size = 0) {
  const auto node = std::make_shared<Node>(Node{&op, std::move(inputs), axis, size});
  node->shape = op.infer(*node);  // shapes are checked now, where the mistake was made, not later, when the numbers are computed
  return Array(node);
}

Shape same_shape(const Node& node) {
  for (const Array& x : node.inputs)
    if (x.shape() != node.inputs[0].shape()) throw std::runtime_error(node.op->name + ": the shapes do not fit");
  return node.inputs[0].shape();
}
Op unary(std::string name, double (*f)(double), Pull pull) {
  const auto compute = [f](const Node& node, Numbers& y) { std::transform(x0(node).begin(), x0(node).end(), y.begin(), f); };
  return {name, same_shape, compute, pull};
}
Op binary(std::string name, double (*f)(double, double), Pull pull) {
  const auto compute = [f](const Node& node, Numbers& y) {
    std::transform(x0(node).begin(), x0(node).end(), x1(node).begin(), y.begin(), f);
  };
  return {name, same_shape, compute, pull};
}

Array operator+(const Array& a, const Array& b), operator-(const Array& a, const Array& b), operator*(const Array& a, const Array& b);
Array exp(const Array& x);
Array total(const Array& x, int axis);             // the sum over an axis, which goes away
Array spread(const Array& x, int axis, int size);  // a new axis, along which x repeats; each is the derivative of the other

// y = a + b  =>  da = dy, db = dy
const Op add_op = binary("add", [](double a, double b) { return a + b; }, [](auto&, auto& dy) { return Arrays{dy, dy}; });
// y = a b  =>  da = b dy, db = a dy
const Op multiply_op = binary("multiply", [](double a, double b) { return a * b; },
                              [](auto& y, auto& dy) { return Arrays{dy * input(y, 1), dy * input(y, 0)}; });
// y = e^x  =>  dx = y dy
const Op exp_op = unary("exp", [](double x) { return std::exp(x); }, [](auto& y, auto& dy) { return Arrays{dy * y}; });
// y = log x  =>  dx = dy / x = e^-y dy
const Op log_op = unary("log", [](double x) { return std::log(x); }, [](auto& y, auto& dy) { return Arrays{dy * exp(-1 * y)}; });
// y = tanh x  =>  dx = (1 - y^2) dy
const Op tanh_op = unary("tanh", [](double x) { return std::tanh(x); }, [](auto& y, auto& dy) { return Arrays{dy * (1 - y * y)}; });

// y[.., ..] = sum over i of x[.., i, ..]  =>  dx[.., i, ..] = dy[.., ..]
const Op total_op{"total",
                  [](const Node& node) { return without(node.inputs[0].shape(), node.axis); },
                  [](const Node& node, Numbers& y) {
                    const int inner = count(node.shape, node.axis), block = inner * node.inputs[0].shape()[node.axis];
                    for (size_t i = 0; i < x0(node).size(); ++i) y[i / block * inner + i % inner] += x0(node)[i];
                  },
                  [](auto& y, auto& dy) { return Arrays{spread(dy, y.node->axis, input(y, 0).shape()[y.node->axis])}; }};
// y[.., i, ..] = x[.., ..]  =>  dx[.., ..] = sum over i of dy[.., i, ..]
const Op spread_op{"spread",
                   [](const Node& node) { return with(node.inputs[0].shape(), node.axis, node.size); },
                   [](const Node& node, Numbers& y) {
                     const int inner = count(node.shape, node.axis + 1), block = inner * node.size;
                     for (size_t i = 0; i < y.size(); ++i) y[i] = x0(node)[i / block * inner + i % inner];
                   },
                   [](auto& y, auto& dy) { return Arrays{total(dy, y.node->axis)}; }};

// ---- what users call: ops and compositions of ops -----------------------------------------------------------------------------------
Array exp(const Array& x) { return record(exp_op, {x}); }
Array log(const Array& x) { return record(log_op, {x}); }
Array tanh(const Array& x) { return record(tanh_op, {x}); }
Array total(const Array& x, int axis) { return record(total_op, {x}, axis); }
Array spread(const Array& x, int axis, int size) { return record(spread_op, {x}, axis, size); }

// Broadcasting: an input that lacks leading axes repeats along them. (In NumPy, and in Gradus, axes of size 1 repeat as well.)
Array pairwise(const Op& op, Array a, Array b) {
  const Shape shape = a.shape().size() > b.shape().size() ? a.shape() : b.shape();
  for (Array* x : {&a, &b})
    while (x->shape().size() < shape.size()) *x = spread(*x, 0, shape[shape.size() - x->shape().size() - 1]);
  return record(op, {a, b});
}
Array operator+(const Array& a, const Array& b) { return pairwise(add_op, a, b); }
Array operator*(const Array& a, const Array& b) { return pairwise(multiply_op, a, b); }
Array operator-(const Array& a, const Array& b) { return a + -1 * b; }
Array square(const Array& x) { return x * x; }
Array sum(Array x) {
  while (!x.shape().empty()) x = total(x, 0);
  return x;
}
Array mean(const Array& x) { return sum(x) * (1.0 / count(x.shape())); }
Array dot(const Array& a, const Array& b) { return sum(a * b); }
// (n, k) times (k, m): everything times everything, (n, k, m), and the sum over k.
Array matmul(const Array& a, const Array& b) { return total(spread(a, 2, b.shape()[1]) * spread(b, 0, a.shape()[0]), 1); }

// ---- walks over the graph -----------------------------------------------------------------------------------------------------------
// All that y is made of, inputs before their readers. Recursion is short; chains of a million nodes need a stack of one's own.
Arrays ancestors(const Array& y) {
  std::set<Node*> seen;
  Arrays order;
  const std::function<void(const Array&)> visit = [&](const Array& array) {
    if (!seen.insert(array.node.get()).second) return;
    for (const Array& x : array.node->inputs) visit(x);
    order.push_back(array);
  };
  visit(y);
  return order;
}

const Numbers& evaluate(const Array& y) {
  for (const Array& array : ancestors(y)) {
    Node& node = *array.node;
    if (node.numbers) continue;
    Numbers out(count(node.shape));
    node.op->compute(node, out);
    node.numbers = std::move(out);
  }
  return *y.node->numbers;
}
double item(const Array& y) { return evaluate(y)[0]; }

using Function = std::function<Array(const Array&)>;

// The gradient of a scalar function, as a function. The chain rule, backwards: the derivative of y in y is 1; every node hands its
// derivative on to its inputs by `pull`; what arrives at a node from several readers adds up.
Function grad(Function f) {
  return [f](const Array& x) {
    const Array argument = 1 * x;  // a fresh node: what f has captured is a constant, even if it is x itself
    const Array y = f(argument);
    if (!y.shape().empty()) throw std::runtime_error("grad: the function must return a scalar");
    std::map<Node*, Array> slopes{{y.node.get(), 1.0}};
    const Arrays order = ancestors(y);
    for (auto at = order.rbegin(); at != order.rend(); ++at) {
      const Node& node = *at->node;
      if (!node.op || at->node == argument.node || !slopes.count(at->node.get())) continue;
      const Arrays pulled = node.op->pull(*at, slopes[at->node.get()]);
      for (size_t i = 0; i < pulled.size(); ++i) {
        auto [place, is_new] = slopes.insert({node.inputs[i].node.get(), pulled[i]});
        if (!is_new) place->second = place->second + pulled[i];
      }
    }
    return slopes.count(argument.node.get()) ? slopes[argument.node.get()] : 0 * x;
  };
}

// f on every row of xs at once. f is traced on one row, a symbol without numbers; each node that depends on it is recorded again with
// a batch axis in front: axes count one further, inputs that do not depend on the row repeat. This one rule serves all ops.
Function vmap(Function f) {
  return [f](const Array& xs) {
    const int batch = xs.shape()[0];
    const Array row(without(xs.shape(), 0), std::nullopt), y = f(row);
    std::map<Node*, Array> batched{{row.node.get(), xs}};
    const auto in_batch = [&](const Array& x) { return batched.count(x.node.get()) ? batched[x.node.get()] : spread(x, 0, batch); };
    for (const Array& array : ancestors(y)) {
      const Node& node = *array.node;
      const bool depends = std::any_of(node.inputs.begin(), node.inputs.end(), [&](auto& x) { return batched.count(x.node.get()); });
      if (!depends) continue;
      Arrays inputs;
      for (const Array& x : node.inputs) inputs.push_back(in_batch(x));
      batched[array.node.get()] = record(*node.op, inputs, node.axis + 1, node.size);
    }
    return in_batch(y);
  };
}

// The derivative of grad(f) in each direction v; the directions are the rows of the identity, all at once by vmap.
Array hessian(Function f, const Array& x) {
  const int n = x.shape()[0];
  Numbers identity(n * n);
  for (int i = 0; i < n; ++i) identity[i * n + i] = 1;
  return vmap([&](const Array& v) { return grad([&](const Array& z) { return dot(grad(f)(z), v); })(x); })(Array({n, n}, identity));
}

// ---- what it can do -----------------------------------------------------------------------------------------------------------------
void expect(const char* fact, double got, double want, double tolerance = 1e-9) {
  const bool is_right = std::abs(got - want) <= tolerance;
  std::printf("%-34s %10.6f%s\n", fact, got, is_right ? "" : "  WRONG");
  if (!is_right) std::exit(1);
}

int main() {
  // Derivatives of any order, against difference quotients.
  const Function f = [](const Array& x) { return x * x * x * tanh(x); };
  const double h = 1e-5;
  expect("f'(0.7), f(x) = x^3 tanh x", item(grad(f)(0.7)), (item(f(0.7 + h)) - item(f(0.7 - h))) / (2 * h), 1e-8);
  expect("f''(0.7)", item(grad(grad(f))(0.7)), (item(grad(f)(0.7 + h)) - item(grad(f)(0.7 - h))) / (2 * h), 1e-8);

  // The gradient of each row by itself. That of log(sum(exp(x))) is the softmax of x.
  const Array rows({2, 3}, Numbers{1, 2, 3, 0, 0, 0}), slopes = vmap(grad([](const Array& x) { return log(sum(exp(x))); }))(rows);
  expect("softmax of 1, 2, 3: last", evaluate(slopes)[2], std::exp(3) / (std::exp(1) + std::exp(2) + std::exp(3)));
  expect("softmax of 0, 0, 0: last", evaluate(slopes)[5], 1.0 / 3);

  // The Hessian of x^2 y is ((2 y, 2 x), (2 x, 0)).
  const Array e0({2}, Numbers{1, 0}), e1({2}, Numbers{0, 1});
  const Array second = hessian([&](const Array& p) { return square(dot(p, e0)) * dot(p, e1); }, Array({2}, Numbers{3, 5}));
  expect("d2 (x^2 y) / dx dx at (3, 5)", evaluate(second)[0], 10);
  expect("d2 (x^2 y) / dx dy at (3, 5)", evaluate(second)[1], 6);

  // Gradient descent. Each step cuts the graph: it keeps the numbers and drops the history.
  const auto descend = [](Array& x, double rate, const Function& loss) {
    const Array next = x - rate * grad(loss)(x);
    x = Array(x.shape(), evaluate(next));
  };
  auto uniform = [random = std::mt19937(1)](int n) mutable {  // in [-1, 1)
    Numbers out(n);
    for (double& number : out) number = random() / 2147483648.0 - 1;
    return out;
  };

  // Linear regression finds the line y = 3 x + 2 through 50 points.
  const Array x({50}, uniform(50)), y = 3 * x + 2;
  Array line({2}, Numbers{0, 0});
  for (int i = 0; i < 200; ++i) descend(line, 0.5, [&](const Array& p) { return mean(square(dot(p, e0) * x + dot(p, e1) - y)); });
  expect("slope of the line", evaluate(line)[0], 3, 1e-6);
  expect("its offset", evaluate(line)[1], 2, 1e-6);

  // A network with one hidden layer learns exclusive or: its output is above 0 where the two inputs differ. The third input is 1.
  const Array points({4, 3}, Numbers{0, 0, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1}), sign({4, 1}, Numbers{-1, 1, 1, -1});
  Array hidden({3, 8}, uniform(24)), out({8, 1}, uniform(8));
  const auto margin = [&](const Array& w, const Array& v) { return sign * matmul(tanh(matmul(points, w)), v); };
  const auto loss = [&](const Array& w, const Array& v) { return mean(log(1 + exp(-1 * margin(w, v)))); };
  for (int i = 0; i < 300; ++i) {
    descend(hidden, 1, [&](const Array& w) { return loss(w, out); });
    descend(out, 1, [&](const Array& v) { return loss(hidden, v); });
  }
  const Array margins = margin(hidden, out);
  const auto right = std::count_if(evaluate(margins).begin(), evaluate(margins).end(), [](double m) { return m > 0; });
  expect("exclusive or: points on their side", static_cast<double>(right), 4);
}
