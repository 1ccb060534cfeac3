// Rows are written into buffers once.
#include "gradus/data/text/sequences.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::data {

using namespace core;

namespace {

// An array that is being filled.
template <class T>
class Filled {
 public:
  Filled(const Shape& shape, T value, std::string_view what)
      : shape_(shape), buffer_(allocate(shape.size() * static_cast<int64_t>(sizeof(T)), what)) {
    std::fill_n(data(), shape.size(), value);
  }
  T* data() { return reinterpret_cast<T*>(buffer_->data()); }
  T* row(int64_t index) { return data() + index * (shape_.size() / shape_[0]); }
  Array array(DType dtype) && { return make_leaf(std::move(buffer_), dtype, shape_); }

 private:
  Shape shape_;
  BufferPtr buffer_;
};

int64_t size_of(const auto& container) { return static_cast<int64_t>(container.size()); }

int64_t stride_of(std::string_view op, int64_t stride, int64_t context) {
  if (context < 1) fail(op, "context is ", context, "; it must be at least 1");
  if (stride < 0) fail(op, "stride is ", stride, "; it must not be negative");
  return stride ? stride : context;
}

int64_t padding_of(const Tokenizer& tokenizer, const std::string& wanted) {
  for (const std::string& name : {wanted, std::string("[PAD]")}) {
    if (const auto id = tokenizer.find(name)) return *id;
  }
  return 0;
}

}  // namespace

Padded pad(const std::vector<std::vector<int64_t>>& rows, PadOptions options) {
  if (options.length < 0) fail("pad", "length is ", options.length, "; it must not be negative");
  int64_t steps = options.length;
  for (const auto& row : rows) {
    if (options.length == 0) steps = std::max(steps, size_of(row));
  }
  const int64_t count = size_of(rows);
  Filled<int64_t> values({count, steps}, options.value, "padded rows"), lengths({count}, 0, "lengths of rows");
  for (int64_t i = 0; i < count; ++i) {
    const auto& row = rows[static_cast<size_t>(i)];
    lengths.data()[i] = std::min(steps, size_of(row));
    std::copy_n(row.begin(), lengths.data()[i], values.data() + i * steps);
  }
  return {std::move(values).array(int64), std::move(lengths).array(int64)};
}

Array padding_mask(const Array& lengths, int64_t steps) {
  if (lengths.rank() != 1 || lengths.dtype().is_float())
    fail("padding_mask", "lengths is ", lengths.shape(), " of ", lengths.dtype(), "; it must be (N,) integers");
  return arange(steps) < expand_dims(lengths.astype(int64), 1);
}

Dataset language_model_set(std::span<const int64_t> ids, WindowOptions options) {
  const int64_t stride = stride_of("language_model_set", options.stride, options.context), context = options.context;
  if (size_of(ids) <= context)
    fail("language_model_set", "there are ", ids.size(), " tokens; with a context of ", context, " at least ", context + 1, " are needed");
  const int64_t count = (size_of(ids) - 1 - context) / stride + 1;
  Filled<int64_t> x({count, context}, 0, "language model inputs"), y({count, context}, 0, "language model targets");
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(ids.begin() + i * stride, context, x.row(i));
    std::copy_n(ids.begin() + i * stride + 1, context, y.row(i));
  }
  return Dataset(std::move(x).array(int64), std::move(y).array(int64));
}

namespace {

// A piece of a document in a row: tokens begin .. end-1 and what follows them.
struct Placed {
  int64_t document = 0, begin = 0, end = 0;
};
using PackedRow = std::vector<Placed>;

std::vector<PackedRow> placed_in_turn(std::span<const std::vector<int64_t>> documents, int64_t context) {
  std::vector<PackedRow> rows;
  int64_t room = 0;
  for (int64_t i = 0; i < size_of(documents); ++i) {
    // The last token of a document is only a target.
    const int64_t all = size_of(documents[static_cast<size_t>(i)]) - 1;
    for (int64_t begin = 0; begin < all;) {
      if (room == 0) {
        rows.emplace_back();
        room = context;
      }
      const int64_t end = std::min(all, begin + room);
      rows.back().push_back({i, begin, end});
      room -= end - begin;
      begin = end;
    }
  }
  return rows;
}

std::vector<PackedRow> placed_whole(std::span<const std::vector<int64_t>> documents, int64_t context) {
  constexpr size_t kOpen = 64;  // rows that are looked at
  std::vector<PackedRow> rows;
  std::vector<int64_t> room;
  for (int64_t i = 0; i < size_of(documents); ++i) {
    const int64_t length = std::min(context, size_of(documents[static_cast<size_t>(i)]) - 1);
    if (length < 1) continue;
    size_t at = rows.size() > kOpen ? rows.size() - kOpen : 0;
    while (at < rows.size() && room[at] < length) ++at;
    if (at == rows.size()) {
      rows.emplace_back();
      room.push_back(context);
    }
    rows[at].push_back({i, 0, length});
    room[at] -= length;
  }
  return rows;
}

}  // namespace

