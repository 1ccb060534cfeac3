// IDX files.
#include "gradus/data/idx.hpp"

#include <algorithm>
#include <vector>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::data {

namespace {

struct ElementType {
  unsigned char code;
  int bytes;
  DType dtype;  // what it is read as
};
constexpr ElementType kElementTypes[] = {{0x08, 1, uint8}, {0x09, 1, int32},   {0x0B, 2, int32},
                                         {0x0C, 4, int32}, {0x0D, 4, float32}, {0x0E, 8, float64}};

const ElementType& element_type(const std::string& path, unsigned char code) {
  for (const ElementType& type : kElementTypes) {
    if (type.code == code) return type;
  }
  fail_io(path, "not an IDX file: its type byte is ", static_cast<int>(code), "; it must be 8, 9, 11, 12, 13 or 14");
}

uint32_t big_endian(const unsigned char* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | uint32_t{bytes[3]};
}

Shape read_shape(file::InputStream& in, int rank) {
  std::vector<int64_t> sizes;
  for (int axis = 0; axis < rank; ++axis) {
    unsigned char bytes[4];
    in.read(bytes, 4);
    sizes.push_back(big_endian(bytes));
  }
  try {
    return Shape(sizes);
  } catch (const Error& error) {
    fail_io(in.path(), error.problem());
  }
}

// A gzip file that announces many times its own size is first inflated without keeping anything: what it does not hold is not allocated.
constexpr int64_t kUsualInflation = 32;
void check_content(const std::string& path, int64_t announced) {
  file::InputStream in(path);
  if (!in.is_gzip() || announced <= in.largest_content() / file::kLargestInflation * kUsualInflation) return;
  std::vector<char> part(1 << 16);
  while (in.position() < announced) in.read(part.data(), std::min<int64_t>(static_cast<int64_t>(part.size()), announced - in.position()));
}

// In place: each element of `bytes` bytes from big endian to the machine's order.
void swap_bytes(std::byte* data, int64_t count, int bytes) {
  for (int64_t i = 0; i < count; ++i, data += bytes) std::reverse(data, data + bytes);
}

// Narrow integers, big endian, widened to int32.
BufferPtr widen(const std::vector<unsigned char>& raw, int64_t count, int bytes) {
  BufferPtr wide = allocate(count * 4, "IDX data");
  auto* out = reinterpret_cast<int32_t*>(wide->data());
  for (int64_t i = 0; i < count; ++i) {
    const unsigned char* at = raw.data() + i * bytes;
    out[i] = bytes == 1 ? static_cast<int8_t>(at[0]) : static_cast<int16_t>(at[0] << 8 | at[1]);
  }
  return wide;
}

}  // namespace

Array read_idx(const std::string& path) {
  file::InputStream in(path);
  unsigned char magic[4];
  in.read(magic, 4);
  if (magic[0] != 0 || magic[1] != 0) fail_io(path, "not an IDX file: it must start with two zero bytes");
  const ElementType& type = element_type(path, magic[2]);
  if (magic[3] == 0) fail_io(path, "not an IDX file: its rank is 0; it must be 1 or more");
  const Shape shape = read_shape(in, magic[3]);

  const int64_t raw_bytes = shape.size() * type.bytes;
  if (raw_bytes > in.largest_content() - in.position()) {
    fail_io(path, "truncated: its sizes ", shape, " announce ", raw_bytes, " bytes, the file cannot hold more than ",
            in.largest_content() - in.position());
  }
  check_content(path, in.position() + raw_bytes);
  BufferPtr buffer;
  if (type.bytes < type.dtype.size()) {
    std::vector<unsigned char> raw(static_cast<size_t>(raw_bytes));
    in.read(raw.data(), raw_bytes);
    buffer = widen(raw, shape.size(), type.bytes);
  } else {
    buffer = allocate(raw_bytes, concat("IDX data ", shape, " of ", path));
    in.read(buffer->data(), raw_bytes);
    if (type.bytes > 1) swap_bytes(buffer->data(), shape.size(), type.bytes);
  }
  in.expect_end();
  return make_leaf(std::move(buffer), type.dtype, shape);
}

}  // namespace gradus::data
