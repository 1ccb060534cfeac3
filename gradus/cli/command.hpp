// One command of the command line and the arguments that it takes. A file that includes CLI11 takes ten seconds to compile: command.cpp and
// main.cpp do.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace gradus::cli {

/// Whether a command can do without an argument.
enum class Need : uint8_t { optional, required };

/// The values that a number may have, both ends included.
struct NumberRange {
  int64_t least = 0, most = 0;
};

/// The values given are references that must live until the command has run: its callback holds them.
class Command {
 public:
  Command(CLI::App& app, const std::string& name, const std::string& purpose);

  /// An argument without a name, found by its place; a list takes all that follow.
  void positional(const std::string& name, std::string& value, const std::string& help, Need need = Need::optional);
  void positional(const std::string& name, std::vector<std::string>& values, const std::string& help, Need need = Need::optional);
  /// "--name KIND"; a list takes one value each time that it is named.
  void option(const std::string& names, const std::string& kind, std::string& value, const std::string& help);
  void option(const std::string& names, const std::string& kind, std::optional<std::string>& value, const std::string& help);
  void option(const std::string& names, const std::string& kind, std::vector<std::string>& values, const std::string& help);
  /// "--name N".
  void option(const std::string& names, NumberRange range, int64_t& value, const std::string& help);
  /// "--name X": any finite number.
  void option(const std::string& names, double& value, const std::string& help);
  void flag(const std::string& name, bool& value, const std::string& help);
  /// Wrong usage where `name` and one of the others are given.
  void excludes(const std::string& name, const std::vector<std::string>& others);
  /// Wrong usage where `name` is given and `other` is not.
  void needs(const std::string& name, const std::string& other);
  /// Printed below the help: what is worth knowing, and examples.
  void footer(const std::string& text);
  /// What it does, once its arguments are read.
  void runs(std::function<void()> callback);

 private:
  CLI::App* app_;
};

/// What a message adds about a name that is none of these: "; did you mean adam?", or "; there are sgd, adam".
std::string instead_of(const std::string& name, const std::vector<std::string>& names);

/// Ends the command as wrong usage: "RECIPE is required".
[[noreturn]] void fail_missing(const std::string& name);

}  // namespace gradus::cli
