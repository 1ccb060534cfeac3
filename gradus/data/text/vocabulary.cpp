// Open addressing; a slot keeps 32 bits of the hash, so that nearly no other token is compared.
#include "gradus/data/text/vocabulary.hpp"

#include <cstring>

namespace gradus::data {

uint64_t hash_of(std::string_view text) {
  uint64_t hash = text.size() * 0x9E3779B97F4A7C15u;
  size_t at = 0;
  for (uint64_t eight; at + sizeof(eight) <= text.size(); at += sizeof(eight)) {
    std::memcpy(&eight, text.data() + at, sizeof(eight));
    hash = hash_of(hash ^ eight);
  }
  uint64_t rest = 0;
  for (size_t shift = 0; at < text.size(); ++at, shift += 8) rest |= static_cast<uint64_t>(static_cast<uint8_t>(text[at])) << shift;
  return hash_of(hash ^ rest);
}

int32_t Vocabulary::find(std::string_view token) const {
  if (slots_.empty()) return -1;
  const uint64_t whole = hash_of(token);
  const auto hash = static_cast<uint32_t>(whole >> 32);
  for (size_t place = whole & (slots_.size() - 1);; place = (place + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[place];
    if (slot.id < 0) return -1;
    if (slot.hash == hash && tokens_[static_cast<size_t>(slot.id)] == token) return slot.id;
  }
}

int32_t Vocabulary::add(std::string_view token) {
  if (const int32_t id = find(token); id >= 0) return id;
  if (2 * (tokens_.size() + 1) > slots_.size()) grow();
  const uint64_t whole = hash_of(token);
  size_t place = whole & (slots_.size() - 1);
  while (slots_[place].id >= 0) place = (place + 1) & (slots_.size() - 1);
  slots_[place] = {static_cast<uint32_t>(whole >> 32), size()};
  longest_ = std::max(longest_, token.size());
  tokens_.emplace_back(token);
  return size() - 1;
}

void Vocabulary::grow() {
  slots_.assign(slots_.empty() ? 16 : 2 * slots_.size(), {});
  for (int32_t id = 0; id < size(); ++id) {
    const uint64_t whole = hash_of(token(id));
    size_t place = whole & (slots_.size() - 1);
    while (slots_[place].id >= 0) place = (place + 1) & (slots_.size() - 1);
    slots_[place] = {static_cast<uint32_t>(whole >> 32), id};
  }
}

}  // namespace gradus::data
