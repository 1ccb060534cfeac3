// Zstandard files, inflated on the way. Where Gradus was built without libzstd they are refused.
#pragma once

#include <cstdint>
#include <memory>

#include "gradus/base/file.hpp"

namespace gradus::file {

/// The most that one byte of such a file can stand for: a block of four bytes repeats one byte 128 KiB times.
inline constexpr int64_t kLargestZstdInflation = 1 << 15;

/// The first four bytes of such a file.
bool is_zstd(const Reader& file);

/// The content of one, frame after frame; checksums are checked where they are there. Windows are of 128 MiB at most.
class ZstdStream {
 public:
  explicit ZstdStream(const Reader& file);
  ~ZstdStream();
  /// Up to `count` bytes; fewer only at the end of the content, which is then noted.
  int64_t read_some(void* out, int64_t count);
  bool is_at_end() const { return is_at_end_; }

 private:
  struct State;
  const Reader& file_;
  std::unique_ptr<State> state_;
  bool is_at_end_ = false;
};

}  // namespace gradus::file
