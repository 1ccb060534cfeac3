// Folders as Hugging Face has them: weights, sizes and tokenizer of a model that others have trained.
#pragma once

#include <string>

#include "gradus/io/pretrained.hpp"
#include "gradus/nn/model.hpp"

namespace gradus::models {

/// Whether a folder holds a model in that form: config.json and model.safetensors.
bool is_pretrained_folder(const std::string& folder);

/// The model of such a folder: BERT for model_type "bert", GPT for "gpt2", of the sizes that config.json says, with the weights of
/// model.safetensors and, if there is one, the tokenizer of tokenizer.json. `report`, if given, tells what became of each array. Throws for
/// other types, for options that the model does not have, and for damaged files.
///
///   nn::Model bert = models::load_folder("bert");   // all-MiniLM-L6-v2, say: config.json, model.safetensors, tokenizer.json
nn::Model load_folder(const std::string& folder, io::LoadReport* report = nullptr);

}  // namespace gradus::models
