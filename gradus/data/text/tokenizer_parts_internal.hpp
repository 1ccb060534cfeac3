// What a tokenizer is made of.
#pragma once

#include "gradus/data/text/added_tokens.hpp"
#include "gradus/data/text/decoder.hpp"
#include "gradus/data/text/normalizer.hpp"
#include "gradus/data/text/post_processor.hpp"
#include "gradus/data/text/pre_tokenizer.hpp"
#include "gradus/data/text/token_model.hpp"
#include "gradus/data/text/tokenizer.hpp"

namespace gradus::data {

/// The steps as a tokenizer file has them: plain data, nothing for those that are left out.
struct TokenizerSteps {
  core::Datum normalizer{}, pre_tokenizer{}, post_processor{}, decoder{};
};

struct Tokenizer::Parts {
  /// Reads the steps; `place` is for messages.
  Parts(std::shared_ptr<const TokenModel> token_model, TokenizerSteps said, std::vector<AddedToken> added_tokens, std::string_view place);

  std::shared_ptr<const TokenModel> model;
  TokenizerSteps steps;
  Normalizer normalize;
  PreTokenizer cut;
  AddedTokens added;
  PostProcessor post;
  Decoder decode;
  int64_t size = 0;  // of vocabulary and added tokens
};

/// Tokens for texts that are known to be special; ids follow the vocabulary where it does not have them.
std::vector<AddedToken> special_tokens(const Vocabulary& vocabulary, std::vector<AddedToken> before, std::span<const std::string> contents);

}  // namespace gradus::data
