// Dates and times in text.
#include "gradus/data/table/date_text.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "gradus/base/text.hpp"

namespace gradus::data {

namespace {

constexpr double kDay = 86400;

// Reads a text from left to right.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool is_at_end() const { return rest_.empty(); }
  char peek() const { return rest_.empty() ? '\0' : rest_[0]; }
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  // 1 to `most` digits; how many there were, 0 for none.
  int take_number(int most, int& value) {
    int count = 0;
    value = 0;
    for (; count < most && peek() >= '0' && peek() <= '9'; ++count) {
      value = value * 10 + (peek() - '0');
      rest_.remove_prefix(1);
    }
    return count;
  }
  bool take_two(int& value) { return take_number(2, value) == 2; }
  // The digits behind a decimal mark, as a part of one.
  double take_fraction() {
    double value = 0, place = 0.1;
    for (; peek() >= '0' && peek() <= '9'; place /= 10) {
      value += place * (peek() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  void skip_blanks() {
    while (take(" ")) {
    }
  }
  // A month by its English name or the first three letters of it; 0 if there is none.
  int take_month() {
    static constexpr std::string_view names[] = {"january", "february", "march",     "april",   "may",      "june",
                                                 "july",    "august",   "september", "october", "november", "december"};
    size_t letters = 0;
    std::string word;
    for (; letters < rest_.size() && letters < 10; ++letters) {
      const char c = static_cast<char>(rest_[letters] | 0x20);
      if (c < 'a' || c > 'z') break;
      word += c;
    }
    if (word.size() < 3) return 0;
    for (int i = 0; i < 12; ++i) {
      const std::string_view name = names[i];
      if (word != name && word != name.substr(0, 3) && !(word == "sept" && i == 8)) continue;
      rest_.remove_prefix(letters);
      take(".");
      return i + 1;
    }
    return 0;
  }

 private:
  std::string_view rest_;
};

struct Day {
  int year = 0, month = 0, day = 0;
};

bool seconds_of(const Day& day, double& seconds) {
  const std::chrono::year_month_day date{std::chrono::year(day.year), std::chrono::month(static_cast<unsigned>(day.month)),
                                         std::chrono::day(static_cast<unsigned>(day.day))};
  if (!date.ok()) return false;
  seconds = kDay * static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count());
  return true;
}

// 2024-02-29, 2024-02, 2024年2月29日; the year has been taken.
bool take_after_year(Cursor& text, Day& day) {
  if (text.take("\xE5\xB9\xB4")) {                                                        // 年
    if (text.take_number(2, day.month) == 0 || !text.take("\xE6\x9C\x88")) return false;  // 月
    day.day = 1;
    return text.is_at_end() || (text.take_number(2, day.day) > 0 && text.take("\xE6\x97\xA5"));  // 日
  }
  const char mark = text.peek();
  if (mark != '-' && mark != '/' && mark != '.') return false;
  text.take(std::string_view(&mark, 1));
  if (const int month = text.take_month()) day.month = month;
  else if (text.take_number(2, day.month) == 0) return false;
  day.day = 1;
  if (text.take(std::string_view(&mark, 1))) return text.take_number(2, day.day) > 0;
  return mark != '.' && text.is_at_end();  // 2024.02 is a number
}

// What follows a first number that is no year: 29.02.2024, 29 Feb 2024.
bool take_after_day(Cursor& text, DateOrder order, Day& day) {
  const char mark = text.peek();
  if (mark == ' ' || mark == '-') {
    Cursor ahead = text;
    ahead.take(std::string_view(&mark, 1));
    if (const int month = ahead.take_month()) {
      text = ahead;
      day.month = month;
      if (!text.take(std::string_view(&mark, 1)) && !text.take(", ")) return false;
      return text.take_number(4, day.year) == 4;
    }
  }
  if (mark != '-' && mark != '/' && mark != '.') return false;
  text.take(std::string_view(&mark, 1));
  if (text.take_number(2, day.month) == 0 || !text.take(std::string_view(&mark, 1)) || text.take_number(4, day.year) != 4) return false;
  if (day.month > 12 || (order == DateOrder::month_first && day.day <= 12)) std::swap(day.day, day.month);
  return true;
}

bool take_day(Cursor& text, DateOrder order, Day& day) {
  if (const int month = text.take_month()) {  // Feb 29, 2024
    day.month = month;
    text.skip_blanks();
    if (text.take_number(2, day.day) == 0) return false;
    text.take(",");
    text.skip_blanks();
    return text.take_number(4, day.year) == 4;
  }
  const int digits = text.take_number(4, day.year);
  if (digits == 4) return take_after_year(text, day);
  day.day = day.year;
  return digits > 0 && digits <= 2 && take_after_day(text, order, day);
}

// 13:05, 13:05:59.25, 1:05 PM, with a zone; in seconds.
bool take_time(Cursor& text, double& seconds) {
  int hour = 0, minute = 0, second = 0;
  double part = 0;
  if (text.take_number(2, hour) == 0 || !text.take(":") || !text.take_two(minute)) return false;
  if (text.take(":")) {
    if (!text.take_two(second)) return false;
    if (text.take(".") || text.take(",")) part = text.take_fraction();
  }
  text.skip_blanks();
  const bool is_am = text.take("AM") || text.take("am"), is_pm = !is_am && (text.take("PM") || text.take("pm"));
  if (is_am || is_pm) {
    if (hour < 1 || hour > 12) return false;
    hour = hour % 12 + (is_pm ? 12 : 0);
  }
  if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute > 0 || second > 0))) return false;
  seconds = hour * 3600.0 + minute * 60.0 + second + part;
  text.skip_blanks();
  if (text.take("Z") || text.take("UTC") || text.is_at_end()) return text.is_at_end();
  const bool is_east = text.take("+");
  int zone_hour = 0, zone_minute = 0;
  if ((!is_east && !text.take("-")) || !text.take_two(zone_hour)) return false;
  text.take(":");
  if (!text.is_at_end() && !text.take_two(zone_minute)) return false;
  if (zone_hour > 14 || zone_minute > 59) return false;
  seconds -= (is_east ? 1 : -1) * (zone_hour * 3600.0 + zone_minute * 60.0);
  return text.is_at_end();
}

}  // namespace

