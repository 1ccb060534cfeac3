// Names of rules about tables.
#include "gradus/base/error.hpp"
#include "gradus/train/rules.hpp"

namespace gradus::train {

using namespace core;

RuleNames rule_names(const preprocess::Pipeline& pipeline) {
  const preprocess::TableUnits units = preprocess::units_of(pipeline);
  const preprocess::Target& target = pipeline.target();
  RuleNames names{.inputs = pipeline.features(), .categories = units.categories};
  nn::Preprocessing scaling;
  for (size_t i = 0; i < units.features.size(); ++i) {
    const preprocess::FeatureUnit& unit = units.features[i];
    scaling.mean.push_back(unit.shift);
    scaling.deviation.push_back(unit.scale);
    if (!unit.changed_by.empty())
      names.refused[names.inputs[i]] = concat("\"", names.inputs[i], "\" is changed by the step ", unit.changed_by,
                                              ", otherwise than by a line, so that its number in the table is not known");
  }
  names.preprocessing = std::move(scaling);
  names.kind = target.is_class() ? RuleOutputs::classes : RuleOutputs::numbers;
  names.outputs = target.is_class() ? target.class_names : std::vector<std::string>{target.column};
  if (!target.is_class()) names.target = target;
  return names;
}

}  // namespace gradus::train
