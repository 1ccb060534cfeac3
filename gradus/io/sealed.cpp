// The form of sealed files, by libsodium.
#include "gradus/io/sealed.hpp"

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"

#ifdef GRADUS_HAS_SODIUM
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#endif

namespace gradus::io {

using namespace core;

namespace {
constexpr std::string_view kMagic("gradus\x1b\x01", 8);
thread_local UnsealScope* innermost = nullptr;
}  // namespace

UnsealScope::UnsealScope(std::function<SealKey(const std::string& path)> key_of) : key_of_(std::move(key_of)), outer_(innermost) {
  innermost = this;
}
UnsealScope::~UnsealScope() { innermost = outer_; }

struct Unsealing {
  static SealKey key_for(const std::string& path) { return innermost->key_of_(path); }
};

SealKey detail::key_for(const std::string& path) {
  if (!innermost) {
    throw Error(Error::Kind::io, path, "is sealed, and no key is given")
        .with_hint("io::load(path, io::SealKey::from_passphrase(...)), or an io::UnsealScope around what reads it");
  }
  return Unsealing::key_for(path);
}

bool is_sealed(const std::string& path) {
  const file::Reader reader(path);
  std::string start(kMagic.size(), ' ');
  if (reader.bytes() < static_cast<int64_t>(start.size())) return false;
  reader.read_at(0, start.data(), static_cast<int64_t>(start.size()));
  return start == kMagic;
}

nn::Model load(const std::string& path, const SealKey& key) {
  if (!is_sealed(path)) fail_io(path, "is not sealed; a file that anybody could have changed is not taken for one that needs a key");
  const UnsealScope scope([&](const std::string&) { return key; });
  return load(path);
}

#ifdef GRADUS_HAS_SODIUM

namespace {

constexpr size_t kChunk = size_t{1} << 16, kTag = crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr int64_t kMostMemory = int64_t{1} << 30, kMostPasses = 16, kLongestPassphrase = 1 << 20;
constexpr uint32_t kOfKeyFile = 0, kOfPassphrase = 1;
constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "gradseal";

void start_sodium() {
  if (sodium_init() < 0) fail("seal", "libsodium cannot be started");
}

// Memory that no core dump has, locked where the system lets it be, wiped when it goes.
class Hidden {
 public:
  explicit Hidden(size_t size) : size_(size) {
    start_sodium();
    data_ = static_cast<unsigned char*>(sodium_malloc(std::max<size_t>(size, 1)));
    if (!data_) throw Error(Error::Kind::memory, "seal", concat("there is no memory for ", size, " bytes that stay hidden"));
  }
  ~Hidden() { sodium_free(data_); }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
  unsigned char* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  unsigned char* data_ = nullptr;
  size_t size_;
};

struct Header {
  uint32_t kind = kOfKeyFile;
  uint64_t passes = 0, memory = 0, content = 0;
  std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
  std::array<unsigned char, 16> check{};  // of the key
  std::array<unsigned char, crypto_secretstream_xchacha20poly1305_HEADERBYTES> stream{};
};
using HeaderBytes = std::array<unsigned char, 8 + 4 * 8 + 16 + 16 + 24 + 8>;

// magic, kind, passes, memory, content, salt, check, stream, 0; numbers of 8 bytes, little endian.
HeaderBytes bytes_of(const Header& header) {
  HeaderBytes out{};
  size_t at = 0;
  const auto put = [&](const void* data, size_t size) {
    std::memcpy(out.data() + at, data, size);
    at += size;
  };
  const auto number = [&](uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) out[at++] = static_cast<unsigned char>(value >> (8 * i));
  };
  put(kMagic.data(), kMagic.size());
  number(header.kind, 8);
  number(header.passes, 8);
  number(header.memory, 8);
  number(header.content, 8);
  put(header.salt.data(), header.salt.size());
  put(header.check.data(), header.check.size());
  put(header.stream.data(), header.stream.size());
  return out;
}

Header header_of(const HeaderBytes& bytes, const std::string& path) {
  size_t at = kMagic.size();
  const auto number = [&] {
    uint64_t value = 0;
    for (size_t i = 8; i-- > 0;) value = value << 8 | bytes[at + i];
    at += 8;
    return value;
  };
  const auto get = [&](auto& out) {
    std::memcpy(out.data(), bytes.data() + at, out.size());
    at += out.size();
  };
  Header header;
  const uint64_t kind = number();
  header.passes = number();
  header.memory = number();
  header.content = number();
  get(header.salt);
  get(header.check);
  get(header.stream);
  if (kind > kOfPassphrase || number() != 0) fail_io(path, "is sealed in a way that this program does not know, or its header is damaged");
  header.kind = static_cast<uint32_t>(kind);
  return header;
}

int64_t chunks_of(uint64_t content) { return content == 0 ? 1 : static_cast<int64_t>((content - 1) / kChunk + 1); }

void check_lengths(const Header& header, const file::Reader& reader) {
  const auto most = static_cast<uint64_t>(reader.bytes());
  const bool fits = header.content <= most && reader.bytes() == static_cast<int64_t>(sizeof(HeaderBytes) + header.content) +
                                                                    chunks_of(header.content) * static_cast<int64_t>(kTag);
  if (!fits) {
    fail_io(reader.path(), "is sealed content of ", header.content, " bytes by its header, and the file has ", reader.bytes(),
            "; it is cut short or damaged");
  }
}

void check_cost(std::string_view place, uint64_t memory, uint64_t passes) {
  constexpr uint64_t least = crypto_pwhash_MEMLIMIT_MIN;
  if (memory < least || memory > uint64_t{kMostMemory} || passes < 1 || passes > uint64_t{kMostPasses}) {
    fail_io(place, "its key would be made in ", memory, " bytes of memory and ", passes, " passes; they may be ", least, " to ",
            kMostMemory, ", and 1 to ", kMostPasses);
  }
}

}  // namespace

