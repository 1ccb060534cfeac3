// Searches: trials rung by rung, and what is chosen.
#include "gradus/train/search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <new>
#include <optional>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/train/interrupt.hpp"
#include "gradus/train/search_log.hpp"

namespace gradus::train {

using namespace core;

std::span<const std::string_view> enum_names(TrialState) {
  static constexpr std::string_view names[] = {"measured", "stopped", "finished", "failed"};
  return names;
}
std::span<const std::string_view> enum_names(SearchMethod) {
  static constexpr std::string_view names[] = {"random", "hyperband"};
  return names;
}

namespace {

constexpr int64_t kUsualTrials = 20;

const Datum& value_of(const Trial& trial, std::string_view name) {
  if (const Datum* found = find(trial.values, name)) return *found;
  std::vector<std::string> names;
  for (const auto& [each, value] : trial.values) names.push_back(each);
  const std::string near = nearest(name, names);
  fail("trial", "there is no \"", name, "\" in the space; ", near.empty() ? "there are " + join(names) : "did you mean \"" + near + "\"?");
}

template <class T>
const T& typed(const Trial& trial, std::string_view name, const char* what) {
  const Datum& value = value_of(trial, name);
  if (const T* found = value.get_if<T>()) return *found;
  fail("trial", name, " is ", value, ", which is ", what);
}

}  // namespace

double Trial::operator[](std::string_view name) const {
  const Datum& value = value_of(*this, name);
  if (!value.is_number()) fail("trial", name, " is ", value, ", which is no number");
  return value.number();
}
int64_t Trial::integer(std::string_view name) const { return typed<int64_t>(*this, name, "no integer"); }
const std::string& Trial::text(std::string_view name) const { return typed<std::string>(*this, name, "no text"); }
bool Trial::flag(std::string_view name) const { return typed<bool>(*this, name, "neither true nor false"); }

std::string values_text(const Datum::Table& values) {
  std::string out;
  for (const auto& [name, value] : values) {
    const double* number = value.get_if<double>();
    char digits[32];
    if (number) std::snprintf(digits, sizeof digits, "%.4g", *number);
    out += concat(out.empty() ? "" : ", ", name, " ", number ? std::string(digits) : to_text(value));
  }
  return out;
}

std::vector<TrialResult> SearchResult::ranked() const {
  std::vector<TrialResult> out;
  std::copy_if(trials.begin(), trials.end(), std::back_inserter(out),
               [](const TrialResult& each) { return each.state != TrialState::failed; });
  std::stable_sort(out.begin(), out.end(), [&](const TrialResult& a, const TrialResult& b) {
    const bool is_a_whole = a.state == TrialState::finished, is_b_whole = b.state == TrialState::finished;
    if (is_a_whole != is_b_whole) return is_a_whole;
    if (a.epochs != b.epochs && !is_a_whole) return a.epochs > b.epochs;
    return more_is_better ? a.score > b.score : a.score < b.score;
  });
  return out;
}

const TrialResult& SearchResult::best() const {
  const std::vector<TrialResult> all = ranked();
  if (all.empty()) {
    if (trials.empty()) fail("search", "no trial was finished");
    fail("search", trials.size() == 1 ? "the only trial" : concat("all ", trials.size(), " trials"),
         " failed; the first: ", trials.front().message);
  }
  return *std::find_if(trials.begin(), trials.end(), [&](const TrialResult& each) { return each.number == all.front().number; });
}

namespace {

void check_options(const SearchSpace& space, const SearchOptions& options) {
  if (space.empty())
    fail("search", "the space is empty; it must name what is to be tried, for example {{\"rate\", train::log_uniform(1e-4, 1e-1)}}");
  for (size_t i = 0; i < space.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (space[k].first == space[i].first) fail("search", "\"", space[i].first, "\" stands in the space twice");
    }
  }
  if (options.trials < 0 || options.trials > SearchOptions::kMostTrials)
    fail("search", "trials is ", options.trials, "; it must be from 0 to ", SearchOptions::kMostTrials);
  if (options.epochs < 1) fail("search", "epochs is ", options.epochs, "; it must be at least 1");
}

Datum::Table facts_of(const SearchSpace& space, const SearchOptions& options) {
  Datum::Table values;
  for (const auto& [name, distribution] : space) values.emplace_back(name, distribution.to_datum());
  Datum::Table facts{{"about", options.about},
                     {"space", values},
                     {"method", enum_names(options.method)[static_cast<size_t>(options.method)]},
                     {"seed", static_cast<int64_t>(options.seed)},
                     {"epochs", options.epochs},
                     {"more_is_better", options.more_is_better}};
  if (options.method == SearchMethod::random) return facts;
  // At random a search may be made longer: what was tried stays what it was.
  for (const auto& [name, value] :
       Datum::Table{{"trials", options.trials}, {"min_epochs", options.min_epochs}, {"reduction", options.reduction}})
    facts.emplace_back(name, value);
  return facts;
}

int64_t trials_of(const std::vector<Bracket>& plan) {
  int64_t count = 0;
  for (const Bracket& bracket : plan) count += bracket[0].trials;
  return count;
}

// The brackets one after the other, each with the trials that are left for it.
std::vector<Bracket> plan_of(const SearchOptions& options) {
  if (options.method == SearchMethod::random) return {{{options.trials > 0 ? options.trials : kUsualTrials, options.epochs}}};
  const std::vector<Bracket> round = hyperband_brackets({options.epochs, options.min_epochs, options.reduction});
  if (options.trials == 0) {
    const int64_t count = trials_of(round);
    if (count > SearchOptions::kMostTrials)
      fail("search", "by Hyperband epochs of ", options.epochs, ", min_epochs of ", options.min_epochs, " and a reduction of ",
           options.reduction, " make ", count, " trials; there may be ", SearchOptions::kMostTrials,
           ": say how many in trials, or make min_epochs or reduction larger");
    return round;
  }
  std::vector<Bracket> out;
  int64_t left = options.trials;
  for (size_t i = 0; left > 0; i = (i + 1) % round.size()) {
    Bracket bracket = round[i];
    const int64_t whole = bracket[0].trials, count = std::min(left, whole);
    for (Rung& rung : bracket) rung.trials = std::max<int64_t>(1, rung.trials * count / whole);
    left -= count;
    out.push_back(std::move(bracket));
  }
  return out;
}

class Search {
 public:
  Search(const SearchSpace& space, const Objective& objective, const SearchOptions& options)
      : objective_(objective),
        options_(options),
        plan_(plan_of(options)),
        count_(count_values(space, trials_of(plan_))),
        drawing_(space, options.seed) {
    result_.more_is_better = options.more_is_better;
    if (options.folder.empty()) return;
    file::make_folder(options.folder);
    lock_.emplace(options.folder);
    if (!lock_->is_held()) fail_io(options.folder, "another search is writing into the folder; two cannot go on with one search");
    log_.emplace(options.folder, facts_of(space, options));
    if (options.verbose && log_->found() > 0) std::printf("going on with the search in %s\n", printable(options.folder).c_str());
  }

