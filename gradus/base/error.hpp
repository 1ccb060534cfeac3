// The one exception type of Gradus, with the parts of its message as fields.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "gradus/base/text.hpp"

namespace gradus {

/// What went wrong, written for the person who reads it:
///
///   matmul: a is (32, 784) and b is (785, 128): a's last size (784) and b's second to last (785) must be equal
///     in: Sequential > dense_1 (Dense, 785 -> 128)
///     hint: ...
///
/// `what()` is that text; the fields are its parts, for programs.
class Error : public std::exception {
 public:
  enum class Kind {
    invalid,      ///< an argument, file or recipe is wrong
    io,           ///< a file is missing, unreadable, truncated or corrupt, or the disk is full
    memory,       ///< an allocation above the limit, or refused by the system
    interrupted,  ///< Ctrl-C or a stop request
    bug,          ///< a mistake of Gradus itself
  };

  Error(Kind kind, std::string_view place, std::string_view problem);

  Kind kind() const { return kind_; }
  /// Op, file or key that the error is about, for example "matmul".
  const std::string& place() const { return place_; }
  /// What is wrong, with the values, and the rule.
  const std::string& problem() const { return problem_; }
  /// Module path where it happened, for example "Sequential > dense_1"; empty outside a module.
  const std::string& path() const { return path_; }
  /// What would help; "" where nobody can be sure.
  const std::string& hint() const { return hint_; }

  /// The same error with a hint, in place of another one: throw Error(...).with_hint("...").
  Error&& with_hint(std::string_view hint) &&;
  /// Sets the module path if none is set yet.
  void set_path(std::string_view path);

  const char* what() const noexcept override { return text_.c_str(); }

 private:
  void compose();

  Kind kind_;
  std::string place_, problem_, path_, hint_, text_;
};

}  // namespace gradus

namespace gradus::core {

/// Throws an Error of kind invalid: `place: parts...`.
template <class... Parts>
[[noreturn]] void fail(std::string_view place, const Parts&... parts) {
  throw Error(Error::Kind::invalid, place, concat(parts...));
}
/// Throws an Error of kind io: `place: parts...`; `place` is a path.
template <class... Parts>
[[noreturn]] void fail_io(std::string_view place, const Parts&... parts) {
  throw Error(Error::Kind::io, place, concat(parts...));
}
/// Throws an Error that says Gradus itself is wrong.
template <class... Parts>
[[noreturn]] void fail_bug(const Parts&... parts) {
  throw Error(Error::Kind::bug, "gradus bug", concat(parts...));
}

}  // namespace gradus::core
