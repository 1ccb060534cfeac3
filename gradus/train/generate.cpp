// Sampling and beam search.
#include "gradus/train/generate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/base/philox.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/train/interrupt.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr std::string_view kName = "generate";

void check_options(const GenerateOptions& options) {
  const auto at_least = [](const char* name, double value, double least) {
    if (!(value >= least)) fail(kName, name, " is ", value, "; it must be at least ", least);
  };
  at_least("max_tokens", static_cast<double>(options.max_tokens), 0);
  at_least("context", static_cast<double>(options.context), 0);
  at_least("beams", static_cast<double>(options.beams), 1);
  at_least("length_penalty", options.length_penalty, 0);
  check_sampling(kName, options.sampling);
}

// Some sequences of equal length that grow together, and the model's logits for what follows them.
class Sequences {
 public:
  Sequences(const NextToken& model, std::span<const int64_t> prompt, const GenerateOptions& options)
      : model_(model), use_cache_(options.use_cache), context_(options.context), rows_{std::vector<int64_t>(prompt.begin(), prompt.end())} {
    feed(0);
  }

  /// Logits of what follows sequence `row`.
  std::span<const float> logits(size_t row) const { return std::span(logits_).subspan(row * classes_, classes_); }
  std::span<const int64_t> tokens(size_t row) const { return rows_[row]; }
  size_t classes() const { return classes_; }

  /// Sequence i goes on as sequence from[i] was, with tokens[i].
  void grow(const std::vector<int64_t>& from, const std::vector<int64_t>& tokens) {
    std::vector<std::vector<int64_t>> rows;
    bool is_same = from.size() == rows_.size();
    for (size_t i = 0; i < from.size(); ++i) {
      is_same &= from[i] == static_cast<int64_t>(i);
      rows.push_back(rows_[static_cast<size_t>(from[i])]);
      rows.back().push_back(tokens[i]);
    }
    if (!is_same && use_cache_) cache_.select(array(from));
    rows_ = std::move(rows);
    feed(fed_);
  }

 private:
  int64_t length() const { return static_cast<int64_t>(rows_[0].size()); }

  Array ids_from(int64_t first) const {
    std::vector<int64_t> ids;
    for (const std::vector<int64_t>& row : rows_) ids.insert(ids.end(), row.begin() + first, row.end());
    return array(ids, {rows_.size(), length() - first});
  }
  Array call(const Array& ids) {
    if (!use_cache_) return model_(ids);
    const nn::DecodingScope scope(cache_);
    return model_(ids);
  }

  // Gives the model the tokens from `first` on that it has not seen.
  void feed(int64_t first) {
    const int64_t most = context_ ? context_ : making_.limit();
    if (most > 0 && fed_ > 0 && length() - start_ > most) {
      start_ = length() - std::max<int64_t>(1, most / 2);
      cache_ = {};
      first = start_;
    }
    const Array all = call(ids_from(use_cache_ ? first : start_));
    if (all.rank() != 3 || all.shape(0) != static_cast<int64_t>(rows_.size()) || all.shape(1) < 1) {
      fail(kName, "the model gives ", all.shape(), "; it must give logits (", rows_.size(), ", time, classes) for ids (batch, time)");
    }
    const Array last = all[{slice(), -1}].astype(float32);
    std::vector<Array> roots = cache_.arrays();
    roots.push_back(last);
    evaluate(roots);
    classes_ = static_cast<size_t>(last.shape(1));
    logits_ = last.to_vector<float>();
    fed_ = length();
  }

  const NextToken& model_;
  bool use_cache_;
  int64_t context_;
  std::vector<std::vector<int64_t>> rows_;
  nn::GenerationScope making_{};
  nn::DecodingCache cache_{};
  int64_t start_ = 0, fed_ = 0;  // first token that the model still knows; tokens that it has seen
  size_t classes_ = 0;
  std::vector<float> logits_{};
};

bool is_stop(const GenerateOptions& options, int64_t token) {
  return std::find(options.stop_tokens.begin(), options.stop_tokens.end(), token) != options.stop_tokens.end();
}

// Number `index` of the draws of a seed, in [0, 1).
double draw(uint64_t seed, int64_t index) {
  const std::array<uint32_t, 4> words = philox(static_cast<uint64_t>(index), 0, seed);
  return static_cast<double>((static_cast<uint64_t>(words[0]) << 32 | words[1]) >> 11) * 0x1p-53;
}

Generated sample(Sequences& sequences, const GenerateOptions& options) {
  Generated out;
  while (static_cast<int64_t>(out.tokens.size()) < options.max_tokens) {
    const std::vector<Candidate> all = candidates(kName, sequences.logits(0), sequences.tokens(0), options.sampling);
    const int64_t token = pick(all, draw(options.seed, static_cast<int64_t>(out.tokens.size()))).token;
    out.log_probability += log_probabilities(sequences.logits(0))[static_cast<size_t>(token)];
    if (is_stop(options, token)) {
      out.end = GenerationEnd::stop_token;
      return out;
    }
    out.tokens.push_back(token);
    const bool is_last = static_cast<int64_t>(out.tokens.size()) == options.max_tokens;
    if (options.on_token && !options.on_token(token)) {
      out.end = GenerationEnd::callback;
      return out;
    }
    if (options.interrupts && InterruptScope::is_requested()) {
      out.end = GenerationEnd::interrupted;
      return out;
    }
    if (!is_last) sequences.grow({0}, {token});
  }
  return out;
}

