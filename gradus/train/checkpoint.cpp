// A checkpoint is a safetensors file: arrays by name, all numbers of the host as JSON in its metadata, and a checksum over both.
#include <algorithm>
#include <charconv>
#include <filesystem>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/io/checksum.hpp"
#include "gradus/io/datum_json.hpp"
#include "gradus/io/safetensors.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/train/run_state.hpp"

namespace gradus::train {

using namespace core;

namespace detail {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "gradus checkpoint", kEnd = ".checkpoint";
constexpr int64_t kVersion = 5;

// ---- to data and back ----

// As pairs: tables of JSON have no order, and the order of numbers counts.
template <class Numbers>
Datum::List pairs_of(const Numbers& numbers) {
  Datum::List out;
  for (const auto& [name, value] : numbers) out.push_back(Datum::List{name, value});
  return out;
}

Datum::List list_of(const std::vector<Total>& totals) {
  Datum::List out;
  for (const Total& total : totals) out.push_back(Datum::List{total.name, total.sum, total.weight});
  return out;
}

Datum::List list_of(const std::vector<Epoch>& epochs) {
  Datum::List out;
  for (const Epoch& each : epochs) {
    out.push_back(Datum::Table{{"number", each.number},
                               {"logs", pairs_of(each.logs)},
                               {"learning_rate", each.learning_rate},
                               {"seconds", each.seconds},
                               {"examples_per_second", each.examples_per_second},
                               {"steps", each.steps}});
  }
  return out;
}

Datum::List list_of(const std::vector<PrivateSteps>& parts) {
  Datum::List out;
  for (const PrivateSteps& each : parts) out.push_back(Datum::List{"steps", each.noise_multiplier, each.sampling_rate, each.steps});
  return out;
}

// Reads tables that save_checkpoint has written: what is not as it writes it is damage.
class Reader {
 public:
  Reader(const Datum& datum, const std::string& path) : datum_(datum), path_(path) {}

  int64_t integer(std::string_view name) const {
    const int64_t* value = at(name).get_if<int64_t>();
    if (!value) damaged(name);
    return *value;
  }
  double number(std::string_view name) const { return number_of(at(name), name); }
  bool flag(std::string_view name) const {
    const bool* value = at(name).get_if<bool>();
    if (!value) damaged(name);
    return *value;
  }
  Reader below(std::string_view name) const { return {at(name), path_}; }
  const Datum::List& list(std::string_view name) const {
    const Datum::List* value = at(name).get_if<Datum::List>();
    if (!value) damaged(name);
    return *value;
  }
  std::vector<std::pair<std::string, double>> numbers(std::string_view name) const {
    std::vector<std::pair<std::string, double>> out;
    for (const Datum& entry : list(name)) {
      const auto [key, numbers] = named(name, entry, 1);
      out.emplace_back(key, numbers[0]);
    }
    return out;
  }
  std::vector<Total> totals(std::string_view name) const {
    std::vector<Total> out;
    for (const Datum& entry : list(name)) {
      const auto [key, numbers] = named(name, entry, 2);
      out.push_back({key, numbers[0], numbers[1]});
    }
    return out;
  }
  std::vector<PrivateSteps> private_steps(std::string_view name) const {
    std::vector<PrivateSteps> out;
    for (const Datum& entry : list(name)) {
      const auto [key, numbers] = named(name, entry, 3);
      const bool are_steps = numbers[0] >= 0 && numbers[1] >= 0 && numbers[1] <= 1 && numbers[2] >= 0 && numbers[2] < 9e18;
      if (!are_steps) damaged(name);
      out.push_back({numbers[0], numbers[1], static_cast<int64_t>(numbers[2])});
    }
    return out;
  }
  const Datum::Table& table(std::string_view name) const {
    const Datum::Table* value = at(name).get_if<Datum::Table>();
    if (!value) damaged(name);
    return *value;
  }
  std::string text(std::string_view name) const {
    const std::string* value = at(name).get_if<std::string>();
    if (!value) damaged(name);
    return *value;
  }