Dataset pack_documents(std::span<const std::vector<int64_t>> given, PackOptions options) {
  const int64_t context = stride_of("pack_documents", 0, options.context);
  std::vector<std::vector<int64_t>> documents;
  for (const auto& document : given) {
    if (document.empty()) continue;
    documents.push_back(document);
    if (options.separator >= 0) documents.back().push_back(options.separator);
  }
  const std::vector<PackedRow> rows = options.splits ? placed_in_turn(documents, context) : placed_whole(documents, context);
  if (rows.empty()) fail("pack_documents", "no document has two tokens; there is nothing that follows another");
  const int64_t count = size_of(rows);
  Filled<int64_t> x({count, context}, 0, "packed inputs"), y({count, context}, kNoLabel, "packed targets"),
      of({count, context}, 0, "packed documents");
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = 0, number = 0;
    for (const Placed& piece : rows[static_cast<size_t>(i)]) {
      const auto& document = documents[static_cast<size_t>(piece.document)];
      const int64_t length = piece.end - piece.begin;
      std::copy_n(document.begin() + piece.begin, length, x.row(i) + at);
      std::copy_n(document.begin() + piece.begin + 1, length, y.row(i) + at);
      std::fill_n(of.row(i) + at, length, ++number);
      at += length;
    }
  }
  return with_extra(Dataset(std::move(x).array(int64), std::move(y).array(int64)), {"documents", std::move(of).array(int64), {}});
}

Dataset classification_set(std::span<const std::string> texts, std::span<const std::string> labels, const Tokenizer& tokenizer,
                           const TextSetOptions& options) {
  constexpr std::string_view op = "classification_set";
  if (texts.size() != labels.size())
    fail(op, "there are ", texts.size(), " texts and ", labels.size(), " labels; they must be equally many");
  if (texts.empty()) fail(op, "there are no texts");
  if (options.most < 0) fail(op, "most is ", options.most, "; it must not be negative");
  std::vector<std::string> names = options.class_names;
  if (names.empty()) {
    const std::set<std::string> different(labels.begin(), labels.end());
    names.assign(different.begin(), different.end());
  }
  std::map<std::string, int64_t> classes;
  for (const std::string& name : names) classes.emplace(name, std::ssize(classes));
  for (const std::string& label : labels) {
    if (!classes.contains(label)) fail(op, "label \"", printable(label), "\" is no class; there are ", join(names));
  }
  std::vector<std::vector<int64_t>> rows = tokenizer.encode_all(texts, {.most = options.most});
  int64_t longest = 1;  // a text without tokens is one of padding
  for (const std::vector<int64_t>& row : rows) longest = std::max(longest, size_of(row));
  Padded x = pad(rows, {.length = longest, .value = padding_of(tokenizer, options.padding)});
  Filled<int64_t> y({size_of(labels)}, 0, "labels");
  for (size_t i = 0; i < labels.size(); ++i) y.data()[i] = classes[labels[i]];
  Dataset set(x.values, std::move(y).array(int64), {.class_names = names});
  set.extras.push_back({"lengths", x.lengths, {}});
  set.x_lengths = "lengths";
  set.tokenizer = tokenizer;
  check_extras(set);
  return options.is_bucketed ? bucketed(std::move(set)) : set;
}

