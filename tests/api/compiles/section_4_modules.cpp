// Modules. Attention and recurrent layers are not there yet.
#include <thread>
#include <vector>

#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

// 4.1: a plain struct with hyper-parameters; aggregate initialisation stays.
struct Block {
  int64_t heads = 4;
  nn::LayerNorm norm{}, mlp_norm{};
  nn::Sequential mlp{nn::Dense(512, gelu), nn::Dense(128)};
  Array forward(const Array& x) const { Array h = x + norm(x); return h + mlp(mlp_norm(h)); }
  GRADUS_PARTS(heads, norm, mlp_norm, mlp)
};
// A class with a constructor and private members.
class Scaled {
 public:
  explicit Scaled(double factor) : factor_(factor) {}
  Array forward(const Array& x) const { return factor_ * inner_(x); }
  double factor() const { return factor_; }

 private:
  double factor_;
  nn::Dense inner_{4};

 public:
  GRADUS_PARTS(factor_, inner_)
};
// A module template: name the argument, Residual<nn::Dense>{...}.
template <class M>
struct Residual {
  M body;
  Array forward(const Array& x) const { return x + body(x); }
  GRADUS_PARTS(body)
};
// 4.2: a struct of arrays without forward.
struct Weights {
  Array w{}, b{};
  GRADUS_PARTS(w, b)
};
// 4.3: own parameters, made at the first call.
struct Affine {
  int64_t units = 3;
  Parameter kernel{}, bias{};
  Array forward(const Array& x) const {
    const Array& k = kernel({x.shape(-1), units}, nn::init::glorot_uniform());
    return matmul(x, k) + bias({units}, nn::init::zeros());
  }
  GRADUS_PARTS(units, kernel, bias)
};
// 4.4: any number of arrays in, any struct out; further ways in are named functions.
struct Both {
  Array y{}, state{};
};
struct Memory {
  nn::Dense input{4}, last{4};
  Both forward(const Array& x, const Array& state) const { Array next = tanh(input(x) + last(state)); return {2 * next, next}; }
  Both run(const Array& x) const { return forward(x, zeros({x.shape(0), 4})); }
  GRADUS_PARTS(input, last)
};
// 4.5: the usual tied weights need no sharing.
struct Tied {
  nn::Embedding tokens{16, 8};
  nn::LayerNorm norm{};
  Array forward(const Array& ids) const { return matmul(norm(tokens(ids)), transpose(tokens.table())); }
  GRADUS_PARTS(tokens, norm)
};
struct Sum {
  nn::Dense left{3}, right{3};
  Array forward(const Array& a, const Array& b) const { return left(a) + right(b); }
  GRADUS_PARTS(left, right)
};
struct Siamese {
  nn::Shared<nn::Dense> left = nn::share(nn::Dense(2)), right = left;
  Array forward(const Array& x) const { return left(x) - right(x); }
  GRADUS_PARTS(left, right)
};

static void structs() {
  nn::Sequential model{nn::Embedding(256, 128), Block{}, Block{.heads = 8}, nn::Dense(256)};
  CHECK(model(array({{1, 2, 3}})).shape() == Shape({1, 3, 256}));
  CHECK(nn::parameter(model, "2.mlp.0.kernel").get().shape() == Shape({128, 512}));
  const Block positional{8};
  CHECK(positional.heads == 8);
  nn::Sequential others{Scaled(0.5), Residual<nn::Dense>{nn::Dense(4)}, Affine{}, Affine{.units = 7}};
  CHECK(others(ones({2, 5})).shape() == Shape({2, 7}) && others[0].as<Scaled>()->factor() == 0.5);
  const Weights weights{ones({2}), zeros({2})};
  CHECK(nn::parameters(weights).size() == 2);
}

static void own_parameters() {
  const Affine layer;
  CHECK(!nn::is_built(layer));
  CHECK(layer(ones({4, 5})).shape() == Shape({4, 3}) && nn::is_built(layer));
  // A Parameter is an array in expressions: operators and functions find it.
  CHECK((layer.kernel + layer.bias).shape() == Shape({5, 3}) && (2 * layer.kernel).shape() == Shape({5, 3}));
  CHECK(sum(square(layer.kernel)).rank() == 0 && matmul(ones({1, 5}), layer.kernel).size() == 3);
}

static void results_of_any_form() {
  const Memory memory;
  const auto [y, state] = memory(ones({2, 3}), zeros({2, 4}));
  CHECK(array_equal(y, 2 * state));
  const auto [again, unused] = memory.run(ones({2, 3}));
  CHECK(array_equal(again, y) && unused.size() == 8);
}

