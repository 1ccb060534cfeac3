// Safetensors files.
#include "gradus/io/safetensors.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/io/json_keys_internal.hpp"

namespace gradus::io {

using namespace core;

namespace {

using Json = nlohmann::json;

constexpr int64_t kLengthBytes = 8;
constexpr int64_t kLargestHeader = 100'000'000;  // as in the reference implementation
constexpr std::string_view kMetadataKey = "__metadata__";

constexpr std::string_view kTypeNames[] = {"BOOL", "U8", "I32", "I64", "F16", "BF16", "F32", "F64"};  // in the order of DType::Code

std::string_view type_name(DType dtype) { return kTypeNames[static_cast<size_t>(dtype.code())]; }

// Bytes of a file or of memory, from which parts are copied.
struct Source {
  std::string place;
  int64_t bytes;
  std::function<void(int64_t offset, void* out, int64_t count)> read_at;
};

struct Entry {
  std::string name;
  DType dtype{};
  Shape shape{};
  int64_t begin = 0, end = 0;  // in the data section
};

std::string describe(std::string_view name) { return concat("array \"", name, "\""); }

// Parses the header; refuses names given twice, nesting that no header has, and what the JSON parser takes for an end or passes over.
Json parse_header(const Source& source, const std::string& text) {
  if (const size_t at = text.find('\0'); at != std::string::npos)
    fail_io(source.place, "byte ", at, " of the header is 0; the header is text");
  const auto on_twice = [&](const std::vector<std::string>& keys) {
    if (keys.size() == 1) fail_io(source.place, keys[0] == kMetadataKey ? keys[0] : describe(keys[0]), " is given twice");
    fail_io(source.place, keys[0] == kMetadataKey ? keys[0] + " " : describe(keys[0]) + ": ", "\"", keys.back(), "\" is given twice");
  };
  const auto on_deep = [&] { fail_io(source.place, "the header is nested too deep to be of a safetensors file"); };
  try {
    Json header = Json::parse(text, check_keys(8, on_twice, on_deep));
    if (!header.is_object()) fail_io(source.place, "the header is not a JSON object");
    if (text.front() != '{')
      fail_io(source.place, "the header does not start with {, but with byte ", int{static_cast<unsigned char>(text.front())});
    return header;
  } catch (const Json::exception&) {
    fail_io(source.place, "the header is not valid JSON");
  }
}

int64_t read_count(const Source& source, std::string_view name, const Json& value, const char* what) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > uint64_t{1} << 62) {
    fail_io(source.place, describe(name), ": ", what, " must be integers of at least 0");
  }
  return static_cast<int64_t>(value.get<uint64_t>());
}

const Json& member(const Source& source, std::string_view name, const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) fail_io(source.place, describe(name), " has no \"", key, "\"");
  return *found;
}

Entry read_entry(const Source& source, const std::string& name, const Json& object, int64_t data_bytes) {
  if (!object.is_object()) fail_io(source.place, describe(name), " is not described by a JSON object");
  Entry entry;
  entry.name = name;

  const Json& type = member(source, name, object, "dtype");
  const auto known =
      type.is_string() ? std::find(std::begin(kTypeNames), std::end(kTypeNames), type.get<std::string>()) : std::end(kTypeNames);
  if (known == std::end(kTypeNames)) {
    fail_io(source.place, describe(name), ": dtype is ", type.dump(), "; it must be BOOL, U8, I32, I64, F16, BF16, F32 or F64");
  }
  entry.dtype = DType(static_cast<DType::Code>(known - std::begin(kTypeNames)));

  const Json& sizes = member(source, name, object, "shape");
  if (!sizes.is_array() || sizes.size() > 64) fail_io(source.place, describe(name), ": shape must be a list of at most 64 sizes");
  std::vector<int64_t> shape;
  for (const Json& size : sizes) shape.push_back(read_count(source, name, size, "sizes"));
  try {
    entry.shape = Shape(shape);
  } catch (const Error& error) {
    fail_io(source.place, describe(name), ": ", error.problem());
  }

  const Json& offsets = member(source, name, object, "data_offsets");
  if (!offsets.is_array() || offsets.size() != 2) fail_io(source.place, describe(name), ": data_offsets must be [begin, end]");
  entry.begin = read_count(source, name, offsets[0], "data_offsets");
  entry.end = read_count(source, name, offsets[1], "data_offsets");
  if (entry.begin > entry.end || entry.end > data_bytes) {
    fail_io(source.place, describe(name), ": data_offsets are [", entry.begin, ", ", entry.end, "], the file has ", data_bytes,
            " bytes of data; the file is truncated or damaged");
  }
  const int64_t needed = entry.shape.size() * entry.dtype.size();
  if (entry.end - entry.begin != needed) {
    fail_io(source.place, describe(name), ": ", entry.shape, " of ", entry.dtype, " takes ", needed, " bytes, data_offsets hold ",
            entry.end - entry.begin, "; they must be equal");
  }
  return entry;
}

// Entries sorted by their data, which must follow one another without overlap or hole.
void check_cover(const Source& source, std::vector<Entry>& entries, int64_t data_bytes) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name); });
  int64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin < at)
      fail_io(source.place, describe(entry.name), ": its data at byte ", entry.begin, " overlaps that of another array");
    if (entry.begin > at) fail_io(source.place, "bytes ", at, " to ", entry.begin, " of the data belong to no array");
    at = entry.end;
  }
  if (at != data_bytes) fail_io(source.place, "bytes ", at, " to ", data_bytes, " of the data belong to no array");
}

