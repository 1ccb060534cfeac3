// Attention, positions and Transformer blocks as layers.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"

namespace gradus {
namespace {

Array random_of(const Shape& shape, int64_t seed) { return random::normal(random::key(seed), shape, 0, 1, float64); }

// A layer in float64.
template <class M>
void build_wide(const M& layer, const Shape& shape) {
  nn::build(layer, shape, float64);
}

TEST(MultiHeadAttention, is_what_its_formula_says) {
  const nn::MultiHeadAttention attention(2, {.bias_initializer = nn::init::random_normal(1.0)});
  const Array x = random_of({2, 3, 4}, 1);
  build_wide(attention, x.shape());
  const auto heads = [&](const Array& kernel, const Array& bias) {
    return swapaxes(reshape(matmul(x, kernel) + bias, {2, 3, 2, 2}), 1, 2);  // (N, heads, T, width)
  };
  const Array q = heads(attention.query, attention.query_bias), k = heads(attention.key, attention.key_bias),
              v = heads(attention.value, attention.value_bias);
  const Array weights = softmax(matmul(q, swapaxes(k, -1, -2)) / std::sqrt(2.0));
  const Array joined = reshape(swapaxes(matmul(weights, v), 1, 2), {2, 3, 4});
  EXPECT_TRUE(allclose(attention(x), matmul(joined, attention.output) + attention.output_bias, {.relative = 1e-12, .absolute = 1e-12}));
  EXPECT_TRUE(allclose(attention.weights(x, x), weights, {.relative = 1e-12, .absolute = 1e-12}));
}

TEST(MultiHeadAttention, causal_looks_at_no_later_token) {
  const nn::MultiHeadAttention attention(2, {.causal = true});
  Array x = random_of({1, 5, 4}, 2);
  build_wide(attention, x.shape());
  const Array before = attention(x).eval();
  x.set({0, 4}, 100);
  const Array after = attention(x);
  EXPECT_TRUE(array_equal(before[{0, slice(0, 4)}], after[{0, slice(0, 4)}]));
  EXPECT_FALSE(allclose(before[{0, 4}], after[{0, 4}]));
}

TEST(MultiHeadAttention, passes_over_padding_that_an_embedding_has_noted) {
  const nn::Sequential model{nn::Embedding(10, 4, {.padding = 0}), nn::LayerNorm(), nn::MultiHeadAttention(2),
                             nn::GlobalAveragePooling1D()};
  const Array short_one = model(array({{3, 4}})).eval();
  const Array padded = model(array({{3, 4, 0, 0}, {1, 2, 3, 4}}));
  EXPECT_TRUE(allclose(short_one[0], padded[0], {.relative = 1e-6, .absolute = 1e-6}));
}

TEST(MultiHeadAttention, passes_over_padding_inside_a_residual_block) {
  const nn::Sequential model{nn::Embedding(10, 4, {.padding = 0}), nn::Residual(nn::Sequential{nn::LayerNorm(), nn::MultiHeadAttention(1)}),
                             nn::GlobalMaxPooling1D()};
  const Array short_one = model(array({{3, 4}})).eval();
  EXPECT_TRUE(allclose(short_one[0], model(array({{3, 4, 0}}))[0], {.relative = 1e-6, .absolute = 1e-6}));
}

TEST(MultiHeadAttention, a_text_of_padding_only_gives_zeros_and_no_nan) {
  const nn::Sequential model{nn::Embedding(10, 4, {.padding = 0}), nn::MultiHeadAttention(2, {.use_bias = false}),
                             nn::GlobalAveragePooling1D()};
  EXPECT_TRUE(array_equal(model(zeros({2, 3}, int64)), zeros({2, 4})));
  auto [value, grads] = value_and_grad([](const nn::Sequential& m) { return sum(square(m(zeros({2, 3}, int64)))); })(model);
  for (const auto& [path, gradient] : grads) EXPECT_FALSE(any(isnan(gradient)).item<bool>()) << path;
}

TEST(MultiHeadAttention, few_heads_of_keys_serve_all_queries) {
  const nn::MultiHeadAttention attention(4, {.kv_heads = 2});
  const Array x = random_of({1, 3, 8}, 3);
  build_wide(attention, x.shape());
  EXPECT_EQ(attention.key.shape(), (Shape{8, 4}));
  nn::MultiHeadAttention full(4);
  build_wide(full, x.shape());
  const auto twice = [](const Array& kernel) {  // each head of keys for two heads of queries
    return reshape(broadcast_to(reshape(kernel, {8, 2, 1, 2}), {8, 2, 2, 2}), {8, 8});
  };
  full.query.set(attention.query);
  full.key.set(twice(attention.key));
  full.value.set(twice(attention.value));
  full.output.set(attention.output);
  EXPECT_TRUE(allclose(attention(x), full(x), {.relative = 1e-12, .absolute = 1e-12}));
}

TEST(MultiHeadAttention, turned_positions_matter_by_their_distance_only) {
  // With one token repeated, weights depend on the distance of positions alone.
  const nn::MultiHeadAttention attention(1, {.distance = nn::Distance::rotary});
  const Array x = broadcast_to(random_of({1, 1, 8}, 4), {1, 6, 8});
  build_wide(attention, x.shape());
  const Array scores = log(attention.weights(x, x))[{0, 0}];
  const Array relative = scores[{slice(0, 5), slice(0, 5)}] - expand_dims(scores[{slice(0, 5), 0}], -1);
  const Array shifted = scores[{slice(1, 6), slice(1, 6)}] - expand_dims(scores[{slice(1, 6), 1}], -1);
  EXPECT_TRUE(allclose(relative, shifted, {.relative = 1e-9, .absolute = 1e-9}));
}

TEST(MultiHeadAttention, refuses_what_does_not_fit) {
  const auto message = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message([] {
              nn::MultiHeadAttention(3)(zeros({1, 2, 4})).eval();
            }).find("x has width 4, heads is 3; heads must divide the width"),
            std::string::npos);
  EXPECT_NE(message([] { nn::MultiHeadAttention(4, {.kv_heads = 3}); }).find("heads is 4, kv_heads is 3; kv_heads must divide heads"),
            std::string::npos);
  EXPECT_NE(message([] {
              nn::MultiHeadAttention(1)(zeros({2, 4}));
            }).find("x is (2, 4) of rank 2; it must be (batch, time, width)"),
            std::string::npos);
  EXPECT_NE(message([] {
              nn::MultiHeadAttention(1)(zeros({2, 3, 4}), zeros({3, 3, 4}));
            }).find("x has 2 sequences, the memory has 3"),
            std::string::npos);
  EXPECT_NE(message([] { nn::PositionEmbedding(3)(zeros({1, 4, 2})); }).find("x has 4 positions, the table has 3"), std::string::npos);
  EXPECT_NE(message([] { nn::MultiHeadAttention(1, {.dropout = 1.0}); }).find("dropout is 1; it must be at least 0 and below 1"),
            std::string::npos);
}

TEST(PositionEmbedding, sines_and_cosines_are_those_of_the_paper) {
  const Array rows = nn::sinusoidal_positions(3, 5);
  for (int64_t t = 0; t < 3; ++t) {
    for (int64_t i = 0; i < 5; ++i) {
      const double angle = static_cast<double>(t) / std::pow(10000.0, static_cast<double>(i / 2 * 2) / 5);
      EXPECT_NEAR((rows[{t, i}].item()), i % 2 ? std::cos(angle) : std::sin(angle), 1e-7) << t << " " << i;
    }
  }
  const nn::PositionEmbedding layer(3, {.kind = nn::PositionKind::sinusoidal});
  EXPECT_TRUE(allclose(layer(zeros({2, 3, 5}))[1], rows));
  EXPECT_EQ(nn::count_parameters(layer), 0);
}

TEST(TransformerEncoderLayer, pre_norm_and_post_norm_are_their_formulas) {
  const Array x = random_of({2, 3, 4}, 5);
  for (const bool pre : {true, false}) {
    const nn::TransformerEncoderLayer block(2, {.hidden = 6, .activation = relu, .pre_norm = pre});
    build_wide(block, x.shape());
    const auto network = [&](const Array& h) {
      return matmul(relu(matmul(h, block.network.in) + block.network.in_bias), block.network.out) + block.network.out_bias;
    };
    const Array h = pre ? x + block.attention(block.attention_norm(x)) : block.attention_norm(x + block.attention(x));
    const Array y = pre ? h + network(block.network_norm(h)) : block.network_norm(h + network(h));
    EXPECT_TRUE(allclose(block(x), y, {.relative = 1e-12, .absolute = 1e-12})) << pre;
  }
}

TEST(TransformerDecoderLayer, sees_the_memory_up_to_its_lengths_and_itself_up_to_the_token) {
  const nn::TransformerDecoderLayer block(2);
  Array x = random_of({1, 4, 8}, 6), memory = random_of({1, 5, 8}, 7);
  nn::build(block, {{1, 4, 8}, {1, 5, 8}}, float64);
  const Array lengths = array({3}), before = block(x, memory, lengths).eval();
  memory.set({0, 4}, 9);
  x.set({0, 3}, 9);
  const Array after = block(x, memory, lengths);
  EXPECT_TRUE(allclose(before[{0, slice(0, 3)}], after[{0, slice(0, 3)}], {.relative = 1e-12, .absolute = 1e-12}));
  memory.set({0, 2}, 9);
  EXPECT_FALSE(allclose(before[{0, 0}], block(x, memory, lengths)[{0, 0}]));
}

TEST(TransformerEncoder, comes_back_from_a_file_as_it_was) {
  const nn::Sequential model{nn::Embedding(12, 8, {.padding = 0}), nn::PositionEmbedding(6),
                             nn::TransformerEncoder(2, 2, {.hidden = 12, .causal = true, .kv_heads = 1, .use_bias = false}), nn::Dense(12)};
  const Array ids = array({{1, 2, 3, 0}, {4, 5, 6, 7}}), before = model(ids).eval();
  const std::string path = testing::TempDir() + "transformer.gradus";
  io::save(model, path);
  const nn::Model loaded = io::load(path);
  EXPECT_TRUE(array_equal(loaded(ids), before));
  const auto* encoder = loaded.layer().as<nn::Sequential>()->begin()[2].as<nn::TransformerEncoder>();
  ASSERT_NE(encoder, nullptr);
  EXPECT_EQ(encoder->options.kv_heads, 1);
  EXPECT_EQ(encoder->blocks.size(), 2u);
  std::remove(path.c_str());
}

TEST(TransformerEncoder, dropout_draws_in_training_only) {
  const nn::TransformerEncoder encoder(1, 2, {.dropout = 0.5, .attention_dropout = 0.5});
  const Array x = random::normal(random::key(8), {1, 4, 8});
  EXPECT_TRUE(array_equal(encoder(x), encoder(x)));
  const nn::TrainingMode training;
  EXPECT_FALSE(array_equal(encoder(x), encoder(x)));
}

// ---- continued sequences

template <class M>
void expect_continued(const M& model, const Array& ids, int64_t first, double tolerance) {
  const Array whole = model(ids).eval();
  nn::DecodingCache cache;
  for (int64_t at = 0; at < ids.shape(1);) {
    const int64_t end = at == 0 ? first : at + 1;
    Array part;
    {
      const nn::DecodingScope scope(cache);
      part = model(ids[{slice(), slice(at, end)}]);
    }
    std::vector<Array> roots = cache.arrays();
    roots.push_back(part);
    evaluate(roots);
    EXPECT_TRUE(allclose(part, whole[{slice(), slice(at, end)}], {.relative = tolerance, .absolute = tolerance})) << at;
    at = end;
    EXPECT_EQ(cache.length(), at);
  }
}

nn::Sequential small_gpt(nn::TransformerOptions options) {
  options.causal = true;
  return nn::Sequential{nn::Embedding(20, 16), nn::PositionEmbedding(200), nn::TransformerEncoder(2, 4, std::move(options)), nn::Dense(20)};
}

TEST(DecodingCache, gives_token_by_token_what_the_whole_sequence_gives) {
  const Array ids = random::integers(random::key(9), {2, 90}, 0, 20);  // more than the cache's first room
  expect_continued(small_gpt({}), ids, 5, 1e-5);
  expect_continued(small_gpt({.kv_heads = 2, .distance = nn::Distance::rotary}), ids, 1, 1e-5);
  expect_continued(small_gpt({.window = 7, .distance = nn::Distance::alibi}), ids, 3, 1e-5);
}

// An id of an Embedding's padding is an id like others while a sequence is being made: 0 comes among them.
TEST(DecodingCache, knows_no_padding) {
  const nn::EmbeddingOptions padded{.padding = 0};
  const Array ids = random::integers(random::key(19), {2, 30}, 1, 20);
  expect_continued(nn::Sequential{nn::Embedding(20, 16, padded), nn::PositionEmbedding(40), nn::TransformerEncoder(1, 2, {.causal = true})},
                   ids, 4, 1e-5);
  const Array some = array({{3, 0, 4, 0, 5}, {0, 1, 2, 0, 0}});
  const nn::GenerationScope whole;
  expect_continued(nn::Sequential{nn::Embedding(20, 16, padded), nn::TransformerEncoder(1, 2, {.causal = true})}, some, 2, 1e-5);
  expect_continued(nn::Sequential{nn::Embedding(20, 16, padded), nn::LSTM(8, {.return_sequences = true})}, some, 2, 1e-5);
}
TEST(DecodingCache, of_attention_to_a_memory_counts_positions_on) {
  const Array x = random_of({2, 9, 16}, 20).astype(float32), memory = random_of({2, 5, 16}, 21).astype(float32);
  const nn::MultiHeadAttentionOptions kinds[] = {{.distance = nn::Distance::rotary},
                                                 {.distance = nn::Distance::alibi},
                                                 {.causal = true},
                                                 {.causal = true, .window = 2, .distance = nn::Distance::rotary}};
  for (const nn::MultiHeadAttentionOptions& options : kinds) {
    const nn::MultiHeadAttention attention(4, options);
    expect_continued([&](const Array& part) { return attention(part, memory); }, x, 4, 1e-5);
  }
}
TEST(DecodingCache, takes_masks_of_the_tokens_there_are_and_lengths) {
  const Array x = random_of({2, 9, 16}, 22).astype(float32), allowed = random_of({9, 9}, 23) > -0.5, lengths = array({3, 7});
  const nn::MultiHeadAttention attention(4, {.causal = true});
  const nn::LSTM lstm(8, {.return_sequences = true});
  const Array whole = attention(x, x, nn::AttentionMask{.allowed = allowed}), states = lstm(x, lengths);
  nn::DecodingCache masked, counted;
  {
    const nn::DecodingScope scope(masked);
    EXPECT_TRUE(allclose(attention(x, x, nn::AttentionMask{.allowed = allowed}), whole, {.relative = 1e-5, .absolute = 1e-5}));
  }
  const nn::DecodingScope scope(counted);
  EXPECT_TRUE(allclose(lstm(x, lengths), states, {.relative = 1e-5, .absolute = 1e-5}));
}
TEST(DecodingCache, continues_a_cell_of_ones_own) {
  const Array x = random_of({2, 9, 5}, 24).astype(float32);
  expect_continued(nn::RNN(nn::LSTMCell(8), {.return_sequences = true}), x, 4, 1e-5);
  expect_continued(
      nn::Sequential{nn::RNN(nn::GRUCell(8), {.return_sequences = true}), nn::RNN(nn::SimpleRNNCell(4), {.return_sequences = true})}, x, 1,
      1e-5);
  const nn::RNN back(nn::LSTMCell(8), {.go_backwards = true});
  back(x);
  nn::DecodingCache cache;
  const nn::DecodingScope scope(cache);
  EXPECT_THROW(back(x), Error);
}

TEST(DecodingCache, of_a_decoder_keeps_the_memory_of_the_first_call) {
  const models::TranslationTransformer model(
      {.source_vocabulary = 11, .target_vocabulary = 13, .context = 32, .width = 16, .layers = 2, .heads = 2, .dropout = 0});
  const Array source = array({{1, 2, 3, 0}, {4, 5, 6, 7}}), target = array({{1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}});
  const auto encoded = model.encode(source);
  const Array whole = model(source, target).eval();
  nn::DecodingCache cache;
  for (int64_t t = 0; t < 5; ++t) {
    Array part;
    {
      const nn::DecodingScope scope(cache);
      part = model.decode(target[{slice(), slice(t, t + 1)}], encoded);
    }
    EXPECT_TRUE(allclose(part[{slice(), 0}], whole[{slice(), t}], {.relative = 1e-5, .absolute = 1e-5})) << t;
  }
}

TEST(DecodingCache, has_one_plan_for_all_steps_within_its_room) {
  const nn::Sequential model = small_gpt({});
  nn::DecodingCache cache;
  const auto step = [&] {
    Array logits;
    {
      const nn::DecodingScope scope(cache);
      logits = model(array({{7}}));
    }
    std::vector<Array> roots = cache.arrays();
    roots.push_back(logits);
    evaluate(roots);
  };
  step();
  step();
  const int64_t plans = counters().plans_made;
  for (int i = 0; i < 50; ++i) step();
  EXPECT_EQ(counters().plans_made, plans);
}

TEST(DecodingCache, is_as_it_was_after_a_call_that_failed) {
  const nn::Sequential model = small_gpt({});
  nn::DecodingCache cache;
  const auto call = [&](const Array& ids) {
    const nn::DecodingScope scope(cache);
    return model(ids);
  };
  call(array({{1, 2, 3}})).eval();
  EXPECT_THROW(call(zeros({2, 1}, int64)), Error);
  EXPECT_EQ(cache.length(), 3);
  EXPECT_TRUE(allclose(call(array({{4}}))[{0, 0}], model(array({{1, 2, 3, 4}}))[{0, 3}], {.relative = 1e-5, .absolute = 1e-5}));
}

TEST(DecodingCache, select_takes_sequences_of_the_batch) {
  const nn::Sequential model = small_gpt({});
  nn::DecodingCache cache;
  const auto call = [&](const Array& ids) {
    const nn::DecodingScope scope(cache);
    return model(ids);
  };
  call(array({{1, 2}, {3, 4}})).eval();
  cache.select(array({1, 1, 0}));
  const Array next = call(array({{5}, {6}, {7}}));
  const Array whole = model(array({{3, 4, 5}, {3, 4, 6}, {1, 2, 7}}));
  EXPECT_TRUE(allclose(next[{slice(), 0}], whole[{slice(), 2}], {.relative = 1e-5, .absolute = 1e-5}));
}

TEST(DecodingScope, refuses_compiled_functions_and_weights_that_would_count_on) {
  nn::Sequential model = small_gpt({});
  const auto step = compile([&](const Array& x) { return model(x); }, model);
  const Array ids = array({{7}});
  step(ids).eval();  // recorded outside
  nn::DecodingCache cache;
  const nn::DecodingScope scope(cache);
  EXPECT_THROW(step(ids), Error);
  const nn::MultiHeadAttention attention(2, {.causal = true});
  EXPECT_THROW(attention.weights(zeros({1, 1, 4}), zeros({1, 1, 4})), Error);
}
TEST(GenerationScope, is_another_recording_of_a_compiled_function) {
  nn::Sequential model{nn::Embedding(9, 8, {.padding = 0}), nn::LSTM(8, {.return_sequences = true})};
  const auto run = compile([&](const Array& x) { return model(x); }, model);
  const Array ids = array({{3, 4, 0}});
  const Array padded = run(ids).eval();
  EXPECT_EQ(sum(abs(padded[{0, 2}])).item(), 0);
  const nn::GenerationScope making;
  EXPECT_GT(sum(abs(run(ids)[{0, 2}])).item(), 0);
}

TEST(DecodingScope, refuses_attention_that_looks_ahead_and_transforms) {
  nn::DecodingCache cache;
  const nn::MultiHeadAttention attention(1);
  attention(zeros({1, 1, 4}));
  {
    const nn::DecodingScope scope(cache);
    EXPECT_THROW(attention(zeros({1, 1, 4})), Error);
  }
  EXPECT_THROW(grad([&](const Array& x) {
                 const nn::DecodingScope scope(cache);
                 return sum(x);
               })(ones(3)),
               Error);
}

}  // namespace
}  // namespace gradus