static void copies_and_sharing() {  // 4.5, 4.6
  const Array x = ones({1, 3});
  nn::Sequential model{nn::Dense(4, relu), nn::Dense(2)};
  const Array before = model(x).eval();
  const auto best = model;  // a snapshot for nothing
  for (const Variable& variable : nn::parameters(model)) variable.set(variable.get() + 1);
  CHECK(!array_equal(model(x), before) && array_equal(best(x), before));
  Affine layer;
  layer(x);
  const Affine copy = layer;
  layer.kernel.set(zeros({3, 3}));
  CHECK(any(copy.kernel != 0).item<bool>() && copy.kernel.cell() != layer.kernel.cell());

  auto tied = nn::share(nn::Dense(3, relu));
  nn::Sequential shared{tied, nn::LayerNorm(), tied};
  shared(x);
  CHECK(nn::count_parameters(shared) == 3 * 3 + 3 + 2 * 3 && nn::parameters(shared)[0].cell == tied->kernel.cell());
  nn::Sequential shared_copy = shared;  // copies the shared part once and keeps the tie
  CHECK(nn::count_parameters(shared_copy) == nn::count_parameters(shared) && nn::parameters(shared_copy)[0].cell != tied->kernel.cell());
  nn::parameter(shared_copy, "0.kernel").set(zeros({3, 3}));
  CHECK(all(shared_copy[2].as<nn::Dense>()->kernel == 0).item<bool>() && any(tied->kernel != 0).item<bool>());
  Siamese pair;
  pair(x);
  const Siamese separate = nn::clone(pair);
  CHECK(nn::count_parameters(separate) == 3 * 2 + 2 && separate.left->kernel.cell() == separate.right->kernel.cell());
  CHECK(separate.left->kernel.cell() != pair.left->kernel.cell());

  const Tied tokens;
  CHECK(tokens(array({{1, 2}})).shape() == Shape({1, 2, 16}) && nn::count_parameters(tokens) == 16 * 8 + 2 * 8);

  const nn::Sequential inner{nn::Dense(2), nn::Dense(3)}, copied{inner}, nested{inner, nn::Dense(1)};
  CHECK(copied.size() == 2 && nested.size() == 2);
}

static void building_files_and_threads() {  // 4.7
  nn::Sequential model{nn::Dense(4, tanh), nn::Dense(2)};
  nn::build(model, {1, 3});
  CHECK(nn::is_built(model));
  // Shapes in braces, however many axes they have: two inputs, not one of rank 2.
  const Sum of_vectors, of_batches, of_ids;
  nn::build(of_vectors, {{8}, {4}});
  nn::build(of_batches, {{1, 8}, {4}}, float64);
  nn::build(of_ids, {{{1, 8}, int64}, {{4}}});
  CHECK(of_vectors.left.kernel.get().shape() == Shape({8, 3}) && of_vectors.right.kernel.get().shape() == Shape({4, 3}));
  CHECK(of_batches.left.kernel.get().dtype() == float64 && of_ids.left.kernel.get().dtype() == float32);
  io::save(model, "section_4_library.gradus");
  const nn::Model loaded = io::load("section_4_library.gradus");
  const Array x = ones({5, 3});
  CHECK(array_equal(loaded(x), model(x)));
  Affine own;
  own(x);
  io::save(own, "section_4_own.gradus");
  Affine filled;
  io::load(filled, "section_4_own.gradus");
  CHECK(array_equal(filled(x), own(x)));

  const nn::Sequential lazy{nn::Dense(4, tanh), nn::Dense(2)};
  std::vector<std::vector<float>> results(4);
  std::vector<std::thread> threads;
  for (std::vector<float>& result : results) threads.emplace_back([&] { result = lazy(x).to_vector<float>(); });
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<float>& result : results) CHECK(result == results[0]);
}

static void the_mode_belongs_to_the_call() {  // 4.8
  const nn::Dropout drop(0.5);
  const nn::BatchNorm norm;
  const Array x = ones({100}), rows = random::normal({8, 3}) + 5;
  norm(rows);
  CHECK(array_equal(drop(x), x) && all(norm.running_mean.get() == 0).item<bool>());
  {
    const nn::TrainingMode training;
    CHECK(any(drop(x) == 0).item<bool>());
    norm(rows);
    {
      const nn::TrainingMode inference(false);
      CHECK(array_equal(drop(x), x));
    }
  }
  CHECK(array_equal(drop(x), x) && any(norm.running_mean.get() != 0).item<bool>());
  const auto draw = [&] {
    const nn::TrainingMode training(random::key(7));
    return drop(x).eval();
  };
  CHECK(array_equal(draw(), draw()));
}

int main() {
  structs();
  own_parameters();
  results_of_any_form();
  copies_and_sharing();
  building_files_and_threads();
  the_mode_belongs_to_the_call();
}
