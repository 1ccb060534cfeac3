// Byte pairs (Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", 2016): of the pairs of neighbours
// that a merge is known for, the one whose merge stands first becomes one token, the leftmost of equals; until there is none.
#include <algorithm>
#include <limits>
#include <queue>

#include "gradus/data/text/spec_internal.hpp"
#include "gradus/data/text/token_model.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr int32_t kNever = std::numeric_limits<int32_t>::max();

struct Ranked {
  int32_t rank = kNever, merged = 0;
};

class BytePairModel final : public TokenModel {
 public:
  BytePairModel(Vocabulary all, const std::vector<Merge>& merges, const BytePairOptions& options)
      : TokenModel(std::move(all)),
        options_(options),
        merges_(merges),
        unknown_(options.unknown.empty() ? -1 : vocabulary().find(options.unknown)) {
    for (size_t i = 0; i < merges.size(); ++i) ranks_(merges[i].left, merges[i].right) = {static_cast<int32_t>(i), merges[i].merged};
    for (int byte = 0; byte < 256; ++byte) {
      constexpr char digits[] = "0123456789ABCDEF";
      bytes_[byte] = vocabulary().find(concat("<0x", std::string{digits[byte >> 4], digits[byte & 15]}, ">"));
    }
    std::string text;
    for (char32_t c = 0; c < kQuick; ++c) {
      text.clear();
      append_code_point(text, c);
      quick_[c] = vocabulary().find(text);
    }
  }

  bool tokenize(std::string_view word, std::vector<TokenPiece>& out) const override {
    if (options_.ignores_merges) {
      if (const int32_t id = vocabulary().find(word); id >= 0) {
        out.push_back({id, static_cast<uint32_t>(word.size())});
        return true;
      }
    }
    const size_t first = out.size();
    if (!add_characters(word, out)) return false;
    if (ranks_.empty()) return true;
    if (out.size() - first <= kShort) merge_short(out, first);
    else merge_long(out, first);
    return true;
  }

  Datum to_datum() const override {
    Datum::List merges;
    for (const Merge& merge : merges_) merges.push_back(Datum::List{vocabulary().token(merge.left), vocabulary().token(merge.right)});
    const auto text_or_nothing = [](const std::string& text) { return text.empty() ? Datum() : Datum(text); };
    return Datum::Table{{"type", "BPE"},
                        {"dropout", Datum()},
                        {"unk_token", text_or_nothing(options_.unknown)},
                        {"continuing_subword_prefix", text_or_nothing(options_.continuing_prefix)},
                        {"end_of_word_suffix", text_or_nothing(options_.end_suffix)},
                        {"fuse_unk", options_.fuses_unknown},
                        {"byte_fallback", options_.falls_back_to_bytes},
                        {"ignore_merges", options_.ignores_merges},
                        {"vocab", detail::list_of(vocabulary().tokens())},
                        {"merges", std::move(merges)}};
  }
  int32_t unknown() const override { return unknown_; }

 private:
  static constexpr size_t kShort = 48;     // up to here looking at all pairs is faster than a heap
  static constexpr char32_t kQuick = 512;  // characters whose tokens are found without hashing: all of the byte level

  int32_t id_of_character(std::string_view character, bool is_first, bool is_last) const {
    const bool is_plain = (is_first || options_.continuing_prefix.empty()) && (!is_last || options_.end_suffix.empty());
    if (!is_plain)
      return vocabulary().find(concat(is_first ? "" : options_.continuing_prefix, character, is_last ? options_.end_suffix : ""));
    size_t at = 0;
    const char32_t c = next_code_point(character, at);
    return c < kQuick ? quick_[c] : vocabulary().find(character);
  }

  bool has_bytes(std::string_view character) const {
    return std::all_of(character.begin(), character.end(), [&](char byte) { return bytes_[static_cast<uint8_t>(byte)] >= 0; });
  }

