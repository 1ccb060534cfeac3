// Samples for a trained model: from files, and prepared as those of its training were.
#pragma once

#include <string>

#include "gradus/data/dataset.hpp"
#include "gradus/nn/model.hpp"

namespace gradus::cli {

/// The first `limit` samples of a file (0: all) in the shape that the model was trained with, prepared; without targets. CSV and text files
/// have one sample a row, a PNG or JPEG file is one sample, brought to that shape; all others are IDX. Throws for numbers that are not finite.
data::Dataset read_samples(const std::string& path, const nn::ModelInfo& info, int64_t limit);

/// The set with its inputs prepared as those of the model's training. Throws, of `place`, where its numbers are in no range that the
/// training knew how to prepare: bytes for a model of other numbers, numbers beyond 0 to 255 for a model of bytes.
data::Dataset as_trained(const std::string& place, const nn::ModelInfo& info, const data::Dataset& set);

}  // namespace gradus::cli
