// Text files as UTF-8.
#include "gradus/data/table/text_source.hpp"

#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr size_t kPiece = 1 << 16;
// Room for what iconv writes at once: a character, and in some encodings the one before it.
constexpr size_t kRoom = 64;

// "UTF-16LE" by a byte order mark or by zeros beside ASCII; "" for what may be UTF-8. `mark` is the length of the mark.
std::string encoding_of(std::string_view head, size_t& mark) {
  const auto starts = [&](std::string_view with) {
    if (!head.starts_with(with)) return false;
    mark = with.size();
    return true;
  };
  if (starts("\xEF\xBB\xBF")) return "";
  if (starts(std::string_view("\xFF\xFE\0\0", 4))) return "UTF-32LE";
  if (starts(std::string_view("\0\0\xFE\xFF", 4))) return "UTF-32BE";
  if (starts("\xFF\xFE")) return "UTF-16LE";
  if (starts("\xFE\xFF")) return "UTF-16BE";
  if (head.size() < 4) return "";
  if (head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0) return "UTF-16LE";
  if (head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0) return "UTF-16BE";
  return "";
}

// "UTF-16LE" as "utf16le".
std::string plain_name(std::string_view encoding) {
  std::string out;
  for (const char c : encoding) {
    if (c != '-' && c != '_') out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  return out;
}

// The encoding by what is said and what the first bytes say: they tell the order of the bytes of "utf-16".
std::string settled_encoding(const std::string& path, const std::string& said, const std::string& found, size_t mark) {
  if (said.empty()) return found;
  const std::string plain = plain_name(said), marked = found.empty() ? "utf8" : plain_name(found);
  const bool is_of_any_order = plain == "utf16" || plain == "utf32";
  if (is_of_any_order && !found.empty() && marked.starts_with(plain)) return found;
  if (mark > 0 && plain.starts_with("utf") && plain != marked)
    fail(path, "the encoding \"", said, "\" is named, and the file begins with the mark of ", found.empty() ? "UTF-8" : found,
         "; name that one, or none");
  return is_of_any_order ? said + "LE" : said;
}

}  // namespace

struct TextSource::State {
  explicit State(const std::string& path) : stream(path) {}
  ~State() {
    if (converter != reinterpret_cast<iconv_t>(-1)) iconv_close(converter);
  }
  // The raw bytes: first those that have been looked at.
  int64_t read_raw(char* out, int64_t count) {
    const int64_t from_head = std::min<int64_t>(count, static_cast<int64_t>(head.size() - head_at));
    std::memcpy(out, head.data() + head_at, static_cast<size_t>(from_head));
    head_at += static_cast<size_t>(from_head);
    return from_head + (from_head < count ? stream.read_some(out + from_head, count - from_head) : 0);
  }
  int64_t convert(char* out, size_t count);
  int64_t finish(char* out, size_t count);

  file::InputStream stream;
  std::string head{}, encoding{};
  size_t head_at = 0;
  iconv_t converter = reinterpret_cast<iconv_t>(-1);
  std::vector<char> raw{};  // not converted yet
  size_t raw_begin = 0, raw_end = 0;
  int64_t raw_position = 0;  // of raw_begin in the content
  bool is_raw_at_end = false, is_finished = false;
  char ready[kRoom];  // converted and not handed out yet
  size_t ready_begin = 0, ready_end = 0;
};

TextSource::TextSource(const std::string& path, const std::string& encoding) : state_(std::make_unique<State>(path)) {
  State& state = *state_;
  state.head.resize(4);
  state.head.resize(static_cast<size_t>(state.stream.read_some(state.head.data(), 4)));
  size_t mark = 0;
  const std::string found = encoding_of(state.head, mark);
  state.encoding = settled_encoding(path, encoding, found, mark);
  const std::string plain = plain_name(state.encoding);
  // Under an encoding that is said and knows no marks, what looks like the one of UTF-16 is text.
  if (mark == 3 || plain == plain_name(found)) state.head_at = mark;
  state.raw_position = static_cast<int64_t>(state.head_at);
  if (plain.empty() || plain == "utf8") return;
  state.converter = iconv_open("UTF-8", state.encoding.c_str());
  if (state.converter == reinterpret_cast<iconv_t>(-1))
    fail(path, "the encoding \"", encoding,
         "\" is not known; others are utf-8, utf-16, latin1, windows-1252, gb18030, big5, shift_jis, euc-kr");
  state.raw.resize(kPiece);
}
TextSource::~TextSource() = default;

