// Small tables of people with numbers, a category, a date, missing cells, and a target, for tests of the command line.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/cli/subprocess.hpp"

namespace gradus::testing {

enum class Aim { two_classes, three_classes, number };

/// The line of names, then one line a person: age (some missing), hours, job (some missing), joined, income.
inline std::vector<std::string> people_lines(int rows, Aim aim = Aim::two_classes) {
  std::vector<std::string> lines{"age,hours,job,joined,income"};
  const auto two = [](int number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  for (int i = 0; i < rows; ++i) {
    const int age = 20 + i * 37 % 50, hours = 10 + i * 29 % 41;
    const std::string job = i % 3 == 0 ? "clerk" : i % 3 == 1 ? "nurse" : "cook";
    const std::string joined = "20" + two(10 + i % 12) + "-" + two(1 + i * 5 % 12) + "-" + two(1 + i * 7 % 28);
    const int score = age + hours + i * 13 % 30 + (job == "nurse" ? 15 : 0);
    const std::string income = aim == Aim::number          ? std::to_string(score * 10) + ".5"
                               : aim == Aim::three_classes ? (score > 100  ? "high"
                                                              : score > 80 ? "middle"
                                                                           : "low")
                                                           : (score > 90 ? "high" : "low");
    lines.push_back((i % 17 == 3 ? "" : std::to_string(age)) + "," + std::to_string(hours) + "," + (i % 23 == 5 ? "" : job) + "," + joined +
                    "," + income);
  }
  return lines;
}

inline std::string text_of(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}
inline std::string people(int rows, Aim aim = Aim::two_classes) { return text_of(people_lines(rows, aim)); }

inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  for (const char c : line) {
    if (c == ',') cells.emplace_back();
    else cells.back() += c;
  }
  return cells;
}
inline std::string line_of(const std::vector<std::string>& cells) {
  std::string out;
  for (size_t i = 0; i < cells.size(); ++i) out += (i ? "," : "") + cells[i];
  return out;
}
/// Each line with its cells changed by a function of its number, 0 for the names.
inline std::vector<std::string> changed(std::vector<std::string> lines,
                                        const std::function<void(size_t, std::vector<std::string>&)>& change) {
  for (size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::string> cells = cells_of(lines[i]);
    change(i, cells);
    lines[i] = line_of(cells);
  }
  return lines;
}

/// A folder with people.csv, and "run", a model of it, trained once a program for each aim.
class TrainedPeople {
 public:
  explicit TrainedPeople(Aim aim) {
    write_text(folder_ / "people.csv", people(200, aim));
    std::vector<std::string> arguments{"train", "people.csv", "--target", "income", "--run-dir", "run", "--quiet"};
    if (aim == Aim::number) arguments.insert(arguments.end(), {"--set", "train.epochs=15"});
    outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
  }
  static TrainedPeople& of(Aim aim) {
    static TrainedPeople two(Aim::two_classes), three(Aim::three_classes), number(Aim::number);
    return aim == Aim::two_classes ? two : aim == Aim::three_classes ? three : number;
  }
  Outcome run(const std::vector<std::string>& arguments) const { return run_gradus(arguments, {.folder = folder_.path()}); }
  std::string operator/(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, const std::vector<std::string>& lines) const { write_text(folder_ / name, text_of(lines)); }

  Outcome outcome{};

 private:
  TemporaryFolder folder_;
};

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace gradus::testing
