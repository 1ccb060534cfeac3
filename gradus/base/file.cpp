// Files as bytes.
#include "gradus/base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/base/zstd.hpp"

namespace gradus::file {

using namespace core;

namespace {

std::string reason(int code) {
  switch (code) {
    case ENOENT: return "no such file or folder";
    case EACCES: return "permission denied";
    case EISDIR: return "is a folder; a file is needed";
    case ENOTDIR: return "part of the path is not a folder";
    case EROFS: return "the file system is read-only";
    default: return std::generic_category().message(code);
  }
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  int close() {
    const int number = std::exchange(number_, -1);
    return number < 0 ? 0 : ::close(number);
  }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

int open_for_reading(const std::string& path, int64_t& bytes) {
  if (path.find('\0') != std::string::npos) fail_io(path, reason(ENOENT));
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe that nobody writes to would be waited for
  if (file.get() < 0) fail_io(path, reason(errno));
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) fail_io(path, reason(errno));
  if (S_ISDIR(facts.st_mode)) fail_io(path, reason(EISDIR));
  if (!S_ISREG(facts.st_mode)) fail_io(path, "is not a regular file");
  bytes = static_cast<int64_t>(facts.st_size);
  return file.release();
}

}  // namespace

Reader::Reader(const std::string& path) : path_(path), descriptor_(open_for_reading(path, bytes_)) {}
Reader::~Reader() { ::close(descriptor_); }

void Reader::read_at(int64_t offset, void* out, int64_t count) const {
  char* to = static_cast<char*>(out);
  while (count > 0) {
    const ssize_t got = ::pread(descriptor_, to, static_cast<size_t>(std::min<int64_t>(count, 1 << 30)), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io(path_, "cannot be read at byte ", offset, ": ", reason(errno));
    if (got == 0) fail_io(path_, "truncated: ends at byte ", offset, ", ", count, " more bytes are needed");
    to += got;
    offset += got;
    count -= got;
  }
}

// ---- streams ----

struct InputStream::State {
  explicit State(const std::string& path) : file(path), chunk(1 << 16) {}
  ~State() {
    if (is_gzip) inflateEnd(&inflater);
  }
  Reader file;
  std::vector<unsigned char> chunk;
  z_stream inflater{};
  int64_t file_position = 0;  // of the next byte to load
  int64_t position = 0;       // in the content
  bool is_gzip = false, is_at_end = false;
  std::optional<ZstdStream> zstd{};

  void load() {
    const int64_t count = std::min<int64_t>(static_cast<int64_t>(chunk.size()), file.bytes() - file_position);
    file.read_at(file_position, chunk.data(), count);
    file_position += count;
    inflater.next_in = chunk.data();
    inflater.avail_in = static_cast<uInt>(count);
  }
  int64_t compressed_position() const { return file_position - inflater.avail_in; }
  int64_t inflate_some(void* out, int64_t count);
  void next_member();
};

InputStream::InputStream(const std::string& path) : state_(std::make_unique<State>(path)) {
  unsigned char magic[2] = {};
  if (state_->file.bytes() >= 2) state_->file.read_at(0, magic, 2);
  if (is_zstd(state_->file)) state_->zstd.emplace(state_->file);
  if (magic[0] != 0x1f || magic[1] != 0x8b) return;
  // 15 + 16: the largest window, gzip header and trailer expected and checked.
  if (inflateInit2(&state_->inflater, 15 + 16) != Z_OK) throw Error(Error::Kind::memory, "out of memory", "cannot start inflating " + path);
  state_->is_gzip = true;
}
InputStream::~InputStream() = default;
InputStream::InputStream(InputStream&&) noexcept = default;

const std::string& InputStream::path() const { return state_->file.path(); }
bool InputStream::is_gzip() const { return state_->is_gzip; }
int64_t InputStream::position() const { return state_->position; }
int64_t InputStream::largest_content() const {
  const int64_t bytes = state_->file.bytes();
  if (state_->zstd) return bytes * kLargestZstdInflation;
  return state_->is_gzip ? bytes * kLargestInflation : bytes;
}

// A gzip file may be several members one after the other.
void InputStream::State::next_member() {
  if (inflater.avail_in == 0 && file_position == file.bytes()) {
    is_at_end = true;
    return;
  }
  if (inflater.avail_in == 0) load();
  if (*inflater.next_in != 0x1f)
    fail_io(file.path(), "corrupt gzip data: ", file.bytes() - compressed_position(), " stray bytes after the end");
  inflateReset(&inflater);
}

int64_t InputStream::State::inflate_some(void* out, int64_t count) {
  inflater.next_out = static_cast<unsigned char*>(out);
  inflater.avail_out = static_cast<uInt>(std::min<int64_t>(count, INT_MAX));
  const uInt asked = inflater.avail_out;
  while (inflater.avail_out > 0 && !is_at_end) {
    if (inflater.avail_in == 0) {
      if (file_position == file.bytes()) {
        fail_io(file.path(), "truncated gzip data: the file ends at byte ", file_position, ", after ",
                position + asked - inflater.avail_out, " bytes of content");
      }
      load();
    }
    const int result = inflate(&inflater, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      next_member();
    } else if (result == Z_MEM_ERROR) {
      throw Error(Error::Kind::memory, "out of memory", "cannot inflate " + file.path());
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail_io(file.path(), "corrupt gzip data near byte ", compressed_position(), ": ", inflater.msg ? inflater.msg : "damaged stream");
    }
  }
  return asked - inflater.avail_out;
}

int64_t InputStream::read_some(void* out, int64_t count) {
  int64_t done = 0;
  while (done < count && !state_->is_at_end) {
    char* to = static_cast<char*>(out) + done;
    int64_t got = 0;
    if (state_->is_gzip) {
      got = state_->inflate_some(to, count - done);
    } else if (state_->zstd) {
      got = state_->zstd->read_some(to, count - done);
      state_->is_at_end = state_->zstd->is_at_end();
    } else {
      got = std::min(count - done, state_->file.bytes() - state_->position);
      state_->file.read_at(state_->position, to, got);
      state_->is_at_end = state_->position + got == state_->file.bytes();
    }
    done += got;
    state_->position += got;
  }
  return done;
}

void InputStream::read(void* out, int64_t count) {
  const int64_t got = read_some(out, count);
  if (got < count) fail_io(path(), "truncated: the content ends at byte ", position(), ", ", count - got, " more bytes are needed");
}

void InputStream::expect_end() {
  char extra;
  const int64_t at = position();
  if (read_some(&extra, 1) != 0) fail_io(path(), "there is content after its announced end at byte ", at);
}

std::string read_all(const std::string& path, int64_t limit) {
  InputStream stream(path);
  std::string content;
  // Plain files are read in one go; a gzip file grows step by step, so that a small file cannot ask for much memory at once.
  int64_t step = stream.is_gzip() ? 1 << 20 : std::min(stream.largest_content(), limit) + 1;
  while (true) {
    const size_t before = content.size();
    content.resize(before + static_cast<size_t>(step));
    const int64_t got = stream.read_some(content.data() + before, step);
    content.resize(before + static_cast<size_t>(got));
    if (static_cast<int64_t>(content.size()) > limit)
      fail_io(path, "is larger than ", limit, " bytes, the most that is read of such a file");
    if (got < step) return content;
    step *= 2;
  }
}

// ---- writing ----

namespace {

[[noreturn]] void fail_write(const std::string& path, int code, int64_t needed) {
  if (code != ENOSPC && code != EDQUOT && code != EFBIG) fail_io(path, "cannot be written: ", reason(code));
  const char* why = code == EFBIG ? "the file would be larger than this process may write" : "no space left on the disk";
  struct statvfs disk {};
  const std::string folder = std::filesystem::path(path).parent_path().string();
  std::string left;
  if (code == ENOSPC && ::statvfs(folder.empty() ? "." : folder.c_str(), &disk) == 0) {
    left = concat(" and ", static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize, " are free");
  }
  fail_io(path, "cannot be written: ", why, "; ", needed, " bytes are needed", left);
}

void write_pieces(const std::string& path, int descriptor, std::span<const Piece> pieces, int64_t total) {
  for (const Piece& piece : pieces) {
    size_t done = 0;
    while (done < piece.size()) {
      const ssize_t wrote = ::write(descriptor, piece.data() + done, std::min<size_t>(piece.size() - done, 1 << 30));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) fail_write(path, errno, total);
      done += static_cast<size_t>(wrote);
    }
  }
}

constexpr std::string_view kUnfinished = ".part";

// Removes the temporary file unless it has been renamed.
struct Temporary {
  std::string path;
  bool is_kept = false;
  ~Temporary() {
    if (!is_kept) ::unlink(path.c_str());
  }
};

}  // namespace

struct AtomicFile::State {
  std::string path, target;
  std::optional<Descriptor> out{};
  std::optional<Temporary> temporary{};  // nothing: a device or pipe, which cannot be replaced, only written to
  int64_t announced = 0, written = 0;
  int64_t needed() const { return std::max(announced, written); }
};

AtomicFile::AtomicFile(const std::string& path, int64_t bytes) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.path = path;
  state.announced = bytes;
  std::error_code ignored;
  std::filesystem::path resolved = std::filesystem::weakly_canonical(path, ignored);  // Through links: the link itself stays.
  state.target = ignored || resolved.empty() ? path : resolved.string();
  struct stat old {};
  const bool has_old = ::stat(state.target.c_str(), &old) == 0;
  if (has_old && S_ISDIR(old.st_mode)) fail_io(path, reason(EISDIR));
  if (has_old && !S_ISREG(old.st_mode)) {
    state.out.emplace(::open(state.target.c_str(), O_WRONLY | O_CLOEXEC));
    if (state.out->get() < 0) fail_io(path, "cannot be written: ", reason(errno));
    return;
  }
  static std::atomic<int> counter{0};
  std::string part;
  int descriptor = -1;
  do {  // A process of that number may have been killed, and left one.
    part = concat(state.target, ".", static_cast<int64_t>(::getpid()), "-", counter++, kUnfinished);
    descriptor = ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor < 0 && errno == EEXIST);
  state.out.emplace(descriptor);
  if (descriptor < 0) fail_write(path, errno, bytes);
  state.temporary.emplace();
  state.temporary->path = part;
  if (has_old && ::fchmod(descriptor, old.st_mode & 07777) != 0) fail_write(path, errno, bytes);
}
AtomicFile::~AtomicFile() = default;

