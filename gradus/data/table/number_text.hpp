// Decimal numbers in text.
#pragma once

#include <string_view>

namespace gradus::data {

/// Whether `text`, without space around it, is a decimal number: 31, -0.5, +1e-3, .5, 5., inf, -infinity; it is then in `value`, rounded to
/// nearest. `mark` is the decimal mark, a point or a comma. What float64 does not reach becomes 0 or infinity. "nan" is no number.
bool read_number(std::string_view text, char mark, double& value);

/// Whether a text that is a number names something all the same: 007, or an integer that float64 does not hold.
bool is_name(std::string_view number);

}  // namespace gradus::data
