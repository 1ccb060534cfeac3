// Findings as text.
#include "gradus/train/finding.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "gradus/base/printable.hpp"
#include "gradus/base/text.hpp"

namespace gradus::train {

using namespace core;

std::span<const std::string_view> enum_names(Severity) {
  static constexpr std::string_view names[] = {"warning", "serious"};
  return names;
}
std::span<const std::string_view> enum_names(Doctor) {
  static constexpr std::string_view names[] = {"automatic", "off", "warn", "strict"};
  return names;
}

std::string to_text(const Finding& finding) {
  return concat("doctor: ", printable(finding.where), ": ", printable(finding.what), "\n  why: ", printable(finding.why),
                "\n  remedy: ", printable(finding.remedy), "\n");
}

bool has_serious(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& each) { return each.severity == Severity::serious; });
}

void print(const std::vector<Finding>& findings) {
  if (findings.empty()) return;
  std::fflush(stdout);
  const char* kind = std::getenv("TERM");
  const bool has_colour = ::isatty(2) && kind && std::string_view(kind) != "dumb" && !std::getenv("NO_COLOR");
  for (const Finding& finding : findings) {
    const std::string text = to_text(finding);
    const size_t first = text.find(':');
    const char* colour = finding.severity == Severity::serious ? "\033[31m" : "\033[33m";
    if (has_colour) std::fprintf(stderr, "%s%s\033[0m%s", colour, text.substr(0, first).c_str(), text.c_str() + first);
    else std::fputs(text.c_str(), stderr);
  }
  std::fflush(stderr);
}

}  // namespace gradus::train
