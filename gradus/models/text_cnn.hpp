// A convolutional network that sorts texts (Kim 2014).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/nn/conv.hpp"
#include "gradus/nn/dense.hpp"

namespace gradus::models {

/// Options of TextCNN.
struct TextCNNOptions {
  int64_t vocabulary = 10000;
  int64_t classes = 2;
  int64_t width = 128;                         ///< numbers a token
  std::vector<int64_t> kernel_sizes{3, 4, 5};  ///< how many tokens a filter sees
  int64_t filters = 100;                       ///< of each size
  double dropout = 0.5;
  int64_t padding = 0;  ///< the token that fills up short texts
  GRADUS_OPTIONS(vocabulary, classes, width, kernel_sizes, filters, dropout, padding)
};

/// Ids (N, T) to logits (N, classes): filters of several sizes slide over the tokens' vectors, and the largest number of each counts.
///
///   models::TextCNN model({.vocabulary = 50, .classes = 3});
///   model(zeros({2, 12}, int64));   // (2, 3)
class TextCNN {
 public:
  explicit TextCNN(TextCNNOptions options = {});

  Array forward(const Array& ids) const;
  std::string describe() const { return core::concat(options.width, " -> ", options.classes); }
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  TextCNNOptions options;
  nn::Embedding tokens;
  std::vector<nn::Conv1D> filters{};
  nn::Dropout dropout;
  nn::Dense head;
  GRADUS_PARTS(options, tokens, filters, dropout, head)
};

}  // namespace gradus::models
