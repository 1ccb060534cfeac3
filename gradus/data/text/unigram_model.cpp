// Unigrams (Kudo, "Subword Regularization", 2018): of all ways to cut a word into tokens the one whose scores, logarithms of
// probabilities, have the largest sum.
#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/data/text/spec_internal.hpp"
#include "gradus/data/text/token_model.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr double kUnknownPenalty = 10;  // below the least score, for each unknown character

class UnigramModel final : public TokenModel {
 public:
  UnigramModel(Vocabulary all, std::vector<double> scores, int32_t unknown, bool falls_back)
      : TokenModel(std::move(all)), scores_(std::move(scores)), unknown_(unknown), falls_back_to_bytes_(falls_back) {
    least_ = scores_.empty() ? 0 : *std::min_element(scores_.begin(), scores_.end());
    for (int byte = 0; byte < 256; ++byte) {
      constexpr char digits[] = "0123456789ABCDEF";
      bytes_[byte] = vocabulary().find(concat("<0x", std::string{digits[byte >> 4], digits[byte & 15]}, ">"));
      falls_back_to_bytes_ &= bytes_[byte] >= 0;
    }
  }

  bool tokenize(std::string_view word, std::vector<TokenPiece>& out) const override {
    // Of the best cut that ends at each byte: its score, its last token, and where that begins.
    struct Best {
      double score = -std::numeric_limits<double>::infinity();
      int32_t id = -1;
      size_t begin = 0;
      bool is_reached = false;
    };
    std::vector<Best> best(word.size() + 1);
    best[0] = {0, -1, 0, true};
    for (size_t begin = 0, next = 0; begin < word.size(); begin = next) {
      next_code_point(word, next);
      const double so_far = best[begin].score;
      const auto offer = [&](size_t end, int32_t id, double score) {
        if (!best[end].is_reached || so_far + score > best[end].score) best[end] = {so_far + score, id, begin, true};
      };
      bool has_single = false;
      for (size_t end = next; end <= word.size() && end - begin <= vocabulary().longest();) {
        const int32_t id = vocabulary().find(word.substr(begin, end - begin));
        if (id >= 0) offer(end, id, scores_[static_cast<size_t>(id)]);
        has_single |= id >= 0 && end == next;
        if (end == word.size()) break;
        next_code_point(word, end);
      }
      if (!has_single) offer(next, unknown_, least_ - kUnknownPenalty);
    }
    const size_t first = out.size();
    for (size_t end = word.size(); end > 0; end = best[end].begin) out.push_back({best[end].id, static_cast<uint32_t>(end)});
    std::reverse(out.begin() + static_cast<int64_t>(first), out.end());
    return spell_unknown(word, out, first);
  }

  Datum to_datum() const override {
    Datum::List pairs;
    for (int32_t id = 0; id < vocabulary().size(); ++id)
      pairs.push_back(Datum::List{vocabulary().token(id), scores_[static_cast<size_t>(id)]});
    return Datum::Table{{"type", "Unigram"},
                        {"unk_id", unknown_ < 0 ? Datum() : Datum(unknown_)},
                        {"vocab", std::move(pairs)},
                        {"byte_fallback", falls_back_to_bytes_}};
  }
  int32_t unknown() const override { return unknown_; }

 private:
  // Unknown characters that follow one another become one token, or each its bytes.
  bool spell_unknown(std::string_view word, std::vector<TokenPiece>& out, size_t first) const {
    std::vector<TokenPiece> spelled;
    uint32_t begin = 0;
    for (size_t i = first; i < out.size(); begin = out[i++].end) {
      const bool is_unknown = out[i].id == unknown_;
      if (is_unknown && i > first && out[i - 1].id == unknown_ && !falls_back_to_bytes_) {
        spelled.back().end = out[i].end;
      } else if (is_unknown && falls_back_to_bytes_) {
        for (uint32_t at = begin; at < out[i].end; ++at) spelled.push_back({bytes_[static_cast<uint8_t>(word[at])], at + 1});
      } else if (out[i].id < 0) {
        return false;
      } else {
        spelled.push_back(out[i]);
      }
    }
    out.resize(first);
    out.insert(out.end(), spelled.begin(), spelled.end());
    return true;
  }

  std::vector<double> scores_;
  int32_t unknown_, bytes_[256];
  bool falls_back_to_bytes_;
  double least_ = 0;
};

}  // namespace

std::unique_ptr<TokenModel> detail::read_unigram_model(const Spec& spec) {
  Vocabulary vocabulary;
  std::vector<double> scores;
  for (const Spec& each : spec["vocab"].elements()) {
    const auto* pair = each.value().get_if<Datum::List>();
    const std::string* token = pair && pair->size() == 2 ? (*pair)[0].get_if<std::string>() : nullptr;
    if (!token || !(*pair)[1].is_number() || !std::isfinite((*pair)[1].number())) each.fail_type("a token and its score");
    if (invalid_utf8(*token) >= 0) each.fail("the token is not UTF-8");
    if (vocabulary.add(*token) != static_cast<int32_t>(scores.size()))
      each.fail(each.value(), " has the token of [", vocabulary.find(*token), "]");
    scores.push_back((*pair)[1].number());
  }
  const Spec unknown = spec["unk_id"];
  const auto id = static_cast<int32_t>(unknown.exists() ? unknown.integer(0, vocabulary.size() - 1) : -1);
  return std::make_unique<UnigramModel>(std::move(vocabulary), std::move(scores), id, spec["byte_fallback"].flag_or(false));
}

}  // namespace gradus::data
