// Finding by the first byte, then by the lengths that there are.
#include "gradus/data/text/added_tokens.hpp"

#include <algorithm>
#include <set>

#include "gradus/data/text/spec_internal.hpp"

namespace gradus::data {

using namespace core;

TokenFinder::TokenFinder(std::vector<AddedToken> tokens, const std::vector<std::string>& texts) {
  std::set<size_t, std::greater<>> lengths;
  for (size_t i = 0; i < tokens.size(); ++i) {
    // Two that are normalised to the same text: the first counts. An empty one is nowhere.
    if (texts[i].empty() || texts_.find(texts[i]) >= 0) continue;
    texts_.add(texts[i]);
    tokens_.push_back(tokens[i]);
    lengths.insert(texts[i].size());
    begins_[static_cast<uint8_t>(texts[i][0])] = true;
  }
  lengths_.assign(lengths.begin(), lengths.end());
}

bool TokenFinder::next(std::string_view text, size_t at, Found& found) const {
  for (; at < text.size(); ++at) {
    if (!begins_[static_cast<uint8_t>(text[at])]) continue;
    for (const size_t length : lengths_) {
      if (at + length > text.size()) continue;
      const int32_t index = texts_.find(text.substr(at, length));
      if (index < 0) continue;
      const AddedToken& token = tokens_[static_cast<size_t>(index)];
      found = {at, at + length, at + length, &token};
      const auto is_word_before = [&](size_t end) { return end > 0 && is_any(code_point_before(text, end), kWord); };
      const auto is_word_at = [&](size_t begin) { return begin < text.size() && is_any(next_code_point(text, begin), kWord); };
      if (token.is_single_word && (is_word_before(found.begin) || is_word_at(found.end))) {
        found.token = nullptr;
        return true;
      }
      for (size_t begin = found.begin; token.strips_left && begin > 0 && is_space(code_point_before(text, begin));) found.begin = begin;
      for (size_t end = found.end; token.strips_right && end < text.size() && is_space(next_code_point(text, end));) found.end = end;
      return true;
    }
  }
  return false;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, const Normalizer& normalizer) : all_(std::move(tokens)) {
  std::vector<AddedToken> raw, normalized;
  std::vector<std::string> raw_texts, normalized_texts;
  for (size_t i = 0; i < all_.size(); ++i) {
    by_id_[all_[i].id] = i;
    by_content_[all_[i].content] = i;
    AlignedText text(all_[i].content, false);
    if (all_[i].is_normalized && normalizer) normalizer(text);
    all_[i].text = text.text();
    (all_[i].is_normalized ? normalized : raw).push_back(all_[i]);
    (all_[i].is_normalized ? normalized_texts : raw_texts).push_back(text.text());
  }
  in_raw_ = TokenFinder(std::move(raw), raw_texts);
  in_normalized_ = TokenFinder(std::move(normalized), normalized_texts);
}

const AddedToken* AddedTokens::find(int64_t id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &all_[at->second];
}
const AddedToken* AddedTokens::find(std::string_view content) const {
  const auto at = by_content_.find(content);
  return at == by_content_.end() ? nullptr : &all_[at->second];
}

std::vector<AddedToken> read_added_tokens(const Spec& spec, const Vocabulary& vocabulary) {
  std::vector<AddedToken> out;
  if (!spec.exists()) return out;
  std::map<int64_t, std::string> further;  // of ids behind the vocabulary
  std::set<std::string> contents;
  for (const Spec& each : spec.elements()) {
    const Spec content = each["content"], id = each["id"];
    if (content.text().empty()) content.fail("the text is empty; an added token must have characters");
    if (!contents.insert(content.text()).second) content.fail(content.value(), " is added twice");
    AddedToken token{.id = static_cast<int32_t>(id.integer(0, int64_t{1} << 30)),
                     .content = content.text(),
                     .is_single_word = each["single_word"].flag_or(false),
                     .strips_left = each["lstrip"].flag_or(false),
                     .strips_right = each["rstrip"].flag_or(false)};
    token.is_special = each["special"].flag_or(false);
    token.is_normalized = each["normalized"].flag_or(!token.is_special);
    if (const int32_t known = vocabulary.find(token.content); known >= 0) {
      if (known != token.id)
        id.fail(token.id, " is said of ", content.value(), ", which is token ", known, " of the vocabulary; they must be equal");
    } else if (token.id < vocabulary.size()) {
      id.fail(token.id, " is said of ", content.value(), ", and of \"", vocabulary.token(token.id),
              "\" in the vocabulary; each must have its own");
    } else if (!further.emplace(token.id, token.content).second) {
      id.fail(token.id, " is said of ", content.value(), " and of \"", further[token.id], "\"; each must have its own");
    }
    out.push_back(std::move(token));
  }
  int64_t next = vocabulary.size();
  for (const auto& [id, content] : further) {
    if (id != next) spec.fail("\"", content, "\" has the id ", id, ", and nothing has ", next, "; ids must be 0 to N-1, without a gap");
    ++next;
  }
  return out;
}

Datum added_tokens_datum(const AddedTokens& tokens) {
  Datum::List list;
  for (const AddedToken& token : tokens.all()) {
    list.push_back(Datum::Table{{"id", token.id},
                                {"content", token.content},
                                {"single_word", token.is_single_word},
                                {"lstrip", token.strips_left},
                                {"rstrip", token.strips_right},
                                {"normalized", token.is_normalized},
                                {"special", token.is_special}});
  }
  return list;
}

}  // namespace gradus::data
