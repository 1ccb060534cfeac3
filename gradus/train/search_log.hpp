// The log of a search: trials.jsonl, one line a result, from which a search goes on. Not for users.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "gradus/train/search.hpp"

namespace gradus::train::detail {

inline constexpr const char* kTrialsFile = "trials.jsonl";

/// The first line says what is searched; then one line a trial that was measured, finished, failed or stopped. Each is written by one call
/// and synced; a last line that was cut short by the end of the process is taken away.
class SearchLog {
 public:
  /// Opens or makes folder/trials.jsonl. Throws if it is of a search of other `facts`, naming the first that differs, or damaged.
  SearchLog(const std::string& folder, const core::Datum::Table& facts);
  ~SearchLog();
  SearchLog(const SearchLog&) = delete;
  SearchLog& operator=(const SearchLog&) = delete;

  /// What is there of a trial that was trained for so long; the values are left out.
  std::optional<TrialResult> find(int64_t number, int64_t epochs) const;
  bool is_stopped(int64_t number) const { return stopped_.contains(number); }
  /// Results that were there when it was opened.
  int64_t found() const { return static_cast<int64_t>(results_.size()); }
  void add(const TrialResult& result);

 private:
  void read(const std::string& text, const core::Datum::Table& facts);
  void read_line(const core::Datum& line, int64_t number);
  void write(const core::Datum& line);
  [[noreturn]] void fail_line(int64_t number, const std::string& problem) const;

  std::string path_;
  int descriptor_ = -1;
  core::Datum seed_{};  // of the search
  std::map<std::pair<int64_t, int64_t>, TrialResult> results_{};  // by trial and epochs
  std::map<int64_t, int64_t> stopped_{};
};

}  // namespace gradus::train::detail
