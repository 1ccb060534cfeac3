// Networks for tables: a plain one of dense layers, and a residual one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/models/table_input.hpp"
#include "gradus/nn/dense.hpp"
#include "gradus/nn/norm.hpp"

namespace gradus::models {

/// What the sums of a hidden layer of TableMLP are normalised by, before its activation.
enum class TableNorm { none, batch, layer };
std::span<const std::string_view> enum_names(TableNorm);

/// Options of TableMLP.
struct TableMLPOptions {
  int64_t outputs = 1;                    ///< numbers a row: logits of the classes, or what is to be measured
  std::vector<int64_t> categories{};      ///< as in TableInputOptions, here and in the next four
  std::vector<int64_t> hidden{256, 128};  ///< units of the hidden layers; empty: a linear model
  nn::Activation activation = relu;       ///< after each of them
  TableNorm norm = TableNorm::none;
  double dropout = 0.1;  ///< share of the hidden numbers that become zero in training
  std::vector<int64_t> embedding_widths{};
  int64_t frequencies = 0;
  double frequency_scale = 0.1;
  int64_t number_width = 16;
  GRADUS_OPTIONS(outputs, categories, hidden, activation, norm, dropout, embedding_widths, frequencies, frequency_scale, number_width)
};

/// Rows of a table (N, D), numbers and then codes of categories as TableInput takes them, to (N, outputs): dense layers, each with norm,
/// activation and dropout, then one without. Numbers are best brought to mean 0 and deviation 1 before.
///
///   models::TableMLP model({.outputs = 3, .categories = {5}, .hidden = {32}});
///   model(array({{0.3, -1.2, 4.0}}));   // (1, 3)
class TableMLP {
 public:
  explicit TableMLP(TableMLPOptions options = {});

  Array forward(const Array& x) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  /// A hidden layer.
  struct Block {
    nn::Dense dense{1};
    nn::BatchNorm batch_norm{{.momentum = 0.9, .epsilon = 1e-5}};
    nn::LayerNorm layer_norm{};
    GRADUS_PARTS(dense, batch_norm, layer_norm)
  };

  TableMLPOptions options;
  TableInput input;
  std::vector<Block> blocks{};
  nn::Dropout dropout;
  nn::Dense head;
  GRADUS_PARTS(options, input, blocks, dropout, head)
};

/// Options of TableResNet.
struct TableResNetOptions {
  int64_t outputs = 1;                ///< numbers a row: logits of the classes, or what is to be measured
  std::vector<int64_t> categories{};  ///< as in TableInputOptions, here and in the last four
  int64_t width = 128;                ///< numbers that stand for a row
  int64_t blocks = 2;
  int64_t hidden = 0;             ///< units within a block; 0: twice the width
  double dropout = 0.2;           ///< within a block
  double residual_dropout = 0.0;  ///< of what a block adds
  std::vector<int64_t> embedding_widths{};
  int64_t frequencies = 0;
  double frequency_scale = 0.1;
  int64_t number_width = 16;
  GRADUS_OPTIONS(outputs, categories, width, blocks, hidden, dropout, residual_dropout, embedding_widths, frequencies, frequency_scale,
                 number_width)
};

/// Rows of a table (N, D), numbers and then codes of categories as TableInput takes them, to (N, outputs), by the residual network of
/// Gorishniy et al. 2021 ("Revisiting Deep Learning Models for Tabular Data"): h = dense(input(x)), then in each block
/// h + dropout(dense(dropout(relu(dense(batch_norm(h)))))), then dense(relu(batch_norm(h))).
///
///   models::TableResNet model({.outputs = 2, .width = 16});
///   model(ones({4, 10}));   // (4, 2)
class TableResNet {
 public:
  explicit TableResNet(TableResNetOptions options = {});

  Array forward(const Array& x) const;
  std::string describe() const;
  void check();
  static std::span<const core::FieldNote> field_notes() { return {}; }

  /// What is added to the row's numbers.
  struct Block {
    nn::BatchNorm norm{{.momentum = 0.9, .epsilon = 1e-5}};
    nn::Dense in{1}, out{1};
    GRADUS_PARTS(norm, in, out)
  };

  TableResNetOptions options;
  TableInput input;
  nn::Dense first;
  std::vector<Block> blocks{};
  nn::Dropout dropout, residual_dropout;
  nn::BatchNorm norm;
  nn::Dense head;
  GRADUS_PARTS(options, input, first, blocks, dropout, residual_dropout, norm, head)
};

}  // namespace gradus::models
