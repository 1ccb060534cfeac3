// What the machine offers and which libraries work here, in one line.
#pragma once

#include <string>

namespace gradus::cpu {

/// For example "AVX-512, 2 threads, oneDNN 2.6.3, Highway 1.0.3".
std::string environment();

}  // namespace gradus::cpu
