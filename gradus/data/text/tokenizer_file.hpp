// Files of tokenizers.
#pragma once

#include <string>

#include "gradus/data/text/tokenizer.hpp"

namespace gradus::nn {
struct ModelInfo;
}

namespace gradus::data {

/// Reads a tokenizer: a `tokenizer.json` of Hugging Face; a `vocab.txt` of BERT (one token a line), taken as BERT's uncased one; or a
/// folder that holds one of these, or GPT-2's two files. Truncation and padding of the file are left to the caller. What the file names and
/// we do not have is refused by name; a damaged file with the place: `tokenizer.json: model.merges[3]: "xq" is not in the vocabulary`.
Tokenizer load_tokenizer(const std::string& path);
/// Reads GPT-2's byte pairs: tokens with their ids (`encoder.json`, `vocab.json`) and merges, one a line (`vocab.bpe`, `merges.txt`).
/// <|endoftext|>, if it is there, is special.
Tokenizer load_tokenizer(const std::string& vocabulary_path, const std::string& merges_path);

/// Writes a tokenizer.json, which the `tokenizers` library reads as well. The old file stays whole if anything fails.
void save_tokenizer(const Tokenizer& tokenizer, const std::string& path);

/// The tokenizer that goes with a model; throws for a model without one.
///
///   io::save(gpt, "chat.gradus", {.tokenizer = tokenizer.to_datum()});
///   data::Tokenizer again = data::tokenizer_of(io::load("chat.gradus").info);
Tokenizer tokenizer_of(const nn::ModelInfo& info);

}  // namespace gradus::data
