// Curves for TensorBoard, written without it.
#pragma once

#include <memory>
#include <string>

#include "gradus/train/history.hpp"

namespace gradus::train {

namespace detail {
class EventFile;
}  // namespace detail

/// After each epoch appends its numbers to event files that TensorBoard reads (tensorboard --logdir FOLDER): those of training under
/// FOLDER/train, those of validation under FOLDER/validation, by the same names ("loss", "accuracy"), so that their curves lie in one
/// chart; with them "learning_rate" and "examples_per_second". Steps are those of the optimiser. Files are made after the first epoch; a
/// run that is resumed writes new ones, whose steps go on, and TensorBoard joins them. Throws an Error of kind io where a file cannot be
/// written.
///
///   .callbacks = {std::make_shared<train::TensorBoard>("runs/a")}
class TensorBoard final : public Callback {
 public:
  explicit TensorBoard(std::string folder);
  ~TensorBoard() override;
  bool on_epoch(const Epoch& epoch) override;

 private:
  std::string folder_;
  std::unique_ptr<detail::EventFile> training_, validation_;
};

}  // namespace gradus::train
