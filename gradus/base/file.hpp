// Files as bytes: reading with every length checked first, gunzipping on the fly, and writing that leaves the old file whole on failure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::file {

/// A regular file opened for reading at any position. Not gunzipped.
class Reader {
 public:
  /// Throws Error::Kind::io when `path` is missing, unreadable or a folder.
  explicit Reader(const std::string& path);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  const std::string& path() const { return path_; }
  /// Bytes of the file when it was opened.
  int64_t bytes() const { return bytes_; }
  /// Copies exactly `count` bytes from position `offset`. Throws when the file ends before that.
  void read_at(int64_t offset, void* out, int64_t count) const;

 private:
  std::string path_;
  int64_t bytes_ = 0;
  int descriptor_ = -1;  // after bytes_, which opening sets
};

/// Deflate spends at least 1 bit for 258 bytes twice over: no stream inflates by more than this.
inline constexpr int64_t kLargestInflation = 1032;

/// The content of a file from its start to its end; a gzip or zstd file (by its first bytes) is inflated on the way and its checksums are
/// checked.
class InputStream {
 public:
  explicit InputStream(const std::string& path);
  ~InputStream();
  InputStream(InputStream&&) noexcept;

  const std::string& path() const;
  bool is_gzip() const;
  /// The most bytes that the content can have: the file's size, or what its size could inflate to. Check every announced
  /// length against it before allocating.
  int64_t largest_content() const;
  /// Bytes of content read so far.
  int64_t position() const;
  /// Reads up to `count` bytes; fewer only at the end of the content. Throws when gzip data is truncated or corrupt.
  int64_t read_some(void* out, int64_t count);
  /// Reads exactly `count` bytes; throws when the content ends before that.
  void read(void* out, int64_t count);
  /// Throws when there is content left.
  void expect_end();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The whole content of a file, inflated if it is gzip or zstd. Throws when it is above `limit` bytes.
std::string read_all(const std::string& path, int64_t limit = int64_t{1} << 30);

using Piece = std::span<const std::byte>;
inline Piece piece(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A file that is written piece by piece, to a temporary name beside it, and takes its name when all of it is there: on any failure, and
/// without commit(), the old file stays as it was and nothing is left beside it. A device or pipe is written to as it is.
class AtomicFile {
 public:
  /// `bytes` that will be written, as far as they are known, for the message that there is no space.
  explicit AtomicFile(const std::string& path, int64_t bytes = 0);
  ~AtomicFile();
  void write(std::span<const Piece> pieces);
  void write(std::string_view text);
  /// Synced, then renamed; nothing is written afterwards.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Makes `path` a file of the given pieces, one after the other: written to a temporary name beside it, synced, then renamed. On any
/// failure the old file stays as it was and nothing is left beside it. No space left: the message names path and needed bytes.
void write_atomically(const std::string& path, std::span<const Piece> pieces);
void write_atomically(const std::string& path, std::string_view content);

/// Removes what is left in a folder where a process was killed while it wrote a file atomically: NAME.PROCESS-NUMBER.part, of names that
/// begin so. For who holds the folder, so that nobody is writing them now.
void remove_unfinished(const std::string& folder, std::string_view beginning);

/// Makes a folder and those above it that are missing.
void make_folder(const std::string& path);
/// Makes a folder that is not there yet, and those above it; false if there is something of that name. Of several processes or threads
/// that ask for the same name one gets true.
bool make_new_folder(const std::string& path);

/// A folder that nobody else who asks holds at the same time, in this process or another. Given back when the object, or the process, ends.
class FolderLock {
 public:
  /// The folder must be there. Where the file system knows no locks, it is held without one.
  explicit FolderLock(const std::string& path);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  /// False if somebody else holds it, or if it was removed meanwhile.
  bool is_held() const { return is_held_; }

 private:
  int descriptor_ = -1;
  bool is_held_ = false;
};

/// Whether both are there and are one file, by whatever names.
bool is_same_file(const std::string& a, const std::string& b);
bool exists(const std::string& path);
bool is_folder(const std::string& path);

}  // namespace gradus::file
