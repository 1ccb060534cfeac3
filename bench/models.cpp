#include "bench/models.hpp"

namespace bench {

using namespace gradus;

namespace {

nn::Layer conv(int64_t filters, int64_t size, int64_t stride) {
  return nn::Conv2D(filters, size, {.strides = stride, .padding = size / 2, .use_bias = false});
}

nn::Layer basic_block(int64_t in, int64_t out, int64_t stride) {
  nn::Sequential body{conv(out, 3, stride), nn::BatchNorm(), nn::Activation(relu), conv(out, 3, 1), nn::BatchNorm()};
  if (stride == 1 && in == out) return nn::Residual(std::move(body), {.activation = relu});
  return nn::Residual(std::move(body), {.shortcut = nn::Sequential{conv(out, 1, stride), nn::BatchNorm()}, .activation = relu});
}

}  // namespace

nn::Sequential multilayer_perceptron() { return nn::Sequential{nn::Dense(256, relu), nn::Dense(128, relu), nn::Dense(10)}; }

nn::Sequential tutorial_cnn() {
  return nn::Sequential{nn::Conv2D(32, 3, relu), nn::MaxPooling2D(2), nn::Conv2D(64, 3, relu), nn::MaxPooling2D(2),
          nn::Flatten(), nn::Dense(128, relu), nn::Dense(10)};
}

nn::Sequential resnet18() {
  nn::Sequential model{conv(64, 7, 2), nn::BatchNorm(), nn::Activation(relu), nn::MaxPooling2D(3, {.strides = 2, .padding = 1})};
  int64_t in = 64;
  for (const int64_t out : {64, 128, 256, 512}) {
    model.add(basic_block(in, out, out == 64 ? 1 : 2));
    model.add(basic_block(out, out, 1));
    in = out;
  }
  model.add(nn::GlobalAveragePooling2D());
  model.add(nn::Dense(1000));
  return model;
}

nn::Sequential dense_blocks() {
  constexpr int64_t width = 384;
  nn::Sequential model;
  for (int block = 0; block < 6; ++block) {
    model.add(nn::Residual(nn::Sequential{nn::LayerNorm(), nn::Dense(3 * width), nn::Dense(width)}));
    model.add(nn::Residual(nn::Sequential{nn::LayerNorm(), nn::Dense(4 * width, gelu), nn::Dense(width)}));
  }
  model.add(nn::LayerNorm());
  model.add(nn::Dense(65));
  return model;
}

Array labels(int64_t count, int64_t classes) { return floor(random::uniform(count) * static_cast<double>(classes)).astype(int64).eval(); }

Array Autoencoder::objective(const Array& x) const {
  const Array h = encoder(x), mu = mean(h), log_var = log_variance(h);
  const Array z = mu + random::normal(mu.shape()) * exp(0.5 * log_var);
  const Array likelihood = loss::binary_crossentropy(logits(decoder(z)), x, {.reduction = loss::Reduction::sum});
  return likelihood - 0.5 * sum(1 + log_var - square(mu) - exp(log_var));
}

}  // namespace bench