// A sequence of the search, without the prompt.
struct Hypothesis {
  std::vector<int64_t> tokens{};
  double log_probability = 0;  // under the model
  double choice = 0;           // the same with repetition_penalty: what it is compared by
  bool is_ended = false;

  double score(double penalty) const {
    const auto length = static_cast<double>(tokens.size() + (is_ended ? 1 : 0));
    return choice / std::pow(std::max(length, 1.0), penalty);
  }
};
struct Extension {
  size_t from = 0;
  int64_t token = 0;
  double log_probability = 0, choice = 0;
};

// The best ways to go on from all open hypotheses: twice as many as beams, so that enough are left where some end.
std::vector<Extension> extensions(const Sequences& sequences, const std::vector<Hypothesis>& open, const GenerateOptions& options) {
  std::vector<Extension> all;
  const SamplingOptions best{.top_k = 2 * options.beams, .repetition_penalty = options.sampling.repetition_penalty};
  for (size_t row = 0; row < open.size(); ++row) {
    const std::vector<double> log_p = log_probabilities(sequences.logits(row));
    const double penalty = best.repetition_penalty;
    const std::vector<double> choices =
        penalty == 1 ? log_p : log_probabilities(penalised(sequences.logits(row), sequences.tokens(row), penalty));
    for (const Candidate& candidate : candidates(kName, sequences.logits(row), sequences.tokens(row), best)) {
      const auto token = static_cast<size_t>(candidate.token);
      all.push_back({row, candidate.token, open[row].log_probability + log_p[token], open[row].choice + choices[token]});
    }
  }
  const size_t most = std::min(all.size(), static_cast<size_t>(2 * options.beams));
  std::stable_sort(all.begin(), all.end(), [](const Extension& a, const Extension& b) { return a.choice > b.choice; });
  all.resize(most);
  return all;
}

Generated search(Sequences& sequences, const GenerateOptions& options) {
  const auto beams = static_cast<size_t>(options.beams);
  std::vector<Hypothesis> open(1), ended;
  const auto score = [&](const Hypothesis& one) { return one.score(options.length_penalty); };
  const auto is_better = [&](const Hypothesis& a, const Hypothesis& b) { return score(a) > score(b); };
  GenerationEnd end = GenerationEnd::max_tokens;
  for (int64_t step = 0; step < options.max_tokens && !open.empty(); ++step) {
    std::vector<Hypothesis> next;
    std::vector<int64_t> from, tokens;
    size_t rank = 0;
    for (const Extension& one : extensions(sequences, open, options)) {
      if (next.size() == beams) break;
      const bool is_among_best = rank++ < beams;
      Hypothesis hypothesis{open[one.from].tokens, one.log_probability, one.choice, is_stop(options, one.token)};
      if (hypothesis.is_ended) {
        if (is_among_best) ended.push_back(std::move(hypothesis));
        continue;
      }
      hypothesis.tokens.push_back(one.token);
      next.push_back(std::move(hypothesis));
      from.push_back(static_cast<int64_t>(one.from));
      tokens.push_back(one.token);
    }
    open = std::move(next);
    std::stable_sort(ended.begin(), ended.end(), is_better);
    if (ended.size() > beams) ended.resize(beams);
    if (ended.size() == beams && (open.empty() || score(ended.back()) >= score(open[0]))) break;
    if (options.interrupts && InterruptScope::is_requested()) {
      end = GenerationEnd::interrupted;
      break;
    }
    if (step + 1 < options.max_tokens && !open.empty()) sequences.grow(from, tokens);
  }
  ended.insert(ended.end(), open.begin(), open.end());  // one that max_tokens has cut may be the best
  const Hypothesis& best = *std::min_element(ended.begin(), ended.end(), is_better);
  return {best.tokens, best.log_probability, best.is_ended ? GenerationEnd::stop_token : end};
}

}  // namespace

Generated generate(const NextToken& model, std::span<const int64_t> prompt, const GenerateOptions& options) {
  check_options(options);
  if (prompt.empty()) fail(kName, "the prompt is empty; it must have a token at least, for example one that begins a text");
  const std::optional<InterruptScope> interrupts = options.interrupts ? std::optional<InterruptScope>(std::in_place) : std::nullopt;
  if (options.context > 0 && static_cast<int64_t>(prompt.size()) > options.context) {
    fail(kName, "the prompt has ", prompt.size(), " tokens, context is ", options.context, "; a prompt must not be longer");
  }
  Sequences sequences(model, prompt, options);
  return options.beams > 1 ? search(sequences, options) : sample(sequences, options);
}

}  // namespace gradus::train::detail
