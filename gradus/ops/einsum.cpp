// einsum, lowered onto diagonals, sums, transposes and matrix products, two operands at a time.
#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

using namespace core;

namespace {

constexpr std::string_view kOp = "einsum";

// A letter, or for axes of an ellipsis -1, -2, ... counted from their last.
using Label = int;
using Labels = std::vector<Label>;

std::string name_of(Label label) { return label < 0 ? "..." : std::string(1, static_cast<char>(label)); }
bool has(const Labels& labels, Label label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }

// An operand with a label for each axis, no label twice.
struct Term {
  Array x;
  Labels labels;
  int64_t axis_of(Label label) const { return std::find(labels.begin(), labels.end(), label) - labels.begin(); }
};

struct Equation {
  std::vector<std::string> inputs;  // letters, with '.' for an ellipsis
  std::string output;
  bool has_output = false;
};

// One side's letters without spaces, "..." as one '.'.
std::string parse_letters(std::string_view equation, std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    if (text.substr(i, 3) == "...") {
      if (out.find('.') != std::string::npos) fail(kOp, "the equation \"", equation, "\" has two ellipses in one operand; one is the most");
      out += '.';
      i += 2;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      out += c;
    } else {
      fail(kOp, "the equation \"", equation, "\" has the character '", std::string(1, c),
           "'; it may have letters, commas, \"...\" and one \"->\"");
    }
  }
  return out;
}

Equation parse(std::string_view equation, size_t operands) {
  Equation out;
  std::string_view left = equation;
  if (const size_t arrow = equation.find("->"); arrow != std::string_view::npos) {
    left = equation.substr(0, arrow);
    out.output = parse_letters(equation, equation.substr(arrow + 2));
    out.has_output = true;
  }
  for (size_t begin = 0;;) {
    const size_t comma = left.find(',', begin);
    out.inputs.push_back(parse_letters(equation, left.substr(begin, comma == std::string_view::npos ? comma : comma - begin)));
    if (comma == std::string_view::npos) break;
    begin = comma + 1;
  }
  if (out.inputs.size() != operands) {
    fail(kOp, "the equation \"", equation, "\" names ", out.inputs.size(), " operands, ", operands, " were given; they must be as many");
  }
  return out;
}

// Letters for every axis of operand `index`; an ellipsis stands for the axes that have none.
Labels label_axes(std::string_view equation, const std::string& letters, const Array& x, size_t index) {
  const size_t ellipsis = letters.find('.');
  const int64_t named = static_cast<int64_t>(letters.size()) - (ellipsis != std::string::npos ? 1 : 0), hidden = x.rank() - named;
  if (hidden < 0 || (hidden > 0 && ellipsis == std::string::npos)) {
    fail(kOp, "the equation \"", equation, "\" names ", named, " axes of operand ", index, ", which is ", x.shape(), "; ",
         ellipsis == std::string::npos ? "it must name each" : "they must not be more than it has");
  }
  Labels labels;
  for (const char c : letters) {
    if (c != '.') labels.push_back(c);
    else for (int64_t i = hidden; i > 0; --i) labels.push_back(static_cast<Label>(-i));
  }
  return labels;
}

// Diagonals for labels that an operand has twice, and axes of size 1 dropped where the label is longer elsewhere.
Term make_term(Array x, Labels labels, const std::map<Label, int64_t>& sizes) {
  Dims dropped;
  Labels kept;
  for (size_t axis = 0; axis < labels.size(); ++axis) {
    const bool is_repeated = x.shape()[static_cast<int64_t>(axis)] == 1 && sizes.at(labels[axis]) != 1;
    if (is_repeated) dropped.push_back(static_cast<int64_t>(axis));
    else kept.push_back(labels[axis]);
  }
  if (!dropped.empty()) x = squeeze(x, dropped);
  for (size_t first = 0; first < kept.size();) {
    const auto second = std::find(kept.begin() + static_cast<std::ptrdiff_t>(first) + 1, kept.end(), kept[first]);
    if (second == kept.end()) {
      ++first;
      continue;
    }
    const Label label = kept[first];
    x = diagonal(x, 0, static_cast<int64_t>(first), second - kept.begin());  // as the last axis
    kept.erase(second);
    kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(first));
    kept.push_back(label);
  }
  return {std::move(x), std::move(kept)};
}

