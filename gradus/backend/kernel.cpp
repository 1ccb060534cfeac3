// What a kernel reports, as text.
#include "gradus/backend/kernel.hpp"

#include "gradus/base/text.hpp"

namespace gradus::backend {

std::string Status::text() const {
  const std::string numbers[] = {to_text(position), to_text(value), to_text(bound)};
  std::string out = problem;
  size_t at = 0;
  for (const std::string& number : numbers) {
    at = out.find("{}", at);
    if (at == std::string::npos) break;
    out.replace(at, 2, number);
    at += number.size();
  }
  return out;
}

}  // namespace gradus::backend
