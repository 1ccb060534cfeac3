// Labels of targets, and their weights.
#include "gradus/train/class_weights.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/nn/loss.hpp"
#include "gradus/train/class_weights_field.hpp"

namespace gradus::train {

using namespace core;

namespace {

constexpr std::string_view kOp = "class_weight";

[[noreturn]] void fail_target(const data::Dataset& set, size_t at, double value, std::string_view rule) {
  fail(kOp, "y", data::index_text(set.y.shape(), static_cast<int64_t>(at)), " is ", value, "; ", rule);
}

std::vector<int64_t> labels_of(const data::Dataset& set) {
  if (!set.has_targets()) fail(kOp, "the data set has no targets; weights of classes need labels");
  const Shape& shape = set.y.shape();
  const std::vector<double> values = set.y.to_vector<double>();
  const bool is_plain = shape.rank() == 1 || (shape.rank() == 2 && shape[1] == 1);
  if (!is_plain && shape.rank() != 2) {
    fail(kOp, "y is ", shape, "; weights of classes need one label a sample, (N,) or (N, 1), or one-hot rows, (N, classes)");
  }
  std::vector<int64_t> labels;
  if (is_plain) {
    for (size_t i = 0; i < values.size(); ++i) {
      const bool is_ignored = values[i] == static_cast<double>(*loss::CrossentropyOptions().ignore_label);
      if (!is_ignored && (values[i] < 0 || values[i] != std::floor(values[i]) || values[i] > 1e9))
        fail_target(set, i, values[i], "labels must be whole numbers from 0 on");
      labels.push_back(static_cast<int64_t>(values[i]));
    }
    return labels;
  }
  const auto classes = static_cast<size_t>(shape[1]);
  for (size_t begin = 0; begin < values.size(); begin += classes) {
    int64_t label = -1;
    for (size_t i = begin; i < begin + classes; ++i) {
      if (values[i] == 1 && label < 0) label = static_cast<int64_t>(i - begin);
      else if (values[i] != 0) fail_target(set, i, values[i], "weights of classes need rows that are one-hot: one 1, else 0");
    }
    if (label < 0) fail_target(set, begin, values[begin], "weights of classes need rows that are one-hot; this one holds no 1");
    labels.push_back(label);
  }
  return labels;
}

std::map<int64_t, double> balanced_weights(const std::vector<int64_t>& labels) {
  std::map<int64_t, double> counts;
  for (const int64_t label : labels) {
    if (label >= 0) ++counts[label];  // one that the loss ignores is of no class
  }
  std::map<int64_t, double> weights;
  double total = 0;
  for (const auto& [label, count] : counts) total += count;
  for (const auto& [label, count] : counts) weights[label] = total / (static_cast<double>(counts.size()) * count);
  return weights;
}

std::string class_text(const ClassWeight& entry) { return entry.label < 0 ? concat("\"", entry.name, "\"") : concat(entry.label); }

int64_t label_of(const ClassWeight& entry, const data::Dataset& set, const std::vector<int64_t>& labels) {
  const std::vector<std::string>& names = set.class_names;
  if (!(entry.weight >= 0) || std::isinf(entry.weight)) {
    fail(kOp, "the weight of class ", class_text(entry), " is ", entry.weight, "; it must be finite and not negative");
  }
  if (entry.label < 0 && !entry.name.empty()) {
    const auto at = std::find(names.begin(), names.end(), entry.name);
    if (at != names.end()) return at - names.begin();
    const std::string near = nearest(entry.name, names);
    fail(kOp, "there is no class \"", entry.name, "\"; ",
         names.empty()  ? "the data set has no class names, only labels"
         : near.empty() ? concat("there are ", join(names))
                        : concat("the nearest is ", near));
  }
  const auto count = static_cast<int64_t>(names.size());
  if (!names.empty() && (entry.label < 0 || entry.label >= count)) {
    fail(kOp, "there is no class ", entry.label, "; the data set has ", count, " classes, 0 to ", count - 1);
  }
  if (names.empty() && std::find(labels.begin(), labels.end(), entry.label) == labels.end()) {
    const auto [low, high] = std::minmax_element(labels.begin(), labels.end());
    fail(kOp, "no training sample is of class ", entry.label, "; the labels go from ", *low, " to ", *high);
  }
  return entry.label;
}

}  // namespace

data::Dataset ClassWeights::applied_to(const data::Dataset& set) const {
  const std::vector<int64_t> labels = labels_of(set);
  std::map<int64_t, double> of_class;
  if (is_balanced_) of_class = balanced_weights(labels);
  for (const ClassWeight& entry : weights_) {
    if (!of_class.emplace(label_of(entry, set, labels), entry.weight).second)
      fail(kOp, "class ", class_text(entry), " is given two weights");
  }
  const std::vector<double> own = set.weights.exists() ? set.weights.to_vector<double>() : std::vector<double>(labels.size(), 1.0);
  BufferPtr buffer = allocate(static_cast<int64_t>(labels.size() * sizeof(float)), "weights of classes");
  auto* out = reinterpret_cast<float*>(buffer->data());
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto at = of_class.find(labels[i]);
    out[i] = static_cast<float>((at == of_class.end() ? 1.0 : at->second) * own[i]);
  }
  return data::weighted(set, make_leaf(std::move(buffer), float32, {static_cast<int64_t>(labels.size())}));
}

std::string to_text(const ClassWeights& weights) {
  if (weights.is_balanced()) return "balanced";
  std::string out;
  for (const ClassWeight& entry : weights.weights()) out += concat(out.empty() ? "" : ", ", class_text(entry), ": ", entry.weight);
  return out;
}

}  // namespace gradus::train

namespace gradus::core {

Datum FieldType<train::ClassWeights>::write(const train::ClassWeights& value, FieldWriting&) {
  if (value.is_balanced()) return "balanced";
  Datum::Table table;
  for (const train::ClassWeight& entry : value.weights())
    table.emplace_back(entry.label < 0 ? entry.name : to_text(entry.label), entry.weight);
  return table;
}
bool FieldType<train::ClassWeights>::read(train::ClassWeights& value, const Datum& given, const FieldNote&, FieldReading&) {
  if (given == Datum("balanced")) {
    value = train::balanced;
    return true;
  }
  const Datum::Table* table = given.get_if<Datum::Table>();
  if (!table) return false;
  std::vector<train::ClassWeight> weights;
  for (const auto& [name, weight] : *table) {
    if (!weight.is_number() || !range::not_negative.contains(weight.number())) {
      throw FieldError(name, concat("expected ", range::not_negative.expected(false), ", got ", weight));
    }
    int64_t label = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), label);
    const bool is_label = problem == std::errc() && end == name.data() + name.size() && label >= 0;
    weights.push_back(is_label ? train::ClassWeight(label, weight.number()) : train::ClassWeight(name, weight.number()));
  }
  value = train::ClassWeights(std::move(weights));
  return true;
}

}  // namespace gradus::core
