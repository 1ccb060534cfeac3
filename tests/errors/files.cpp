// Files that lie, and what cannot be written. Each provocation has a folder of its own as the current one.
#include "gradus/data/idx.hpp"
#include "gradus/data/image.hpp"
#include "gradus/data/numbers.hpp"
#include "gradus/data/text/text_files.hpp"
#include "gradus/data/text/tokenizer_file.hpp"
#include "tests/errors/provocations.hpp"
#include "tests/temporary_folder.hpp"

namespace errors {

using namespace gradus;

namespace {

class Folder {
 public:
  Folder() : before_(std::filesystem::current_path()) { std::filesystem::current_path(folder_.path()); }
  ~Folder() { std::filesystem::current_path(before_); }

 private:
  gradus::testing::TemporaryFolder folder_;
  std::filesystem::path before_;
};

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}
void read_image(const std::string& content) {
  const Folder folder;
  gradus::testing::write_text("photo.png", content);
  data::read_image("photo.png");
}
void read_idx(const std::string& content) {
  const Folder folder;
  gradus::testing::write_text("a.idx", content);
  data::read_idx("a.idx");
}
void read_numbers(const std::string& content) {
  const Folder folder;
  gradus::testing::write_text("a.csv", content);
  data::read_numbers("a.csv");
}
void load_tokenizer(const std::string& content) {
  const Folder folder;
  gradus::testing::write_text("tokenizer.json", content);
  data::load_tokenizer("tokenizer.json");
}
void read_lines(const std::string& content) {
  const Folder folder;
  gradus::testing::write_text("a.txt", content);
  data::read_lines("a.txt");
}
void read_table(const std::string& content, const std::string& name = "a.csv", const data::TableOptions& options = {}) {
  const Folder folder;
  gradus::testing::write_text(name, content);
  data::read_table(name, options);
}
// The header with its length in front, then the data.
void read_safetensors(const std::string& header, const std::string& data) {
  std::string content;
  for (int i = 0; i < 8; ++i) content += static_cast<char>(header.size() >> (8 * i) & 0xff);
  content += header + data;
  io::parse_safetensors(std::as_bytes(std::span(content)), "a.safetensors");
}
// A model file of which something was changed afterwards.
void load_changed(const std::function<void(io::Safetensors&)>& change) {
  const Folder folder;
  nn::Dense layer(2);
  nn::build(layer, {1, 3});
  io::save(layer, "a.gradus");
  io::Safetensors file = io::load_safetensors("a.gradus");
  change(file);
  io::save_safetensors("a.gradus", file.arrays, file.metadata);
  io::load("a.gradus");
}
void load(const std::string& content) {
  const Folder folder;
  gradus::testing::write_text("a.gradus", content);
  io::load("a.gradus");
}
nn::Dense built(int64_t units) {
  nn::Dense layer(units);
  nn::build(layer, {1, 3});
  return layer;
}
void save_as(const std::string& path) {
  const Folder folder;
  std::filesystem::create_directory("folder");
  gradus::testing::write_text("file", "");
  io::save(built(2), path);
}

}  // namespace