// Sums over the labels that nobody else needs.
Term sum_unneeded(Term term, const Labels& needed) {
  Dims axes;
  Labels kept;
  for (size_t axis = 0; axis < term.labels.size(); ++axis) {
    if (has(needed, term.labels[axis])) kept.push_back(term.labels[axis]);
    else axes.push_back(static_cast<int64_t>(axis));
  }
  if (axes.empty()) return term;
  return {sum(term.x, axes).astype(term.x.dtype()), std::move(kept)};
}

Array ordered(const Term& term, const Labels& labels) {
  Dims axes;
  for (const Label label : labels) axes.push_back(term.axis_of(label));
  bool is_identity = true;
  for (size_t i = 0; i < axes.size(); ++i) is_identity &= axes[i] == static_cast<int64_t>(i);
  return is_identity ? term.x : transpose(term.x, axes);
}

// The term with exactly these labels, in this order: size 1 where it has none.
Array spread(const Term& term, const Labels& labels) {
  Labels own;
  Dims missing;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (has(term.labels, labels[i])) own.push_back(labels[i]);
    else missing.push_back(static_cast<int64_t>(i));
  }
  const Array x = ordered(term, own);
  return missing.empty() ? x : expand_dims(x, missing);
}

Labels operator+(Labels a, const Labels& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Product of two terms, summed over the labels that both have and nobody needs.
Term multiply_terms(const Term& a, const Term& b, const Labels& needed, const std::map<Label, int64_t>& sizes) {
  Labels batch, rows, columns, depth;
  for (const Label label : a.labels) (has(b.labels, label) ? (has(needed, label) ? batch : depth) : rows).push_back(label);
  for (const Label label : b.labels) {
    if (!has(a.labels, label)) columns.push_back(label);
  }
  if (depth.empty()) {
    const Labels all = batch + rows + columns;
    return {spread(a, all) * spread(b, all), all};
  }
  if (rows.empty() && columns.empty() && !batch.empty()) {
    const Labels all = batch + depth;
    return sum_unneeded({ordered(a, all) * ordered(b, all), all}, batch);
  }
  const auto size_of = [&](const Labels& labels) {
    int64_t size = 1;
    for (const Label label : labels) size *= sizes.at(label);
    return size;
  };
  Dims left, right, out;
  for (const Label label : batch) {
    left.push_back(sizes.at(label));
    out.push_back(sizes.at(label));
  }
  right = left;
  for (const int64_t size : {size_of(rows), size_of(depth)}) left.push_back(size);
  for (const int64_t size : {size_of(depth), size_of(columns)}) right.push_back(size);
  for (const Label label : rows + columns) out.push_back(sizes.at(label));
  const Array product =
      matmul(reshape(ordered(a, batch + rows + depth), Shape(left)), reshape(ordered(b, batch + depth + columns), Shape(right)));
  return {reshape(product, Shape(out)), batch + rows + columns};
}

// Elements of the product of two terms.
double result_size(const Term& a, const Term& b, const Labels& needed, const std::map<Label, int64_t>& sizes) {
  double size = 1;
  for (const Label label : a.labels + b.labels) {
    if (has(needed, label)) size *= static_cast<double>(sizes.at(label));
  }
  for (const Label label : a.labels) {
    if (has(b.labels, label) && has(needed, label)) size /= static_cast<double>(std::max<int64_t>(sizes.at(label), 1));
  }
  return size;
}

// Labels that the output or a term other than `skip_a` and `skip_b` has.
Labels needed_labels(const std::vector<Term>& terms, const Labels& output, size_t skip_a, size_t skip_b) {
  Labels needed = output;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (i != skip_a && i != skip_b) needed = needed + terms[i].labels;
  }
  return needed;
}

