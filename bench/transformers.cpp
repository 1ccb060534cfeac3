// Training steps, inference and generation of Transformers. Those of the peers are defined in ../shared/peers/README.md.
#include <memory>

#include "bench/bench.hpp"
#include "bench/models.hpp"

namespace bench {

using namespace gradus;

namespace {

// As the peers have it: positions learnt, exact GELU, a head of its own without bias.
nn::Sequential gpt(int64_t vocabulary, int64_t context, int64_t width, int64_t heads, int64_t layers) {
  return nn::Sequential{nn::Embedding(vocabulary, width), nn::PositionEmbedding(context),
                        nn::TransformerEncoder(layers, heads, {.causal = true}), nn::Dense(vocabulary, {.use_bias = false})};
}

Array ids(int64_t batch, int64_t time, int64_t vocabulary) { return random::integers({batch, time}, 0, vocabulary).eval(); }

template <class M>
Runner::Step language_step(M model, const Array& x, const Array& y) {
  auto shared = std::make_shared<M>(std::move(model));
  auto optimizer = std::make_shared<optim::AdamW>(3e-4);
  return [=] {
    const nn::TrainingMode training;
    auto [value, grads] = value_and_grad<0>([&](const M& m) { return loss::sparse_categorical_crossentropy(m(x), y); })(*shared);
    optimizer->step(*shared, grads);
    value.item();
  };
}

}  // namespace

void transformers(Runner& run) {
  run(
      "gpt_d128_step_b16", [] { return language_step(gpt(96, 128, 128, 4, 4), ids(16, 128, 96), ids(16, 128, 96)); }, 3);
  run(
      "gpt_d384_step_b8", [] { return language_step(gpt(96, 256, 384, 6, 6), ids(8, 256, 96), ids(8, 256, 96)); }, 4);
  run.first("gpt_d384_first_step", [] { return language_step(gpt(96, 256, 384, 6, 6), ids(8, 256, 96), ids(8, 256, 96)); });
  run(
      "bert_tiny_step",
      [] { return language_step(models::MaskedLanguageModel(models::BERTOptions::tiny()), ids(16, 64, 30522), ids(16, 64, 30522)); }, 3);
  for (const int64_t batch : {1, 32}) {
    run("embed_minilm_b" + std::to_string(batch), [=] {
      auto model = std::make_shared<const models::BERT>(models::BERTOptions::mini_lm());
      const Array x = (1 + ids(batch, 64, 30521)).eval();
      model->embed(x).eval();
      return [=] { model->embed(x).eval(); };
    });
  }
  // 64 tokens behind a prompt of 64: a run's time over 64 is that of a token.
  run(
      "generate_gpt_d384",
      [] {
        auto model = std::make_shared<const nn::Sequential>(gpt(96, 256, 384, 6, 6));
        return [=] { train::generate(*model, std::vector<int64_t>(64, 1), {.max_tokens = 64}); };
      },
      3);
}

}  // namespace bench