void AtomicFile::write(std::span<const Piece> pieces) {
  for (const Piece& piece : pieces) state_->written += static_cast<int64_t>(piece.size());
  write_pieces(state_->path, state_->out->get(), pieces, state_->needed());
}
void AtomicFile::write(std::string_view text) {
  const Piece whole = piece(text);
  write(std::span(&whole, 1));
}

void AtomicFile::commit() {
  State& state = *state_;
  if (!state.temporary) return;
  if (::fsync(state.out->get()) != 0) fail_write(state.path, errno, state.needed());
  if (state.out->close() != 0) fail_write(state.path, errno, state.needed());
  if (::rename(state.temporary->path.c_str(), state.target.c_str()) != 0) fail_write(state.path, errno, state.needed());
  state.temporary->is_kept = true;
  const std::string folder = std::filesystem::path(state.target).parent_path().string();
  Descriptor directory(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());
}

void write_atomically(const std::string& path, std::span<const Piece> pieces) {
  int64_t total = 0;
  for (const Piece& piece : pieces) total += static_cast<int64_t>(piece.size());
  AtomicFile file(path, total);
  file.write(pieces);
  file.commit();
}

void write_atomically(const std::string& path, std::string_view content) {
  const Piece whole = piece(content);
  write_atomically(path, std::span(&whole, 1));
}