struct SealKey::Secret {
  Secret(bool is_passphrase, size_t size) : is_passphrase(is_passphrase), bytes(size) {}
  bool is_passphrase;
  Hidden bytes;
};

namespace {

// The keys of one file: one for its content, one that tells a wrong key from a damaged file.
class FileKeys {
 public:
  FileKeys(const SealKey& key, const Header& header) : content_(crypto_secretstream_xchacha20poly1305_KEYBYTES) {
    const SealKey::Secret& secret = key.secret();
    Hidden master(crypto_kdf_KEYBYTES);
    if (secret.is_passphrase) {
      const int failed =
          crypto_pwhash(master.data(), master.size(), reinterpret_cast<const char*>(secret.bytes.data()), secret.bytes.size(),
                        header.salt.data(), header.passes, static_cast<size_t>(header.memory), crypto_pwhash_ALG_ARGON2ID13);
      if (failed) throw Error(Error::Kind::memory, "seal", concat("there is no memory for a key of ", header.memory, " bytes of work"));
    } else {
      // Each file has keys of its own: its salt goes in.
      crypto_generichash(master.data(), master.size(), header.salt.data(), header.salt.size(), secret.bytes.data(), secret.bytes.size());
    }
    crypto_kdf_derive_from_key(content_.data(), content_.size(), 1, kContext, master.data());
    crypto_kdf_derive_from_key(check_.data(), check_.size(), 2, kContext, master.data());
  }
  const unsigned char* content() const { return content_.data(); }
  const std::array<unsigned char, 16>& check() const { return check_; }

 private:
  Hidden content_;
  std::array<unsigned char, 16> check_{};
};

// Takes a file's content piece by piece and seals it.
class Sealer {
 public:
  Sealer(const SealKey& key, const SealOptions& options, uint64_t content) {
    start_sodium();
    header_.content = content;
    if (key.secret().is_passphrase) {
      check_cost("seal", static_cast<uint64_t>(options.memory), static_cast<uint64_t>(options.passes));
      header_.kind = kOfPassphrase;
      header_.memory = static_cast<uint64_t>(options.memory);
      header_.passes = static_cast<uint64_t>(options.passes);
    }
    randombytes_buf(header_.salt.data(), header_.salt.size());
    const FileKeys keys(key, header_);
    header_.check = keys.check();
    crypto_secretstream_xchacha20poly1305_init_push(&state_, header_.stream.data(), keys.content());
    const HeaderBytes bytes = bytes_of(header_);
    out_.assign(bytes.begin(), bytes.end());
    out_.reserve(bytes.size() + content + static_cast<size_t>(chunks_of(content)) * kTag);
  }
  ~Sealer() { sodium_memzero(&state_, sizeof state_); }
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;

