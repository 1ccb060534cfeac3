// A checksum over all that a safetensors file of Gradus says.
#pragma once

#include "gradus/io/safetensors.hpp"

namespace gradus::io {

/// Adds "checksum" to the metadata: CRC-32 (ISO 3309, as in gzip and PNG) of arrays and texts, as "crc32:0123abcd". Evaluates the arrays.
void add_checksum(const std::vector<NamedArray>& arrays, std::map<std::string, std::string>& metadata);
/// Throws if it does not agree. Without `is_needed` files that have none are taken, as earlier versions wrote them.
void check_checksum(const Safetensors& file, const std::string& path, bool is_needed);

}  // namespace gradus::io
