// The bytes of a text file as UTF-8, whatever its encoding.
#pragma once

#include <memory>
#include <string>

namespace gradus::data {

/// A file, plain, gzip or zstd, read from its start as UTF-8 without byte order mark. `encoding` "" is UTF-8, or UTF-16 where a mark or the
/// zeros of its first bytes say so; others are those that iconv knows: "latin1", "windows-1252", "gb18030", "shift_jis", "utf-16le".
/// "utf-16" and "utf-32" have the order of bytes that the first ones tell, else the lower byte first. Throws for a name that iconv does not
/// know, for one of Unicode where the mark is of another, and, while reading, for bytes that are none of the encoding, naming the byte.
class TextSource {
 public:
  TextSource(const std::string& path, const std::string& encoding);
  ~TextSource();

  /// Up to `count` bytes; fewer only at the end.
  int64_t read_some(char* out, int64_t count);
  const std::string& path() const;
  /// Bytes of the file that are not read yet, and of all of it, for progress; as they lie on disk, where that is plain.
  int64_t position() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What to say of a file that is not UTF-8: the encodings under which its first mebibyte has a meaning, "gb18030" or "latin1" say.
std::string likely_encoding(const std::string& path);

}  // namespace gradus::data