  void add(std::span<const std::byte> piece) {
    while (!piece.empty()) {
      if (filled_ == kChunk) push(0);
      const size_t count = std::min(piece.size(), kChunk - filled_);
      std::memcpy(chunk_.data() + filled_, piece.data(), count);
      filled_ += count;
      piece = piece.subspan(count);
    }
  }
  std::span<const std::byte> finish() {
    push(crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    return std::as_bytes(std::span(out_));
  }

 private:
  void push(unsigned char tag) {
    const HeaderBytes bytes = bytes_of(header_);  // bound to the first chunk, and by the stream to all others
    const size_t at = out_.size();
    out_.resize(at + filled_ + kTag);
    crypto_secretstream_xchacha20poly1305_push(&state_, out_.data() + at, nullptr, chunk_.data(), filled_,
                                               is_first_ ? bytes.data() : nullptr, is_first_ ? bytes.size() : 0, tag);
    is_first_ = false;
    filled_ = 0;
  }

  Header header_{};
  crypto_secretstream_xchacha20poly1305_state state_{};
  Hidden chunk_{kChunk};
  size_t filled_ = 0;
  bool is_first_ = true;
  std::vector<unsigned char> out_;
};

uint64_t size_of(std::span<const file::Piece> pieces) {
  uint64_t size = 0;
  for (const file::Piece& piece : pieces) size += piece.size();
  return size;
}

void write_sealed(const std::string& path, std::span<const file::Piece> pieces, const SealKey& key, const SealOptions& options) {
  Sealer sealer(key, options, size_of(pieces));
  for (const file::Piece& piece : pieces) sealer.add(piece);
  const file::Piece whole = sealer.finish();
  file::write_atomically(path, std::span(&whole, 1));
}

// ---- keys in files ----

std::string hexadecimal(std::span<const unsigned char> bytes) {
  std::string text(2 * bytes.size() + 1, ' ');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

// Exactly out.size() bytes of hexadecimal digits; false if the text is anything else.
bool read_hexadecimal(std::string_view text, std::span<unsigned char> out) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  size_t count = 0;
  const char* end = nullptr;
  if (text.size() != 2 * out.size() || sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, &count, &end) != 0)
    return false;
  return count == out.size() && end == text.data() + text.size();
}

void write_secret(const std::string& path, std::string_view beginning, std::span<const unsigned char> secret) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    if (errno == EEXIST) fail_io(path, "is there already; a key is not written over another one");
    fail_io(path, "cannot be written: ", std::strerror(errno));
  }
  std::string text = concat(beginning, hexadecimal(secret), "\n");
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  const bool is_whole = written == static_cast<ssize_t>(text.size()) && ::fsync(descriptor) == 0;
  ::close(descriptor);
  sodium_memzero(text.data(), text.size());
  if (is_whole) return;
  ::unlink(path.c_str());
  fail_io(path, "cannot be written whole");
}

std::shared_ptr<SealKey::Secret> read_secret(const std::string& path, std::string_view beginning, size_t size, std::string_view kind) {
  std::string text = file::read_all(path, 4096);
  auto secret = std::make_shared<SealKey::Secret>(false, size);
  const bool is_key = text.starts_with(beginning) &&
                      read_hexadecimal(std::string_view(text).substr(beginning.size()), {secret->bytes.data(), secret->bytes.size()});
  sodium_memzero(text.data(), text.size());
  if (!is_key) fail_io(path, "is no ", kind, "; gradus seal --new-key and gradus sign --new-key make such files");
  return secret;
}

constexpr std::string_view kKeyFile = "gradus-key ", kSigningFile = "gradus-signing-key ", kSignature = "gradus-signature ";

// The state of Ed25519ph after all bytes of a file.
crypto_sign_state hashed(const std::string& path) {
  start_sodium();
  crypto_sign_state state;
  crypto_sign_init(&state);
  const file::Reader reader(path);
  std::vector<unsigned char> part(kChunk);
  for (int64_t at = 0; at < reader.bytes();) {
    const int64_t count = std::min<int64_t>(static_cast<int64_t>(kChunk), reader.bytes() - at);
    reader.read_at(at, part.data(), count);
    crypto_sign_update(&state, part.data(), static_cast<size_t>(count));
    at += count;
  }
  return state;
}

}  // namespace

