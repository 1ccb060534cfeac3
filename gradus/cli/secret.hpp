// How the command line comes by keys of sealed files: never from an argument, which other users of the machine can read.
#pragma once

#include <string>

#include "gradus/io/sealed.hpp"

namespace gradus::cli {

/// Where a key comes from; the first that is given counts, then the environment: GRADUS_KEY_FILE, GRADUS_PASSPHRASE; then the terminal is
/// asked, without showing what is typed.
struct KeySource {
  std::string key_file{};
  std::string passphrase_file{};  ///< its first line; "-": of standard input
};
/// What opens the file. Throws where there is no source and no terminal.
io::SealKey key_for(const std::string& path, const KeySource& source = {});
/// What it is to be sealed by: a passphrase is asked for twice.
io::SealKey new_key_for(const std::string& path, const KeySource& source);

}  // namespace gradus::cli
