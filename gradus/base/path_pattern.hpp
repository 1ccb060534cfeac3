// Patterns of parameter paths: "0.kernel", "*.bias", "encoder.**".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::core {

/// Whether a pattern stands for a path. Both are parts between dots; in a part of the pattern `*` stands for any characters, and a part
/// `**` for any number of parts, none too.
///
///   *.bias        0.bias                     not bias, not 0.body.bias
///   **.bias       bias, 0.bias, 0.body.bias
///   encoder.**    encoder, encoder.0.kernel
bool matches_path(std::string_view pattern, std::string_view path);
bool matches_any(std::span<const std::string> patterns, std::string_view path);

/// Throws for the first pattern that stands for none of the paths: `op: what "0.bais" matches none of them; the nearest is 0.bias`.
void check_patterns(std::string_view op, std::string_view what, std::span<const std::string> patterns, std::span<const std::string> paths);

}  // namespace gradus::core
