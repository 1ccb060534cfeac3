// Steps: learning, and steps as data.
#include "gradus/preprocess/step.hpp"

#include "gradus/base/error.hpp"

namespace gradus::preprocess {

using namespace core;

Frame Step::learn(const Frame& frame, const Learning& learning, Treatments& treatments) {
  Frame out = inside_->learn(frame, learning, treatments);
  is_learnt_ = true;
  return out;
}

Frame Step::apply(const Frame& frame, Treatments& treatments) const {
  if (!is_learnt_) fail(name(), "it has learnt nothing yet; fit the pipeline on the training table first");
  return inside_->apply(frame, treatments);
}

Datum Step::to_datum() const {
  Datum::Table out{{"type", name()}};
  for (auto& each : inside_->options()) out.push_back(std::move(each));
  if (is_learnt_) out.emplace_back("state", inside_->state());
  return out;
}

Step Step::from_datum(const Datum& datum, FieldReading& reading) {
  const Datum::Table* table = datum.get_if<Datum::Table>();
  if (!table) throw FieldError("", concat("expected a table with a type, got ", to_text(datum)));
  static const std::string own[] = {"type", "state"};
  const StepKind& kind = step_kinds()[read_name(*table, "type", step_kinds().names())];
  Step out = kind.read(*table, reading, own);
  if (const Datum* state = datum.find("state")) {
    const Datum::Table* fields = state->get_if<Datum::Table>();
    if (!fields) throw FieldError("state", concat("expected a table, got ", to_text(*state)));
    out.inside_->set_state(*fields, reading);
    out.is_learnt_ = true;
  }
  return out;
}

}  // namespace gradus::preprocess
