// Sampling, beam search and generation.
#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "gradus/train/sampling.hpp"

namespace gradus::train {
namespace {

using detail::candidates;

std::vector<int64_t> tokens_of(const std::vector<detail::Candidate>& all) {
  std::vector<int64_t> out;
  for (const auto& one : all) out.push_back(one.token);
  return out;
}

const std::vector<float> kLogits{0.0f, 2.0f, 1.0f, 2.0f, -1.0f};  // e^: 1, 7.39, 2.72, 7.39, 0.37; sum 18.87

TEST(Candidates, have_the_probabilities_of_softmax) {
  const auto all = candidates("test", kLogits, {}, {});
  ASSERT_EQ(tokens_of(all), (std::vector<int64_t>{0, 1, 2, 3, 4}));
  const double sum = 1 + 2 * std::exp(2.0) + std::exp(1.0) + std::exp(-1.0);
  EXPECT_NEAR(all[1].probability, std::exp(2.0) / sum, 1e-12);
  EXPECT_NEAR(all[4].probability, std::exp(-1.0) / sum, 1e-12);
}
TEST(Candidates, of_temperature_0_are_the_most_likely_token_the_lower_id_of_equals) {
  const auto all = candidates("test", kLogits, {}, {.temperature = 0});
  ASSERT_EQ(tokens_of(all), (std::vector<int64_t>{1}));
  EXPECT_EQ(all[0].probability, 1);
}
TEST(Candidates, of_a_temperature_are_those_of_divided_logits) {
  const auto all = candidates("test", kLogits, {}, {.temperature = 0.5, .top_k = 3});
  ASSERT_EQ(tokens_of(all), (std::vector<int64_t>{1, 3, 2}));
  EXPECT_NEAR(all[2].probability / all[0].probability, std::exp(-2.0), 1e-12);
}
TEST(Candidates, of_a_tiny_temperature_do_not_overflow) {
  const auto all = candidates("test", kLogits, {}, {.temperature = 1e-300});
  EXPECT_NEAR(all[1].probability, 0.5, 1e-12);
  EXPECT_EQ(all[0].probability, 0);
}
TEST(Candidates, of_top_p_are_the_fewest_that_reach_it) {
  EXPECT_EQ(tokens_of(candidates("test", kLogits, {}, {.top_p = 0.39})), (std::vector<int64_t>{1}));
  EXPECT_EQ(tokens_of(candidates("test", kLogits, {}, {.top_p = 0.40})), (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(tokens_of(candidates("test", kLogits, {}, {.top_p = 0.80})), (std::vector<int64_t>{1, 3, 2}));
  EXPECT_EQ(tokens_of(candidates("test", kLogits, {}, {.top_p = 1e-9})), (std::vector<int64_t>{1}));
}
// One more where the sum is exactly reached, or where several are as likely as the last, is what others have had reports about.
TEST(Candidates, of_equal_probability_are_taken_from_the_first) {
  EXPECT_EQ(tokens_of(candidates("test", std::vector<float>{1, 1, 1, 1}, {}, {.top_p = 0.5})), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(tokens_of(candidates("test", std::vector<float>{2, 1, 1, -3}, {}, {.top_k = 2})), (std::vector<int64_t>{0, 1}));
}
TEST(Candidates, of_top_p_come_from_far_down_a_flat_distribution) {
  std::vector<float> flat(5000, 0.0f);
  flat[4999] = 1.0f;
  const auto all = candidates("test", flat, {}, {.top_p = 0.5});
  EXPECT_EQ(all[0].token, 4999);
  EXPECT_NEAR(static_cast<double>(all.size()), 0.5 * (4999 + std::exp(1.0)) - std::exp(1.0) + 2, 1.5);
}
TEST(Candidates, of_min_p_have_that_share_of_the_best) {
  EXPECT_EQ(tokens_of(candidates("test", kLogits, {}, {.min_p = 0.3})), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(tokens_of(candidates("test", kLogits, {}, {.min_p = 1.0})), (std::vector<int64_t>{1, 3}));
}
TEST(Candidates, that_have_come_are_less_likely_by_the_penalty) {
  const std::vector<int64_t> past{1, 4, 1, 77, -3};
  const auto all = candidates("test", kLogits, past, {.repetition_penalty = 2});
  const auto log_ratio = [&](size_t a, size_t b) { return std::log(all[a].probability / all[b].probability); };
  EXPECT_NEAR(log_ratio(1, 3), -1, 1e-12);  // 2 / 2 instead of 2, once
  EXPECT_NEAR(log_ratio(4, 0), -2, 1e-12);  // -1 * 2 instead of -1
}
TEST(Candidates, never_have_a_logit_of_minus_infinity) {
  const float none = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(tokens_of(candidates("test", std::vector<float>{none, 1, none}, {}, {})), (std::vector<int64_t>{1}));
  EXPECT_THROW(candidates("test", std::vector<float>{none, none}, {}, {}), Error);
  EXPECT_THROW(candidates("test", std::vector<float>{0, std::nanf("")}, {}, {}), Error);
}
TEST(Candidates, share_the_probability_among_infinite_logits) {
  const float inf = std::numeric_limits<float>::infinity();
  const auto all = candidates("test", std::vector<float>{inf, 1, inf}, {}, {.top_k = 3});
  EXPECT_EQ(all[0].probability, 0.5);
  EXPECT_EQ(all[1].probability, 0);
}
TEST(Pick, takes_the_candidate_in_whose_share_the_number_lies) {
  const std::vector<detail::Candidate> all{{7, 0.25}, {8, 0.5}, {9, 0.25}};
  EXPECT_EQ(pick(all, 0).token, 7);
  EXPECT_EQ(pick(all, 0.2499).token, 7);
  EXPECT_EQ(pick(all, 0.25).token, 8);
  EXPECT_EQ(pick(all, 0.75).token, 9);
  EXPECT_EQ(pick(all, 0.9999999999999999).token, 9);
}

// A chain: after token i comes token j with these logits, whatever was before.
Array chain(const Array& ids) {
  const Array table = array({{0.0, 2.0, 1.9, -5.0}, {-5.0, 0.0, 1.0, 0.9}, {-5.0, -5.0, 0.0, 5.0}, {1.0, 0.0, 0.0, 0.0}});
  return take(table, ids, 0);
}

TEST(Generate, at_temperature_0_takes_the_most_likely_token_each_time) {
  const Generated out = generate(chain, {0}, {.max_tokens = 4, .sampling = {.temperature = 0}});
  EXPECT_EQ(out.tokens, (std::vector<int64_t>{1, 2, 3, 0}));
  EXPECT_EQ(out.end, GenerationEnd::max_tokens);
}
TEST(Generate, ends_at_a_stop_token_which_is_not_part_of_it) {
  const Generated out = generate(chain, {0}, {.sampling = {.temperature = 0}, .stop_tokens = {3}});
  EXPECT_EQ(out.tokens, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(out.end, GenerationEnd::stop_token);
  const auto log_p = [](int64_t from, int64_t to) { return log_softmax(chain(array({{from}})))[{0, 0, to}].item(); };
  EXPECT_NEAR(out.log_probability, log_p(0, 1) + log_p(1, 2) + log_p(2, 3), 1e-6);
}
TEST(Generate, is_the_same_for_a_seed_and_another_for_another) {
  const GenerateOptions options{.max_tokens = 40, .seed = 3};
  const std::vector<int64_t> first = generate(chain, {0}, options).tokens;
  EXPECT_EQ(first, generate(chain, {0}, options).tokens);
  EXPECT_NE(first, generate(chain, {0}, {.max_tokens = 40, .seed = 4}).tokens);
}
TEST(Generate, draws_tokens_as_often_as_they_are_likely) {
  const auto fixed = [](const Array& ids) { return broadcast_to(log(array({0.5, 0.3, 0.2})), {ids.shape(0), ids.shape(1), 3}); };
  std::vector<int> counts(3);
  for (const int64_t token : generate(fixed, {0}, {.max_tokens = 4000, .context = 1, .use_cache = false}).tokens)
    ++counts[static_cast<size_t>(token)];
  EXPECT_NEAR(counts[0], 2000, 5 * std::sqrt(4000 * 0.25));
  EXPECT_NEAR(counts[1], 1200, 5 * std::sqrt(4000 * 0.21));
}
TEST(Generate, tells_each_token_and_stops_where_it_is_told_to) {
  std::vector<int64_t> told;
  const Generated out = generate(chain, {0}, {.sampling = {.temperature = 0}, .on_token = [&](int64_t token) {
                                                told.push_back(token);
                                                return told.size() < 3;
                                              }});
  EXPECT_EQ(told, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(out.tokens, told);
  EXPECT_EQ(out.end, GenerationEnd::callback);
}
TEST(Generate, of_no_tokens_is_empty) { EXPECT_TRUE(generate(chain, {0}, {.max_tokens = 0}).tokens.empty()); }

// All sequences to a stop token of at most `depth` tokens, and the most likely one by brute force.
TEST(Generate, by_beams_finds_the_most_likely_sequence) {
  const Array log_p = log_softmax(chain(array({{0, 1, 2, 3}})))[0].eval();
  double best = -1e9;
  std::vector<int64_t> best_tokens;
  const std::function<void(std::vector<int64_t>, int64_t, double)> visit = [&](std::vector<int64_t> tokens, int64_t at, double sum) {
    for (int64_t next = 0; next < 4; ++next) {
      const double total = sum + (log_p[{at, next}].item());
      if (next == 3) {
        if (total > best) best = total, best_tokens = tokens;
      } else if (tokens.size() < 4) {
        std::vector<int64_t> longer = tokens;
        longer.push_back(next);
        visit(longer, next, total);
      }
    }
  };
  visit({}, 0, 0);
  const Generated out = generate(chain, {0}, {.max_tokens = 5, .stop_tokens = {3}, .beams = 16, .length_penalty = 0});
  EXPECT_EQ(out.tokens, best_tokens);
  EXPECT_NEAR(out.log_probability, best, 1e-5);
  EXPECT_EQ(out.end, GenerationEnd::stop_token);
}
TEST(Generate, by_beams_finds_what_the_greedy_way_misses) {
  // The greedy way is 1, 2, 3; by 2, 3 it is likelier.
  const GenerateOptions options{.max_tokens = 6, .stop_tokens = {3}, .beams = 2, .length_penalty = 0};
  EXPECT_EQ(generate(chain, {0}, options).tokens, (std::vector<int64_t>{2}));
}
TEST(Generate, by_beams_may_be_a_sequence_that_the_limit_has_cut) {
  // 1, 1, 1 has probability 0.9^3; two sequences that end, [] and [1], are less likely, but as many as there are beams.
  const auto fixed = [](const Array& ids) { return broadcast_to(log(array({0.02, 0.9, 0.08})), {ids.shape(0), ids.shape(1), 3}); };
  const Generated out = generate(fixed, {1}, {.max_tokens = 3, .stop_tokens = {2}, .beams = 2, .length_penalty = 0});
  EXPECT_EQ(out.tokens, (std::vector<int64_t>{1, 1, 1}));
  EXPECT_NEAR(out.log_probability, 3 * std::log(0.9), 1e-6);
  EXPECT_EQ(out.end, GenerationEnd::max_tokens);
}
TEST(Generate, by_beams_compares_by_the_repetition_penalty) {
  // Without it the likeliest tokens are 1, 1. Divided by 4 the logit of 1 loses where it has come; a search whose penalty only
  // chose what to look at would not notice, as it looks at all three.
  const auto fixed = [](const Array& ids) { return broadcast_to(array({0.0, 4.0, 3.0}), {ids.shape(0), ids.shape(1), 3}); };
  GenerateOptions options{.max_tokens = 2, .beams = 3};
  EXPECT_EQ(generate(fixed, {0}, options).tokens, (std::vector<int64_t>{1, 1}));
  options.sampling.repetition_penalty = 4;
  const Generated out = generate(fixed, {0}, options);
  EXPECT_EQ(out.tokens, (std::vector<int64_t>{1, 2}));
  const double sum = 1 + std::exp(4.0) + std::exp(3.0);
  EXPECT_NEAR(out.log_probability, 7 - 2 * std::log(sum), 1e-6);  // under the model as it is
}

models::GPT small_gpt() { return models::GPT({.vocabulary = 20, .context = 16, .width = 16, .layers = 2, .heads = 2}); }

TEST(Generate, writes_keys_and_values_in_place) {
  const models::GPT model({.vocabulary = 9, .context = 600, .width = 32, .layers = 2, .heads = 2});
  generate(model, {1, 2, 3}, {.max_tokens = 520});
  reset_counters();
  generate(model, {1, 2, 3}, {.max_tokens = 520});
  // Keys and values of two layers at each token but the few at which the cache grows.
  EXPECT_GT(counters().in_place_updates, 4 * 500);
  EXPECT_LE(counters().plans_made, 4);
}
TEST(Generate, gives_the_same_tokens_with_and_without_the_cache) {
  const models::GPT gpt = small_gpt();
  for (const int64_t beams : {1, 3}) {
    GenerateOptions options{.max_tokens = 12, .seed = 5, .beams = beams};
    const Generated cached = generate(gpt, {1, 2, 3}, options);
    options.use_cache = false;
    EXPECT_EQ(cached.tokens, generate(gpt, {1, 2, 3}, options).tokens) << beams;
  }
}
TEST(Generate, takes_padding_for_a_token_like_others) {
  const nn::EmbeddingOptions padded{.padding = 0};
  const nn::Sequential attention{nn::Embedding(5, 8, padded), nn::PositionEmbedding(64), nn::TransformerEncoder(1, 2, {.causal = true}),
                                 nn::Dense(5)},
      recurrent{nn::Embedding(5, 8, padded), nn::LSTM(8, {.return_sequences = true}), nn::Dense(5)};
  for (const nn::Sequential* model : {&attention, &recurrent}) {
    GenerateOptions options{.max_tokens = 40, .seed = 3};
    const Generated cached = generate(*model, {1, 2}, options);
    EXPECT_GT(std::count(cached.tokens.begin(), cached.tokens.end(), 0), 0);
    options.use_cache = false;
    EXPECT_EQ(cached.tokens, generate(*model, {1, 2}, options).tokens);
  }
}
TEST(Generate, goes_on_beyond_the_context) {
  const models::GPT gpt = small_gpt();
  GenerateOptions options{.max_tokens = 50, .seed = 6};
  const Generated cached = generate(gpt, {1, 2, 3}, options);
  EXPECT_EQ(cached.tokens.size(), 50u);
  options.use_cache = false;
  EXPECT_EQ(cached.tokens, generate(gpt, {1, 2, 3}, options).tokens);
  options.context = 16;
  EXPECT_EQ(cached.tokens, generate(gpt, {1, 2, 3}, options).tokens);
}
TEST(Generate, of_the_last_layer_is_inference) {
  const nn::Sequential model{nn::Embedding(5, 8), nn::Dropout(0.9), nn::Dense(5)};
  const nn::TrainingMode training;
  const GenerateOptions options{.max_tokens = 20, .sampling = {.temperature = 0}};
  EXPECT_EQ(generate(model, {1}, options).tokens, generate(model, {1}, options).tokens);
}

TEST(Generate, refuses_what_makes_no_sense) {
  EXPECT_THROW(generate(chain, {}), Error);
  EXPECT_THROW(generate(chain, {0}, {.max_tokens = -1}), Error);
  EXPECT_THROW(generate(chain, {0}, {.beams = 0}), Error);
  EXPECT_THROW(generate(chain, {0}, {.sampling = {.temperature = -1}}), Error);
  EXPECT_THROW(generate(chain, {0}, {.sampling = {.top_p = 0}}), Error);
  EXPECT_THROW(generate(chain, {7}), Error);
  EXPECT_THROW(generate(small_gpt(), std::vector<int64_t>(17, 1)), Error);
  EXPECT_THROW(generate([](const Array& ids) { return ids.astype(float32); }, {1}), Error);
}

}  // namespace
}  // namespace gradus::train
