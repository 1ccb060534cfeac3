// TableMLP, TableResNet.
#include "gradus/models/table_networks.hpp"

#include "gradus/base/error.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/elementwise.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr FieldNote kOutputs{"outputs", "numbers a row: logits of the classes, or what is to be measured", range::positive},
    kCategories{"categories", "how many categories each of the last columns has", range::positive, false,
                "a list of integers of at least 1"},
    kWidths{"embedding_widths", "numbers that stand for a category of each of them; []: by how many there are", range::positive, false,
            "a list of integers of at least 1"},
    kFrequencies{"frequencies", "waves that each number is measured by; 0: none", range::not_negative},
    kFrequencyScale{"frequency_scale", "deviation of their frequencies at the start", range::above_zero},
    kNumberWidth{"number_width", "numbers that the waves of each number become", range::positive},
    kDropout{"dropout", "share of the hidden numbers that become zero in training", range::share};

template <class O>
void set_input(TableInput& input, const O& options) {
  input.options = {.categories = options.categories,
                   .embedding_widths = options.embedding_widths,
                   .frequencies = options.frequencies,
                   .frequency_scale = options.frequency_scale,
                   .number_width = options.number_width};
  input.check();
}
void set_units(nn::Dense& dense, int64_t units) {
  dense.units = units;
  dense.check();
}

}  // namespace

std::span<const std::string_view> enum_names(TableNorm) {
  static constexpr std::string_view names[] = {"none", "batch", "layer"};
  return names;
}

// ---- dense layers

std::span<const FieldNote> TableMLPOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      kOutputs,
      kCategories,
      {"hidden", "units of the hidden layers", range::positive, false, "a list of integers of at least 1"},
      {"activation", "the function after each of them"},
      {"norm", "what their sums are normalised by"},
      kDropout,
      kWidths,
      kFrequencies,
      kFrequencyScale,
      kNumberWidth};
  return notes;
}

TableMLP::TableMLP(TableMLPOptions options) : options(std::move(options)), dropout(0), head(1) { check(); }

void TableMLP::check() {
  check_fields("TableMLP", fields_of(*this), this);
  set_input(input, options);
  if (blocks.size() != options.hidden.size()) {
    blocks.clear();
    blocks.resize(options.hidden.size());
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    set_units(blocks[i].dense, options.hidden[i]);
    // A norm that stands idle has no variables: files would ask for their values.
    const nn::BatchNorm& batch = blocks[i].batch_norm;
    const nn::LayerNorm& layer = blocks[i].layer_norm;
    for (const CellPtr& cell : {batch.weight.cell(), batch.bias.cell(), batch.running_mean.cell(), batch.running_variance.cell()})
      cell->is_used = options.norm == TableNorm::batch;
    for (const CellPtr& cell : {layer.weight.cell(), layer.bias.cell()}) cell->is_used = options.norm == TableNorm::layer;
  }
  dropout.rate = options.dropout;
  set_units(head, options.outputs);
}

std::string TableMLP::describe() const {
  std::string text = "?";
  for (const int64_t units : options.hidden) text += concat(" -> ", units);
  return concat(text, " -> ", options.outputs);
}

Array TableMLP::forward(const Array& x) const {
  Array h = input(x);
  for (const Block& block : blocks) {
    h = block.dense(h);
    if (options.norm == TableNorm::batch) h = block.batch_norm(h);
    if (options.norm == TableNorm::layer) h = block.layer_norm(h);
    h = dropout(options.activation(h));
  }
  return head(h);
}

// ---- residual blocks

std::span<const FieldNote> TableResNetOptions::field_notes() {
  static constexpr FieldNote notes[] = {kOutputs,
                                        kCategories,
                                        {"width", "numbers that stand for a row", range::positive},
                                        {"blocks", "how many blocks there are", range::not_negative},
                                        {"hidden", "units within a block; 0: twice the width", range::not_negative},
                                        kDropout,
                                        {"residual_dropout", "share of what a block adds that becomes zero in training", range::share},
                                        kWidths,
                                        kFrequencies,
                                        kFrequencyScale,
                                        kNumberWidth};
  return notes;
}

TableResNet::TableResNet(TableResNetOptions options)
    : options(std::move(options)), first(1), dropout(0), residual_dropout(0), norm({.momentum = 0.9, .epsilon = 1e-5}), head(1) {
  check();
}

void TableResNet::check() {
  check_fields("TableResNet", fields_of(*this), this);
  set_input(input, options);
  set_units(first, options.width);
  if (static_cast<int64_t>(blocks.size()) != options.blocks) {
    blocks.clear();
    blocks.resize(static_cast<size_t>(options.blocks));
  }
  for (Block& block : blocks) {
    set_units(block.in, options.hidden == 0 ? 2 * options.width : options.hidden);
    set_units(block.out, options.width);
  }
  dropout.rate = options.dropout;
  residual_dropout.rate = options.residual_dropout;
  set_units(head, options.outputs);
}

std::string TableResNet::describe() const { return concat(options.blocks, " blocks of ", options.width, " -> ", options.outputs); }

Array TableResNet::forward(const Array& x) const {
  Array h = first(input(x));
  for (const Block& block : blocks) h = h + residual_dropout(block.out(dropout(relu(block.in(block.norm(h))))));
  return head(relu(norm(h)));
}

}  // namespace gradus::models
