// The whole idea of Gradus in one file of plain C++: arrays, a graph, derivatives and vmap as walks over that graph.
// It uses nothing of Gradus and is slow; read it from top to bottom, then read gradus/graph and gradus/transform.
//
// An array is a value that may not have been computed yet. Calling an operation records a node and computes nothing.
// `evaluate` walks the graph and computes; `grad` walks it and writes down a new graph, the derivative; `vmap` walks it and writes
// down a new graph, the same computation on a whole batch. Since both go from graph to graph, they can be stacked: grad(grad(f)),
// vmap(grad(f)), grad of a sum of vmaps.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

// ---------------------------------------------------------------------------------------------------------------- arrays and nodes
using Shape = std::vector<int>;
struct Op;
struct Node;

struct Array {  // a handle; copying it copies no numbers
  Array() = default;
  Array(double number);  // rank 0, so that `2 * x` reads as it should
  Array(Shape shape, std::vector<double> values);
  explicit Array(std::shared_ptr<Node> node) : node(std::move(node)) {}
  const Shape& shape() const;
  std::shared_ptr<Node> node;
};

struct Node {
  const Op* op = nullptr;
  std::vector<Array> inputs;
  int axis = 0, size = 0;  // parameters of the ops that have an axis
  Shape shape;
  std::vector<double> values;  // row-major, filled by evaluate
  bool is_ready = false;
};

Array::Array(Shape shape, std::vector<double> values) : node(new Node{nullptr, {}, 0, 0, std::move(shape), std::move(values), true}) {}
Array::Array(double number) : Array(Shape{}, {number}) {}
const Shape& Array::shape() const { return node->shape; }

int count(const Shape& shape) {
  int product = 1;
  for (int size : shape) product *= size;
  return product;
}

// -------------------------------------------------------------------------------------------------------------- one op is one block
// All that is true of an op: the shape of its result, its numbers, and its derivative. `pull` gets the recorded call y = op(inputs)
// and dy, the derivative of some scalar in y; it answers with the derivatives of that scalar in the inputs. It is written with ops, so
// its answer is a graph again.
struct Op {
  const char* name;
  Shape (*infer)(const Node&);
  void (*compute)(const Node&, std::vector<double>& out);
  std::vector<Array> (*pull)(const Array& y, const Array& dy);
};

Array record(const Op& op, std::vector<Array> inputs, int axis = 0, int size = 0) {
  auto node = std::make_shared<Node>(Node{&op, std::move(inputs), axis, size, {}, {}, false});
  node->shape = op.infer(*node);  // shapes are checked now, where the user made the mistake, not when numbers are computed
  return Array(node);
}

const Array& input(const Array& y, int i) { return y.node->inputs[i]; }
const std::vector<double>& numbers(const Node& node, int i) { return node.inputs[i].node->values; }

Shape same(const Node& node) { return node.inputs[0].shape(); }
Shape both(const Node& node) {
  if (node.inputs[0].shape() != node.inputs[1].shape()) throw std::runtime_error(std::string(node.op->name) + ": shapes differ");
  return node.inputs[0].shape();
}
template <auto F>
void each(const Node& node, std::vector<double>& out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = F(numbers(node, 0)[i]);
}
template <auto F>
void each_pair(const Node& node, std::vector<double>& out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = F(numbers(node, 0)[i], numbers(node, 1)[i]);
}
double exp_of(double x) { return std::exp(x); }
double log_of(double x) { return std::log(x); }
double tanh_of(double x) { return std::tanh(x); }
double step_of(double x) { return x > 0 ? 1 : 0; }

Array operator+(const Array& a, const Array& b);
Array operator*(const Array& a, const Array& b);
Array operator-(const Array& a, const Array& b);
Array exp(const Array& x), log(const Array& x), tanh(const Array& x), step(const Array& x);
Array total(const Array& x, int axis);             // sum over an axis, which goes away
Array spread(const Array& x, int axis, int size);  // a new axis, along which x repeats: what total undoes, and the other way round

// y = a + b  =>  da = dy, db = dy
const Op add_op{"add", both, each_pair<std::plus<double>{}>,
                [](const Array&, const Array& dy) { return std::vector<Array>{dy, dy}; }};
// y = a b  =>  da = b dy, db = a dy
const Op multiply_op{"multiply", both, each_pair<std::multiplies<double>{}>,
                     [](const Array& y, const Array& dy) { return std::vector<Array>{dy * input(y, 1), dy * input(y, 0)}; }};
