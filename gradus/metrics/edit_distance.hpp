// How far decoded label sequences are from the right ones.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gradus/nn/ctc_decode.hpp"

namespace gradus::metrics {

/// The fewest labels to insert, remove or replace that make one sequence the other (Levenshtein 1966).
///
///   metrics::edit_distance(std::vector<int64_t>{1, 2, 3}, std::vector<int64_t>{2, 3, 4})   // 2
int64_t edit_distance(std::span<const int64_t> found, std::span<const int64_t> wanted);

/// Edit distances over the number of wanted labels, both summed over the examples: the label (character, word, phoneme) error rate. Above
/// 1 where much was inserted; of no wanted labels 0 if none were found, else infinity.
double label_error_rate(std::span<const std::vector<int64_t>> found, std::span<const std::vector<int64_t>> wanted);
/// The same of what ctc_greedy has found, with targets as loss::ctc takes them: (N, S), labels before the first below 0 count.
///
///   metrics::label_error_rate(nn::ctc_greedy(zeros({2, 3, 4})), array({{1, 2}, {3, -1}}))   // 1
double label_error_rate(std::span<const nn::CtcSequence> found, const Array& targets);

}  // namespace gradus::metrics
