// Safetensors files: named arrays and a map of texts, plain data that never runs code.
// The form: 8 bytes header length (little endian), that many bytes of JSON, then the arrays' bytes, row-major, without holes.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::io {

/// An array of a file, by its name there: UTF-8 text.
struct NamedArray {
  std::string name;
  Array array{};
};

/// What a safetensors file holds, arrays in the order of their data.
struct Safetensors {
  std::vector<NamedArray> arrays{};
  std::map<std::string, std::string> metadata{};

  /// The array of that name, or null.
  const Array* find(std::string_view name) const;
  /// The array of that name; throws naming the nearest one there is.
  const Array& at(std::string_view name) const;
};

/// Reads a file. Every length is checked against the file's size before anything is allocated; offsets that overlap, leave holes or
/// do not fit shape and dtype, unknown dtypes, names given twice and damaged JSON are errors that name the file and the array.
/// dtypes: BOOL, U8, I32, I64, F16, BF16, F32, F64.
Safetensors load_safetensors(const std::string& path);
/// The same from memory; `place` stands for the path in messages.
Safetensors parse_safetensors(std::span<const std::byte> bytes, std::string_view place);

/// The bytes of a file, in pieces that are valid for the call; evaluates the arrays.
void with_safetensors(const std::vector<NamedArray>& arrays, const std::map<std::string, std::string>& metadata,
                      const std::function<void(std::span<const std::span<const std::byte>> pieces)>& use);
/// Writes a file atomically; evaluates the arrays. Names must differ, be UTF-8, and not be "__metadata__".
void save_safetensors(const std::string& path, const std::vector<NamedArray>& arrays,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace gradus::io