SealKey SealKey::from_passphrase(std::string_view passphrase) {
  if (passphrase.empty()) fail("seal", "the passphrase is empty");
  if (static_cast<int64_t>(passphrase.size()) > kLongestPassphrase)
    fail("seal", "the passphrase has ", passphrase.size(), " bytes; it may have ", kLongestPassphrase);
  auto secret = std::make_shared<Secret>(true, passphrase.size());
  std::memcpy(secret->bytes.data(), passphrase.data(), passphrase.size());
  return SealKey(std::move(secret));
}
SealKey SealKey::from_file(const std::string& path) { return SealKey(read_secret(path, kKeyFile, crypto_kdf_KEYBYTES, "key file")); }
SealKey SealKey::random() {
  auto secret = std::make_shared<Secret>(false, crypto_kdf_KEYBYTES);
  randombytes_buf(secret->bytes.data(), secret->bytes.size());
  return SealKey(std::move(secret));
}
void SealKey::write(const std::string& path) const {
  if (secret_->is_passphrase) fail("seal", "a passphrase is not written to a file; io::SealKey::random() makes a key that is");
  write_secret(path, kKeyFile, {secret_->bytes.data(), secret_->bytes.size()});
}

void detail::save_sealed(AnyModel model, const nn::ModelInfo& info, const std::string& path, const SealKey& key,
                         const SealOptions& options) {
  const ModelContent content = content_of(std::move(model), info);
  with_safetensors(content.arrays, content.metadata,
                   [&](std::span<const file::Piece> pieces) { write_sealed(path, pieces, key, options); });
}

void seal(const std::string& from, const std::string& to, const SealKey& key, SealOptions options) {
  if (is_sealed(from)) fail_io(from, "is sealed already");
  const file::Reader reader(from);
  Hidden content(static_cast<size_t>(reader.bytes()));
  reader.read_at(0, content.data(), reader.bytes());
  const file::Piece whole = std::as_bytes(std::span(content.data(), content.size()));
  write_sealed(to, std::span(&whole, 1), key, options);
}
void unseal(const std::string& from, const std::string& to, const SealKey& key) {
  const detail::Unsealed content(from, key);
  const file::Piece whole = content.bytes();
  file::write_atomically(to, std::span(&whole, 1));
}

detail::Unsealed::Unsealed(const std::string& path, const SealKey& key) {
  if (!is_sealed(path)) fail_io(path, "is not sealed");
  const file::Reader reader(path);
  HeaderBytes bytes;
  if (reader.bytes() < static_cast<int64_t>(bytes.size())) fail_io(path, "is sealed, and has ", reader.bytes(), " bytes; it is cut short");
  reader.read_at(0, bytes.data(), static_cast<int64_t>(bytes.size()));
  const Header header = header_of(bytes, path);
  check_lengths(header, reader);
  if ((header.kind == kOfPassphrase) != key.secret().is_passphrase)
    fail_io(path, "is sealed by a ", header.kind == kOfPassphrase ? "passphrase" : "key file", ", and the key given is another kind");
  if (header.kind == kOfPassphrase) check_cost(path, header.memory, header.passes);
  const FileKeys keys(key, header);
  if (sodium_memcmp(keys.check().data(), header.check.data(), header.check.size()) != 0)
    fail_io(path, "the ", header.kind == kOfPassphrase ? "passphrase" : "key", " is wrong, or the header of the file is damaged");

  size_ = static_cast<size_t>(header.content);
  data_ = static_cast<std::byte*>(sodium_malloc(std::max<size_t>(size_, 1)));
  if (!data_) throw Error(Error::Kind::memory, path, concat("there is no memory for its ", size_, " bytes"));
  crypto_secretstream_xchacha20poly1305_state state;
  bool is_good = crypto_secretstream_xchacha20poly1305_init_pull(&state, header.stream.data(), keys.content()) == 0;
  std::vector<unsigned char> part(kChunk + kTag);
  const int64_t chunks = chunks_of(header.content);
  size_t done = 0;
  int64_t at = static_cast<int64_t>(bytes.size()), chunk = 0;
  for (; is_good && chunk < chunks; ++chunk) {
    const size_t count = std::min(kChunk, size_ - done);
    reader.read_at(at, part.data(), static_cast<int64_t>(count + kTag));
    unsigned char tag = 0;
    const bool is_first = chunk == 0, is_last = chunk + 1 == chunks;
    is_good =
        crypto_secretstream_xchacha20poly1305_pull(&state, reinterpret_cast<unsigned char*>(data_ + done), nullptr, &tag, part.data(),
                                                   count + kTag, is_first ? bytes.data() : nullptr, is_first ? bytes.size() : 0) == 0 &&
        (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL) == is_last;
    done += count;
    at += static_cast<int64_t>(count + kTag);
  }
  sodium_memzero(&state, sizeof state);
  if (is_good) return;
  sodium_free(data_);
  fail_io(path, "is damaged in piece ", chunk, " of ", chunks, ": what is there is not what was sealed");
}
detail::Unsealed::~Unsealed() { sodium_free(data_); }