Dataset translation_set(std::span<const std::pair<std::string, std::string>> pairs, const Tokenizer& source, const Tokenizer& target,
                        const TranslationOptions& options) {
  constexpr std::string_view op = "translation_set";
  if (options.most < 1) fail(op, "most is ", options.most, "; it must be at least 1");
  const int64_t source_end = source.id(options.end), begin = target.id(options.begin), end = target.id(options.end);
  std::vector<std::string> texts[2];
  for (const auto& [first, second] : pairs) {
    texts[0].push_back(first);
    texts[1].push_back(second);
  }
  const auto sources = source.encode_all(texts[0], {.special_tokens = false}),
             targets = target.encode_all(texts[1], {.special_tokens = false});
  std::vector<std::vector<int64_t>> x, input, y;
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (size_of(sources[i]) >= options.most || size_of(targets[i]) >= options.most) continue;
    x.push_back(sources[i]);
    x.back().push_back(source_end);
    input.push_back({begin});
    input.back().insert(input.back().end(), targets[i].begin(), targets[i].end());
    y.push_back(targets[i]);
    y.back().push_back(end);
  }
  if (x.empty()) fail(op, "none of ", pairs.size(), " pairs is shorter than ", options.most, " tokens on both sides");
  int64_t steps = 0;  // 0: as many as the longest has
  for (size_t i = 0; options.joins && i < x.size(); ++i) steps = std::max({steps, size_of(x[i]), size_of(y[i])});
  const Padded padded_x = pad(x, {.length = steps, .value = padding_of(source, options.padding)}),
               padded_y = pad(y, {.length = steps, .value = kNoLabel});
  const Array decoder_input = pad(input, {.length = steps, .value = padding_of(target, options.padding)}).values;
  Dataset set;
  if (options.joins) {
    set = Dataset(stack({padded_x.values, decoder_input}, -1).eval(), padded_y.values);
    set.extras = {{"lengths", maximum(padded_x.lengths, padded_y.lengths).eval(), {}}};
    set.y_lengths = "lengths";
  } else {
    set = Dataset(padded_x.values, padded_y.values);
    set.extras = {
        {"lengths", padded_x.lengths, {}}, {"decoder_input", decoder_input, "target_lengths"}, {"target_lengths", padded_y.lengths, {}}};
    set.y_lengths = "target_lengths";
  }
  set.x_lengths = "lengths";
  set.tokenizer = source;
  check_extras(set);
  return options.is_bucketed ? bucketed(std::move(set)) : set;
}

Dataset series_set(const Array& values, SeriesOptions options) {
  constexpr std::string_view op = "series_set";
  if (values.rank() != 1 && values.rank() != 2) fail(op, "values is ", values.shape(), "; it must be (T,) or (T, F)");
  const auto at_least_one = [&](std::string_view name, int64_t value) {
    if (value < 1) fail(op, name, " is ", value, "; it must be at least 1");
  };
  at_least_one("steps", options.steps);
  at_least_one("horizon", options.horizon);
  at_least_one("stride", options.stride);
  const int64_t rows = values.shape(0), columns = values.rank() == 2 ? values.shape(1) : 1;
  if (options.column < -1 || options.column >= columns)
    fail(op, "column is ", options.column, ", and values has ", columns, "; it must be 0 to ", columns - 1, ", or -1 for all");
  if (options.steps > rows || options.horizon > rows - options.steps)
    fail(op, "there are ", rows, " rows; ", options.steps, " steps and a horizon of ", options.horizon, " need ",
         options.steps + std::min(options.horizon, std::numeric_limits<int64_t>::max() - options.steps));
  const std::vector<float> all = values.to_vector<float>();
  for (size_t i = 0; i < all.size(); ++i) {
    if (!std::isfinite(all[i]))
      fail(op, "values", index_text(values.shape(), static_cast<int64_t>(i)), " is ", values.to_vector<double>()[i],
           "; a series must be finite, and within the range of float32");
  }
  const int64_t count = (rows - options.steps - options.horizon) / options.stride + 1;
  const bool is_all = options.column < 0;
  Filled<float> x({count, options.steps, columns}, 0, "series windows");
  Filled<float> y(is_all ? Shape{count, options.horizon, columns} : Shape{count, options.horizon}, 0, "series targets");
  for (int64_t i = 0; i < count; ++i) {
    const float* from = all.data() + i * options.stride * columns;
    std::copy_n(from, options.steps * columns, x.row(i));
    from += options.steps * columns;
    if (is_all) std::copy_n(from, options.horizon * columns, y.row(i));
    for (int64_t step = 0; !is_all && step < options.horizon; ++step) y.row(i)[step] = from[step * columns + options.column];
  }
  return Dataset(std::move(x).array(float32), std::move(y).array(float32));
}

}  // namespace gradus::data
