// Draws of hyper-parameters.
#include "gradus/train/distribution.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/base/philox.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/io/datum_json.hpp"

namespace gradus::train {

using namespace core;

namespace {

constexpr double kLargestInteger = 9007199254740992;  // 2^53: up to there doubles are exact
constexpr int64_t kMostAttempts = 200;

std::string name_of(DistributionKind kind) { return std::string(enum_names(kind)[static_cast<size_t>(kind)]); }

// FNV-1a: the same on every machine.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

double unit_draw(uint64_t seed, std::string_view name, int64_t number, int64_t attempt) {
  const auto words = philox(static_cast<uint64_t>(number) ^ (static_cast<uint64_t>(attempt) << 40), hash_of(name), seed);
  return static_cast<double>((uint64_t{words[0]} << 21) ^ (words[1] >> 11)) * 0x1p-53;
}

bool is_of_integers(DistributionKind kind) { return kind == DistributionKind::int_uniform || kind == DistributionKind::log_int_uniform; }

void check_bounds(const std::string& name, DistributionKind kind, const std::vector<Datum>& values) {
  const bool is_integer = is_of_integers(kind);
  const bool is_log = kind == DistributionKind::log_uniform || kind == DistributionKind::log_int_uniform;
  if (values.size() != 2)
    fail(name, "has ", values.size(), values.size() == 1 ? " value" : " values", "; it takes two, the lowest and the highest");
  for (const Datum& value : values) {
    if (is_integer ? !value.get_if<int64_t>() : !value.is_number())
      fail(name, value, " is ", is_integer ? "no integer" : "no number", "; both bounds must be");
    if (!std::isfinite(value.number())) fail(name, "a bound is ", value, "; both must be finite");
    if (is_integer && std::abs(value.number()) > kLargestInteger) fail(name, "a bound is ", value, "; both must lie within 2^53 of 0");
  }
  const double low = values[0].number(), high = values[1].number();
  if (low > high) fail(name, "the lower bound ", values[0], " is above the upper one, ", values[1]);
  if (is_log && !(low > 0)) fail(name, "the lower bound is ", values[0], ", which has no logarithm; it must be above 0");
  if (!std::isfinite(high - low)) fail(name, "the bounds ", values[0], " and ", values[1], " are too far apart");
}

}  // namespace

std::span<const std::string_view> enum_names(DistributionKind) {
  static constexpr std::string_view names[] = {"uniform", "log_uniform", "int_uniform", "log_int_uniform", "choice"};
  return names;
}

Distribution::Distribution(DistributionKind kind, std::vector<Datum> values) : kind_(kind), values_(std::move(values)) {
  if (kind != DistributionKind::choice) check_bounds(name_of(kind), kind, values_);
  else if (values_.empty()) fail("choice", "the list is empty; it must hold the values to choose from");
}

Datum Distribution::quantile(double u) const {
  const auto within = [&](double x) { return std::clamp(x, bound(0), bound(1)); };
  switch (kind_) {
    case DistributionKind::uniform:
      return within(bound(0) + u * (bound(1) - bound(0)));
    case DistributionKind::log_uniform: {
      const double low = std::log(bound(0)), high = std::log(bound(1));
      return within(std::exp(low + u * (high - low)));
    }
    case DistributionKind::int_uniform:
      return static_cast<int64_t>(within(bound(0) + std::floor(u * (bound(1) - bound(0) + 1))));
    case DistributionKind::log_int_uniform: {
      const double low = std::log(bound(0) - 0.5), high = std::log(bound(1) + 0.5);
      return static_cast<int64_t>(within(std::round(std::exp(low + u * (high - low)))));
    }
    default:
      return values_[std::min(static_cast<size_t>(u * static_cast<double>(values_.size())), values_.size() - 1)];
  }
}

Datum Distribution::to_datum() const { return Datum::Table{{name_of(kind_), Datum::List(values_)}}; }

Distribution Distribution::from_datum(const Datum& given) {
  static constexpr const char* wanted = "expected a distribution, for example {log_uniform = [1e-4, 1e-1]} or {choice = [16, 32]}, got ";
  const Datum::Table* table = given.get_if<Datum::Table>();
  if (!table) throw Error(Error::Kind::invalid, "", concat(wanted, given));
  if (table->size() != 1) throw Error(Error::Kind::invalid, "", concat(wanted, "a table of ", table->size(), " keys"));
  const auto& [name, values] = (*table)[0];
  const auto names = enum_names(DistributionKind{});
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) {
    const std::vector<std::string> known(names.begin(), names.end());
    const std::string near = nearest(name, known);
    throw Error(
        Error::Kind::invalid, "",
        concat("there is no distribution \"", name, "\"; ", near.empty() ? "there are " + join(known) : "did you mean \"" + near + "\"?"));
  }
  const Datum::List* list = values.get_if<Datum::List>();
  if (!list) fail(name, "expected a list of values, got ", values);
  return Distribution(static_cast<DistributionKind>(at - names.begin()), *list);
}

Distribution uniform(double low, double high) { return {DistributionKind::uniform, {low, high}}; }
Distribution log_uniform(double low, double high) { return {DistributionKind::log_uniform, {low, high}}; }
Distribution int_uniform(int64_t low, int64_t high) { return {DistributionKind::int_uniform, {low, high}}; }
Distribution log_int_uniform(int64_t low, int64_t high) { return {DistributionKind::log_int_uniform, {low, high}}; }
Distribution choice(std::vector<Datum> values) { return {DistributionKind::choice, std::move(values)}; }

Datum::Table draw(const SearchSpace& space, uint64_t seed, int64_t number, int64_t attempt) {
  Datum::Table out;
  for (const auto& [name, distribution] : space) out.emplace_back(name, distribution.quantile(unit_draw(seed, name, number, attempt)));
  return out;
}

std::optional<Datum::Table> Drawing::next() {
  // A space of few values is used up sooner than the attempts are: of N, the last is missed with probability below (1 - 1/N)^200.
  for (int64_t attempt = 0; attempt < kMostAttempts; ++attempt) {
    Datum::Table values = draw(space_, seed_, number_, attempt);
    if (!seen_.insert(io::json_text(values)).second) continue;
    ++number_;
    return values;
  }
  return std::nullopt;
}

int64_t count_values(const SearchSpace& space, int64_t most) {
  double count = 1;
  for (const auto& [name, distribution] : space) {
    const std::vector<Datum>& values = distribution.values();
    if (distribution.kind() == DistributionKind::choice) {
      std::set<std::string> distinct;
      for (const Datum& value : values) distinct.insert(io::json_text(value));
      count *= static_cast<double>(distinct.size());
    } else if (is_of_integers(distribution.kind())) {
      count *= values[1].number() - values[0].number() + 1;
    } else if (values[0].number() != values[1].number()) {
      return most;
    }
    if (count >= static_cast<double>(most)) return most;
  }
  return static_cast<int64_t>(count);
}

std::vector<Datum::Table> draws(const SearchSpace& space, uint64_t seed, int64_t count) {
  std::vector<Datum::Table> out;
  Drawing drawing(space, seed);
  while (static_cast<int64_t>(out.size()) < count) {
    std::optional<Datum::Table> values = drawing.next();
    if (!values) break;
    out.push_back(std::move(*values));
  }
  return out;
}

}  // namespace gradus::train