 private:
  // A name and so many numbers.
  std::pair<std::string, std::vector<double>> named(std::string_view name, const Datum& entry, size_t count) const {
    const Datum::List* parts = entry.get_if<Datum::List>();
    const std::string* key = parts && parts->size() == count + 1 ? (*parts)[0].get_if<std::string>() : nullptr;
    if (!key) damaged(name);
    std::vector<double> numbers;
    for (size_t i = 1; i <= count; ++i) numbers.push_back(number_of((*parts)[i], *key));
    return {*key, std::move(numbers)};
  }
  const Datum& at(std::string_view name) const {
    const Datum* value = datum_.find(name);
    if (!value) damaged(name);
    return *value;
  }
  double number_of(const Datum& value, std::string_view name) const {
    double number = 0;
    if (!io::number_of(value, number)) damaged(name);
    return number;
  }
  [[noreturn]] void damaged(std::string_view name) const {
    fail_io(path_, "its ", name, " is missing or not what a checkpoint holds; the file is damaged");
  }

  const Datum& datum_;
  const std::string& path_;
};

Epoch epoch_of(const Reader& from) {
  Epoch epoch{.number = from.integer("number"),
              .learning_rate = from.number("learning_rate"),
              .seconds = from.number("seconds"),
              .examples_per_second = from.number("examples_per_second"),
              .steps = from.integer("steps")};
  for (const auto& [name, value] : from.numbers("logs")) epoch.logs.set(name, value);
  return epoch;
}

// ---- files ----

struct Found {
  int64_t step = 0;
  std::string path{};
};
// Of a folder, the newest first.
std::vector<Found> checkpoints_in(const std::string& folder) {
  std::vector<Found> found;
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    const std::string name = at->path().filename().string();
    if (!name.starts_with("step-") || !name.ends_with(kEnd)) continue;
    int64_t step = 0;
    const char* last = name.data() + name.size() - kEnd.size();
    const auto [rest, error] = std::from_chars(name.data() + 5, last, step);
    if (error == std::errc{} && rest == last) found.push_back({step, at->path().string()});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.step > b.step; });
  return found;
}

std::string path_of(const std::string& folder, int64_t step) { return concat(folder, "/step-", step, kEnd); }

std::string older_than(const std::string& path) {
  const std::vector<Found> all = checkpoints_in(fs::path(path).parent_path().string());
  const auto own = std::find_if(all.begin(), all.end(), [&](const Found& each) { return file::is_same_file(each.path, path); });
  return own == all.end() || own + 1 == all.end() ? std::string() : (own + 1)->path;
}

io::Safetensors read_whole(const std::string& path) {
  try {
    io::Safetensors file = io::load_safetensors(path);
    const auto text = [&](const char* name) {
      const auto at = file.metadata.find(name);
      return at == file.metadata.end() ? std::string() : at->second;
    };
    if (text("format") != kFormat) fail_io(path, "is no checkpoint of Gradus; its metadata lacks format = ", kFormat);
    if (text("version") != std::to_string(kVersion)) fail_io(path, "has version \"", text("version"), "\", this program reads ", kVersion);
    io::check_checksum(file, path, true);
    return file;
  } catch (Error& error) {
    const std::string older = error.kind() == Error::Kind::io ? older_than(path) : "";
    if (!older.empty()) throw Error(error).with_hint("training does not start over by itself; an older checkpoint is " + older);
    throw;
  }
}

void check_identity(const Datum::Table& saved, const Datum::Table& now, const std::string& path) {
  for (const auto& [name, value] : now) {
    const Datum* before = find(saved, name);
    if (before && *before == value) continue;
    fail_io(path, "is of another run: its ", name, " is ", before ? to_text(*before) : std::string("not said"), ", here it is ", value,
            "; they must be equal");
  }
}

const Array& array_of(const io::Safetensors& file, const std::string& name, const std::string& path) {
  const Array* array = file.find(name);
  if (!array) fail_io(path, "lacks the array ", name, "; the file is damaged");
  return *array;
}

}  // namespace

