// Models that take text, for the commands that give it to them.
#pragma once

#include <string>
#include <vector>

#include "gradus/data/text/tokenizer.hpp"
#include "gradus/nn/model.hpp"

namespace gradus::cli {

struct TextModel {
  nn::Model model{};
  data::Tokenizer tokenizer{};
  int64_t most_tokens = 0;  ///< of a text, where the folder says it, as those of sentence-transformers; 0: the model's context
};
/// Of a run folder, a model file, or a folder in Hugging Face's form. Throws for a model without a tokenizer.
TextModel load_text_model(const std::string& what);

/// The lines of a file, or of standard input for "-", without their ends. Throws for bytes that are no UTF-8, naming the line.
std::vector<std::string> read_lines(const std::string& path);

/// Vectors of length 1 for texts, (texts, width): what BERT says of each, in batches of like lengths. Throws for other models.
Array embed_texts(const TextModel& text, const std::vector<std::string>& texts);

}  // namespace gradus::cli