Labels output_labels(std::string_view equation, const Equation& parsed, const std::vector<Labels>& inputs,
                     const std::map<Label, int64_t>& sizes) {
  Labels hidden;
  std::map<Label, int> counts;
  for (const Labels& labels : inputs) {
    for (const Label label : labels) ++counts[label];
  }
  for (const auto& [label, size] : sizes) {
    if (label < 0) hidden.push_back(label);  // in increasing order: the first axis first
  }
  Labels out;
  if (!parsed.has_output) {
    out = hidden;
    for (const auto& [label, count] : counts) {
      if (label > 0 && count == 1) out.push_back(label);
    }
    return out;
  }
  for (const char c : parsed.output) {
    if (c == '.') {
      out = out + hidden;
    } else if (!sizes.count(c)) {
      fail(kOp, "the equation \"", equation, "\" has '", std::string(1, c),
           "' in the result and in no operand; the result's letters must occur in one");
    } else if (has(out, c)) {
      fail(kOp, "the equation \"", equation, "\" has '", std::string(1, c), "' twice in the result; once is the most");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// Numbers take the dtype of the arrays that they meet.
DType meeting_dtype(const std::vector<Array>& operands) {
  std::optional<DType> met;
  for (const Array& x : operands) {
    if (!x.is_weak()) met = met ? promote(*met, x.dtype()) : x.dtype();
  }
  for (const Array& x : operands) {
    if (x.is_weak()) met = promote_with_number(met.value_or(x.dtype() == float64 ? float32 : x.dtype()), x.dtype());
  }
  return *met;
}

}  // namespace

Array einsum(std::string_view equation, const std::vector<Array>& operands) {
  if (operands.empty()) fail(kOp, "no operands were given; there must be one or more");
  const Equation parsed = parse(equation, operands.size());
  std::vector<Labels> labels;
  std::map<Label, int64_t> sizes;
  std::map<Label, size_t> first_seen;
  const DType dtype = meeting_dtype(operands);
  for (size_t i = 0; i < operands.size(); ++i) {
    labels.push_back(label_axes(equation, parsed.inputs[i], operands[i], i));
    for (size_t axis = 0; axis < labels[i].size(); ++axis) {
      const int64_t size = operands[i].shape()[static_cast<int64_t>(axis)];
      const auto same = std::find(labels[i].begin(), labels[i].end(), labels[i][axis]) - labels[i].begin();
      if (const int64_t before = operands[i].shape()[same]; before != size) {
        fail(kOp, "in \"", equation, "\", '", name_of(labels[i][axis]), "' is ", before, " and ", size, " in operand ", i,
             "; a letter that an operand has twice must have one size there");
      }
      const auto [entry, is_new] = sizes.try_emplace(labels[i][axis], size);
      if (is_new || entry->second == 1) {
        entry->second = size;
        first_seen[labels[i][axis]] = i;
      } else if (size != 1 && size != entry->second) {
        fail(kOp, "in \"", equation, "\", '", name_of(labels[i][axis]), "' is ", entry->second, " in operand ", first_seen[labels[i][axis]],
             " and ", size, " in operand ", i, "; a letter must have one size");
      }
    }
  }
  const Labels output = output_labels(equation, parsed, labels, sizes);
  std::vector<Term> terms;
  for (size_t i = 0; i < operands.size(); ++i) terms.push_back(make_term(operands[i].astype(dtype), labels[i], sizes));
  for (size_t i = 0; i < terms.size(); ++i) terms[i] = sum_unneeded(terms[i], needed_labels(terms, output, i, i));
  while (terms.size() > 1) {
    size_t a = 0, b = 1;
    double least = -1;
    for (size_t i = 0; i < terms.size(); ++i) {
      for (size_t j = i + 1; j < terms.size(); ++j) {
        const double size = result_size(terms[i], terms[j], needed_labels(terms, output, i, j), sizes);
        if (least >= 0 && size >= least) continue;
        least = size;
        a = i;
        b = j;
      }
    }
    const Term product = multiply_terms(terms[a], terms[b], needed_labels(terms, output, a, b), sizes);
    terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(b));
    terms[a] = product;
  }
  return ordered(sum_unneeded(terms[0], output), output);
}

}  // namespace gradus