Provocations file_provocations() {
  return {
      PROVOKE(const Folder folder; io::load("missing.gradus")),
      PROVOKE(load("")),
      PROVOKE(load("neither a model nor anything else")),
      PROVOKE(save_as("folder")),
      PROVOKE(save_as("nowhere/a.gradus")),
      PROVOKE(save_as("file/a.gradus")),
      PROVOKE(const Folder folder; io::save_safetensors("a", {{"x", ones({2})}}); io::load("a")),
      PROVOKE(const Folder folder; io::save(built(2), "a.gradus"); nn::Dense layer = built(3); io::load(layer, "a.gradus")),
      PROVOKE(const Folder folder; io::save(built(2), "a.gradus"); nn::LayerNorm layer; io::load(layer, "a.gradus")),
      PROVOKE(const Folder folder;
              io::save_safetensors("a.gradus", {{"kernel", ones({3, 2}, float16)}, {"bias", ones({2})}}, {{"format", "gradus"}, {"version", "1"}});
              nn::Dense layer = built(2); io::load(layer, "a.gradus")),
      PROVOKE(load_changed([](io::Safetensors& file) { file.arrays[0].array = file.arrays[0].array.astype(int64); })),
      PROVOKE(load_changed([](io::Safetensors& file) { file.arrays[0].array = zeros({3, 2}); file.metadata["checksum"] = "crc32:00000000"; })),
      PROVOKE(load_changed([](io::Safetensors& file) { file.metadata["info"] = R"({"name": "a", "name": "b"})"; })),
      PROVOKE(const Folder folder; io::save_safetensors("a", {{"x", ones({2})}, {"x", ones({2})}})),
      PROVOKE(const Folder folder; io::save_safetensors("a", {{"\xff", ones({2})}})),
      PROVOKE(const Folder folder; io::save_safetensors("a", {{"weight", ones({2})}}); io::load_safetensors("a").at("wieght")),
      PROVOKE(io::parse_safetensors({}, "a.safetensors")),
      PROVOKE(read_safetensors("[]", "")),
      PROVOKE(read_safetensors("{", "")),
      PROVOKE(read_safetensors(R"( {})", "")),
      PROVOKE(read_safetensors(std::string("{}\0{}", 5), "")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F32", "shape": [9], "shape": [1], "data_offsets": [0, 4]}})", "1234")),
      PROVOKE(read_safetensors(R"({"__metadata__": {"format": "x", "format": "gradus"}})", "")),
      PROVOKE(read_safetensors(R"({"x": 1})", "")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F32", "shape": [1]}})", "1234")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F31", "shape": [1], "data_offsets": [0, 4]}})", "1234")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", "1234")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}})", "1234")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F32", "shape": [1099511627776, 1099511627776], "data_offsets": [0, 4]}})", "1234")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", "1234")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", "1234")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]}})", "1234")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", "12345678")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "U8", "shape": [1], "data_offsets": [2, 3]}})", "1234")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]}})", "1")),
      PROVOKE(read_safetensors(R"({"x": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, "y": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}})",
                               "123")),
      PROVOKE(read_safetensors(R"({"__metadata__": {"key": 1}})", "")),
      PROVOKE(read_safetensors(R"({"__metadata__": 1})", "")),
      PROVOKE(const Folder folder; data::read_idx("missing.idx")),
      PROVOKE(const Folder folder; data::read_idx(".")),
      PROVOKE(data::read_idx("/dev/null")),
      PROVOKE(data::read_idx("a.idx", {.limit = -1})),
      PROVOKE(read_idx("")),
      PROVOKE(read_idx("abcdefgh")),
      PROVOKE(read_idx(bytes({0, 0, 7, 1, 0, 0, 0, 0}))),
      PROVOKE(read_idx(bytes({0, 0, 8, 0}))),
      PROVOKE(read_idx(bytes({0, 0, 8, 1, 0, 0, 0, 3, 1, 2}))),
      PROVOKE(read_idx(bytes({0, 0, 8, 1, 0, 0, 0, 1, 1, 2}))),
      PROVOKE(read_idx(bytes({0, 0, 14, 2, 127, 255, 255, 255, 127, 255, 255, 255}))),
      PROVOKE(read_idx(bytes({0x1f, 0x8b, 8, 0, 0}))),
      PROVOKE(read_idx(bytes({0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}))),
      PROVOKE(read_numbers("")),
      PROVOKE(read_numbers("1,2\n3\n")),
      PROVOKE(read_numbers("\xFF\xFE" "1")),
      PROVOKE(read_numbers("+-1\n2\n")),
      PROVOKE(read_numbers("year,2020\n1,2\n")),
      PROVOKE(read_numbers("1\n\"2\n")),
      PROVOKE(read_numbers("1\n\"2\"3\n")),
      PROVOKE(read_numbers("a,b\n1,2\n3,four\n")),
      PROVOKE(read_table("#a\n\n#b\n", "a.csv", {.comment = "#"})),
      PROVOKE(read_table("\xFE\xFF", "a.csv", {.encoding = "utf-16le"})),
      PROVOKE(read_table(std::string(1'000'001, ','))),
      PROVOKE(read_table("day,n\n3/4/2024,1\n\nsoon,2\n", "a.csv", {.types = {{"day", {data::ColumnType::date, {}, {}}}}})),
      PROVOKE(read_table("{\"age\": 1}\n", "a.jsonl", {.types = {{"aeg", {}}}})),
      PROVOKE(read_table("{\"age\": 1}\n{\"age\": \n", "a.jsonl")),
      PROVOKE(read_table("{\"name\": \"M\xFCller\"}\n", "a.jsonl")),
      PROVOKE(read_table("{\"" + std::string(3000, 'k') + "\": {\"" + std::string(1100, 'k') + "\": 1}}\n", "a.jsonl")),
      PROVOKE(std::string rows; for (int i = 0; i < 4000; ++i) rows += "{\"key" + std::to_string(i) + "\": 1}\n"; read_table(rows, "a.jsonl")),
      PROVOKE(data::Column::numeric("age", {31}).date_order()),
      PROVOKE(read_lines("")),
      PROVOKE(read_lines("one\ntwo\xE9\n")),
      PROVOKE(load_tokenizer(R"({"model": {"type": "BPE", "voc)")),
      PROVOKE(load_tokenizer(R"({"model": {"type": "WordLevel", "vocab": {"a": 0, "b": 7}}})")),
      PROVOKE(load_tokenizer(R"({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}})")),
      PROVOKE(load_tokenizer(R"({"model": {"type": "WordLevel", "vocab": {"a": 0}}, "normalizer": {"type": "Precompiled"}})")),
      PROVOKE(const Folder folder; data::fashion_mnist("nowhere")),
      PROVOKE(read_image("")),
      PROVOKE(read_image("GIF89a")),
      PROVOKE(read_image("\x89PNG\r\n\x1a\n")),
      PROVOKE(read_image("\xff\xd8\xff\xe0")),
      PROVOKE(data::resize_image(zeros({4, 4, 2}, uint8), 2, 2)),
      PROVOKE(data::resize_image(zeros({4, 4, 3}), 2, 2)),
      PROVOKE(data::resize_image(zeros({4, 4, 3}, uint8), 0, 2)),
      PROVOKE(data::image_set(data::Table({data::Column::numeric("age", {1})}))),
      PROVOKE(data::describe(data::Table({data::Column::numeric("age", {1})}), {.bins = 0})),
  };
}

}  // namespace errors
