// Steps: learning, and steps as data.
#include "gradus/preprocess/step.hpp"

#include "gradus/base/error.hpp"
#include "gradus/preprocess/step_fields.hpp"

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
  Step out = kind.read(*table, reading, std::span<const std::string>(own));
  if (const Datum* state = datum.find("state")) {
    const Datum::Table* fields = state->get_if<Datum::Table>();
    if (!fields) throw FieldError("state", concat("expected a table, got ", to_text(*state)));
    out.inside_->set_state(*fields, reading);
    out.is_learnt_ = true;
  }
  return out;
}

}  // namespace gradus::preprocess

namespace gradus::core {

bool FieldType<std::vector<preprocess::Step>>::read(std::vector<preprocess::Step>& value, const Datum& given, const FieldNote&,
                                                    FieldReading& reading) {
  const Datum::List* list = given.get_if<Datum::List>();
  if (!list) return false;
  value.clear();
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string* name = (*list)[i].get_if<std::string>();
    try {
      value.push_back(preprocess::Step::from_datum(name ? Datum(Datum::Table{{"type", *name}}) : (*list)[i], reading));
    } catch (const FieldError& error) {
      throw FieldError(concat("[", i, "]", error.place().empty() ? "" : ".", error.place()), error.problem());
    } catch (const Error& error) {
      throw FieldError(concat("[", i, "]"), error.problem());
    }
  }
  return true;
}

}  // namespace gradus::core