  bool add_characters(std::string_view word, std::vector<TokenPiece>& out) const {
    bool is_after_unknown = false;
    for (size_t begin = 0, end = 0; begin < word.size(); begin = end) {
      next_code_point(word, end);
      const int32_t id = id_of_character(word.substr(begin, end - begin), begin == 0, end == word.size());
      const bool is_by_bytes = id < 0 && options_.falls_back_to_bytes && has_bytes(word.substr(begin, end - begin));
      if (is_by_bytes) {
        for (size_t at = begin; at < end; ++at) out.push_back({bytes_[static_cast<uint8_t>(word[at])], static_cast<uint32_t>(at + 1)});
      } else if (id < 0 && unknown_ < 0) {
        return false;
      } else if (id < 0 && is_after_unknown && options_.fuses_unknown) {
        out.back().end = static_cast<uint32_t>(end);
      } else {
        out.push_back({id < 0 ? unknown_ : id, static_cast<uint32_t>(end)});
      }
      is_after_unknown = id < 0 && !is_by_bytes;
    }
    return true;
  }

  Ranked ranked(int32_t left, int32_t right) const {
    const Ranked* found = ranks_.find(left, right);
    return found ? *found : Ranked{};
  }

  void merge_short(std::vector<TokenPiece>& pieces, size_t first) const {
    Ranked pairs[kShort];
    TokenPiece* const all = pieces.data() + first;
    size_t count = pieces.size() - first;
    for (size_t i = 0; i + 1 < count; ++i) pairs[i] = ranked(all[i].id, all[i + 1].id);
    while (count > 1) {
      size_t best = 0;
      for (size_t i = 1; i + 1 < count; ++i) {
        if (pairs[i].rank < pairs[best].rank) best = i;
      }
      if (pairs[best].rank == kNever) break;
      all[best] = {pairs[best].merged, all[best + 1].end};
      std::copy(all + best + 2, all + count, all + best + 1);
      std::copy(pairs + best + 1, pairs + count - 1, pairs + best);
      --count;
      if (best > 0) pairs[best - 1] = ranked(all[best - 1].id, all[best].id);
      if (best + 1 < count) pairs[best] = ranked(all[best].id, all[best + 1].id);
    }
    pieces.resize(first + count);
  }

  // The same in n log n: a list of pieces and a heap of pairs, whose entries may be out of date.
  void merge_long(std::vector<TokenPiece>& pieces, size_t first) const {
    struct Link {
      int32_t id, before, after;
    };
    struct Entry {
      int32_t rank, at, left, right, merged;
      bool operator>(const Entry& other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
    };
    const auto count = static_cast<int32_t>(pieces.size() - first);
    std::vector<Link> links(static_cast<size_t>(count));
    const auto link = [&](int32_t at) -> Link& { return links[static_cast<size_t>(at)]; };
    const auto end_of = [&](int32_t at) -> uint32_t& { return pieces[first + static_cast<size_t>(at)].end; };
    for (int32_t i = 0; i < count; ++i) link(i) = {pieces[first + static_cast<size_t>(i)].id, i - 1, i + 1 < count ? i + 1 : -1};
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
    const auto push = [&](int32_t at) {
      if (at < 0 || link(at).after < 0) return;
      const int32_t left = link(at).id, right = link(link(at).after).id;
      const Ranked found = ranked(left, right);
      if (found.rank != kNever) queue.push({found.rank, at, left, right, found.merged});
    };
    for (int32_t i = 0; i < count; ++i) push(i);
    while (!queue.empty()) {
      const Entry best = queue.top();
      queue.pop();
      Link& here = link(best.at);
      if (here.id != best.left || here.after < 0 || link(here.after).id != best.right) continue;
      Link& next = link(here.after);
      here.id = best.merged;
      end_of(best.at) = end_of(here.after);
      here.after = next.after;
      next.id = -1;  // gone
      if (here.after >= 0) link(here.after).before = best.at;
      push(here.before);
      push(best.at);
    }
    size_t kept = first;
    for (int32_t at = 0; at >= 0; at = link(at).after) pieces[kept++] = {link(at).id, end_of(at)};
    pieces.resize(kept);
  }

  BytePairOptions options_;
  std::vector<Merge> merges_;
  PairTable<Ranked> ranks_;
  int32_t unknown_, bytes_[256], quick_[kQuick];
};

}  // namespace

