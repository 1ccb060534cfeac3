// The tables, unpacked at their first use.
#include "gradus/data/text/unicode.hpp"

#include <array>
#include <unordered_map>
#include <vector>

#include "gradus/data/text/unicode_tables.hpp"

namespace gradus::data {

namespace {

constexpr char32_t kCodePoints = 0x110000;
constexpr size_t kPage = 256;

// The numbers of a table, one after the other.
class Numbers {
 public:
  explicit Numbers(const char* text) : text_(text) {}
  bool has_more() const { return *text_ != '\0'; }
  char32_t next() {
    char32_t value = 0;
    for (; *text_ != '\0' && *text_ != ' '; ++text_)
      value = value * 36 + static_cast<char32_t>(*text_ <= '9' ? *text_ - '0' : *text_ - 'a' + 10);
    if (*text_ == ' ') ++text_;
    return value;
  }

 private:
  const char* text_;
};

// A value for each code point; pages that hold only zeros are one.
template <class T>
class Pages {
 public:
  T operator[](char32_t c) const { return c < kCodePoints ? pages_[index_[c / kPage] * kPage + c % kPage] : T(); }
  T& at(char32_t c) {
    uint16_t& page = index_[c / kPage];
    if (page == 0) {
      page = static_cast<uint16_t>(pages_.size() / kPage);
      pages_.resize(pages_.size() + kPage);
    }
    return pages_[page * kPage + c % kPage];
  }

 private:
  std::array<uint16_t, kCodePoints / kPage> index_{};
  std::vector<T> pages_ = std::vector<T>(kPage);
};

template <class Each>
void each_in_ranges(const char* table, const Each& each) {
  Numbers numbers(table);
  for (char32_t at = 0; numbers.has_more();) {
    at += numbers.next();
    for (char32_t count = numbers.next(); count > 0; --count) each(at++);
  }
}

// Characters to one or more others.
class Map {
 public:
  explicit Map(const char* table) {
    Numbers numbers(table);
    for (char32_t start = 0; numbers.has_more();) {
      start += numbers.next();
      const char32_t count = numbers.next(), step = numbers.next(), length = numbers.next();
      std::u32string image;
      for (char32_t i = 0; i < length; ++i) image += numbers.next();
      for (char32_t i = 0; i < count * step; i += step, image[0] += step) {
        entries_.at(start + i) = static_cast<uint16_t>(begins_.size());
        begins_.push_back(static_cast<uint32_t>(images_.size()));
        images_ += image;
      }
    }
    begins_.push_back(static_cast<uint32_t>(images_.size()));
  }
  std::u32string_view operator[](char32_t c) const {
    const uint16_t entry = entries_[c];
    return entry ? std::u32string_view(images_).substr(begins_[entry], begins_[entry + 1] - begins_[entry]) : std::u32string_view();
  }

 private:
  Pages<uint16_t> entries_;
  std::vector<uint32_t> begins_{0};  // entry 0 is none
  std::u32string images_;
};

struct Tables {
  Tables() {
    for (size_t bit = 0; bit < 8; ++bit) {
      each_in_ranges(unicode_tables::kClasses[bit], [&](char32_t c) { classes.at(c) |= static_cast<uint8_t>(1u << bit); });
    }
    Numbers numbers(unicode_tables::kCombining);
    for (char32_t start = 0; numbers.has_more();) {
      start += numbers.next();
      const char32_t count = numbers.next(), value = numbers.next();
      for (char32_t i = 0; i < count; ++i) combining.at(start + i) = static_cast<uint8_t>(value);
    }
    make_compositions();
  }

  // Decompositions are whole: the last character is the second of the pair, and what is before it makes the first.
  void make_compositions() {
    Pages<uint8_t> excluded;
    each_in_ranges(unicode_tables::kExcluded, [&](char32_t c) { excluded.at(c) = 1; });
    std::vector<char32_t> left;
    for (char32_t c = 0; c < kCodePoints; ++c) {
      if (canonical[c].size() > 1 && !excluded[c]) left.push_back(c);
    }
    for (size_t length = 2; !left.empty() && length < 8; ++length) {
      std::erase_if(left, [&](char32_t c) {
        const std::u32string_view parts = canonical[c];
        if (parts.size() != length) return false;
        char32_t first = parts[0];
        for (size_t i = 1; i + 1 < length && first; ++i) first = composition(first, parts[i]);
        if (first) compositions.emplace(pair(first, parts[length - 1]), c);
        return true;
      });
    }
  }
  static uint64_t pair(char32_t first, char32_t second) { return static_cast<uint64_t>(first) << 32 | second; }
  char32_t composition(char32_t first, char32_t second) const {
    const auto found = compositions.find(pair(first, second));
    return found == compositions.end() ? 0 : found->second;
  }

  Pages<uint8_t> classes, combining;
  Map canonical{unicode_tables::kCanonical}, compatible{unicode_tables::kCompatible}, lower{unicode_tables::kLower};
  std::unordered_map<uint64_t, char32_t> compositions;
};

const Tables& tables() {
  static const Tables* const all = new Tables;  // stays: texts may be encoded until the very end
  return *all;
}

// Hangul syllables are computed (The Unicode Standard, 3.12).
constexpr char32_t kS = 0xAC00, kL = 0x1100, kV = 0x1161, kT = 0x11A7, kLs = 19, kVs = 21, kTs = 28;

}  // namespace

uint8_t character_classes(char32_t c) { return tables().classes[c]; }

namespace detail {

std::u32string_view lower_of(char32_t c) { return tables().lower[c]; }

std::u32string_view decomposition_of(char32_t c, bool is_compatible, char32_t (&hangul)[3]) {
  if (c >= kS && c < kS + kLs * kVs * kTs) {
    const char32_t index = c - kS, last = index % kTs;
    hangul[0] = kL + index / (kVs * kTs);
    hangul[1] = kV + index % (kVs * kTs) / kTs;
    hangul[2] = kT + last;
    return {hangul, last ? size_t{3} : size_t{2}};
  }
  if (is_compatible) {
    if (const std::u32string_view found = tables().compatible[c]; !found.empty()) return found;
  }
  return tables().canonical[c];
}

uint8_t combining_class(char32_t c) { return tables().combining[c]; }

char32_t composition_of(char32_t first, char32_t second) {
  if (first >= kL && first < kL + kLs && second >= kV && second < kV + kVs) return kS + ((first - kL) * kVs + (second - kV)) * kTs;
  const bool is_open = first >= kS && first < kS + kLs * kVs * kTs && (first - kS) % kTs == 0;
  if (is_open && second > kT && second < kT + kTs) return first + (second - kT);
  return tables().composition(first, second);
}

}  // namespace detail
}  // namespace gradus::data