void save_checkpoint(const CheckpointOptions& options, const RunIdentity& run, const RunState& state) {
  std::vector<io::NamedArray> arrays;
  const auto add = [&](const std::string& name, const Array& array) {
    if (array.exists()) arrays.push_back({name, array});
  };
  for (size_t i = 0; i < run.variables.size(); ++i) {
    add("model/" + run.variables[i].path, state.variables[i]);
    if (i < state.best.size()) add("best/" + run.variables[i].path, state.best[i]);
    if (i < state.means.size()) add("mean/" + run.variables[i].path, state.means[i]);
  }
  for (const ScoreState& score : state.scores) add("score/" + score.name, array(score.numbers));
  Datum::List records;
  for (size_t i = 0; i < state.optimizer.parameters.size(); ++i) {
    const optim::ParameterState& each = state.optimizer.parameters[i];
    records.push_back(Datum::Table{{"path", each.path},
                                   {"shape", Datum::List(each.shape.begin(), each.shape.end())},
                                   {"t", each.t},
                                   {"memory", each.memory},
                                   {"arrays", static_cast<int64_t>(each.arrays.size())}});
    for (size_t k = 0; k < each.arrays.size(); ++k) add(concat("optimizer/", i, "/", k), each.arrays[k]);
  }
  const Datum::Table numbers{
      {"run", run.facts},
      {"epoch", state.epoch},
      {"step", state.step},
      {"totals", list_of(state.totals)},
      {"examples", state.examples},
      {"seconds", state.seconds},
      {"history", Datum::Table{{"epochs", list_of(state.history.epochs)},
                               {"steps", state.history.steps},
                               {"seconds", state.history.seconds},
                               {"is_stopped_early", state.history.is_stopped_early}}},
      {"best", Datum::Table{{"epoch", state.best_epoch}, {"value", state.best_value}, {"arrays", static_cast<int64_t>(state.best.size())}}},
      {"mean", Datum::Table{{"steps", state.mean_steps}}},
      {"plateau", Datum::Table{{"factor", state.plateau.factor},
                               {"best", state.plateau.best},
                               {"has_best", state.plateau.has_best},
                               {"waited", state.plateau.waited},
                               {"cooling", state.plateau.cooling}}},
      {"optimizer",
       Datum::Table{{"steps", state.optimizer.steps}, {"rate_factor", state.optimizer.rate_factor}, {"parameters", std::move(records)}}},
      {"privacy", Datum::Table{{"seed", state.privacy.seed}, {"spent", list_of(state.privacy.spent)}}},
      {"generator", Datum::Table{{"seed", state.generator.seed}, {"counter", state.generator.counter}}},
      {"callbacks", Datum::List(state.callbacks.begin(), state.callbacks.end())},
  };
  std::map<std::string, std::string> metadata{
      {"format", std::string(kFormat)}, {"version", std::to_string(kVersion)}, {"state", io::json_text(numbers)}};
  io::add_checksum(arrays, metadata);
  file::make_folder(options.folder);
  io::save_safetensors(path_of(options.folder, state.history.steps), arrays, metadata);
  const std::vector<Found> all = checkpoints_in(options.folder);
  std::error_code ignored;
  for (size_t i = static_cast<size_t>(std::max<int64_t>(1, options.keep)); i < all.size(); ++i) fs::remove(all[i].path, ignored);
}

void set_aside_later(const std::string& folder, int64_t step) {
  std::error_code ignored;
  for (const Found& each : checkpoints_in(folder)) {
    if (each.step > step) fs::rename(each.path, each.path + ".left", ignored);
  }
}

