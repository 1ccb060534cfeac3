// Tables about characters, packed as numbers to the base 36. What they mean: scripts/unicode_tables.py; unpacked in unicode.cpp.
#pragma once

namespace gradus::data::unicode_tables {

extern const char* const kClasses[8];  // one for each bit of CharacterClass: lengths of stretches outside and inside, in turn
extern const char* const kCanonical;   // whole canonical decompositions, as records of runs; Hangul syllables are computed
extern const char* const kCompatible;  // compatibility decompositions, where they are others
extern const char* const kLower;       // lower case
extern const char* const kExcluded;    // stretches of characters that have a decomposition and are not put together again
extern const char* const kCombining;   // runs: start, length, combining class

}  // namespace gradus::data::unicode_tables
