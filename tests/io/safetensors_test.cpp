// Safetensors: round trips, and files that lie.
#include "gradus/io/safetensors.hpp"

#include <cstring>
#include <limits>

#include "gradus/array/buffer.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::TemporaryFolder;

template <class T>
Array leaf(const std::vector<T>& values, const Shape& shape) {
  BufferPtr buffer = allocate(shape.size() * static_cast<int64_t>(sizeof(T)));
  for (size_t i = 0; i < values.size(); ++i) reinterpret_cast<T*>(buffer->data())[i] = values[i];
  return make_leaf(std::move(buffer), dtype_of<T>(), shape);
}

std::string file_of(const std::string& header, const std::string& data) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return out + header + data;
}
std::string parse_error(const std::string& content) {
  return error_of([&] { io::parse_safetensors(std::as_bytes(std::span(content)), "file"); });
}

TEST(Safetensors, EveryDtypeSurvives) {
  const TemporaryFolder folder;
  const std::vector<io::NamedArray> arrays = {
      {"bool", leaf<bool>({true, false}, {2})},          {"uint8", leaf<uint8_t>({0, 255}, {2})},
      {"int32", leaf<int32_t>({-5, 7}, {2, 1})},         {"int64", leaf<int64_t>({-1, std::numeric_limits<int64_t>::max()}, {1, 2})},
      {"half", leaf<float16_t>({float16_t(1.5f)}, {1})}, {"brain", leaf<bfloat16_t>({bfloat16_t(-2.0f)}, {})},
      {"float", leaf<float>({0.1f, -0.0f}, {2})},        {"double", leaf<double>({0.1, 1e300}, {2})},
      {"none", leaf<float>({}, {0, 3})}};
  io::save_safetensors(folder / "a", arrays, {{"key", "value \"with\" \xc3\xa9"}});
  const io::Safetensors read = io::load_safetensors(folder / "a");
  ASSERT_EQ(read.arrays.size(), arrays.size());
  EXPECT_EQ(read.metadata.at("key"), "value \"with\" \xc3\xa9");
  for (const auto& [name, array] : arrays) {
    const Array& same = read.at(name);
    EXPECT_EQ(same.shape(), array.shape()) << name;
    EXPECT_EQ(same.dtype(), array.dtype()) << name;
    EXPECT_EQ(std::memcmp(row_major_data(same), row_major_data(array), static_cast<size_t>(array.size() * array.dtype().size())), 0)
        << name;
  }
}

TEST(Safetensors, AnEmptyFileOfNoArraysSurvives) {
  const TemporaryFolder folder;
  io::save_safetensors(folder / "a", {});
  EXPECT_TRUE(io::load_safetensors(folder / "a").arrays.empty());
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const TemporaryFolder folder;
  io::save_safetensors(folder / "a", {{"x", leaf<float>({1, 2, 3}, {3})}, {"y", leaf<int64_t>({4}, {1})}});
  const std::string whole = testing::read_text(folder / "a");
  for (size_t length = 0; length < whole.size(); ++length) EXPECT_NE(parse_error(whole.substr(0, length)), "") << length;
}

TEST(Safetensors, FlippedBytesNeverCrash) {
  const TemporaryFolder folder;
  io::save_safetensors(folder / "a", {{"x", leaf<float>({1, 2, 3}, {3})}, {"y", leaf<int64_t>({4}, {1})}}, {{"k", "v"}});
  const std::string whole = testing::read_text(folder / "a");
  const size_t data_begin = whole.size() - 20;  // 12 bytes of x, 8 of y, in the order given
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {1, 16, 128, 255}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ flip);
      io::Safetensors read;
      const std::string error = error_of([&] { read = io::parse_safetensors(std::as_bytes(std::span(damaged)), "file"); });
      if (at < 8) {
        EXPECT_NE(error, "") << "the header's length, byte " << at;
      } else if (!error.empty()) {
        EXPECT_LT(at, data_begin) << error;
        EXPECT_EQ(error.rfind("file: ", 0), 0u) << error;
      } else {
        // What was read are the bytes of the file, whatever they are called now.
        ASSERT_EQ(read.arrays.size(), 2u) << at;
        std::string data;
        for (const io::NamedArray& each : read.arrays) {
          data.append(reinterpret_cast<const char*>(row_major_data(each.array)),
                      static_cast<size_t>(each.array.size() * each.array.dtype().size()));
        }
        EXPECT_EQ(data, damaged.substr(data_begin)) << at;
      }
    }
  }
}

struct Lie {
  const char* header;
  size_t data;
  const char* message;
};