RunState load_checkpoint(const std::string& asked, const RunIdentity& run) {
  std::string path = asked;
  if (file::is_folder(asked)) {
    const std::vector<Found> all = checkpoints_in(asked);
    if (all.empty()) fail_io(asked, "holds no checkpoint (step-N", kEnd, ")");
    path = all.front().path;
  }
  const io::Safetensors file = read_whole(path);
  const auto text = file.metadata.find("state");
  if (text == file.metadata.end()) fail_io(path, "lacks its state; the file is damaged");
  const Datum datum = io::datum_of_json(text->second, path, "state");
  const Reader numbers(datum, path);
  check_identity(numbers.table("run"), run.facts, path);

  RunState state{.epoch = numbers.integer("epoch"),
                 .step = numbers.integer("step"),
                 .totals = numbers.totals("totals"),
                 .examples = numbers.number("examples"),
                 .seconds = numbers.number("seconds")};
  const Reader history = numbers.below("history"), best = numbers.below("best"), optimizer = numbers.below("optimizer"),
               generator = numbers.below("generator"), plateau = numbers.below("plateau");
  for (const Datum& epoch : history.list("epochs")) state.history.epochs.push_back(epoch_of({epoch, path}));
  state.history.steps = history.integer("steps");
  state.history.seconds = history.number("seconds");
  state.history.is_stopped_early = history.flag("is_stopped_early");
  for (const Variable& variable : run.variables) {
    const std::string name = "model/" + variable.path;
    state.variables.push_back(variable.exists() ? array_of(file, name, path) : Array());
  }
  const auto arrays_under = [&](std::string_view prefix) {
    std::vector<Array> out;
    for (const Variable& variable : run.variables) {
      const Array* array = file.find(concat(prefix, variable.path));
      out.push_back(array ? *array : Array());
    }
    return out;
  };
  state.best_epoch = best.integer("epoch");
  state.best_value = best.number("value");
  if (best.integer("arrays") != 0) state.best = arrays_under("best/");
  for (const io::NamedArray& each : file.arrays) {
    constexpr std::string_view kScore = "score/";
    if (each.name.starts_with(kScore)) state.scores.push_back({each.name.substr(kScore.size()), each.array.to_vector<double>()});
  }
  state.mean_steps = numbers.below("mean").integer("steps");
  if (state.mean_steps != 0) state.means = arrays_under("mean/");
  state.plateau = {plateau.number("factor"), plateau.number("best"), plateau.flag("has_best"), plateau.integer("waited"),
                   plateau.integer("cooling")};
  state.optimizer.steps = optimizer.integer("steps");
  state.optimizer.rate_factor = optimizer.number("rate_factor");
  for (const Datum& each : optimizer.list("parameters")) {
    const Reader record(each, path);
    optim::ParameterState parameter{.path = record.text("path"), .t = record.integer("t"), .memory = record.number("memory")};
    std::vector<int64_t> sizes;
    for (const Datum& size : record.list("shape")) {
      const int64_t* number = size.get_if<int64_t>();
      if (!number || *number < 0) fail_io(path, "the shape of ", parameter.path, " is none; the file is damaged");
      sizes.push_back(*number);
    }
    parameter.shape = Shape(sizes);
    for (int64_t k = 0; k < record.integer("arrays"); ++k) {
      parameter.arrays.push_back(array_of(file, concat("optimizer/", state.optimizer.parameters.size(), "/", k), path));
    }
    state.optimizer.parameters.push_back(std::move(parameter));
  }
  const Reader privacy = numbers.below("privacy");
  state.privacy = {privacy.private_steps("spent"), privacy.integer("seed")};
  state.generator = {generator.integer("seed"), generator.integer("counter")};
  for (const Datum& each : numbers.list("callbacks")) {
    const Datum::Table* table = each.get_if<Datum::Table>();
    state.callbacks.push_back(table ? *table : Datum::Table{});
  }
  return state;
}

bool CheckpointClock::is_due(int64_t step) const {
  if (options_.folder.empty() || step == last_step_) return false;
  if (options_.steps > 0 && step - last_step_ >= options_.steps) return true;
  return options_.minutes > 0 && Clock::now() - last_ >= std::chrono::duration<double>(options_.minutes * 60);
}
void CheckpointClock::note(int64_t step) {
  last_step_ = step;
  last_ = Clock::now();
}

}  // namespace detail

bool has_checkpoint(const std::string& folder) { return !detail::checkpoints_in(folder).empty(); }

}  // namespace gradus::train