const std::string& TextSource::path() const { return state_->stream.path(); }
int64_t TextSource::position() const { return state_->stream.position(); }

int64_t TextSource::read_some(char* out, int64_t count) {
  State& state = *state_;
  if (state.converter == reinterpret_cast<iconv_t>(-1)) return state.read_raw(out, count);
  // Characters are converted whole: where fewer bytes than one may need are left, it goes through `ready`.
  const auto wanted = static_cast<size_t>(count);
  size_t done = 0;
  while (done < wanted) {
    if (state.ready_begin < state.ready_end) {
      const size_t part = std::min(wanted - done, state.ready_end - state.ready_begin);
      std::memcpy(out + done, state.ready + state.ready_begin, part);
      state.ready_begin += part;
      done += part;
      continue;
    }
    const bool is_direct = wanted - done >= kRoom;
    const auto got = static_cast<size_t>(is_direct ? state.convert(out + done, wanted - done) : state.convert(state.ready, kRoom));
    if (got == 0) break;
    if (is_direct) {
      done += got;
    } else {
      state.ready_begin = 0;
      state.ready_end = got;
    }
  }
  return static_cast<int64_t>(done);
}

// One piece: what fits of at least kRoom bytes, 0 only at the end.
int64_t TextSource::State::convert(char* out, size_t count) {
  while (true) {
    if (!is_raw_at_end && raw_end - raw_begin < 16) {
      std::memmove(raw.data(), raw.data() + raw_begin, raw_end - raw_begin);
      raw_end -= raw_begin;
      raw_begin = 0;
      const auto room = static_cast<int64_t>(raw.size() - raw_end);
      const int64_t got = read_raw(raw.data() + raw_end, room);
      raw_end += static_cast<size_t>(got);
      is_raw_at_end = got < room;
    }
    if (raw_begin == raw_end) return finish(out, count);
    char *from = raw.data() + raw_begin, *to = out;
    size_t from_left = raw_end - raw_begin, to_left = count;
    const size_t result = iconv(converter, &from, &from_left, &to, &to_left);
    const int error = result == static_cast<size_t>(-1) ? errno : 0;
    const auto used = static_cast<size_t>(from - (raw.data() + raw_begin));
    raw_begin += used;
    raw_position += static_cast<int64_t>(used);
    const bool is_cut_short = error == EINVAL && is_raw_at_end;
    if (error == EILSEQ || is_cut_short)
      fail_io(stream.path(), "byte ", raw_position, " is not ", encoding, is_cut_short ? "; the file ends within a character" : "");
    if (to != out) return to - out;
    if (error == E2BIG) fail(stream.path(), "gradus bug: a character of ", encoding, " takes more than ", count, " bytes");
  }
}

// Some encodings hold a letter back until they have seen that no accent follows.
int64_t TextSource::State::finish(char* out, size_t count) {
  if (std::exchange(is_finished, true)) return 0;
  char* to = out;
  iconv(converter, nullptr, nullptr, &to, &count);
  return to - out;
}

namespace {

// Chinese text has its high bytes in pairs, mostly; an accented letter among others has none beside it.
bool has_pairs(const std::string& path) {
  file::InputStream stream(path);
  std::string text(size_t{1} << 20, '\0');
  text.resize(static_cast<size_t>(stream.read_some(text.data(), static_cast<int64_t>(text.size()))));
  const auto is_high = [&](size_t at) { return at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80; };
  size_t high = 0, paired = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!is_high(at)) continue;
    ++high;
    paired += (at > 0 && is_high(at - 1)) || is_high(at + 1);
  }
  return 2 * paired > high;
}

}  // namespace

std::string likely_encoding(const std::string& path) {
  const bool is_perhaps_chinese = has_pairs(path);
  for (const char* encoding : {"gb18030", "windows-1252", "latin1"}) {
    if (encoding[0] == 'g' && !is_perhaps_chinese) continue;
    try {
      TextSource source(path, encoding);
      std::string text(size_t{1} << 20, '\0');
      source.read_some(text.data(), static_cast<int64_t>(text.size()));
      return encoding;
    } catch (const Error&) {
    }
  }
  return "latin1";
}

}  // namespace gradus::data