std::span<const std::string_view> enum_names(DateOrder) {
  static constexpr std::string_view names[] = {"month_first", "day_first"};
  return names;
}

bool read_date(std::string_view text, DateOrder order, double& seconds) {
  if (text.size() < 6 || text.size() > 48) return false;
  Cursor cursor(text);
  Day day;
  double of_day = 0, time = 0;
  if (!take_day(cursor, order, day) || !seconds_of(day, of_day)) return false;
  if (!cursor.is_at_end()) {
    if (!cursor.take("T") && !cursor.take(" ")) return false;
    cursor.skip_blanks();
    if (!take_time(cursor, time)) return false;
  }
  seconds = of_day + time;
  return true;
}

CalendarDay calendar_day(double seconds) {
  const std::chrono::sys_days day{std::chrono::days(static_cast<int64_t>(std::floor(seconds / kDay)))};
  const std::chrono::year_month_day date(day);
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(std::chrono::weekday(day).iso_encoding()) - 1};
}

std::string date_text(double seconds) {
  if (!(std::fabs(seconds) < 2.5e11)) return "nan";
  // Rounded before it is taken apart: 59.9999998 seconds are a minute.
  double whole = std::floor(seconds);
  int micro = static_cast<int>(std::lround((seconds - whole) * 1e6));
  if (micro == 1'000'000) {
    whole += 1;
    micro = 0;
  }
  const CalendarDay day = calendar_day(whole);
  const int of_day = static_cast<int>(whole - kDay * std::floor(whole / kDay));
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d", day.year, day.month, day.day);
  std::string out = text;
  if (of_day == 0 && micro == 0) return out;
  std::snprintf(text, sizeof text, "T%02d:%02d:%02d", of_day / 3600, of_day / 60 % 60, of_day % 60);
  out += text;
  if (micro == 0) return out;
  std::snprintf(text, sizeof text, ".%06d", micro);
  out += text;
  out.erase(out.find_last_not_of('0') + 1);
  return out;
}

}  // namespace gradus::data
