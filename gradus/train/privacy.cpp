// What a private run says of itself: as text, and as JSON in a model file.
#include "gradus/train/privacy.hpp"

#include <cstdio>

#include "gradus/base/error.hpp"
#include "gradus/io/datum_json.hpp"
#include "gradus/train/privacy_field.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::train {

using namespace core;

std::span<const FieldNote> PrivacyOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"noise_multiplier", "deviation of the noise over clip_norm; 0: found for target_epsilon", range::not_negative},
      {"clip_norm", "the norm that each sample's gradient is scaled down to", range::above_zero},
      {"delta", "the chance with which epsilon may not hold; below 1 / samples", range::share},
      {"target_epsilon", "what the whole run may reach", range::not_negative},
      {"micro_batch", "at most so many samples' gradients are in memory at once", range::positive},
      {"secret_seed", "batches and noise by a seed of the system's, not by the run's"}};
  return notes;
}

std::string to_text(const PrivacyReport& report) {
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "(%.3g, %.3g)-differentially private", report.epsilon, report.delta);
  return concat(numbers, ": ", with_commas(report.steps), " steps, each sample in one with probability ", report.sampling_rate,
                ", gradients clipped to ", report.clip_norm, ", noise ", report.noise_multiplier, " times that",
                report.has_secret_seed ? "" : ", by a seed that was not secret");
}

void note_privacy(nn::ModelInfo& info, const PrivacyReport& report) {
  Datum::List spent;
  for (const PrivateSteps& each : report.accountant.parts())
    spent.push_back(
        Datum::Table{{"noise_multiplier", each.noise_multiplier}, {"sampling_rate", each.sampling_rate}, {"steps", each.steps}});
  info.extra[kPrivacyText] = io::json_text(Datum::Table{{"epsilon", report.epsilon},
                                                        {"delta", report.delta},
                                                        {"noise_multiplier", report.noise_multiplier},
                                                        {"clip_norm", report.clip_norm},
                                                        {"sampling_rate", report.sampling_rate},
                                                        {"steps", report.steps},
                                                        {"has_secret_seed", report.has_secret_seed},
                                                        {"neighbours", "one sample more or less"},
                                                        {"accountant", "renyi"},
                                                        {"spent", std::move(spent)}});
}

std::optional<PrivacyReport> privacy_of(const nn::ModelInfo& info) {
  const auto text = info.extra.find(kPrivacyText);
  if (text == info.extra.end()) return std::nullopt;
  const Datum datum = io::datum_of_json(text->second, "model", kPrivacyText);
  const auto damaged = [](std::string_view name) {
    fail_io("model", "its privacy text lacks ", name, ", or has it otherwise than fit writes it");
  };
  const auto number = [&](const Datum& table, std::string_view name) {
    const Datum* found = table.find(name);
    double value = 0;
    if (!found || !io::number_of(*found, value)) damaged(name);
    return value;
  };
  const auto integer = [&](const Datum& table, std::string_view name) {
    const Datum* found = table.find(name);
    if (!found || !found->get_if<int64_t>()) damaged(name);
    return *found->get_if<int64_t>();
  };
  PrivacyReport report{.epsilon = number(datum, "epsilon"),
                       .delta = number(datum, "delta"),
                       .noise_multiplier = number(datum, "noise_multiplier"),
                       .clip_norm = number(datum, "clip_norm"),
                       .sampling_rate = number(datum, "sampling_rate"),
                       .steps = integer(datum, "steps")};
  const Datum* secret = datum.find("has_secret_seed");
  if (!secret || !secret->get_if<bool>()) damaged("has_secret_seed");
  report.has_secret_seed = *secret->get_if<bool>();
  const Datum* spent = datum.find("spent");
  constexpr size_t kMostParts = 1000;  // each costs milliseconds
  if (!spent || !spent->get_if<Datum::List>() || spent->get_if<Datum::List>()->size() > kMostParts) damaged("spent");
  for (const Datum& each : *spent->get_if<Datum::List>())
    report.accountant.add({number(each, "noise_multiplier"), number(each, "sampling_rate"), integer(each, "steps")});
  return report;
}

}  // namespace gradus::train

namespace gradus::core {

Datum FieldType<train::PrivacyOptions>::write(const train::PrivacyOptions& value, FieldWriting& writing) {
  return write_fields(fields_of(value), &value, writing);
}
bool FieldType<train::PrivacyOptions>::read(train::PrivacyOptions& value, const Datum& given, const FieldNote&, FieldReading& reading) {
  const Datum::Table* table = given.get_if<Datum::Table>();
  if (table) read_fields(fields_of(value), &value, *table, reading);
  return table;
}

}  // namespace gradus::core