void remove_unfinished(const std::string& folder, std::string_view beginning) {
  constexpr std::string_view digits = "0123456789";
  std::error_code ignored;
  for (std::filesystem::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with(beginning) || !name.ends_with(kUnfinished)) continue;
    // NAME.PROCESS-NUMBER.part
    const std::string stem = name.substr(0, name.size() - kUnfinished.size());
    const size_t dash = stem.find_last_not_of(digits),
                 dot = dash == std::string::npos || dash == 0 ? dash : stem.find_last_not_of(digits, dash - 1);
    const bool is_own = dot != std::string::npos && stem[dash] == '-' && stem[dot] == '.' && dash + 1 < stem.size() && dot + 1 < dash;
    if (is_own) std::filesystem::remove(at->path(), ignored);
  }
}

void make_folder(const std::string& path) {
  if (exists(path) && !is_folder(path)) fail_io(path, "is a file; a folder is needed");
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail_io(path, "the folder cannot be made: ", reason(error.value()));
}

bool make_new_folder(const std::string& path) {
  std::string plain = path;
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  const std::string above = std::filesystem::path(plain).parent_path().string();
  // The folder above may go while another run that came to nothing tidies up.
  for (int tries = 0;; ++tries) {
    if (!above.empty()) make_folder(above);
    if (::mkdir(plain.c_str(), 0777) == 0) return true;
    if (errno == EEXIST) return false;
    if (errno != ENOENT || tries == 100) fail_io(path, "the folder cannot be made: ", reason(errno));
  }
}

FolderLock::FolderLock(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor_ < 0) {
    if (errno != ENOENT) fail_io(path, "the folder cannot be opened: ", reason(errno));
    return;
  }
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return;
  struct stat held {}, named {};
  is_held_ =
      ::fstat(descriptor_, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}
FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat one {}, other {};
  return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool exists(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0;
}
bool is_folder(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

}  // namespace gradus::file