TEST(Safetensors, HeadersThatLieAreRefused) {
  const Lie lies[] = {
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8,
       "file: array \"y\": its data at byte 4 overlaps that of another array"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})", 12,
       "file: bytes 4 to 8 of the data belong to no array"},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 6, "file: bytes 4 to 6 of the data belong to no array"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 4,
       "file: array \"x\": data_offsets are [0, 8], the file has 4 bytes of data; the file is truncated or damaged"},
      {R"({"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8,
       "file: array \"x\": (3,) of float32 takes 12 bytes, data_offsets hold 8; they must be equal"},
      {R"({"x":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", 8,
       "file: array \"x\": dtype is \"C64\"; it must be BOOL, U8, I32, I64, F16, BF16, F32 or F64"},
      {R"({"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}})", 8, "file: array \"x\": sizes must be integers of at least 0"},
      {R"({"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}})", 8, "file: array \"x\": sizes must be integers of at least 0"},
      {R"({"x":{"dtype":"F32","shape":"a","data_offsets":[0,8]}})", 8, "file: array \"x\": shape must be a list of at most 64 sizes"},
      {R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8,
       "file: array \"x\": data_offsets are [8, 0], the file has 8 bytes of data; the file is truncated or damaged"},
      {R"({"x":{"dtype":"F32","shape":[2]}})", 8, "file: array \"x\" has no \"data_offsets\""},
      {R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8,
       "file: array \"x\" is given twice"},
      {R"({"x":5})", 0, "file: array \"x\" is not described by a JSON object"},
      {R"([])", 0, "file: the header is not a JSON object"},
      {R"({"x":)", 0, "file: the header is not valid JSON"},
      {R"({"__metadata__":{"a":1}})", 0, "file: __metadata__ \"a\" must be a text"},
      {R"({"__metadata__":[]})", 0, "file: __metadata__ must map texts to texts"},
      {R"({"x":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", 1, "file: array \"x\": element 0 is 7; a bool is 0 or 1"},
  };
  for (const Lie& lie : lies) EXPECT_EQ(parse_error(file_of(lie.header, std::string(lie.data, '\7'))), lie.message) << lie.header;
}

TEST(Safetensors, HeadersThatReadersWouldTakeDifferentlyAreRefused) {
  const auto message = [](const std::string& header, size_t data = 4) { return parse_error(file_of(header, std::string(data, '\1'))); };
  EXPECT_EQ(message(std::string("{}\0{anything}", 13), 0), "file: byte 2 of the header is 0; the header is text");
  EXPECT_EQ(message(std::string("{}\0\0", 4), 0), "file: byte 2 of the header is 0; the header is text");
  EXPECT_EQ(message("   {}", 0), "file: the header does not start with {, but with byte 32");
  EXPECT_EQ(message("\n{}", 0), "file: the header does not start with {, but with byte 10");
  EXPECT_EQ(message("\xEF\xBB\xBF{}", 0), "file: the header does not start with {, but with byte 239");
  EXPECT_EQ(message("{}   ", 0), "");  // padding
  EXPECT_EQ(message("{} x", 0), "file: the header is not valid JSON");
  EXPECT_EQ(message("{}{}", 0), "file: the header is not valid JSON");
  EXPECT_EQ(message("", 0), "file: the header is not valid JSON");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[9],"shape":[1],"data_offsets":[0,4]}})"),
            "file: array \"a\": \"shape\" is given twice");
  EXPECT_EQ(message(R"({"a":{"dtype":"I64","dtype":"F32","shape":[1],"data_offsets":[0,4]}})"),
            "file: array \"a\": \"dtype\" is given twice");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8],"data_offsets":[0,4]}})"),
            "file: array \"a\": \"data_offsets\" is given twice");
  EXPECT_EQ(message(R"({"__metadata__":{"format":"x","format":"gradus"}})", 0), "file: __metadata__ \"format\" is given twice");
  EXPECT_EQ(message(R"({"__metadata__":{},"__metadata__":{}})", 0), "file: __metadata__ is given twice");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})"),
            "file: array \"a\": sizes must be integers of at least 0");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0.0,4]}})"),
            "file: array \"a\": data_offsets must be integers of at least 0");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-0,4]}})"),
            "file: array \"a\": data_offsets must be integers of at least 0");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":["0",4]}})"),
            "file: array \"a\": data_offsets must be integers of at least 0");
  // The same name in two objects is no repetition; what is not known is passed over.
  EXPECT_EQ(
      message(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4],"more":1}})"), "");
}

TEST(Safetensors, SizesThatOverflowAreRefused) {
  const std::string message =
      parse_error(file_of(R"({"x":{"dtype":"F64","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}})", ""));
  EXPECT_EQ(message.rfind("file: array \"x\": ", 0), 0u) << message;
}

TEST(Safetensors, AHeaderLengthBeyondTheFileIsRefused) {
  EXPECT_EQ(parse_error(std::string(8, '\xff') + "{}"),
            "file: is no safetensors file, which models are saved as, or a damaged one: its header would have 18446744073709551615 bytes, the file has 10");
  EXPECT_EQ(parse_error("abc"), "file: has 3 bytes; a safetensors file starts with 8 bytes of header length");
}

TEST(Safetensors, DeepNestingIsRefused) { EXPECT_NE(parse_error(file_of(std::string(100000, '['), "")), ""); }

TEST(Safetensors, NamesThatWouldBeLostAreRefused) {
  const TemporaryFolder folder;
  const Array x = leaf<float>({1}, {1});
  EXPECT_EQ(error_of([&] { io::save_safetensors(folder / "a", {{"x", x}, {"x", x}}); }),
            "save_safetensors: array \"x\" is given twice or reserved; names must differ");
  EXPECT_EQ(error_of([&] { io::save_safetensors(folder / "a", {{"\xff", x}}); }),
            "save_safetensors: names and metadata must be UTF-8 text");
  EXPECT_EQ(folder.count(), 0);
}

TEST(Safetensors, AnUnknownNameIsAnsweredWithTheNearest) {
  io::Safetensors file;
  file.arrays.push_back({"dense.kernel", leaf<float>({1}, {1})});
  EXPECT_EQ(error_of([&] { file.at("dense.kernal"); }), "safetensors: there is no array \"dense.kernal\"; did you mean \"dense.kernel\"?");
  file.arrays[0].name = std::string("dense.kernel\x1b\0", 14);
  EXPECT_EQ(error_of([&] { file.at("dense.kernel"); }),
            "safetensors: there is no array \"dense.kernel\"; did you mean \"dense.kernel\\x1b\\x00\"?");
}

}  // namespace
}  // namespace gradus