std::unique_ptr<TokenModel> make_byte_pair_model(Vocabulary vocabulary, const std::vector<Merge>& merges, const BytePairOptions& options) {
  return std::make_unique<BytePairModel>(std::move(vocabulary), merges, options);
}

Merge merge_of(const Vocabulary& vocabulary, std::string_view left, std::string_view right, const BytePairOptions& options,
               const Spec& where) {
  const auto named = [](std::string_view token) { return to_text(Datum(std::string(token))); };
  std::string_view rest = right;
  if (!options.continuing_prefix.empty() && rest.starts_with(options.continuing_prefix))
    rest.remove_prefix(options.continuing_prefix.size());
  if (left.empty() || rest.empty())
    where.fail("it joins ", named(left), " and ", named(right), "; both must have characters, or it would go round in a circle");
  const auto id = [&](std::string_view token) {
    const int32_t found = vocabulary.find(token);
    if (found < 0) where.fail(named(token), " is not in the vocabulary");
    return found;
  };
  return {id(left), id(right), id(concat(left, rest))};
}

namespace {

// "a b", or ["a", "b"].
std::pair<std::string_view, std::string_view> parts_of(const Spec& spec) {
  if (const auto* list = spec.value().get_if<Datum::List>()) {
    const std::string* left = list->size() == 2 ? (*list)[0].get_if<std::string>() : nullptr;
    const std::string* right = left ? (*list)[1].get_if<std::string>() : nullptr;
    if (!right) spec.fail_type("two tokens");
    return {*left, *right};
  }
  const std::string_view both = spec.text();
  const size_t space = both.find(' ');
  if (space == std::string_view::npos || both.find(' ', space + 1) != std::string_view::npos)
    spec.fail_type("two tokens with a space between them");
  return {both.substr(0, space), both.substr(space + 1)};
}

}  // namespace

std::unique_ptr<TokenModel> detail::read_byte_pair_model(const Spec& spec) {
  const Spec dropout = spec["dropout"];
  if (dropout.exists() && (!dropout.value().is_number() || dropout.value().number() != 0))
    dropout.fail("it is ", dropout.value(), "; merges are never left out by chance here, so it must be null or 0");
  const BytePairOptions options{.unknown = spec["unk_token"].text_or(""),
                                .continuing_prefix = spec["continuing_subword_prefix"].text_or(""),
                                .end_suffix = spec["end_of_word_suffix"].text_or(""),
                                .fuses_unknown = spec["fuse_unk"].flag_or(false),
                                .falls_back_to_bytes = spec["byte_fallback"].flag_or(false),
                                .ignores_merges = spec["ignore_merges"].flag_or(false)};
  Vocabulary vocabulary = read_vocabulary(spec["vocab"]);
  detail::id_of_named(vocabulary, options.unknown, spec["unk_token"]);
  std::vector<Merge> merges;
  const Spec list = spec["merges"];
  if (!list.value().get_if<Datum::List>()) list.fail_type("a list");
  for (size_t i = 0; i < list.value().get_if<Datum::List>()->size(); ++i) {
    const Spec each((*list.value().get_if<Datum::List>())[i], list.place(), concat(list.path(), "[", i, "]"));
    const auto [left, right] = parts_of(each);
    merges.push_back(merge_of(vocabulary, left, right, options, each));
  }
  return make_byte_pair_model(std::move(vocabulary), merges, options);
}

}  // namespace gradus::data
