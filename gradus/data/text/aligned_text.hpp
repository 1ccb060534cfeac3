// Text that is being changed, and where in the text that it was made from each of its characters comes from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/data/text/tokenizer.hpp"
#include "gradus/data/text/unicode.hpp"
#include "gradus/data/text/utf8.hpp"

namespace gradus::data {

/// How many bytes the steps of a tokenizer may make of so many: more than any language needs. Steps of a damaged or hostile file may each
/// double the text.
constexpr size_t most_bytes_of(size_t bytes) { return (size_t{1} << 24) + 64 * bytes; }

/// UTF-8. Origins are kept only where somebody asks for them. Throws where it becomes longer than most_bytes_of its first text.
class AlignedText {
 public:
  AlignedText() = default;
  /// A stretch of another text that begins there at byte `offset`.
  AlignedText(std::string_view text, bool is_tracked, int64_t offset = 0)
      : text_(text), is_tracked_(is_tracked), most_(most_bytes_of(text.size())) {
    if (!is_tracked) return;
    origins_.resize(text.size());
    for (size_t at = 0, end = 0; at < text.size(); at = end) {
      next_code_point(text, end);
      for (size_t i = at; i < end; ++i) origins_[i] = {offset + static_cast<int64_t>(at), offset + static_cast<int64_t>(end)};
    }
  }

  const std::string& text() const { return text_; }
  bool is_tracked() const { return is_tracked_; }
  bool empty() const { return text_.empty(); }
  size_t size() const { return text_.size(); }
  TextSpan origin(size_t at) const { return is_tracked_ ? origins_[at] : TextSpan{}; }
  /// Where bytes begin .. end-1, at least one, come from.
  TextSpan origin(size_t begin, size_t end) const {
    return is_tracked_ ? TextSpan{origins_[begin].begin, origins_[end - 1].end} : TextSpan{};
  }

  /// An empty text of the same kind, to be filled.
  AlignedText successor() const {
    AlignedText next;
    next.is_tracked_ = is_tracked_;
    next.most_ = most_;
    next.text_.reserve(text_.size() + text_.size() / 8);
    return next;
  }
  void append(char32_t c, TextSpan origin) {
    append_code_point(text_, c);
    if (text_.size() > most_) fail_long();
    if (is_tracked_) origins_.resize(text_.size(), origin);
  }
  void append(std::string_view text, TextSpan origin) {
    if (text_.size() + text.size() > most_) fail_long();
    text_ += text;
    if (is_tracked_) origins_.resize(text_.size(), origin);
  }
  /// Bytes begin .. end-1 of another, with their origins.
  void append(const AlignedText& other, size_t begin, size_t end) {
    if (text_.size() + (end - begin) > most_) fail_long();
    text_.append(other.text_, begin, end - begin);
    if (is_tracked_)
      origins_.insert(origins_.end(), other.origins_.begin() + static_cast<int64_t>(begin),
                      other.origins_.begin() + static_cast<int64_t>(end));
  }
  AlignedText part(size_t begin, size_t end) const {
    AlignedText out;
    out.is_tracked_ = is_tracked_;
    out.most_ = most_;
    out.append(*this, begin, end);
    return out;
  }

  /// Calls change(out, c, origin) for each character; `out` becomes the text.
  template <class Change>
  void rewrite(const Change& change) {
    AlignedText next = successor();
    for (size_t at = 0; at < text_.size();) {
      const TextSpan from = origin(at);
      change(next, next_code_point(text_, at), from);
    }
    *this = std::move(next);
  }

 private:
  [[noreturn]] void fail_long() const {
    core::fail("encode", "the tokenizer's steps make more than ", most_, " bytes of a text; that is 16 MiB and 64 times its size");
  }

  std::string text_;
  std::vector<TextSpan> origins_;  // one a byte
  bool is_tracked_ = false;
  size_t most_ = most_bytes_of(0);
};

/// Brings a text into a normal form. What characters become one comes from all of them.
void apply_normal_form(AlignedText& text, NormalForm form);

}  // namespace gradus::data
