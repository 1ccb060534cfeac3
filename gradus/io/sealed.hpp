// Sealed files: model files that are encrypted, and signatures of files. By libsodium; a build without it throws an error that says so.
//
// A sealed file: 104 bytes of header (what it is, how its key is made of a passphrase, how long its content is, a check of the key), then
// the content in pieces of 64 KiB, each encrypted and authenticated with its place in the file (XChaCha20-Poly1305, crypto_secretstream),
// the last one marked: no byte can be changed, no piece left out, moved or cut off. What is decrypted is in memory only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/io/model_file.hpp"

namespace gradus::io {

/// What opens sealed files: a passphrase, or 32 random bytes of a key file. Copies share the secret, which lies in memory that is locked
/// where the system lets it be, and is wiped with the last copy.
class SealKey {
 public:
  /// Keys of passphrases are stretched by Argon2id for each file. At least 1 byte, at most 1 MiB.
  static SealKey from_passphrase(std::string_view passphrase);
  /// A file of 64 hexadecimal digits, as write() makes it. Throws for anything else.
  static SealKey from_file(const std::string& path);
  /// 32 bytes of the system's random numbers.
  static SealKey random();
  /// Writes a random key, readable by its owner only. Throws where the file is there already, and for a passphrase.
  void write(const std::string& path) const;

  struct Secret;
  const Secret& secret() const { return *secret_; }

 private:
  explicit SealKey(std::shared_ptr<const Secret> secret) : secret_(std::move(secret)) {}
  std::shared_ptr<const Secret> secret_;
};

/// How dear a guess at a passphrase is made: Argon2id over so much memory, so many times. Stands in the file; reading refuses more than
/// 1 GiB and 16 passes.
struct SealOptions {
  int64_t memory = int64_t{256} << 20;  ///< bytes, at least 8 KiB
  int64_t passes = 3;
};

namespace detail {
void save_sealed(AnyModel model, const nn::ModelInfo& info, const std::string& path, const SealKey& key, const SealOptions& options);
}  // namespace detail

/// Writes a model as save does, encrypted; nothing of it lies on the disk in the clear.
///
///   io::save_sealed(model, "sealed.gradus", io::SealKey::from_passphrase("correct horse"), io::info_of(train_set));
template <class M>
void save_sealed(const M& model, const std::string& path, const SealKey& key, const nn::ModelInfo& info, SealOptions options = {}) {
  if constexpr (::gradus::core::must_be_module<M>())
    detail::with_any(model, [&](detail::AnyModel any) { detail::save_sealed(std::move(any), info, path, key, options); });
}
template <class M>
void save_sealed(const M& model, const std::string& path, const SealKey& key) {
  if constexpr (std::same_as<M, nn::Model>) save_sealed(model, path, key, model.info);
  else save_sealed(model, path, key, nn::ModelInfo{});
}
/// Reads a sealed model. Throws for a wrong key, a damaged or shortened file, one that is not sealed, and one whose key would take more
/// memory or time than SealOptions allows.
nn::Model load(const std::string& path, const SealKey& key);

/// While it lives, all that reads model files in this thread asks `key_of(path)` for the key of a sealed one: io::load of any form,
/// and what calls it.
///
///   const io::UnsealScope scope([](const std::string&) { return io::SealKey::from_passphrase("correct horse"); });
///   io::load(model, "sealed.gradus");
class UnsealScope {
 public:
  explicit UnsealScope(std::function<SealKey(const std::string& path)> key_of);
  ~UnsealScope();
  UnsealScope(const UnsealScope&) = delete;
  UnsealScope& operator=(const UnsealScope&) = delete;

 private:
  friend struct Unsealing;
  std::function<SealKey(const std::string& path)> key_of_;
  UnsealScope* outer_;
};

/// Whether a file begins as sealed ones do.
bool is_sealed(const std::string& path);
/// Encrypts any file into another one, or the same; and back, which puts its content on the disk in the clear.
void seal(const std::string& from, const std::string& to, const SealKey& key, SealOptions options = {});
void unseal(const std::string& from, const std::string& to, const SealKey& key);

/// A pair of keys of Ed25519: who has the secret one signs, anybody who has the public one can tell.
class SigningKey {
 public:
  static SigningKey random();
  /// A file as write() makes it.
  static SigningKey from_file(const std::string& path);
  /// Writes the secret key, readable by its owner only. Throws where the file is there already.
  void write(const std::string& path) const;
  /// The public key, 64 hexadecimal digits: to be handed out by a way that others trust.
  std::string public_key() const;

  const SealKey::Secret& secret() const { return *secret_; }

 private:
  explicit SigningKey(std::shared_ptr<const SealKey::Secret> secret) : secret_(std::move(secret)) {}
  std::shared_ptr<const SealKey::Secret> secret_;
};

/// Signs all bytes of a file (Ed25519ph), sealed or not; the signature goes into a file beside it, path + ".sig".
void sign(const std::string& path, const SigningKey& key);
/// Throws unless path + ".sig" is a signature of the file by the owner of this public key, 64 hexadecimal digits. A signature says who made
/// a file, not what it is: one of another file of the same signer, put in its place, passes.
void verify(const std::string& path, std::string_view public_key);

namespace detail {
/// The content of a sealed file, for as long as it is held; in memory that is wiped then.
class Unsealed {
 public:
  Unsealed(const std::string& path, const SealKey& key);
  ~Unsealed();
  Unsealed(const Unsealed&) = delete;
  Unsealed& operator=(const Unsealed&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};
/// The key that the scopes of this thread give for a sealed file. Throws, saying how to give one, where there is no scope.
SealKey key_for(const std::string& path);
}  // namespace detail

}  // namespace gradus::io
