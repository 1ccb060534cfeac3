// The [data] part of recipes: where the samples come from and how they are divided.
#include "gradus/cli/keys.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/recipe_images.hpp"
#include "gradus/cli/recipe_sequences.hpp"
#include "gradus/cli/recipe_table.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/data/fashion_mnist.hpp"
#include "gradus/data/generate.hpp"
#include "gradus/data/idx.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/cross_validation.hpp"

namespace gradus::cli {

namespace {

// Generated sets are divided: the share `test` of the samples is for testing.
template <class Kind, class Make>
Source divided(const Kind& kind, Make make, uint64_t seed, const Shape& sample) {
  const auto load = [make, samples = kind.samples, test = kind.test, seed](const Loading&) {
    auto [held_out, rest] = data::split(make(samples), test, seed);
    return Sets(std::move(rest), std::move(held_out));
  };
  return {load, sample};
}
constexpr FieldNote kSamples{"samples", "how many there are", {.low = 2, .high = 100'000'000}},
    kNoise{"noise", "deviation of what is added to the samples", range::not_negative};

struct FashionMnist {
  std::string folder{};
  Source source(const Section& section, uint64_t) const {
    return {[where = section.located("folder", folder)](const Loading&) { return data::fashion_mnist(where); }, Shape{28, 28, 1}};
  }
  GRADUS_OPTIONS(folder)
};
std::span<const FieldNote> FashionMnist::field_notes() {
  static constexpr FieldNote notes[] = {{"folder", "where its files are; by default GRADUS_DATA, or Debian's"}};
  return notes;
}

struct Linear {
  std::vector<double> weights{3};
  double bias = 2, noise = 0.1;
  int64_t samples = 1000;
  double test = 0.2;
  Source source(const Section&, uint64_t seed) const {
    if (weights.empty()) throw FieldError("weights", "the list is empty; it must hold one number a feature");
    const data::LinearOptions options{.weights = weights, .bias = bias, .noise = noise, .seed = seed};
    return divided(
        *this, [options](int64_t count) { return data::make_linear(count, options); }, seed, Shape{static_cast<int64_t>(weights.size())});
  }
  GRADUS_OPTIONS(weights, bias, noise, samples, test)
};
std::span<const FieldNote> Linear::field_notes() {
  static constexpr FieldNote notes[] = {{"weights", "of the features"}, {"bias", "added to their sum"}, kNoise, kSamples, kTest};
  return notes;
}

struct Blobs {
  int64_t classes = 3, features = 2;
  double spread = 1;
  int64_t samples = 1000;
  double test = 0.2;
  Source source(const Section&, uint64_t seed) const {
    const data::BlobsOptions options{.classes = classes, .features = features, .spread = spread, .seed = seed};
    return divided(
        *this, [options](int64_t count) { return data::make_blobs(count, options); }, seed, Shape{features});
  }
  GRADUS_OPTIONS(classes, features, spread, samples, test)
};
std::span<const FieldNote> Blobs::field_notes() {
  static constexpr FieldNote notes[] = {{"classes", "as many clouds", {.low = 1, .high = 100'000}},
                                        {"features", "numbers of a sample", {.low = 1, .high = 100'000}},
                                        {"spread", "deviation of a cloud", range::not_negative},
                                        kSamples,
                                        kTest};
  return notes;
}

struct Moons {
  double noise = 0.1;
  int64_t samples = 1000;
  double test = 0.2;
  Source source(const Section&, uint64_t seed) const {
    const data::CurveOptions options{.noise = noise, .seed = seed};
    return divided(
        *this, [options](int64_t count) { return data::make_moons(count, options); }, seed, Shape{2});
  }
  GRADUS_OPTIONS(noise, samples, test)
};
std::span<const FieldNote> Moons::field_notes() {
  static constexpr FieldNote notes[] = {kNoise, kSamples, kTest};
  return notes;
}

struct Spirals {
  int64_t classes = 2;
  double noise = 0.1;
  int64_t samples = 1000;
  double test = 0.2;
  Source source(const Section&, uint64_t seed) const {
    const data::CurveOptions options{.classes = classes, .noise = noise, .seed = seed};
    return divided(
        *this, [options](int64_t count) { return data::make_spirals(count, options); }, seed, Shape{2});
  }
  GRADUS_OPTIONS(classes, noise, samples, test)
};
std::span<const FieldNote> Spirals::field_notes() {
  static constexpr FieldNote notes[] = {{"classes", "as many arms", {.low = 1, .high = 1000}}, kNoise, kSamples, kTest};
  return notes;
}

struct Waves {
  int64_t classes = 4, steps = 32;
  double noise = 0.3;
  int64_t samples = 1000;
  double test = 0.2;
  Source source(const Section&, uint64_t seed) const {
    const data::WaveOptions options{.classes = classes, .steps = steps, .noise = noise, .seed = seed};
    return divided(
        *this, [options](int64_t count) { return data::make_waves(count, options); }, seed, Shape{steps, 1});
  }
  GRADUS_OPTIONS(classes, steps, noise, samples, test)
};
std::span<const FieldNote> Waves::field_notes() {
  static constexpr FieldNote notes[] = {{"classes", "a wave of class c swings c + 1 times", {.low = 1, .high = 1000}},
                                        {"steps", "values of a wave", {.low = 1, .high = 1'000'000}},
                                        kNoise,
                                        kSamples,
                                        kTest};
  return notes;
}

struct IdxFiles {
  std::string x{}, y{};
  const char* what = "";
  int64_t limit = 0;  // samples to be read; 0: all
};
data::Dataset load_idx(const IdxFiles& files, const std::vector<std::string>& class_names) {
  const Shape all_x = data::idx_shape(files.x), all_y = data::idx_shape(files.y);
  if (all_x[0] != all_y[0])
    fail_io(files.y, "holds ", all_y[0], " targets, ", files.x, " ", all_x[0], " samples; they must be equally many");
  Array x = data::read_idx(files.x, {.limit = files.limit}), y = data::read_idx(files.y, {.limit = files.limit});
  if (x.rank() == 3) x = expand_dims(x, -1).eval();  // grey images get their one channel
  if (y.dtype() == uint8) y = y.astype(int64);
  const data::DatasetInfo info{.class_names = class_names, .name = "idx", .description = files.what};
  return x.dtype() == uint8 ? data::Dataset::from_bytes(x, y, info) : data::Dataset(x, y, info);
}

struct Idx {
  std::string train_x{}, train_y{}, test_x{}, test_y{};
  std::vector<std::string> class_names{};
  Source source(const Section& section, uint64_t) const {
    Idx files = *this;
    const std::pair<const char*, std::string*> paths[] = {
        {"train_x", &files.train_x}, {"train_y", &files.train_y}, {"test_x", &files.test_x}, {"test_y", &files.test_y}};
    for (const auto& [key, path] : paths) *path = section.located(key, *path);
    return {[files](const Loading& loading) {
              return Sets(load_idx({files.train_x, files.train_y, "training samples", loading.limit}, files.class_names),
                          load_idx({files.test_x, files.test_y, "test samples"}, files.class_names));
            },
            std::nullopt};
  }
  GRADUS_OPTIONS(train_x, train_y, test_x, test_y, class_names)
};
std::span<const FieldNote> Idx::field_notes() {
  static constexpr FieldNote notes[] = {{"train_x", "file of the training samples", {}, true},
                                        {"train_y", "file of their targets", {}, true},
                                        {"test_x", "file of the test samples", {}, true},
                                        {"test_y", "file of their targets", {}, true},
                                        {"class_names", "names of the classes 0, 1, ..."}};
  return notes;
}

template <class Kind>
std::function<Source(const Section&, uint64_t seed)> read_kind(const Datum::Table& given, FieldReading& reading,
                                                               std::span<const std::string> others) {
  Kind kind;
  read_fields(fields_of(kind), &kind, given, reading, others);
  return [kind](const Section& section, uint64_t seed) { return kind.source(section, seed); };
}
struct SourceKind {
  std::string_view name{}, text{};
  Described (*options)() = nullptr;
  std::function<Source(const Section&, uint64_t seed)> (*read)(const Datum::Table& given, FieldReading& reading,
                                                               std::span<const std::string> others) = nullptr;
};
constexpr SourceKind kSources[] = {
    {"fashion_mnist", "70,000 grey images of clothes in 10 classes", described<FashionMnist>, read_kind<FashionMnist>},
    {"linear", "numbers along a line, with noise", described<Linear>, read_kind<Linear>},
    {"blobs", "clouds of points, one a class", described<Blobs>, read_kind<Blobs>},
    {"moons", "two half circles", described<Moons>, read_kind<Moons>},
    {"spirals", "arms of a spiral", described<Spirals>, read_kind<Spirals>},
    {"waves", "noisy waves; the class is how often one swings", described<Waves>, read_kind<Waves>},
    {"idx", "IDX files, plain or gzip", described<Idx>, read_kind<Idx>},
    {"images", "PNG and JPEG files: a folder with a folder a class, or a table of paths", described<Images>, read_kind<Images>},
    {"text", "a text, in rows of tokens for a language model", described<Text>, read_kind<Text>},
    {"labelled_text", "texts and their classes, a line each", described<LabelledText>, read_kind<LabelledText>},
    {"translation", "texts and their translations, a line each", described<Translation>, read_kind<Translation>},
    {"table", "rows of a table: CSV and the like, JSON lines, an SQLite database", described<TableSource>, read_kind<TableSource>},
    {"series", "windows of a series of numbers, and what follows", described<Series>, read_kind<Series>},
};
constexpr Named<SourceKind> kSourceKinds("data", kSources);

// "test", or the share of the training samples that is held out, or 0.
struct Validation {
  bool is_test = false;
  double share = 0;
};
// What all sources have.
struct Common {
  Validation validation{};
  int64_t limit = 0;
  GRADUS_OPTIONS(validation, limit)
};

}  // namespace
}  // namespace gradus::cli

namespace gradus::core {

template <>
struct FieldType<cli::Validation> {
  static std::string expected(const FieldNote&, const cli::Validation&) { return "a number from 0 to 1, or \"test\""; }
  static Datum write(const cli::Validation& value, FieldWriting&) { return value.is_test ? Datum("test") : Datum(value.share); }
  static bool read(cli::Validation& value, const Datum& given, const FieldNote&, FieldReading&) {
    if (given == Datum("test")) value = {.is_test = true};
    else if (given.is_number() && range::part.contains(given.number())) value = {.share = given.number()};
    else if (given.is_number()) throw FieldError("", concat("expected ", range::part.expected(false), ", got ", given));
    else return false;
    return true;
  }
};
}  // namespace gradus::core

namespace gradus::cli {
namespace {

std::span<const FieldNote> Common::field_notes() {
  static constexpr FieldNote notes[] = {
      {"validation", "what is watched while training: a share of the training samples, or the test samples"},
      {"limit", "only so many training samples are used; 0: all", range::not_negative}};
  return notes;
}

}  // namespace

namespace {

// Of sources that do not divide their samples themselves: those for training, as many as there may be, and those for testing.
Sets load_sets(const Source& source, const Loading& loading) {
  auto [train, test] = source.load(loading);
  if (loading.limit > 0 && loading.limit < train.size()) train = data::subset(train, 0, loading.limit);
  return {std::move(train), std::move(test)};
}

FoldedData folds_of(const data::Dataset& rows, int64_t count, double validation, uint64_t seed) {
  const auto parts = [=, assignment = train::assign_folds(rows, count, seed + 2)](int64_t fold) {
    const auto [trained, held] = train::detail::fold_positions(assignment, fold, false);
    DataParts out;
    out.train = data::subset(rows, trained);
    out.test = data::subset(rows, held);
    if (validation > 0) std::tie(out.validation, out.train) = data::split(out.train, validation, seed);
    return out;
  };
  return {count, parts};
}

}  // namespace

DataSource read_data(const Section& section, const Section& preprocess, int64_t seed) {
  const SourceKind& kind = section.choice("source", kSourceKinds);
  const std::vector<preprocess::Step> steps = read_steps(preprocess);
  if (!steps.empty() && kind.name != "table") preprocess.fail_at("steps", concat("are for data.source = \"table\", which is \"", kind.name, "\""));
  const Common common = section.assigned(Common{});
  Source source = section.read_fields([&](const Datum::Table& given, FieldReading& reading, std::span<const std::string> known) {
    return kind.read(given, reading, known)(section, static_cast<uint64_t>(seed));
  });

  const auto loading_for = [steps, common](const nn::ModelInfo& model) {
    return Loading{common.limit,   tokenizer_in(model, "the model"), model.class_names,
                   model.pipeline, common.validation.is_test ? 0 : common.validation.share, steps};
  };
  const auto load = [source, loading_for, validation = common.validation, seed](const nn::ModelInfo& model) {
    const Loading loading = loading_for(model);
    DataParts parts;
    if (source.load_parts) {
      parts = source.load_parts(loading);
    } else {
      std::tie(parts.train, parts.test) = load_sets(source, loading);
    }
    if (validation.is_test) {
      parts.validation = parts.test;
      parts.is_validated_on_test = true;
    } else if (validation.share > 0 && !source.load_parts) {
      std::tie(parts.validation, parts.train) = data::split(parts.train, validation.share, static_cast<uint64_t>(seed));
    }
    if (parts.train.size() == 0) fail("data", "there are no training samples left; make test and validation smaller");
    return parts;
  };
  const auto folds = [source, loading_for, seed, name = kind.name](const nn::ModelInfo& model, int64_t count) {
    if (name == "series" || name == "text") fail("data.source", "is \"", name, "\", whose samples overlap; folds of them would hold the same numbers");
    const Loading loading = loading_for(model);
    return source.load_folds ? source.load_folds(loading, count) : folds_of(load_sets(source, loading).first, count, loading.validation, static_cast<uint64_t>(seed));
  };
  return {load, folds, source.input_shape, source.test_pairs};
}

std::vector<KeyGroup> data_keys() {
  std::vector<KeyGroup> groups{{"", "for every source", described<Common>()}};
  for (const SourceKind& kind : kSourceKinds) groups.push_back({std::string(kind.name), std::string(kind.text), kind.options()});
  return groups;
}

}  // namespace gradus::cli
