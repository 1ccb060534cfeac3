// Checkpoints: all that a training run goes on from, bit for bit, in one file. What is in it: train/run_state.hpp.
#pragma once

#include <cstdint>
#include <string>

namespace gradus::train {

/// Where fit writes checkpoints, and how often: after each `steps` steps and after each `minutes` minutes, whichever comes first, and where
/// it stops.
struct CheckpointOptions {
  std::string folder{};  ///< made if it is not there; "": no checkpoints
  int64_t steps = 0;     ///< 0: by time only
  double minutes = 5;    ///< 0: by steps only
  int64_t keep = 2;      ///< older ones are removed
};

/// Whether a folder holds a checkpoint.
bool has_checkpoint(const std::string& folder);

}  // namespace gradus::train
