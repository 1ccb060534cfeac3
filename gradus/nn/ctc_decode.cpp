// Decoding on the host, in double.
#include "gradus/nn/ctc_decode.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/normalize.hpp"

namespace gradus::nn {

using namespace core;

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  const double most = std::max(a, b);
  return most == kNever ? kNever : most + std::log1p(std::exp(std::min(a, b) - most));
}

// Log-probabilities of all examples, and how many steps of each count.
struct Outputs {
  Outputs(std::string_view name, const Array& logits, const Array& input_lengths, int64_t blank) {
    if (logits.rank() != 3) fail(name, "logits is ", logits.shape(), "; it must be (examples, steps, classes)");
    if (!logits.dtype().is_float()) fail(name, "logits has dtype ", logits.dtype(), "; it must be a float dtype (logits.astype(float32))");
    examples = logits.shape(0);
    steps = logits.shape(1);
    classes = logits.shape(2);
    if (blank < 0 || blank >= classes) {
      fail(name, "blank is ", blank, " and logits has ", classes, " classes; it must be one of them, from 0 to ", classes - 1);
    }
    lengths.assign(static_cast<size_t>(examples), steps);
    if (input_lengths.exists()) read_lengths(name, input_lengths);
    log_p = log_softmax(rows::widened(logits), -1).to_vector<double>();
    for (int64_t n = 0; n < examples; ++n) {
      const auto first = log_p.begin() + n * steps * classes, end = first + length(n) * classes;
      const auto bad = std::find_if(first, end, [](double x) { return std::isnan(x); });
      if (bad != end)
        fail(name, "logits of example ", n, " hold a nan or infinity at step ", (bad - first) / classes, "; they must be numbers");
    }
  }

  void read_lengths(std::string_view name, const Array& given) {
    if (!given.dtype().is_integer() || given.shape() != Shape{examples}) {
      fail(name, "input_lengths is ", given.shape(), " ", given.dtype(), "; it must be (", examples, ",) integers, one an example");
    }
    lengths = given.to_vector<int64_t>();
    for (size_t n = 0; n < lengths.size(); ++n) {
      if (lengths[n] < 0 || lengths[n] > steps)
        fail(name, "input length ", n, " is ", lengths[n], "; it must be from 0 to ", steps, ", the steps of logits");
    }
  }

  int64_t length(int64_t n) const { return lengths[static_cast<size_t>(n)]; }
  std::span<const double> at(int64_t n, int64_t t) const {
    return {log_p.data() + (n * steps + t) * classes, static_cast<size_t>(classes)};
  }

  int64_t examples = 0, steps = 0, classes = 0;
  std::vector<int64_t> lengths;
  std::vector<double> log_p;
};

// The search over one example. Prefixes are nodes of a tree; those that are kept after a step form the beam.
class BeamSearch {
 public:
  BeamSearch(const CtcBeamOptions& options, int64_t classes) : options_(options), classes_(static_cast<uint64_t>(classes)) {
    nodes_.push_back({});
    beam_.push_back({.node = 0, .blank = 0});
  }

  void step(std::span<const double> log_p) {
    find_labels(log_p);
    candidates_.clear();
    for (size_t i = 0; i < beam_.size(); ++i) {  // first those that stay, so that extensions find them
      const Entry& entry = beam_[i];
      candidates_.push_back({.node = entry.node,
                             .blank = entry.total() + log_p[static_cast<size_t>(options_.blank)],
                             .bonus = entry.bonus,
                             .size = entry.size});
      if (entry.node > 0) candidates_.back().label = entry.label + log_p[static_cast<size_t>(nodes_[at(entry.node)].label)];
      nodes_[at(entry.node)].candidate = static_cast<int64_t>(i);
    }
    for (const Entry& entry : beam_) extend(entry, log_p);
    keep_best();
  }

  std::vector<CtcSequence> best() const {
    std::vector<CtcSequence> out;
    for (size_t i = 0; i < std::min(beam_.size(), static_cast<size_t>(options_.best)); ++i) {
      out.push_back({labels_of(beam_[i].node), beam_[i].total(), beam_[i].score()});
    }
    return out;
  }

 private:
  struct Node {
    int64_t parent = -1, label = -1;
    int64_t candidate = -1;  // its place among the candidates of this step
  };
  // blank, label: log of the probability of the alignments so far that end in a blank, or in the last label.
  struct Entry {
    int64_t node = -1;  // -1: the extension of `parent` by `next`
    double blank = kNever, label = kNever, bonus = 0;
    int64_t parent = -1, next = -1;
    int64_t size = 0;  // of labels
    double total() const { return log_add(blank, label); }
    double score() const { return total() + bonus; }
  };
  static size_t at(int64_t node) { return static_cast<size_t>(node); }
  uint64_t key(int64_t node, int64_t label) const { return static_cast<uint64_t>(node) * classes_ + static_cast<uint64_t>(label); }

  // The labels to try: likeliest first if not all.
  void find_labels(std::span<const double> log_p) {
    tried_.resize(log_p.size());
    std::iota(tried_.begin(), tried_.end(), int64_t{0});
    std::erase(tried_, options_.blank);
    if (options_.classes == 0 || static_cast<size_t>(options_.classes) >= tried_.size()) return;
    std::stable_sort(tried_.begin(), tried_.end(), [&](int64_t a, int64_t b) { return log_p[at(a)] > log_p[at(b)]; });
    tried_.resize(static_cast<size_t>(options_.classes));
  }

