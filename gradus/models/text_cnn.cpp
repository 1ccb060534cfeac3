// TextCNN.
#include "gradus/models/text_cnn.hpp"

#include "gradus/base/error.hpp"
#include "gradus/models/checks.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

std::span<const FieldNote> TextCNNOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"vocabulary", "how many different tokens there are", range::positive},
      {"classes", "how many classes there are", range::positive},
      {"width", "numbers a token", range::positive},
      {"kernel_sizes", "how many tokens a filter sees", range::positive, false, "a list of integers of at least 1"},
      {"filters", "filters of each size", range::positive},
      {"dropout", "share of the numbers that become zero in training", range::share},
      {"padding", "the token that fills up short texts", range::not_negative}};
  return notes;
}

TextCNN::TextCNN(TextCNNOptions options) : options(std::move(options)), tokens(1, 1), dropout(0), head(1) { check(); }

void TextCNN::check() {
  check_fields("TextCNN", fields_of(*this), this);
  if (options.kernel_sizes.empty()) fail("TextCNN", "kernel_sizes is empty; there must be one at least");
  tokens.count = options.vocabulary;
  tokens.width = options.width;
  tokens.check();
  bool has_filters = filters.size() == options.kernel_sizes.size();
  for (size_t i = 0; has_filters && i < filters.size(); ++i) {
    has_filters = filters[i].filters == options.filters && filters[i].kernel_size[0] == options.kernel_sizes[i];
  }
  if (!has_filters) {
    filters.clear();
    for (const int64_t size : options.kernel_sizes) filters.emplace_back(options.filters, size, relu, nn::Conv1DOptions{.padding = same});
  }
  dropout.rate = options.dropout;
  head.units = options.classes;
  head.check();
}

Array TextCNN::forward(const Array& ids) const {
  detail::check_ids("text_cnn", ids);
  if (ids.shape(1) == 0) fail("text_cnn", "ids are ", ids.shape(), "; a text must have a token at least");
  // Padding counts as vectors of zeros, and never as the largest number: after relu none is below 0.
  const Array there = expand_dims(ids != Array(options.padding), -1);
  const Array vectors = where(there, tokens(ids), 0);
  std::vector<Array> largest;
  for (const nn::Conv1D& filter : filters) largest.push_back(max(where(there, filter(vectors), 0), 1));
  return head(dropout(concatenate(largest, 1)));
}

}  // namespace gradus::models