// y = e^x  =>  dx = y dy
const Op exp_op{"exp", same, each<exp_of>, [](const Array& y, const Array& dy) { return std::vector<Array>{dy * y}; }};
// y = log x  =>  dx = dy / x = dy e^-y
const Op log_op{"log", same, each<log_of>, [](const Array& y, const Array& dy) { return std::vector<Array>{dy * exp(-1 * y)}; }};
// y = tanh x  =>  dx = (1 - y^2) dy
const Op tanh_op{"tanh", same, each<tanh_of>, [](const Array& y, const Array& dy) { return std::vector<Array>{dy * (1 - y * y)}; }};
// y = 1 where x > 0, else 0: flat almost everywhere
const Op step_op{"step", same, each<step_of>, [](const Array&, const Array& dy) { return std::vector<Array>{0 * dy}; }};
// y = x, a fresh node: grad marks its argument with it
const Op identity_op{"identity", same, [](const Node& n, std::vector<double>& out) { out = numbers(n, 0); },
                     [](const Array&, const Array& dy) { return std::vector<Array>{dy}; }};
// y[.., ..] = sum over i of x[.., i, ..]  =>  dx[.., i, ..] = dy[.., ..]
const Op total_op{"total",
                  [](const Node& n) {
                    Shape shape = n.inputs[0].shape();
                    shape.erase(shape.begin() + n.axis);
                    return shape;
                  },
                  [](const Node& n, std::vector<double>& out) {
                    const Shape& shape = n.inputs[0].shape();
                    const int size = shape[n.axis], inner = count(Shape(shape.begin() + n.axis + 1, shape.end()));
                    for (size_t i = 0; i < numbers(n, 0).size(); ++i) out[i / (inner * size) * inner + i % inner] += numbers(n, 0)[i];
                  },
                  [](const Array& y, const Array& dy) {
                    return std::vector<Array>{spread(dy, y.node->axis, input(y, 0).shape()[y.node->axis])};
                  }};
// y[.., i, ..] = x[.., ..]  =>  dx[.., ..] = sum over i of dy[.., i, ..]
const Op spread_op{"spread",
                   [](const Node& n) {
                     Shape shape = n.inputs[0].shape();
                     shape.insert(shape.begin() + n.axis, n.size);
                     return shape;
                   },
                   [](const Node& n, std::vector<double>& out) {
                     const int inner = count(Shape(n.shape.begin() + n.axis + 1, n.shape.end()));
                     for (size_t i = 0; i < out.size(); ++i) out[i] = numbers(n, 0)[i / (inner * n.size) * inner + i % inner];
                   },
                   [](const Array& y, const Array& dy) { return std::vector<Array>{total(dy, y.node->axis)}; }};

// ---------------------------------------------------------------------------------------- what users call: ops and compositions of ops
Array exp(const Array& x) { return record(exp_op, {x}); }
Array log(const Array& x) { return record(log_op, {x}); }
Array tanh(const Array& x) { return record(tanh_op, {x}); }
Array step(const Array& x) { return record(step_op, {x}); }
Array total(const Array& x, int axis) { return record(total_op, {x}, axis); }
Array spread(const Array& x, int axis, int size) { return record(spread_op, {x}, axis, size); }

