#include "gradus/cli/command.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

#include "gradus/base/text.hpp"

namespace gradus::cli {

Command::Command(CLI::App& app, const std::string& name, const std::string& purpose) : app_(app.add_subcommand(name, purpose)) {}

void Command::positional(const std::string& name, std::string& value, const std::string& help, Need need) {
  app_->add_option(name, value, help)->required(need == Need::required);
}

void Command::positional(const std::string& name, std::vector<std::string>& values, const std::string& help, Need need) {
  app_->add_option(name, values, help)->required(need == Need::required);
}

void Command::option(const std::string& names, const std::string& kind, std::string& value, const std::string& help) {
  app_->add_option(names, value, help)->type_name(kind);
}

void Command::option(const std::string& names, const std::string& kind, std::optional<std::string>& value, const std::string& help) {
  app_->add_option_function<std::string>(
          names, [&value](const std::string& said) { value = said; }, help)
      ->type_name(kind);
}

void Command::option(const std::string& names, const std::string& kind, std::vector<std::string>& values, const std::string& help) {
  app_->add_option(names, values, help)->type_name(kind)->allow_extra_args(false);
}

void Command::option(const std::string& names, NumberRange range, int64_t& value, const std::string& help) {
  // The parser takes numbers beyond 64 bits for the largest.
  const auto is_whole = [](const std::string& text) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_beyond = error == std::errc::result_out_of_range && end == text.data() + text.size();
    return is_beyond ? text + " is beyond 64 bits" : std::string();
  };
  app_->add_option(names, value, help)->check(is_whole)->check(CLI::Range(range.least, range.most))->type_name("N");
}

void Command::option(const std::string& names, double& value, const std::string& help) {
  const auto is_finite = [](const std::string& text) {
    double number = 0;
    const bool is_number = CLI::detail::lexical_cast(text, number) && std::isfinite(number);
    return is_number ? std::string() : "\"" + text + "\" is no number";
  };
  app_->add_option(names, value, help)->check(is_finite)->type_name("X");
}

void Command::flag(const std::string& name, bool& value, const std::string& help) { app_->add_flag(name, value, help); }

void Command::excludes(const std::string& name, const std::vector<std::string>& others) {
  for (const std::string& other : others) app_->get_option(name)->excludes(app_->get_option(other));
}

void Command::needs(const std::string& name, const std::string& other) { app_->get_option(name)->needs(app_->get_option(other)); }

void Command::footer(const std::string& text) { app_->footer(text); }

void Command::runs(std::function<void()> callback) { app_->callback(std::move(callback)); }

std::string instead_of(const std::string& name, const std::vector<std::string>& names) {
  const std::string near = core::nearest(name, names);
  return near.empty() ? "; there are " + core::join(names) : "; did you mean " + near + "?";
}

void fail_missing(const std::string& name) { throw CLI::RequiredError(name); }

}  // namespace gradus::cli
