// gradus seal, unseal, sign, verify: model files that only who has the key can read, and signatures.
#include <cstdio>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/secret.hpp"

namespace gradus::cli {

using namespace core;

namespace {

struct SealArguments {
  std::string file{}, out{}, new_key{};
  KeySource key{};
};
struct SignArguments {
  std::string file{}, key_file{}, new_key{}, public_key{};
};

// The file itself, or its model where it is the folder of a run.
std::string model_in(const std::string& path) { return file::is_folder(path) ? path + "/model.gradus" : path; }

void run_seal(const SealArguments& arguments) {
  if (!arguments.new_key.empty()) {
    io::SealKey::random().write(arguments.new_key);
    std::printf("key: %s\n", printable(arguments.new_key).c_str());
    if (arguments.file.empty()) return;
  }
  const std::string from = model_in(arguments.file), to = arguments.out.empty() ? from : arguments.out;
  KeySource source = arguments.key;
  if (!arguments.new_key.empty()) source.key_file = arguments.new_key;
  if (io::is_sealed(from)) fail_io(from, "is sealed already");
  io::seal(from, to, new_key_for(to, source));
  std::printf("sealed: %s\n", printable(to).c_str());
}

void run_unseal(const SealArguments& arguments) {
  const std::string from = model_in(arguments.file);
  if (!io::is_sealed(from)) fail_io(from, "is not sealed");
  io::unseal(from, arguments.out, key_for(from, arguments.key));
  std::printf("in the clear: %s\n", printable(arguments.out).c_str());
}

void run_sign(const SignArguments& arguments) {
  if (!arguments.new_key.empty()) {
    const io::SigningKey key = io::SigningKey::random();
    key.write(arguments.new_key);
    std::printf("signing key: %s\npublic key: %s\n", printable(arguments.new_key).c_str(), key.public_key().c_str());
    if (arguments.file.empty()) return;
  }
  const std::string key_file = arguments.new_key.empty() ? arguments.key_file : arguments.new_key;
  if (key_file.empty()) fail_missing("--key-file");
  const std::string path = model_in(arguments.file);
  const io::SigningKey key = io::SigningKey::from_file(key_file);
  io::sign(path, key);
  std::printf("signature: %s.sig\npublic key: %s\n", printable(path).c_str(), key.public_key().c_str());
}

void run_verify(const SignArguments& arguments) {
  const std::string path = model_in(arguments.file);
  io::verify(path, arguments.public_key);
  std::printf("signed by %s: %s\n", arguments.public_key.c_str(), printable(path).c_str());
}

}  // namespace

void add_seal(CLI::App& app) {
  auto arguments = std::make_shared<SealArguments>();
  Command command(app, "seal", "Encrypt a model file; all commands read it, given the key");
  command.positional("MODEL", arguments->file, "Model file or run folder");
  command.option("-o,--out", "FILE", arguments->out, "The sealed file (default: in place of the model)");
  command.option("--key-file", "FILE", arguments->key.key_file, "Seal by the key in this file");
  command.option("--new-key", "FILE", arguments->new_key, "Make a new key file, and seal by it");
  command.option("--passphrase-from", "FILE", arguments->key.passphrase_file, "Seal by the first line of this file; - is standard input");
  command.excludes("--key-file", {"--passphrase-from", "--new-key"});
  command.excludes("--new-key", {"--passphrase-from"});
  command.footer(R"(
Without these the key is that of GRADUS_KEY_FILE or GRADUS_PASSPHRASE, or the terminal is asked. All commands find the key of a sealed
model in the same way. What stood in the file before may still be on the disk.

  gradus seal runs/first -o first.gradus
  gradus predict first.gradus images.idx.gz
  gradus seal --new-key team.key)");
  command.runs([arguments] {
    if (arguments->file.empty() && arguments->new_key.empty()) fail_missing("MODEL");
    run_seal(*arguments);
  });
}

void add_unseal(CLI::App& app) {
  auto arguments = std::make_shared<SealArguments>();
  Command command(app, "unseal", "Write a sealed model file in the clear");
  command.positional("MODEL", arguments->file, "Sealed file", Need::required);
  command.option("-o,--out", "FILE", arguments->out, "The file in the clear");
  command.option("--key-file", "FILE", arguments->key.key_file, "The key is in this file");
  command.option("--passphrase-from", "FILE", arguments->key.passphrase_file,
                 "The passphrase is the first line of this file; - is standard input");
  command.excludes("--key-file", {"--passphrase-from"});
  command.runs([arguments] {
    if (arguments->out.empty()) fail_missing("--out");
    run_unseal(*arguments);
  });
}

void add_sign(CLI::App& app) {
  auto arguments = std::make_shared<SignArguments>();
  Command command(app, "sign", "Sign a file; the signature goes into FILE.sig");
  command.positional("FILE", arguments->file, "Any file, or a run folder for its model");
  command.option("--key-file", "FILE", arguments->key_file, "The signing key");
  command.option("--new-key", "FILE", arguments->new_key, "Make a new signing key, show its public key, and sign by it");
  command.excludes("--key-file", {"--new-key"});
  command.runs([arguments] {
    if (arguments->file.empty() && arguments->new_key.empty()) fail_missing("FILE");
    run_sign(*arguments);
  });
}

void add_verify(CLI::App& app) {
  auto arguments = std::make_shared<SignArguments>();
  Command command(app, "verify", "Tell whether FILE.sig is a signature of FILE by the owner of a public key");
  command.positional("FILE", arguments->file, "Signed file, or a run folder for its model", Need::required);
  command.option("--public-key", "KEY", arguments->public_key, "64 hexadecimal digits, as gradus sign shows them");
  command.runs([arguments] {
    if (arguments->public_key.empty()) fail_missing("--public-key");
    run_verify(*arguments);
  });
}

}  // namespace gradus::cli