SigningKey SigningKey::random() {
  auto secret = std::make_shared<SealKey::Secret>(false, crypto_sign_SECRETKEYBYTES);
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> ignored{};
  crypto_sign_keypair(ignored.data(), secret->bytes.data());
  return SigningKey(std::move(secret));
}
SigningKey SigningKey::from_file(const std::string& path) {
  // A seed of 32 bytes: the rest of the secret key follows from it, so that the two cannot contradict each other.
  const auto seed = read_secret(path, kSigningFile, crypto_sign_SEEDBYTES, "signing key");
  auto secret = std::make_shared<SealKey::Secret>(false, crypto_sign_SECRETKEYBYTES);
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> ignored{};
  crypto_sign_seed_keypair(ignored.data(), secret->bytes.data(), seed->bytes.data());
  return SigningKey(std::move(secret));
}
void SigningKey::write(const std::string& path) const {
  Hidden seed(crypto_sign_SEEDBYTES);
  crypto_sign_ed25519_sk_to_seed(seed.data(), secret_->bytes.data());
  write_secret(path, kSigningFile, {seed.data(), seed.size()});
}
std::string SigningKey::public_key() const {
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> key{};
  crypto_sign_ed25519_sk_to_pk(key.data(), secret_->bytes.data());
  return hexadecimal(key);
}

void sign(const std::string& path, const SigningKey& key) {
  crypto_sign_state state = hashed(path);
  std::array<unsigned char, crypto_sign_BYTES> signature{};
  crypto_sign_final_create(&state, signature.data(), nullptr, key.secret().bytes.data());
  file::write_atomically(path + ".sig", concat(kSignature, key.public_key(), " ", hexadecimal(signature), "\n"));
}

void verify(const std::string& path, std::string_view public_key) {
  start_sodium();
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> wanted{}, signer{};
  std::array<unsigned char, crypto_sign_BYTES> signature{};
  if (!read_hexadecimal(public_key, wanted))
    fail("verify", "the public key has ", public_key.size(), " characters; it must be 64 hexadecimal digits");
  const std::string at = path + ".sig", text = file::read_all(at, 4096);
  const std::string_view rest = std::string_view(text).substr(std::min(kSignature.size(), text.size()));
  const size_t space = rest.find(' ');
  const bool is_signature = text.starts_with(kSignature) && space != std::string_view::npos &&
                            read_hexadecimal(rest.substr(0, space), signer) && read_hexadecimal(rest.substr(space + 1), signature);
  if (!is_signature) fail_io(at, "is no signature of gradus sign");
  if (signer != wanted) fail_io(path, "is signed by ", hexadecimal(signer), ", and not by ", hexadecimal(wanted));
  crypto_sign_state state = hashed(path);
  if (crypto_sign_final_verify(&state, signature.data(), wanted.data()) != 0)
    fail_io(path, "is not what ", hexadecimal(wanted), " has signed: the file or its signature was changed");
}

#else  // without libsodium

namespace {
[[noreturn]] void fail_without(std::string_view place) {
  throw Error(Error::Kind::invalid, place, "this build of Gradus has no libsodium, by which files are sealed and signed")
      .with_hint("on Debian, apt-get install libsodium-dev, and build again");
}
}  // namespace

struct SealKey::Secret {};

SealKey SealKey::from_passphrase(std::string_view) { fail_without("seal"); }
SealKey SealKey::from_file(const std::string& path) { fail_without(path); }
SealKey SealKey::random() { fail_without("seal"); }
void SealKey::write(const std::string& path) const { fail_without(path); }
void detail::save_sealed(AnyModel, const nn::ModelInfo&, const std::string& path, const SealKey&, const SealOptions&) {
  fail_without(path);
}
void seal(const std::string& from, const std::string&, const SealKey&, SealOptions) { fail_without(from); }
void unseal(const std::string& from, const std::string&, const SealKey&) { fail_without(from); }
detail::Unsealed::Unsealed(const std::string& path, const SealKey&) { fail_without(path); }
detail::Unsealed::~Unsealed() = default;
SigningKey SigningKey::random() { fail_without("sign"); }
SigningKey SigningKey::from_file(const std::string& path) { fail_without(path); }
void SigningKey::write(const std::string& path) const { fail_without(path); }
std::string SigningKey::public_key() const { fail_without("sign"); }
void sign(const std::string& path, const SigningKey&) { fail_without(path); }
void verify(const std::string& path, std::string_view) { fail_without(path); }

#endif

}  // namespace gradus::io
