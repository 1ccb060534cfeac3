// Attention of few queries over many keys, as when tokens are generated one by one. Private to cpu/.
#pragma once

#include "gradus/cpu/attention/attention.hpp"

namespace gradus::cpu {

/// Whether prepare_few_queries is the faster way: so few queries share a head of k and v that lanes would be idle.
bool has_few_queries(const Attention& attention);
/// As prepare_attention. k and v are read once, row by row.
KernelPtr prepare_few_queries(const Attention& attention);

}  // namespace gradus::cpu