  SearchResult run() {
    std::optional<InterruptScope> interrupts;
    if (options_.interrupts) interrupts.emplace();
    if (options_.begun) options_.begun();
    for (const Bracket& bracket : plan_) {
      if (!run_bracket(bracket)) break;
    }
    return std::move(result_);
  }

 private:
  bool is_interrupted() const { return options_.interrupts && InterruptScope::is_requested(); }

  // False: a request to stop came.
  bool run_bracket(const Bracket& bracket) {
    std::vector<size_t> alive;  // among the results
    for (int64_t i = 0; i < bracket[0].trials && begin_trial(); ++i) {
      alive.push_back(result_.trials.size() - 1);
      if (!measure(result_.trials.back(), bracket[0].epochs, bracket.size() == 1)) return stop();
    }
    for (size_t rung = 1; rung < bracket.size(); ++rung) {
      halve(alive, bracket[rung].trials);
      for (const size_t trial : alive) {
        if (!measure(result_.trials[trial], bracket[rung].epochs, rung + 1 == bracket.size())) return stop();
      }
    }
    return true;
  }

  // Adds a trial that was not tried yet; false: the space holds no more.
  bool begin_trial() {
    std::optional<Datum::Table> values = drawing_.next();
    if (values) result_.trials.push_back({.number = static_cast<int64_t>(result_.trials.size()) + 1, .values = std::move(*values)});
    return values.has_value();
  }

