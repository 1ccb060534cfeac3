// What the doctor finds: a mistake in data, model or training, why it matters, and one line that mends it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::train {

/// warning: training works, and worse than it could. serious: it cannot work, or its scores mean nothing.
enum class Severity : uint8_t { warning, serious };
std::span<const std::string_view> enum_names(Severity);

/// One mistake.
struct Finding {
  std::string where{};   ///< column "id"; optimizer; layer Sequential > dense_1
  std::string what{};    ///< what is there, with the values
  std::string why{};     ///< why it matters
  std::string remedy{};  ///< one line that mends it: in the words of the library, and of recipes where they differ
  Severity severity = Severity::warning;
  std::string kind{};  ///< the same word for the same mistake: "labels from 1", "leak", "duplicate rows"

  friend bool operator==(const Finding&, const Finding&) = default;
};

/// "doctor: column "id": holds ...\n  why: ...\n  remedy: ...\n", control characters made visible.
std::string to_text(const Finding& finding);
/// Whether one of them is serious.
bool has_serious(const std::vector<Finding>& findings);
/// Writes them to standard error; in colour only on a terminal (TERM is not dumb, NO_COLOR is not set).
void print(const std::vector<Finding>& findings);

/// How much fit looks at what it is given, and at what happens while it trains (train/doctor.hpp). automatic: as warn where fit is verbose,
/// else not at all. warn: findings are in History::findings, and printed to standard error if fit is verbose. strict: fit stops with an
/// error that lists them, before the first step, or after the epoch in which something serious arose.
enum class Doctor : uint8_t { automatic, off, warn, strict };
std::span<const std::string_view> enum_names(Doctor);
/// For those who know: .doctor = off
inline constexpr Doctor off = Doctor::off;

}  // namespace gradus::train

namespace gradus {
using train::off;
}  // namespace gradus
