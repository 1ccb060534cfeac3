// The library's callbacks that a recipe may ask for.
#include "gradus/train/callback_kinds.hpp"

#include <filesystem>

#include "gradus/train/csv_logger.hpp"
#include "gradus/train/tensorboard.hpp"

namespace gradus::train {

using namespace core;

namespace {

struct CsvOptions {
  std::string path = "epochs.csv";
  GRADUS_OPTIONS(path)
};
std::span<const FieldNote> CsvOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"path", "the file, from the folder of the run"}};
  return notes;
}
// The folder of a run holds the model and the recipe too: no path may be theirs.
void check(const CsvOptions& options) {
  if (!options.path.ends_with(".csv")) throw FieldError("path", concat("must end in .csv, is \"", options.path, "\""));
}
std::shared_ptr<Callback> make(const CsvOptions& options, const std::filesystem::path& folder) {
  return std::make_shared<CsvLogger>((folder / options.path).string());
}

struct TensorBoardOptions {
  std::string folder = "tensorboard";
  GRADUS_OPTIONS(folder)
};
std::span<const FieldNote> TensorBoardOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"folder", "where the event files go, from the folder of the run"}};
  return notes;
}
void check(const TensorBoardOptions& options) {
  if (options.folder.empty()) throw FieldError("folder", "must not be empty");
}
std::shared_ptr<Callback> make(const TensorBoardOptions& options, const std::filesystem::path& folder) {
  return std::make_shared<TensorBoard>((folder / options.folder).string());
}

template <class Options>
NamedCallback read_kind(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) {
  Options options;
  read_fields(fields_of(options), &options, given, reading, others);
  check(options);
  const CallbackKind* kind = callback_kinds().find_if([](const CallbackKind& each) { return each.read == read_kind<Options>; });
  return {std::string(kind->name), [options](const std::string& folder) { return make(options, folder); }};
}

constexpr CallbackKind kinds[] = {
    {"csv", "the numbers of each epoch as a line of a CSV file", described<CsvOptions>, read_kind<CsvOptions>},
    {"tensorboard", "the numbers of each epoch in event files for TensorBoard", described<TensorBoardOptions>,
     read_kind<TensorBoardOptions>}};

}  // namespace

const Named<CallbackKind>& callback_kinds() {
  static constexpr Named<CallbackKind> all("callback", kinds);
  return all;
}

}  // namespace gradus::train

namespace gradus::core {

Datum FieldType<std::vector<train::NamedCallback>>::write(const std::vector<train::NamedCallback>& value, FieldWriting&) {
  Datum::List list;
  for (const train::NamedCallback& callback : value) list.push_back(callback.name);
  return list;
}
bool FieldType<std::vector<train::NamedCallback>>::read(std::vector<train::NamedCallback>& value, const Datum& given, const FieldNote&,
                                                        FieldReading& reading) {
  const Datum::List* list = given.get_if<Datum::List>();
  if (!list) return false;
  value.clear();
  for (const Datum& each : *list) {
    if (!read_named(value.emplace_back(), each, train::callback_kinds(), reading)) return false;
  }
  return true;
}

}  // namespace gradus::core
