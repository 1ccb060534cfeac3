// Data sets of sequences: padding, packing, windows; language models, classification, translation.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gradus/data/dataset.hpp"
#include "gradus/data/text/tokenizer.hpp"

namespace gradus::data {

/// Labels that losses leave out by default: what stands in targets where a sequence has ended.
inline constexpr int64_t kNoLabel = -100;

/// Rows of one length, and how many steps of each are no padding.
struct Padded {
  Array values{};   ///< (N, T) int64
  Array lengths{};  ///< (N,) int64
};
/// How rows of different lengths become one array. length 0: that of the longest row; else longer rows are cut off at their ends.
struct PadOptions {
  int64_t length = 0;
  int64_t value = 0;  ///< of the padding
};
///   data::pad({{5, 6, 7}, {8}}).values[1]   // [8, 0, 0]
///   data::pad({{5, 6, 7}, {8}}).lengths   // [3, 1]
Padded pad(const std::vector<std::vector<int64_t>>& rows, PadOptions options = {});
/// (N, T) bool: whether step t of row n is no padding. `lengths` are (N,) integers of 0 to `steps`.
Array padding_mask(const Array& lengths, int64_t steps);

/// How a stream of ids is cut: context tokens a sample, each beginning `stride` after the one before; stride 0: context, without overlap.
struct WindowOptions {
  int64_t context = 128;
  int64_t stride = 0;
};
/// Language modelling: x (N, context) ids, y the same shifted by one: y[n, t] follows x[n, t]. Tokens at the end that fill no row are left
/// out. Throws for fewer than context + 1 tokens.
Dataset language_model_set(std::span<const int64_t> ids, WindowOptions options = {});

/// How documents become rows of a language model.
struct PackOptions {
  int64_t context = 128;
  int64_t separator = -1;  ///< id behind each document; -1: none
  bool splits = true;      ///< one goes on in the next row; else each stands in one row, cut off if it is longer than that
};
/// Documents one after the other in rows of context tokens. x (N, context), y shifted by one; extra "documents" (N, context) says of which
/// document of its row each token is, 1, 2, ..., for masks that keep them apart, 0 of padding. The last token of a document is the
/// target of the one before it and in no x, so one of a single token is left out. y is kNoLabel at padding, whose x is 0. Without
/// splitting, each document is put into the first row of the last few that has room.
Dataset pack_documents(std::span<const std::vector<int64_t>> documents, PackOptions options = {});

/// What texts become. most: tokens of a text; longer ones are cut off at their ends. 0: no limit.
struct TextSetOptions {
  int64_t most = 0;
  bool is_bucketed = true;        ///< shuffled passes put texts of like lengths together
  std::string padding = "<pad>";  ///< token; where the tokenizer has none of that name or [PAD], id 0
  std::vector<std::string> class_names{};  ///< of a model that is there; empty: the different labels in order
};
/// Classification: x (N, T) ids, y (N,) labels, extra "lengths". Labels are numbers of class names; one that is none of those given is an
/// error. A text without tokens is one of padding.
Dataset classification_set(std::span<const std::string> texts, std::span<const std::string> labels, const Tokenizer& tokenizer,
                           const TextSetOptions& options = {});

/// Translation: x (N, S) ids of the sources; extra "decoder_input" (N, T) begins with the token `begin`, y (N, T) is the target that
/// follows each and ends with `end`, kNoLabel at padding; extras "lengths" and "target_lengths". Sources end with `end` too.
struct TranslationOptions {
  int64_t most = 128;  ///< tokens of a source and of a target; longer pairs are left out
  bool is_bucketed = true;
  /// For models that take one array: x is (N, T, 2), source and decoder input side by side, both padded to T steps, and y (N, T); "lengths"
  /// are those of the longer of both, and there is no other extra.
  bool joins = false;
  std::string begin = "<s>", end = "</s>", padding = "<pad>";
};
Dataset translation_set(std::span<const std::pair<std::string, std::string>> pairs, const Tokenizer& source, const Tokenizer& target,
                        const TranslationOptions& options = {});

/// Series: windows of `steps` rows of values (T, F) as x (N, steps, F), and the `horizon` rows after each as y (N, horizon, F), or, with a
/// column, of that alone (N, horizon). Window n begins at row n * stride.
struct SeriesOptions {
  int64_t steps = 12, horizon = 1, stride = 1;
  int64_t column = -1;  ///< of the targets; -1: all
};
/// values: (T,) or (T, F), any float. Throws for a series that has no window, and names the first value that is not finite.
Dataset series_set(const Array& values, SeriesOptions options = {});

}  // namespace gradus::data
