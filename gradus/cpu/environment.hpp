// What the machine offers and which libraries work here, in one line.
#pragma once

#include <string>
#include <string_view>

namespace gradus::cpu {

/// For example "AVX-512, 2 threads, oneDNN 2.6.3, Highway 1.0.3".
std::string environment();
/// How products of bfloat16 are computed: "AMX", "AVX512-BF16", or, slower than in float32, "converted to float32".
std::string_view bfloat16_unit();

}  // namespace gradus::cpu