  // Leaves the best `most` of those that have not failed.
  void halve(std::vector<size_t>& alive, int64_t most) {
    std::erase_if(alive, [&](size_t trial) { return result_.trials[trial].state == TrialState::failed; });
    std::stable_sort(alive.begin(), alive.end(), [&](size_t a, size_t b) {
      const double x = result_.trials[a].score, y = result_.trials[b].score;
      return options_.more_is_better ? x > y : x < y;
    });
    for (size_t i = static_cast<size_t>(most); i < alive.size(); ++i) {
      TrialResult& stopped = result_.trials[alive[i]];
      stopped.state = TrialState::stopped;
      if (log_ && !log_->is_stopped(stopped.number)) log_->add(stopped);
      remove_folder(stopped.number);
    }
    if (alive.size() > static_cast<size_t>(most)) alive.resize(static_cast<size_t>(most));
    std::sort(alive.begin(), alive.end());
  }

  bool measure(TrialResult& result, int64_t epochs, bool is_last) {
    if (const std::optional<TrialResult> known = log_ ? log_->find(result.number, epochs) : std::nullopt) {
      Datum::Table values = std::move(result.values);
      result = *known;
      result.values = std::move(values);
    } else {
      if (is_interrupted() || !attempt(result, epochs, is_last)) return false;
      if (log_) log_->add(result);
      if (options_.verbose) print(result);
    }
    if (result.state != TrialState::measured) remove_folder(result.number);
    return true;
  }

  bool attempt(TrialResult& result, int64_t epochs, bool is_last) {
    const auto start = std::chrono::steady_clock::now();
    TrialResult next = result;
    next.epochs = epochs;
    try {
      const TrialScore score = objective_({result.number, result.values, epochs, folder_of(result.number)});
      if (is_interrupted()) throw Error(Error::Kind::interrupted, "search", "stopped");  // the trial may have been cut short
      next.score = score.value;
      next.deviation = score.deviation;
      next.state = is_last ? TrialState::finished : TrialState::measured;
      if (!std::isfinite(score.value)) note_failure(next, concat("the score is ", score.value, "; it must be finite"));
    } catch (const Error& error) {
      if (error.kind() == Error::Kind::interrupted) {
        result_.is_interrupted = true;
        return false;
      }
      note_failure(next, error.place().empty() ? error.problem() : error.place() + ": " + error.problem());
    } catch (const std::bad_alloc&) {
      note_failure(next, "out of memory");
    } catch (const std::exception& error) {
      note_failure(next, error.what());
    }
    next.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result = std::move(next);
    return true;
  }

  static void note_failure(TrialResult& result, std::string message) {
    result.state = TrialState::failed;
    result.message = std::move(message);
    result.score = result.deviation = std::nan("");
  }

  // On a request: a trial that came to nothing is left out.
  bool stop() {
    result_.is_interrupted = true;
    if (result_.trials.back().epochs == 0) result_.trials.pop_back();
    return false;
  }

  std::string folder_of(int64_t number) const {
    if (options_.folder.empty()) return "";
    const std::string folder = trial_folder(number);
    file::make_folder(folder);
    return folder;
  }
  std::string trial_folder(int64_t number) const { return concat(options_.folder, "/trial-", number); }
  void remove_folder(int64_t number) const {
    std::error_code ignored;
    if (!options_.folder.empty()) std::filesystem::remove_all(trial_folder(number), ignored);
  }

  void print(const TrialResult& result) const {
    std::string line = concat("trial ", result.number, " of ", count_, ": ");
    char digits[64];
    std::snprintf(digits, sizeof digits, "%.6g", result.score);
    if (result.state == TrialState::failed) line += "failed, " + result.message;
    else line += digits;
    if (std::isfinite(result.deviation)) std::snprintf(digits, sizeof digits, " \u00b1 %.2g", result.deviation), line += digits;
    if (result.state == TrialState::measured) line += concat(" after ", result.epochs, result.epochs == 1 ? " epoch" : " epochs");
    std::printf("%s; %s\n", printable(line).c_str(), printable(values_text(result.values)).c_str());
    std::fflush(stdout);
  }

  const Objective& objective_;
  const SearchOptions& options_;
  std::vector<Bracket> plan_;
  int64_t count_;  // of trials; the space may hold fewer than the plan
  Drawing drawing_;
  SearchResult result_;
  std::optional<file::FolderLock> lock_;
  std::optional<detail::SearchLog> log_;
};

}  // namespace

SearchResult search(const SearchSpace& space, const Objective& objective, const SearchOptions& options) {
  check_options(space, options);
  SearchResult result = Search(space, objective, options).run();
  if (!result.is_interrupted) static_cast<void>(result.best());  // throws where all have failed
  return result;
}

}  // namespace gradus::train
