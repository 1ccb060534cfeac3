// Zstandard files.
#include "gradus/base/zstd.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "gradus/base/error.hpp"

#ifdef GRADUS_HAS_ZSTD
#include <zstd.h>
#endif

namespace gradus::file {

using namespace core;

bool is_zstd(const Reader& file) {
  unsigned char magic[4] = {};
  if (file.bytes() < 4) return false;
  file.read_at(0, magic, 4);
  return magic[0] == 0x28 && magic[1] == 0xB5 && magic[2] == 0x2F && magic[3] == 0xFD;
}

#ifdef GRADUS_HAS_ZSTD

struct ZstdStream::State {
  State() : chunk(1 << 17), context(ZSTD_createDCtx()) {}
  ~State() { ZSTD_freeDCtx(context); }
  std::vector<unsigned char> chunk;
  ZSTD_DCtx* context;
  ZSTD_inBuffer in{nullptr, 0, 0};
  int64_t file_position = 0;  // of the next byte to load
  bool is_inside_frame = true;
};

ZstdStream::ZstdStream(const Reader& file) : file_(file), state_(std::make_unique<State>()) {
  if (!state_->context) throw Error(Error::Kind::memory, "out of memory", "cannot start inflating " + file.path());
}

int64_t ZstdStream::read_some(void* out, int64_t count) {
  State& state = *state_;
  ZSTD_outBuffer to{out, static_cast<size_t>(count), 0};
  while (to.pos < to.size && !is_at_end_) {
    if (state.in.pos == state.in.size) {
      const int64_t left = file_.bytes() - state.file_position;
      if (left == 0 && !state.is_inside_frame) {
        is_at_end_ = true;
        break;
      }
      const int64_t loaded = std::min<int64_t>(left, static_cast<int64_t>(state.chunk.size()));
      file_.read_at(state.file_position, state.chunk.data(), loaded);
      state.file_position += loaded;
      state.in = {state.chunk.data(), static_cast<size_t>(loaded), 0};
    }
    const size_t before = to.pos;
    const bool has_input = state.in.size > 0;
    const size_t result = ZSTD_decompressStream(state.context, &to, &state.in);
    if (ZSTD_isError(result)) {
      fail_io(file_.path(), "corrupt zstd data before byte ", state.file_position, ": ", ZSTD_getErrorName(result));
    }
    state.is_inside_frame = result != 0;
    if (!has_input && to.pos == before && state.is_inside_frame)
      fail_io(file_.path(), "truncated zstd data: the file ends at byte ", state.file_position, ", within a frame");
  }
  return static_cast<int64_t>(to.pos);
}

#else

struct ZstdStream::State {};

ZstdStream::ZstdStream(const Reader& file) : file_(file) {
  fail_io(file.path(), "it is a zstd file, and Gradus was built without libzstd; on Debian, apt-get install libzstd-dev and build again");
}
int64_t ZstdStream::read_some(void*, int64_t) { return 0; }

#endif

ZstdStream::~ZstdStream() = default;

}  // namespace gradus::file
