// Decoders: how the texts of tokens become one.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace gradus::data {

class Spec;

/// Rewrites the texts of tokens; what it leaves is joined. Throws where it would make more than `most` bytes. Empty: tokens are joined with
/// spaces.
using Decoder = std::function<void(std::vector<std::string>& tokens, size_t most)>;

/// What the "decoder" of a tokenizer file says: ByteLevel, WordPiece, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace (of a
/// text), Sequence. Others are refused by name.
Decoder read_decoder(const Spec& spec);

}  // namespace gradus::data
