// IDX files.
#include "gradus/data/idx.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::data {

using namespace core;

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

// One element of the file, big endian, in the machine's order; narrow integers are widened to int32.
void convert(const ElementType& type, std::byte* from, std::byte* to) {
  if (type.bytes < type.dtype.size()) {
    const auto high = std::to_integer<uint8_t>(from[0]), low = std::to_integer<uint8_t>(from[type.bytes - 1]);
    const int32_t value = type.bytes == 1 ? static_cast<int8_t>(high) : static_cast<int16_t>(high << 8 | low);
    std::memcpy(to, &value, sizeof value);
  } else {
    std::reverse_copy(from, from + type.bytes, to);
  }
}

// `count` elements, converted piece by piece.
void read_elements(file::InputStream& in, const ElementType& type, int64_t count, std::byte* out) {
  if (type.bytes == 1 && type.dtype == uint8) return in.read(out, count);
  std::vector<std::byte> piece(1 << 16);
  const int64_t at_once = static_cast<int64_t>(piece.size()) / type.bytes;
  for (int64_t done = 0; done < count;) {
    const int64_t now = std::min(at_once, count - done);
    in.read(piece.data(), now * type.bytes);
    for (int64_t i = 0; i < now; ++i) convert(type, piece.data() + i * type.bytes, out + (done + i) * type.dtype.size());
    done += now;
  }
}

struct Header {
  const ElementType* type;
  Shape shape;
};
Header read_header(file::InputStream& in) {
  unsigned char magic[4];
  in.read(magic, 4);
  if (magic[0] != 0 || magic[1] != 0) fail_io(in.path(), "not an IDX file: it must start with two zero bytes");
  const ElementType& type = element_type(in.path(), magic[2]);
  if (magic[3] == 0) fail_io(in.path(), "not an IDX file: its rank is 0; it must be 1 or more");
  const Header header{&type, read_shape(in, magic[3])};
  const int64_t announced = header.shape.size() * type.bytes, possible = in.largest_content() - in.position();
  if (announced > possible) {
    fail_io(in.path(), "truncated: its sizes ", header.shape, " announce ", announced, " bytes, the file cannot hold more than ", possible);
  }
  return header;
}

}  // namespace

Shape idx_shape(const std::string& path) {
  file::InputStream in(path);
  return read_header(in).shape;
}

Array read_idx(const std::string& path, IdxOptions options) {
  if (options.limit < 0) fail("read_idx", "limit is ", options.limit, "; it must be at least 0 (0: all samples)");
  file::InputStream in(path);
  const auto& [type, announced] = read_header(in);
  const bool is_cut = options.limit > 0 && options.limit < announced[0];
  std::vector<int64_t> sizes = announced.to_vector();
  if (is_cut) sizes[0] = options.limit;
  const Shape shape(sizes);
  check_content(path, in.position() + shape.size() * type->bytes);
  BufferPtr buffer = allocate(shape.size() * type->dtype.size(), concat("IDX data ", shape, " of ", path));
  read_elements(in, *type, shape.size(), buffer->data());
  if (!is_cut) in.expect_end();
  return make_leaf(std::move(buffer), type->dtype, shape);
}

}  // namespace gradus::data