  void extend(const Entry& entry, std::span<const double> log_p) {
    std::vector<int64_t> prefix;
    if (options_.scorer) prefix = labels_of(entry.node);
    for (const int64_t label : tried_) {
      // Behind itself a label begins anew only after a blank.
      const double before = entry.node > 0 && nodes_[at(entry.node)].label == label ? entry.blank : entry.total();
      const double reached = before + log_p[at(label)];
      if (reached == kNever) continue;
      const auto child = children_.find(key(entry.node, label));
      if (child != children_.end() && nodes_[at(child->second)].candidate >= 0) {
        Entry& known = candidates_[at(nodes_[at(child->second)].candidate)];
        known.label = log_add(known.label, reached);
        continue;
      }
      const double bonus = options_.scorer ? entry.bonus + asked(prefix, label) : entry.bonus;
      candidates_.push_back({.label = reached, .bonus = bonus, .parent = entry.node, .next = label, .size = entry.size + 1});
    }
  }

  double asked(std::span<const int64_t> prefix, int64_t label) const {
    const double score = options_.scorer(prefix, label);
    if (!(score < -kNever)) fail("ctc_beam", "the scorer returned ", score, " for label ", label, "; it must be a number, or -infinity");
    return score;
  }

  void keep_best() {
    for (const Entry& entry : beam_) nodes_[at(entry.node)].candidate = -1;
    ranked_.clear();
    for (size_t i = 0; i < candidates_.size(); ++i) {
      if (const double score = candidates_[i].score(); score != kNever) ranked_.push_back({score, i});
    }
    const size_t kept = std::min(ranked_.size(), static_cast<size_t>(options_.width));
    std::partial_sort(ranked_.begin(), ranked_.begin() + static_cast<std::ptrdiff_t>(kept), ranked_.end(),
                      [&](const Rank& a, const Rank& b) {
                        if (a.score != b.score) return a.score > b.score;
                        const int64_t size_a = candidates_[a.index].size, size_b = candidates_[b.index].size;
                        return size_a != size_b ? size_a < size_b : a.index < b.index;
                      });
    beam_.clear();
    for (size_t i = 0; i < kept; ++i) {
      Entry entry = candidates_[ranked_[i].index];
      if (entry.node < 0) entry.node = child_of(entry.parent, entry.next);
      beam_.push_back(entry);
    }
  }
  int64_t child_of(int64_t parent, int64_t label) {
    const auto [place, is_new] = children_.try_emplace(key(parent, label), static_cast<int64_t>(nodes_.size()));
    if (is_new) nodes_.push_back({parent, label});
    return place->second;
  }

  std::vector<int64_t> labels_of(int64_t node) const {
    std::vector<int64_t> labels;
    for (; node > 0; node = nodes_[at(node)].parent) labels.push_back(nodes_[at(node)].label);
    std::reverse(labels.begin(), labels.end());
    return labels;
  }

  struct Rank {
    double score;
    size_t index;
  };
  const CtcBeamOptions& options_;
  std::vector<Node> nodes_;
  std::unordered_map<uint64_t, int64_t> children_;
  std::vector<Entry> beam_, candidates_;
  std::vector<Rank> ranked_;
  uint64_t classes_;
  std::vector<int64_t> tried_;
};

}  // namespace

std::vector<CtcSequence> ctc_greedy(const Array& logits, const CtcGreedyOptions& options) {
  const Outputs outputs("ctc_greedy", logits, options.input_lengths, options.blank);
  std::vector<CtcSequence> found(static_cast<size_t>(outputs.examples));
  for (int64_t n = 0; n < outputs.examples; ++n) {
    CtcSequence& sequence = found[static_cast<size_t>(n)];
    int64_t before = options.blank;
    for (int64_t t = 0; t < outputs.length(n); ++t) {
      const std::span<const double> log_p = outputs.at(n, t);
      const auto likeliest = std::max_element(log_p.begin(), log_p.end());
      const int64_t label = likeliest - log_p.begin();
      sequence.log_probability += *likeliest;
      if (label != before && label != options.blank) sequence.labels.push_back(label);
      before = label;
    }
    sequence.score = sequence.log_probability;
  }
  return found;
}

std::vector<std::vector<CtcSequence>> ctc_beam(const Array& logits, const CtcBeamOptions& options) {
  constexpr std::string_view name = "ctc_beam";
  if (options.width < 1) fail(name, "width is ", options.width, "; it must be at least 1");
  if (options.classes < 0) fail(name, "classes is ", options.classes, "; it must be at least 0, which means all");
  if (options.best < 1 || options.best > options.width) {
    fail(name, "best is ", options.best, " and width is ", options.width, "; best must be from 1 to width");
  }
  const Outputs outputs(name, logits, options.input_lengths, options.blank);
  std::vector<std::vector<CtcSequence>> found(static_cast<size_t>(outputs.examples));
  const auto search = [&](int64_t n) {
    BeamSearch beam(options, outputs.classes);
    for (int64_t t = 0; t < outputs.length(n); ++t) beam.step(outputs.at(n, t));
    found[static_cast<size_t>(n)] = beam.best();
  };
  if (options.scorer) {
    for (int64_t n = 0; n < outputs.examples; ++n) search(n);
  } else {
    parallel_for(outputs.examples, search);
  }
  return found;
}

}  // namespace gradus::nn
