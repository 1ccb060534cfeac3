// Post-processing: the special tokens that are put around the tokens of a text, or of a pair of texts.
#pragma once

#include <cstdint>
#include <vector>

#include "gradus/data/text/vocabulary.hpp"

namespace gradus::data {

class Spec;
class AddedTokens;

/// What stands in a row: special tokens, or the first (0) or second (1) text.
struct TemplatePart {
  std::vector<int32_t> ids{};
  int sequence = -1;  ///< -1: the ids
  int32_t type = 0;   ///< of its tokens
};
struct PostProcessor {
  std::vector<TemplatePart> single{{{}, 0, 0}}, pair{{{}, 0, 0}, {{}, 1, 1}};
  bool trims_offsets = false;   ///< offsets of tokens leave out the spaces around them
  bool has_added_space = true;  ///< then the first space of the first token is none of the text
};

/// What the "post_processor" of a tokenizer file says: BertProcessing, RobertaProcessing, TemplateProcessing, ByteLevel, Sequence. Others
/// are refused by name, as are ids that are none of the `tokens` there are.
PostProcessor read_post_processor(const Spec& spec, int64_t tokens);

}  // namespace gradus::data