Array read_array(const Source& source, const Entry& entry, int64_t data_begin) {
  const int64_t bytes = entry.end - entry.begin;
  BufferPtr buffer = allocate(bytes, describe(entry.name) + " of " + source.place);
  source.read_at(data_begin + entry.begin, buffer->data(), bytes);
  if (entry.dtype == bool_) {
    for (int64_t i = 0; i < bytes; ++i) {
      const int value = std::to_integer<int>(buffer->data()[i]);
      if (value > 1) fail_io(source.place, describe(entry.name), ": element ", i, " is ", value, "; a bool is 0 or 1");
    }
  }
  return make_leaf(std::move(buffer), entry.dtype, entry.shape);
}

Safetensors read_from(const Source& source) {
  if (source.bytes < kLengthBytes) {
    fail_io(source.place, "has ", source.bytes, " bytes; a safetensors file starts with 8 bytes of header length");
  }
  unsigned char length_bytes[kLengthBytes];
  source.read_at(0, length_bytes, kLengthBytes);
  uint64_t length = 0;
  for (int64_t i = kLengthBytes; i-- > 0;) length = length << 8 | length_bytes[i];
  if (length > static_cast<uint64_t>(std::min(source.bytes - kLengthBytes, kLargestHeader))) {
    fail_io(source.place, "is no safetensors file, which models are saved as, or a damaged one: its header would have ", length,
            " bytes, the file has ", source.bytes);
  }
  std::string text(length, ' ');
  source.read_at(kLengthBytes, text.data(), static_cast<int64_t>(length));
  const Json header = parse_header(source, text);

  Safetensors out;
  std::vector<Entry> entries;
  const int64_t data_begin = kLengthBytes + static_cast<int64_t>(length), data_bytes = source.bytes - data_begin;
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadataKey) {
      entries.push_back(read_entry(source, name, value, data_bytes));
      continue;
    }
    if (!value.is_object()) fail_io(source.place, "__metadata__ must map texts to texts");
    for (const auto& [key, entry] : value.items()) {
      if (!entry.is_string()) fail_io(source.place, "__metadata__ \"", key, "\" must be a text");
      out.metadata[key] = entry.get<std::string>();
    }
  }
  check_cover(source, entries, data_bytes);
  for (const Entry& entry : entries) out.arrays.push_back({entry.name, read_array(source, entry, data_begin)});
  return out;
}

}  // namespace

const Array* Safetensors::find(std::string_view name) const {
  for (const NamedArray& entry : arrays) {
    if (entry.name == name) return &entry.array;
  }
  return nullptr;
}

const Array& Safetensors::at(std::string_view name) const {
  if (const Array* found = find(name)) return *found;
  std::vector<std::string> names;
  for (const NamedArray& entry : arrays) names.push_back(entry.name);
  const std::string near = nearest(name, names);
  fail("safetensors", "there is no array \"", name, "\"", near.empty() ? "" : "; did you mean \"" + near + "\"?");
}

Safetensors load_safetensors(const std::string& path) {
  const file::Reader reader(path);
  return read_from({path, reader.bytes(), [&](int64_t offset, void* out, int64_t count) { reader.read_at(offset, out, count); }});
}

Safetensors parse_safetensors(std::span<const std::byte> bytes, std::string_view place) {
  return read_from({std::string(place), static_cast<int64_t>(bytes.size()), [&](int64_t offset, void* out, int64_t count) {
                      if (count) std::memcpy(out, bytes.data() + offset, static_cast<size_t>(count));
                    }});
}

void with_safetensors(const std::vector<NamedArray>& arrays, const std::map<std::string, std::string>& metadata,
                      const std::function<void(std::span<const std::span<const std::byte>> pieces)>& use) {
  std::vector<Array> roots;
  for (const NamedArray& entry : arrays) roots.push_back(entry.array);
  evaluate(roots);

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadataKey)] = metadata;
  std::vector<file::Piece> pieces(2);
  std::set<std::string_view> names{kMetadataKey};
  int64_t at = 0;
  for (const NamedArray& entry : arrays) {
    if (!names.insert(entry.name).second) fail("save_safetensors", describe(entry.name), " is given twice or reserved; names must differ");
    const int64_t bytes = entry.array.size() * entry.array.dtype().size();
    header[entry.name] = {
        {"dtype", type_name(entry.array.dtype())}, {"shape", entry.array.shape().to_vector()}, {"data_offsets", {at, at + bytes}}};
    if (bytes) pieces.emplace_back(static_cast<const std::byte*>(row_major_data(entry.array)), static_cast<size_t>(bytes));
    at += bytes;
  }

  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    fail("save_safetensors", "names and metadata must be UTF-8 text");
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // The data starts at a multiple of 8 bytes.
  std::string length;
  for (int i = 0; i < 8; ++i) length += static_cast<char>(text.size() >> (8 * i) & 0xff);
  pieces[0] = file::piece(length);
  pieces[1] = file::piece(text);
  use(pieces);
}

void save_safetensors(const std::string& path, const std::vector<NamedArray>& arrays, const std::map<std::string, std::string>& metadata) {
  with_safetensors(arrays, metadata, [&](std::span<const file::Piece> pieces) { file::write_atomically(path, pieces); });
}

}  // namespace gradus::io
