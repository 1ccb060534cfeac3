// Dates and times in text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gradus::data {

/// How 3/4/2024 is meant.
enum class DateOrder : uint8_t { month_first, day_first };
std::span<const std::string_view> enum_names(DateOrder);

/// Whether `text` is a date of the Gregorian calendar, perhaps with a time; it is then in `seconds`, since 1970-01-01 00:00 UTC.
///
///     2024-02-29   2024/02/29   2024.02.29   2024-02   2024年2月29日
///     29.02.2024   2/29/2024    29-2-2024    (by `order`; a number above 12 settles it)
///     29 Feb 2024  Feb 29, 2024 29-Feb-2024  29 February 2024
///     each followed by nothing or by T or space and 13:05, 13:05:59, 13:05:59.25, with AM, PM, Z, +01:00 or +0100
bool read_date(std::string_view text, DateOrder order, double& seconds);

/// "2024-02-29", or "2024-02-29T13:05:59.25", to microseconds, where it is no midnight; "nan" for no moment of the years -9999 to 9999.
std::string date_text(double seconds);

/// Year, month 1 .. 12 and day 1 .. 31 of a moment, and the day of the week, 0 for Monday.
struct CalendarDay {
  int year = 1970, month = 1, day = 1, weekday = 3;
};
CalendarDay calendar_day(double seconds);

}  // namespace gradus::data
