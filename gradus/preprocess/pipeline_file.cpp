// Pipelines as data, for model files.
#include "gradus/base/error.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::preprocess {

using namespace core;

namespace {

constexpr int64_t kVersion = 1;
constexpr size_t kMostSteps = 1000;

template <class T>
Datum written(const T& value) {
  FieldWriting writing;
  return write_fields(fields_of(value), &value, writing);
}

const Datum& member(const Datum& datum, std::string_view name) {
  const Datum* found = datum.find(name);
  if (!found) throw FieldError(name, "is missing");
  return *found;
}
template <class T>
void read_value(T& value, const Datum& datum, const std::string& name, FieldReading& reading) {
  if (!FieldType<T>::read(value, member(datum, name), {}, reading))
    throw FieldError(name, concat("expected ", FieldType<T>::expected({}, value), ", got ", core::to_text(member(datum, name))));
}
template <class T>
void read_object(T& value, const Datum& datum, const std::string& name, FieldReading& reading) {
  const Datum::Table* table = datum.get_if<Datum::Table>();
  if (!table) throw FieldError(name, concat("expected a table, got ", core::to_text(datum)));
  read_fields(fields_of(value), &value, *table, reading);
}
const Datum::List& list_of(const Datum& datum, const std::string& name) {
  const Datum::List* list = member(datum, name).get_if<Datum::List>();
  if (!list) throw FieldError(name, concat("expected a list, got ", core::to_text(member(datum, name))));
  return *list;
}

}  // namespace

Datum Pipeline::to_datum() const {
  Datum::List steps, inputs;
  for (const Step& step : steps_) steps.push_back(step.to_datum());
  for (const InputColumn& input : inputs_) inputs.push_back(written(input));
  FieldWriting writing;
  using Names = FieldType<std::vector<std::string>>;
  return Datum::Table{{"version", kVersion},
                      {"steps", std::move(steps)},
                      {"columns", std::move(inputs)},
                      {"features", Names::write(features_, writing)},
                      {"origins", Names::write(origins_, writing)},
                      {"target", written(target_)}};
}

Pipeline Pipeline::from_datum(const Datum& datum, const std::string& what) {
  try {
    FieldReading reading{.is_file = true};
    int64_t version = 0;
    read_value(version, datum, "version", reading);
    if (version > kVersion)
      throw FieldError("version", concat("is ", version, ", newer than ", kVersion, ", the newest that this Gradus knows"));
    Pipeline out;
    const Datum::List& steps = list_of(datum, "steps");
    if (steps.size() > kMostSteps) throw FieldError("steps", concat("there are ", steps.size(), "; at most ", kMostSteps, " are read"));
    for (const Datum& step : steps) out.steps_.push_back(Step::from_datum(step, reading));
    for (const Datum& input : list_of(datum, "columns")) read_object(out.inputs_.emplace_back(), input, "columns", reading);
    read_value(out.features_, datum, "features", reading);
    read_value(out.origins_, datum, "origins", reading);
    if (out.features_.size() != out.origins_.size())
      throw FieldError("origins", concat("there are ", out.origins_.size(), " for ", out.features_.size(), " features"));
    read_object(out.target_, member(datum, "target"), "target", reading);
    if (!(out.target_.deviation > 0)) throw FieldError("target.deviation", concat("is ", out.target_.deviation, "; it must be above 0"));
    for (const Step& step : out.steps_) {
      if (!step.is_learnt()) throw FieldError("steps", concat(step.name(), " has no state"));
    }
    out.is_fitted_ = true;
    return out;
  } catch (const Error& error) {
    fail(what, "the pipeline cannot be read: ", error.place().empty() ? "" : error.place() + ": ", error.problem());
  }
}

Pipeline pipeline_of(const nn::ModelInfo& info, const std::string& what) {
  return info.pipeline.exists() ? Pipeline::from_datum(info.pipeline, what) : Pipeline();
}

}  // namespace gradus::preprocess