// NumPy's broadcasting: sizes are compared from the right; a missing axis or an axis of size 1 repeats.
Array broadcast(Array x, const Shape& shape) {
  while (x.shape().size() < shape.size()) x = spread(x, 0, shape[shape.size() - x.shape().size() - 1]);
  for (size_t axis = 0; axis < shape.size(); ++axis)
    if (x.shape()[axis] == 1 && shape[axis] != 1) x = spread(total(x, axis), axis, shape[axis]);
  return x;
}
Array pairwise(const Op& op, const Array& a, const Array& b) {
  Shape shape = a.shape().size() > b.shape().size() ? a.shape() : b.shape();
  const Shape& other = a.shape().size() > b.shape().size() ? b.shape() : a.shape();
  for (size_t i = 1; i <= other.size(); ++i)
    if (shape[shape.size() - i] == 1) shape[shape.size() - i] = other[other.size() - i];
  return record(op, {broadcast(a, shape), broadcast(b, shape)});
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
// (n, k) times (k, m): multiply everything with everything, (n, k, m), and sum over k.
Array matmul(const Array& a, const Array& b) { return total(spread(a, 2, b.shape()[1]) * spread(b, 0, a.shape()[0]), 1); }

// ---------------------------------------------------------------------------------------------------------------- walks over the graph
// All nodes behind y, inputs before their readers; without recursion, so that a chain of a million nodes does not overflow the stack.
std::vector<Array> ancestors(const Array& y) {
  std::vector<Array> order;
  std::set<Node*> seen;
  std::vector<std::pair<Array, size_t>> stack{{y, 0}};
  while (!stack.empty()) {
    auto& [array, next] = stack.back();
    if (next == 0 && !seen.insert(array.node.get()).second) {
      stack.pop_back();
    } else if (next < array.node->inputs.size()) {
      const Array following = array.node->inputs[next++];
      if (!seen.count(following.node.get())) stack.push_back({following, 0});
    } else {
      order.push_back(array);
      stack.pop_back();
    }
  }
  return order;
}

const std::vector<double>& evaluate(const Array& y) {
  for (const Array& array : ancestors(y)) {
    Node& node = *array.node;
    if (node.is_ready) continue;
    node.values.assign(count(node.shape), 0.0);
    node.op->compute(node, node.values);
    node.is_ready = true;
  }
  return y.node->values;
}
double item(const Array& y) { return evaluate(y)[0]; }

using Function = std::function<Array(const Array&)>;

// The gradient of a scalar function, as a function. The chain rule, backwards: the derivative of y in y is 1; every node hands its
// derivative on to its inputs by `pull`; what arrives at a node from several readers adds up.
Function grad(Function f) {
  return [f](const Array& x) {
    const Array argument = record(identity_op, {x});  // fresh: what f has captured is a constant, even if it is x itself
    const Array y = f(argument);
    if (!y.shape().empty()) throw std::runtime_error("grad: the function must return a scalar");
    std::map<Node*, Array> derivative{{y.node.get(), Array(1.0)}};
    const std::vector<Array> order = ancestors(y);
    for (size_t i = order.size(); i-- > 0;) {
      const Array& node = order[i];
      if (node.node == argument.node || !derivative.count(node.node.get())) continue;
      const std::vector<Array>& inputs = node.node->inputs;
      const std::vector<Array> pulled = inputs.empty() ? inputs : node.node->op->pull(node, derivative[node.node.get()]);
      for (size_t k = 0; k < pulled.size(); ++k) {
        auto [place, is_new] = derivative.insert({inputs[k].node.get(), pulled[k]});
        if (!is_new) place->second = place->second + pulled[k];
      }
    }
    const auto found = derivative.find(argument.node.get());
    return found == derivative.end() ? 0 * x : found->second;
  };
}

// f on every row of xs at once. Trace f on one row; then record each node that depends on the row again with a batch axis in front:
// inputs that do not depend on it repeat along that axis, and axes count one further. One rule serves all ops.
Function vmap(Function f) {
  return [f](const Array& xs) {
    const int batch = xs.shape()[0];
    const Array row(Shape(xs.shape().begin() + 1, xs.shape().end()), {});  // a symbol without numbers
    const Array y = f(row);
    std::map<Node*, Array> batched{{row.node.get(), xs}};
    for (const Array& array : ancestors(y)) {
      const Node& node = *array.node;
      bool depends = false;
      for (const Array& x : node.inputs) depends |= batched.count(x.node.get()) > 0;
      if (!depends) continue;
      std::vector<Array> inputs;
      for (const Array& x : node.inputs) inputs.push_back(batched.count(x.node.get()) ? batched[x.node.get()] : spread(x, 0, batch));
      batched[array.node.get()] = record(*node.op, inputs, node.axis + 1, node.size);
    }
    const auto found = batched.find(y.node.get());
    return found == batched.end() ? spread(y, 0, batch) : found->second;
  };
}

// Column by column, the derivative of grad(f) in each direction; the directions are the rows of the identity, all at once by vmap.
Array hessian(Function f, const Array& x) {
  const int n = x.shape()[0];
  std::vector<double> identity(n * n);
  for (int i = 0; i < n; ++i) identity[i * n + i] = 1;
  return vmap([&](const Array& v) { return grad([&](const Array& z) { return dot(grad(f)(z), v); })(x); })(Array({n, n}, identity));
}

// ------------------------------------------------------------------------------------------------------------------------ what it can do
void expect(const char* fact, double got, double want, double tolerance = 1e-9) {
  const bool is_right = std::abs(got - want) <= tolerance;
  std::printf("%-58s %12.6f %s\n", fact, got, is_right ? "" : "WRONG");
  if (!is_right) std::exit(1);
}

int main() {
  // Derivatives of any order: f(x) = x^3 tanh(x), against difference quotients of the derivative below.
  const Function f = [](const Array& x) { return x * x * x * tanh(x); };
  const double h = 1e-5;
  expect("f'(0.7)", item(grad(f)(0.7)), (item(f(0.7 + h)) - item(f(0.7 - h))) / (2 * h), 1e-8);
  expect("f''(0.7)", item(grad(grad(f))(0.7)), (item(grad(f)(0.7 + h)) - item(grad(f)(0.7 - h))) / (2 * h), 1e-8);

  // grad inside vmap: the gradient of each row by itself. log(sum(exp(x))) has the softmax of x as its gradient.
  const Array rows({2, 3}, {1, 2, 3, 0, 0, 0});
  const Array slopes = vmap(grad([](const Array& x) { return log(sum(exp(x))); }))(rows);
  expect("softmax of 1, 2, 3: last", evaluate(slopes)[2], std::exp(3.0) / (std::exp(1.0) + std::exp(2.0) + std::exp(3.0)));
  expect("softmax of 0, 0, 0: last", evaluate(slopes)[5], 1.0 / 3);

  // The Hessian of x^2 y is ((2y, 2x), (2x, 0)).
  const Array e0({2}, {1, 0}), e1({2}, {0, 1});
  const Array second = hessian([&](const Array& p) { return square(dot(p, e0)) * dot(p, e1); }, Array({2}, {3, 5}));
  expect("d2 (x^2 y) / dx dx at (3, 5)", evaluate(second)[0], 10);
  expect("d2 (x^2 y) / dx dy at (3, 5)", evaluate(second)[1], 6);

  // Linear regression: y = 3 x + 2, found from 50 points by gradient descent.
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> xs, ys;
  for (int i = 0; i < 50; ++i) xs.push_back(uniform(random)), ys.push_back(3 * xs.back() + 2);
  const Array x({50}, xs), y({50}, ys);
  Array line({2}, {0, 0});  // slope and offset
  for (int i = 0; i < 200; ++i) {
    line = line - 0.5 * grad([&](const Array& p) { return mean(square(dot(p, e0) * x + dot(p, e1) - y)); })(line);
    line = Array(line.shape(), evaluate(line));  // cut the graph: keep the numbers, drop the history
  }
  expect("slope of the line through the points", evaluate(line)[0], 3, 1e-6);
  expect("its offset", evaluate(line)[1], 2, 1e-6);

  // A network with one hidden layer learns exclusive or: its output is above 0 exactly where the two inputs differ.
  const Array points({4, 2}, {0, 0, 0, 1, 1, 0, 1, 1}), sign({4, 1}, {-1, 1, 1, -1});
  std::vector<double> start(16), offsets{-0.5, -0.2, 0.1, 0.3, 0.5, -0.4, 0.2, 0.0};
  for (double& value : start) value = uniform(random);
  Array hidden({2, 8}, start), offset({8}, offsets), out({8, 1}, std::vector<double>(start.begin(), start.begin() + 8));
  const auto network = [&](const Array& w, const Array& b, const Array& v) { return matmul(tanh(matmul(points, w) + b), v); };
  const auto loss = [&](const Array& w, const Array& b, const Array& v) { return mean(log(1 + exp(-1 * sign * network(w, b, v)))); };
  for (int i = 0; i < 500; ++i) {
    const Array dw = grad([&](const Array& w) { return loss(w, offset, out); })(hidden);
    const Array db = grad([&](const Array& b) { return loss(hidden, b, out); })(offset);
    const Array dv = grad([&](const Array& v) { return loss(hidden, offset, v); })(out);
    const Array w = hidden - 1 * dw, b = offset - 1 * db, v = out - 1 * dv;
    hidden = Array(w.shape(), evaluate(w)), offset = Array(b.shape(), evaluate(b)), out = Array(v.shape(), evaluate(v));
  }
  expect("exclusive or: points on the right side", item(sum(step(sign * network(hidden, offset, out)))), 4);
}
