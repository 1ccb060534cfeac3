// TFRecord framing and the little of protobuf that scalars need.
#include "gradus/train/tensorboard.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/train/event_file.hpp"

namespace gradus::train {

using namespace core;

namespace detail {

namespace {

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0x82f63b78u : value >> 1;
    table[i] = value;
  }
  return table;
}

template <class T>
std::string little_endian(T value) {
  std::string out;
  for (size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

std::string masked_checksum(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return little_endian(static_cast<uint32_t>(std::rotr(crc, 15) + 0xa282ead8u));
}

// ---- protobuf ----

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  return out += static_cast<char>(value);
}
enum WireType : uint64_t { kVarint = 0, kEightBytes = 1, kLength = 2, kFourBytes = 5 };
std::string tag(uint64_t field, WireType type) { return varint(field << 3 | type); }
std::string of_bytes(uint64_t field, std::string_view bytes) { return tag(field, kLength) + varint(bytes.size()) + std::string(bytes); }
std::string of_double(uint64_t field, double value) { return tag(field, kEightBytes) + little_endian(std::bit_cast<uint64_t>(value)); }
std::string of_float(uint64_t field, double value) {
  return tag(field, kFourBytes) + little_endian(std::bit_cast<uint32_t>(static_cast<float>(value)));
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> table = crc_table();
  uint32_t crc = ~0u;
  for (const char byte : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

std::string tf_record(std::string_view bytes) {
  const std::string length = little_endian(static_cast<uint64_t>(bytes.size()));
  return length + masked_checksum(length) + std::string(bytes) + masked_checksum(bytes);
}

std::string version_event(double wall_time) { return of_double(1, wall_time) + of_bytes(3, "brain.Event:2"); }

std::string scalar_event(double wall_time, int64_t step, std::span<const std::pair<std::string, double>> scalars) {
  std::string summary;
  for (const auto& [name, value] : scalars) summary += of_bytes(1, of_bytes(1, name) + of_float(2, value));
  return of_double(1, wall_time) + tag(2, kVarint) + varint(static_cast<uint64_t>(step)) + of_bytes(5, summary);
}

EventFile::EventFile(const std::string& folder) {
  file::make_folder(folder);
  char host[256] = "host";
  ::gethostname(host, sizeof host - 1);
  // TensorBoard reads the files of a folder in the order of their names: that of time.
  const std::string base = concat(folder, "/events.out.tfevents.", static_cast<int64_t>(now()), ".", host, ".", ::getpid(), ".");
  for (int number = 0; descriptor_ < 0; ++number) {
    path_ = concat(base, number);
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) fail_io(path_, "cannot be made: ", std::strerror(errno));
  }
  try {
    append(version_event(now()));
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}
EventFile::~EventFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void EventFile::append(std::string_view event) {
  const std::string record = tf_record(event);
  for (size_t done = 0; done < record.size();) {
    const ssize_t count = ::write(descriptor_, record.data() + done, record.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const int problem = count < 0 ? errno : ENOSPC;
      const bool is_cut = done == 0 || ::ftruncate(descriptor_, bytes_) == 0;
      fail_io(path_, "cannot be written: ", std::strerror(problem), is_cut ? "" : "; its last record is not whole");
    }
    done += static_cast<size_t>(count);
  }
  bytes_ += static_cast<int64_t>(record.size());
}

}  // namespace detail

TensorBoard::TensorBoard(std::string folder) : folder_(std::move(folder)) {}
TensorBoard::~TensorBoard() = default;

bool TensorBoard::on_epoch(const Epoch& epoch) {
  constexpr std::string_view kPrefix = "val_";
  std::vector<std::pair<std::string, double>> training, validation;
  for (const auto& [name, value] : epoch.logs) {
    if (name.starts_with(kPrefix)) validation.emplace_back(name.substr(kPrefix.size()), value);
    else training.emplace_back(name, value);
  }
  training.emplace_back("learning_rate", epoch.learning_rate);
  training.emplace_back("examples_per_second", epoch.examples_per_second);
  const double time = detail::now();
  const auto write = [&](std::unique_ptr<detail::EventFile>& file, const char* part,
                         const std::vector<std::pair<std::string, double>>& numbers) {
    if (numbers.empty()) return;
    if (!file) file = std::make_unique<detail::EventFile>(concat(folder_, "/", part));
    file->append(detail::scalar_event(time, epoch.steps, numbers));
  };
  write(training_, "train", training);
  write(validation_, "validation", validation);
  return false;
}

}  // namespace gradus::train
