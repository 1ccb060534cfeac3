// What layers show while somebody looks: the same numbers as by the layers' own formulas, and nothing otherwise.
#include "gradus/nn/observation.hpp"

#include <gtest/gtest.h>

#include "gradus/gradus.hpp"

namespace gradus {
namespace {

template <class M>
std::vector<nn::Observation> seen_in(const M& model, const Array& x) {
  std::vector<nn::Observation> seen;
  const nn::ObservationScope scope(seen);
  model(x);
  return seen;
}
std::vector<std::string> names_of(const std::vector<nn::Observation>& seen) {
  std::vector<std::string> names;
  for (const nn::Observation& one : seen) names.push_back(one.name);
  return names;
}

TEST(Observation, attention_shows_its_weights) {
  const nn::MultiHeadAttention layer(2);
  const Array x = random::normal(random::key(1), {2, 5, 8});
  layer(x);
  const auto seen = seen_in(layer, x);
  ASSERT_EQ(names_of(seen), (std::vector<std::string>{"attention"}));
  EXPECT_EQ(seen[0].values.shape(), (Shape{2, 2, 5, 5}));
  EXPECT_TRUE(allclose(sum(seen[0].values, -1), ones({2, 2, 5})));
  EXPECT_NE(seen[0].place.find("MultiHeadAttention"), std::string::npos) << seen[0].place;
}

// The state after the last step follows from the gates, for each direction.
template <class L>
void expect_gates_make_the_states(const L& layer, bool is_reversed) {
  const Array x = random::normal(random::key(2), {3, 6, 4});
  layer(x);
  const auto seen = seen_in(layer, x);
  const Array state = seen.back().values;
  ASSERT_EQ(seen.back().name, "state");
  EXPECT_TRUE(allclose(state, layer(x)));
  if constexpr (std::is_same_v<L, nn::LSTM>) {
    ASSERT_EQ(names_of(seen), (std::vector<std::string>{"input gate", "forget gate", "output gate", "state"}));
    // |h| is at most the output gate, and each gate lies between 0 and 1.
    EXPECT_TRUE(all(abs(state) <= seen[2].values).template item<bool>());
    // At the first step c = i tanh(g), so |h| is at most o tanh(i).
    const int64_t first = is_reversed ? 5 : 0;
    const Array i = seen[0].values[{slice(), first}], o = seen[2].values[{slice(), first}];
    EXPECT_TRUE(all(abs(state[{slice(), first}]) <= o * tanh(i) + 1e-6f).template item<bool>());
  } else {
    ASSERT_EQ(names_of(seen), (std::vector<std::string>{"update gate", "reset gate", "state"}));
    // h = z h_before + (1 - z) g with |g| < 1.
    const Array z = seen[0].values, zero = zeros({3, 1, 5});
    const Array before =
        is_reversed ? concatenate({state[{slice(), slice(1, {})}], zero}, 1) : concatenate({zero, state[{slice(), slice({}, -1)}]}, 1);
    EXPECT_TRUE(all(abs(state - z * before) <= 1 - z + 1e-6f).template item<bool>());
  }
}
TEST(Observation, lstm_shows_its_gates) {
  expect_gates_make_the_states(nn::LSTM(5, {.return_sequences = true}), false);
  expect_gates_make_the_states(nn::LSTM(5, {.return_sequences = true, .go_backwards = true}), true);
}
TEST(Observation, gru_shows_its_gates) {
  expect_gates_make_the_states(nn::GRU(5, {.return_sequences = true}), false);
  expect_gates_make_the_states(nn::GRU(5, {.return_sequences = true, .go_backwards = true, .reset_after = false}), true);
}

TEST(Observation, ends_with_its_scope_and_nests) {
  const nn::SimpleRNN layer(3);
  const Array x = ones({1, 2, 2});
  std::vector<nn::Observation> outer, inner;
  {
    const nn::ObservationScope looks(outer);
    {
      const nn::ObservationScope closer(inner);
      layer(x);
    }
    layer(x);
  }
  layer(x);
  EXPECT_EQ(names_of(outer), (std::vector<std::string>{"state"}));
  EXPECT_EQ(names_of(inner), (std::vector<std::string>{"state"}));
  EXPECT_FALSE(nn::ObservationScope::is_open());
}

// ---- results that a scope changes

TEST(ResultScope, sees_inner_layers_before_outer_ones) {
  nn::Sequential net{nn::Dense(3), nn::Residual(nn::Dense(3))};
  const Array x = ones({2, 3});
  net(x);
  std::vector<std::string> seen;
  {
    const nn::ResultScope scope([&](const nn::LayerCall& call, const Array& h) {
      seen.push_back(std::string(call.name) + " " + std::string(call.type));
      return h;
    });
    net(x);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"dense Dense", "body Dense", "shortcut Activation", "residual Residual", "Sequential Sequential"}));
  net(x);
  EXPECT_EQ(seen.size(), 5u);
}

TEST(ResultScope, what_is_changed_goes_on) {
  nn::Sequential net{nn::Dense(3), nn::Dense(2)};
  const Array x = ones({1, 4}), plain = net(x), doubled = net[1](2 * net[0](x));
  {
    const nn::ResultScope scope([](const nn::LayerCall& call, const Array& h) { return call.name == "dense" ? 2 * h : h; });
    EXPECT_TRUE(allclose(net(x), doubled));
    const nn::ResultScope inner([](const nn::LayerCall&, const Array& h) { return h; });
    EXPECT_TRUE(array_equal(net(x), plain)) << "an inner scope closes the outer one off";
  }
  EXPECT_TRUE(array_equal(net(x), plain));
}

TEST(ResultScope, a_change_that_calls_layers_is_not_changed_itself) {
  const nn::Dense layer(3), other(3);
  const Array x = ones({1, 3});
  layer(x);
  const Array expected = other(layer(x));
  const nn::ResultScope scope([&](const nn::LayerCall&, const Array& h) { return other(h); });
  EXPECT_TRUE(array_equal(layer(x), expected));
}

TEST(ResultScope, is_as_it_was_after_an_error) {
  const nn::Dense layer(3);
  const Array x = ones({1, 3});
  layer(x);
  int calls = 0;
  const nn::ResultScope scope([&](const nn::LayerCall&, const Array& h) { return ++calls == 1 ? h[0] : h; });
  try {
    layer(x);
    FAIL() << "the shape may not change";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("the layer gives (1, 3), the change (3,); the shape must stay\n  in: Dense (3 -> 3)"),
              std::string::npos)
        << error.what();
  }
  layer(x);
  EXPECT_EQ(calls, 2);
}

TEST(ResultScope, gives_gradients_by_what_a_layer_gives) {
  nn::Sequential net{nn::Dense(3, tanh), nn::Dense(2), nn::Dense(1)};
  const Array x = ones({1, 4});
  net(x);
  const auto of_shift = [&](const Array& shift) {
    const nn::ResultScope scope([&](const nn::LayerCall& call, const Array& h) { return call.name == "dense_1" ? h + shift : h; });
    return sum(net(x));
  };
  const Array kernel = nn::parameter(net, "2.kernel").get();
  EXPECT_TRUE(allclose(grad(of_shift)(zeros({1, 2})), transpose(kernel)));
}

}  // namespace
}  // namespace gradus
