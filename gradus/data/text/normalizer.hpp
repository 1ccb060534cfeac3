// Normalisation: what is done to a text before it is cut into words.
#pragma once

#include <functional>

#include "gradus/data/text/aligned_text.hpp"

namespace gradus::data {

class Spec;

/// Empty: the text stays as it is.
using Normalizer = std::function<void(AlignedText&)>;

/// What the "normalizer" of a tokenizer file says: BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, Replace (of a text), Prepend, Strip,
/// StripAccents, ByteLevel, Sequence. Others are refused by name, as are regular expressions.
Normalizer read_normalizer(const Spec& spec);

}  // namespace gradus::data
