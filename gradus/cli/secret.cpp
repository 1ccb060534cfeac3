// Keys from files, the environment, and the terminal.
#include "gradus/cli/secret.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"

namespace gradus::cli {

using namespace core;

namespace {

constexpr size_t kLongest = 1 << 16;

// The terminal of the process, which shows nothing of what is typed while this lives.
class QuietTerminal {
 public:
  QuietTerminal() : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
    is_quiet_ = descriptor_ >= 0 && ::tcgetattr(descriptor_, &before_) == 0;
    if (!is_quiet_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_quiet_ = ::tcsetattr(descriptor_, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (is_quiet_) ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

  bool is_there() const { return is_quiet_; }
  int descriptor() const { return descriptor_; }
  void write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t count = ::write(descriptor_, text.data(), text.size());
      if (count <= 0) return;
      text.remove_prefix(static_cast<size_t>(count));
    }
  }

 private:
  int descriptor_;
  bool is_quiet_ = false;
  termios before_{};
};

// A text that is overwritten when it goes.
struct Wiped {
  std::string text{};
  Wiped() { text.reserve(kLongest); }  // so that no copy stays behind where it grows
  ~Wiped() {
    volatile char* at = text.data();
    for (size_t i = 0; i < text.size(); ++i) at[i] = 0;
  }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
};

void read_line(int descriptor, std::string_view from, Wiped& line) {
  for (char c = 0;;) {
    const ssize_t count = ::read(descriptor, &c, 1);
    if (count < 0 && errno == EINTR) throw Error(Error::Kind::interrupted, "interrupted", "no passphrase was read");
    if (count <= 0 || c == '\n') break;
    if (line.text.size() + 1 >= kLongest) fail_io(from, "the passphrase has more than ", kLongest, " bytes");
    line.text += c;
  }
  if (line.text.ends_with('\r')) line.text.pop_back();
  if (line.text.empty()) fail_io(from, "the passphrase is empty");
}

io::SealKey passphrase_in(const std::string& path) {
  Wiped line;
  if (path == "-") {
    read_line(0, "standard input", line);
  } else {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) fail_io(path, "cannot be read");
    try {
      read_line(descriptor, path, line);
    } catch (...) {
      ::close(descriptor);
      throw;
    }
    ::close(descriptor);
  }
  return io::SealKey::from_passphrase(line.text);
}

io::SealKey asked(const std::string& path, bool is_new) {
  const QuietTerminal terminal;
  if (!terminal.is_there()) {
    throw Error(Error::Kind::io, path, is_new ? "there is no key to seal it by" : "is sealed, and there is no key")
        .with_hint("--key-file or --passphrase-from where a command has them, GRADUS_KEY_FILE or GRADUS_PASSPHRASE, or a terminal to ask");
  }
  Wiped first, second;
  terminal.write(concat("passphrase of ", printable(path), ": "));
  read_line(terminal.descriptor(), "terminal", first);
  terminal.write("\n");
  if (is_new) {
    terminal.write("once more: ");
    read_line(terminal.descriptor(), "terminal", second);
    terminal.write("\n");
    if (first.text != second.text) fail_io("terminal", "the passphrases differ; nothing is sealed");
  }
  return io::SealKey::from_passphrase(first.text);
}

io::SealKey found(const std::string& path, const KeySource& source, bool is_new) {
  if (!source.key_file.empty()) return io::SealKey::from_file(source.key_file);
  if (!source.passphrase_file.empty()) return passphrase_in(source.passphrase_file);
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string_view(value ? value : "");
  };
  if (const std::string_view file = variable("GRADUS_KEY_FILE"); !file.empty()) return io::SealKey::from_file(std::string(file));
  if (const std::string_view passphrase = variable("GRADUS_PASSPHRASE"); !passphrase.empty())
    return io::SealKey::from_passphrase(passphrase);
  return asked(path, is_new);
}

}  // namespace

io::SealKey key_for(const std::string& path, const KeySource& source) { return found(path, source, false); }
io::SealKey new_key_for(const std::string& path, const KeySource& source) { return found(path, source, true); }

}  // namespace gradus::cli
