// Reading and writing of trials.jsonl.
#include "gradus/train/search_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/json.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/io/datum_json.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr int64_t kLargestLog = int64_t{1} << 30;
constexpr const char* kHead = "search";

int64_t integer_of(const Datum& line, std::string_view name) {
  const Datum* value = line.find(name);
  const int64_t* number = value ? value->get_if<int64_t>() : nullptr;
  return number ? *number : -1;
}
double number_of(const Datum& line, std::string_view name) {
  const Datum* value = line.find(name);
  double number = std::nan("");
  return value && io::number_of(*value, number) ? number : std::nan("");
}

}  // namespace

SearchLog::SearchLog(const std::string& folder, const Datum::Table& facts) : path_(folder + "/" + kTrialsFile) {
  if (const Datum* seed = core::find(facts, "seed")) seed_ = *seed;
  std::string text;
  if (file::exists(path_)) text = file::read_all(path_, kLargestLog);
  const size_t whole = text.rfind('\n') + 1;  // npos + 1: there is no whole line
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_io(path_, "cannot be written: ", std::strerror(errno));
  try {
    read(text.substr(0, whole), facts);
    if (whole < text.size() && ::ftruncate(descriptor_, static_cast<off_t>(whole)) != 0)
      fail_io(path_, "its last line was cut short, and cannot be taken away: ", std::strerror(errno));
    if (whole == 0) write(Datum::Table{{kHead, facts}});
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

SearchLog::~SearchLog() { ::close(descriptor_); }

void SearchLog::fail_line(int64_t number, const std::string& problem) const {
  throw Error(Error::Kind::io, concat(path_, ":", number), problem);
}

void SearchLog::read(const std::string& text, const Datum::Table& facts) {
  int64_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    ++number;
    const Datum line = read_json(text.substr(at, end - at),
                                 [&](std::string_view problem, int64_t) { fail_line(number, concat(problem, "; the log is damaged")); });
    at = end + 1;
    if (number > 1) {
      read_line(line, number);
      continue;
    }
    const Datum* head = line.find(kHead);
    const Datum::Table* found = head ? head->get_if<Datum::Table>() : nullptr;
    if (!found) fail_line(1, "says nothing of a search; the first line of a log does");
    // Both as text: a number reads back as an integer where it has no fraction.
    const Datum there = *found,
                here = read_json(write_json(facts), [&](std::string_view problem, int64_t) { fail_line(number, std::string(problem)); });
    for (const auto& [name, value] : facts) {
      const Datum *old = there.find(name), *now = here.find(name);
      if (!old || !(*old == *now))
        fail_line(1, concat("is the log of another search: ", name, " was ", old ? write_json(*old) : "not there", ", and is ",
                            write_json(*now), "; name another folder, or the same options"));
    }
  }
}

void SearchLog::read_line(const Datum& line, int64_t number) {
  TrialResult result{.number = integer_of(line, "trial"),
                     .epochs = integer_of(line, "epochs"),
                     .score = number_of(line, "score"),
                     .deviation = number_of(line, "deviation"),
                     .seconds = number_of(line, "seconds")};
  const Datum* state = line.find("state");
  const std::string* name = state ? state->get_if<std::string>() : nullptr;
  const auto names = enum_names(TrialState{});
  const auto at = name ? std::find(names.begin(), names.end(), *name) : names.end();
  if (result.number < 1 || result.epochs < 0 || at == names.end() || std::isnan(result.seconds))
    fail_line(number, "is no line of a trial; the file is damaged");
  result.state = static_cast<TrialState>(at - names.begin());
  if (result.state == TrialState::stopped) {
    stopped_[result.number] = result.epochs;
    return;
  }
  if (result.state != TrialState::failed && !std::isfinite(result.score)) fail_line(number, "has no score; the file is damaged");
  const Datum* message = line.find("message");
  if (message && message->get_if<std::string>()) result.message = *message->get_if<std::string>();
  results_[{result.number, result.epochs}] = std::move(result);
}

std::optional<TrialResult> SearchLog::find(int64_t number, int64_t epochs) const {
  const auto found = results_.find({number, epochs});
  return found == results_.end() ? std::nullopt : std::optional(found->second);
}

void SearchLog::add(const TrialResult& result) {
  Datum::Table line{{"trial", result.number},
                    {"state", enum_names(result.state)[static_cast<size_t>(result.state)]},
                    {"epochs", result.epochs},
                    {"score", result.score}};
  if (std::isfinite(result.deviation)) line.emplace_back("deviation", result.deviation);
  line.emplace_back("seconds", result.seconds);
  line.emplace_back("seed", seed_);
  line.emplace_back("values", result.values);
  if (!result.message.empty()) line.emplace_back("message", printable(result.message));
  write(line);
}

void SearchLog::write(const Datum& line) {
  const std::string text = write_json(line) + "\n";
  for (size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(descriptor_, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_io(path_, "cannot be written: ", std::strerror(errno));
    done += static_cast<size_t>(count);
  }
  ::fsync(descriptor_);
}

}  // namespace gradus::train::detail
