// The [data] part of recipes: where the samples come from and how they are divided.
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/data/fashion_mnist.hpp"
#include "gradus/data/generate.hpp"
#include "gradus/data/idx.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::cli {

namespace {

using Sets = std::pair<data::Dataset, data::Dataset>;  // for training and for testing

struct Source {
  std::function<Sets(int64_t limit)> load;  // of more than `limit` training samples (0: all) only the first are needed
  std::optional<Shape> input_shape;
};

// Generated sets are divided: the share `test` of the samples is for testing.
template <class Make>
Source divided(const Section& section, Make make, uint64_t seed, int64_t features) {
  const int64_t samples = section.integer("samples", 1000, {.low = 2, .high = 100'000'000});
  const double test = section.number("test", 0.2, {.low = 0, .high = 1});
  const auto load = [=](int64_t) {
    auto [held_out, rest] = data::split(make(samples), test, seed);
    return Sets(std::move(rest), std::move(held_out));
  };
  return {load, Shape(features)};
}

Source read_fashion_mnist(const Section& section, uint64_t) {
  const std::string folder = section.text("folder", "");
  return {[folder](int64_t) { return data::fashion_mnist(folder); }, Shape{28, 28, 1}};
}

Source read_linear(const Section& section, uint64_t seed) {
  const data::LinearOptions options{.weights = section.numbers("weights", {3}),
                                    .bias = section.number("bias", 2),
                                    .noise = section.number("noise", 0.1, {.low = 0}),
                                    .seed = seed};
  if (options.weights.empty()) section.fail_at("weights", "the list is empty; it must hold one number a feature");
  return divided(section, [options](int64_t samples) { return data::make_linear(samples, options); }, seed,
                 static_cast<int64_t>(options.weights.size()));
}

Source read_blobs(const Section& section, uint64_t seed) {
  const data::BlobsOptions options{.classes = section.integer("classes", 3, {.low = 1, .high = 100'000}),
                                   .features = section.integer("features", 2, {.low = 1, .high = 100'000}),
                                   .spread = section.number("spread", 1, {.low = 0}),
                                   .seed = seed};
  return divided(section, [options](int64_t samples) { return data::make_blobs(samples, options); }, seed, options.features);
}

Source read_moons(const Section& section, uint64_t seed) {
  const data::CurveOptions options{.noise = section.number("noise", 0.1, {.low = 0}), .seed = seed};
  return divided(section, [options](int64_t samples) { return data::make_moons(samples, options); }, seed, 2);
}

Source read_spirals(const Section& section, uint64_t seed) {
  const data::CurveOptions options{.classes = section.integer("classes", 2, {.low = 1, .high = 1000}),
                                   .noise = section.number("noise", 0.1, {.low = 0}),
                                   .seed = seed};
  return divided(section, [options](int64_t samples) { return data::make_spirals(samples, options); }, seed, 2);
}

struct IdxFiles {
  std::string x{}, y{};
  const char* what = "";
  int64_t limit = 0;  // samples to be read; 0: all
};
data::Dataset load_idx(const IdxFiles& files, const std::vector<std::string>& class_names) {
  const Shape all_x = data::idx_shape(files.x), all_y = data::idx_shape(files.y);
  if (all_x[0] != all_y[0]) fail_io(files.y, "holds ", all_y[0], " targets, ", files.x, " ", all_x[0], " samples; they must be equally many");
  Array x = data::read_idx(files.x, {.limit = files.limit}), y = data::read_idx(files.y, {.limit = files.limit});
  if (x.rank() == 3) x = expand_dims(x, -1).eval();  // grey images get their one channel
  if (y.dtype() == uint8) y = y.astype(int64);
  const data::DatasetInfo info{.class_names = class_names, .name = "idx", .description = files.what};
  return x.dtype() == uint8 ? data::Dataset::from_bytes(x, y, info) : data::Dataset(x, y, info);
}

Source read_idx_files(const Section& section, uint64_t) {
  const std::string train_x = section.required_text("train_x"), train_y = section.required_text("train_y");
  const std::string test_x = section.required_text("test_x"), test_y = section.required_text("test_y");
  const std::vector<std::string> names = section.texts("class_names");
  return {[=](int64_t limit) {
            return Sets(load_idx({train_x, train_y, "training samples", limit}, names), load_idx({test_x, test_y, "test samples"}, names));
          },
          std::nullopt};
}

struct SourceKind {
  const char* name;
  Source (*read)(const Section& section, uint64_t seed);
};
constexpr SourceKind kSources[] = {{"fashion_mnist", read_fashion_mnist}, {"linear", read_linear}, {"blobs", read_blobs},
                                   {"moons", read_moons},                 {"spirals", read_spirals}, {"idx", read_idx_files}};

struct Validation {
  bool is_test = false;
  double share = 0;
};
// "test", or the share of the training samples that is held out, or 0.
Validation read_validation(const Section& section) {
  const toml::node* value = section.find("validation");
  if (!value) return {};
  if (value->is_string() && value->as_string()->get() == "test") return {.is_test = true};
  if (!value->is_number()) section.fail_type("validation", *value, "a number from 0 to 1, or \"test\"");
  return {.share = section.number("validation", 0, {.low = 0, .high = 1})};
}

}  // namespace

DataSource read_data(const Section& section, int64_t seed) {
  std::vector<std::string> names;
  for (const SourceKind& kind : kSources) names.push_back(kind.name);
  const std::string chosen = section.choice("source", names);
  Source source;
  for (const SourceKind& kind : kSources) {
    if (chosen == kind.name) source = kind.read(section, static_cast<uint64_t>(seed));
  }
  const Validation validation = read_validation(section);
  const int64_t limit = section.integer("limit", 0, {.low = 0});
  section.finish();

  const auto load = [load_sets = source.load, validation, limit, seed] {
    auto [train, test] = load_sets(limit);
    if (limit > 0 && limit < train.size()) train = data::subset(train, 0, limit);
    DataParts parts{.train = std::move(train), .test = std::move(test)};
    if (validation.is_test) {
      parts.validation = parts.test;
      parts.is_validated_on_test = true;
    } else if (validation.share > 0) {
      std::tie(parts.validation, parts.train) = data::split(parts.train, validation.share, static_cast<uint64_t>(seed));
    }
    if (parts.train.size() == 0) fail("data", "there are no training samples left; make test and validation smaller");
    return parts;
  };
  return {load, source.input_shape};
}

}  // namespace gradus::cli
