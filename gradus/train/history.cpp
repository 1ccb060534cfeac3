// Logs by name, and their CSV form.
#include "gradus/train/history.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/metrics/metric_kinds.hpp"

namespace gradus::train {

using namespace core;

double Logs::operator[](std::string_view name) const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.first == name) return entry.second;
    names.push_back(entry.first);
  }
  const std::string near = nearest(name, names);
  fail("logs", "there is no \"", name, "\"; ",
       names.empty()  ? "there are none"
       : near.empty() ? concat("there are ", join(names))
                      : concat("the nearest is ", near));
}

bool Logs::contains(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.first == name) return true;
  }
  return false;
}

void Logs::set(std::string_view name, double value) {
  for (Entry& entry : entries_) {
    if (entry.first != name) continue;
    entry.second = value;
    return;
  }
  entries_.emplace_back(name, value);
}

bool is_gain(std::string name) {
  constexpr std::string_view gains[] = {"accuracy",    "acc",         "top", "f1",   "fbeta", "precision",  "recall",
                                        "specificity", "sensitivity", "auc", "ap",   "r2",    "similarity", "correlation",
                                        "kappa",       "mcc",         "iou", "dice", "psnr",  "ssim"};
  const std::string_view plain = std::string_view(name).substr(name.starts_with("val_") ? 4 : 0);
  if (const metrics::MetricKind* kind = metrics::named_average(plain).kind) return kind->is_gain;
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  bool is_known = false;
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('_', begin), name.size());
    const std::string_view word = std::string_view(name).substr(begin, end - begin);
    if (word == "loss" || word == "error") return false;
    is_known |= std::find(std::begin(gains), std::end(gains), word) != std::end(gains);
    begin = end + 1;
  }
  return is_known;
}

std::string to_text(const Logs& logs) {
  std::string out;
  for (const auto& [name, value] : logs) {
    char number[32];
    std::snprintf(number, sizeof number, "%.4g", value);
    // Shares and losses near 1 with four places, so that columns stand still; the rest with four digits.
    if (value == value && value >= 1e-3 && value < 1e3) std::snprintf(number, sizeof number, "%.4f", value);
    out += concat(out.empty() ? "" : ", ", printable(name), " ", number);
  }
  return out;
}

double History::last(std::string_view name) const {
  if (epochs.empty()) fail("history", "no epoch was finished");
  return epochs.back().logs[name];
}

std::vector<double> History::series(std::string_view name) const {
  std::vector<double> values;
  for (const Epoch& epoch : epochs)
    values.push_back(epoch.logs.contains(name) ? epoch.logs[name] : std::numeric_limits<double>::quiet_NaN());
  return values;
}

std::string to_csv(const History& history) {
  std::vector<std::string> names;
  for (const Epoch& epoch : history.epochs) {
    for (const auto& [name, value] : epoch.logs) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::string out = "epoch,steps,learning_rate,seconds";
  for (const std::string& name : names) out += "," + csv_cell(name);
  out += "\n";
  for (const Epoch& epoch : history.epochs) {
    out += concat(epoch.number, ",", epoch.steps, ",", epoch.learning_rate, ",", epoch.seconds);
    for (const std::string& name : names) out += epoch.logs.contains(name) ? concat(",", epoch.logs[name]) : ",";
    out += "\n";
  }
  return out;
}

}  // namespace gradus::train
