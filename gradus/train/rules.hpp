// Knowledge as rules: sentences about a model's inputs and outputs, as differentiable penalties while it trains, and counted where it is
// measured.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradus/nn/model.hpp"
#include "gradus/preprocess/units.hpp"
#include "gradus/train/fit.hpp"

namespace gradus::train {

/// What the outputs of a model are, (N, outputs).
enum class RuleOutputs {
  classes,  ///< logits of classes of which one is right: a name means its softmax probability
  labels,   ///< logits of yes or no each: a name means its sigmoid probability
  numbers,  ///< numbers, in comparisons only
};
std::span<const std::string_view> enum_names(RuleOutputs);

/// How truths between 0 and 1 are put together (t-norms), and what a truth t costs.
///  product      a and b: a b            a or b: a + b - a b      a -> b: 1 - a + a b         cost -log t
///  lukasiewicz  a and b: max(0, a+b-1)  a or b: min(1, a + b)    a -> b: min(1, 1 - a + b)   cost 1 - t
/// not a is 1 - a. A product tells also nearly kept rules apart, so it pulls always; Lukasiewicz' logic pulls only where a rule is broken.
enum class RuleLogic { product, lukasiewicz };
std::span<const std::string_view> enum_names(RuleLogic);

/// A rule as it is written, and how much it counts.
struct RuleText {
  std::string text{};
  double weight = 1;  ///< times the mean cost over a batch; not negative
  double scale = 1;   ///< of comparisons with outputs: missing one by `scale` makes it a truth of 1/e, or of 0 in Lukasiewicz' logic
  GRADUS_OPTIONS(text, weight, scale)
};

/// What the names in rules stand for.
struct RuleNames {
  std::vector<std::string> inputs{};   ///< of the columns of x, (N, inputs)
  std::vector<std::string> outputs{};  ///< of the model's outputs
  RuleOutputs kind = RuleOutputs::classes;
  std::optional<nn::Preprocessing> preprocessing{};  ///< of x: rules speak of the numbers before it
  RuleLogic logic = RuleLogic::product;
  std::vector<preprocess::CategoryFeatures> categories{};  ///< columns that are compared with their values: job = clerk
  std::map<std::string, std::string> refused{};            ///< inputs that no rule may speak of, and why
  preprocess::Target target{};                             ///< of numbers: rules speak of them in the target's own unit
};

/// Names for a model of tables: the pipeline's features, in the table's units where steps have scaled them by a line (Standardise, MinMax,
/// Robust); columns of categories with their values, as one-hot columns, codes or places in an order; classes, or the target's name. A
/// feature that a step has changed otherwise (Power, Clip) is refused where a rule names it.
///
///   preprocess::Pipeline pipeline{preprocess::DateParts(), preprocess::Impute(), preprocess::Standardise(), preprocess::OneHot()};
///   pipeline.fit(table, "happy");
///   const train::Rules about_table({{"if age < 18 and job = clerk then yes"}}, train::rule_names(pipeline));
RuleNames rule_names(const preprocess::Pipeline& pipeline);

/// How often a rule is broken.
struct RuleCount {
  std::string text{};
  int64_t samples = 0;
  int64_t applies = 0;   ///< samples of which the "if" holds; all for a rule without one
  int64_t violated = 0;  ///< of them: samples of which the rule is false
  double rate() const { return samples == 0 ? 0 : static_cast<double>(violated) / static_cast<double>(samples); }
};
/// A line a rule: "if age < 18 then not married: broken by 12 of 400 samples (3.0 %), applies to 80".
std::string to_text(const std::vector<RuleCount>& counts);

/// Rules about named inputs and outputs.
///
///  rule        if A then B     A -> B     A
///  A, B        names, comparisons, not A, A and B, A or B, (A)
///  comparison  sums of numbers, names and multiples (2 * rooms + 1) with <, <=, >, >=, = or != between them;
///              a column of categories and one of its values (job = clerk, size >= "M"; < and > where they have an order)
///
/// "not" binds closest, then "and", "or", "->", which groups to the right. A name is of letters, digits, _ and ., or stands in quotes
/// ("Ankle boot"); input.NAME and output.NAME tell apart what has one name. Alone it is a truth: the probability of an output, or an input
/// of 0 and 1. A comparison of inputs holds or does not, and takes for equal what float32 cannot tell apart after preprocessing; one of
/// outputs has a truth of exp(-miss / scale), with Lukasiewicz max(0, 1 - miss / scale).
///
///   const train::Rules rules({{"if age < 18 then not married"}, {"boot -> shoe", 0.5}},
///                            {.inputs = {"age", "income"}, .outputs = {"married", "boot", "shoe"}, .kind = train::RuleOutputs::labels});
///
/// Throws for what is no rule, naming the column, for unknown names, naming the nearest, for texts of more than 10,000 characters, and for
/// more than 100 things within each other.
class Rules {
 public:
  Rules() = default;
  Rules(const std::vector<RuleText>& rules, RuleNames names);

  bool exists() const { return !rules_.empty(); }
  size_t size() const { return rules_.size(); }
  /// The truth of each rule for each sample: arrays (N,), between 0 and 1. x is (N, inputs), output (N, outputs), or (N,) for one.
  std::vector<Array> truths(const Array& x, const Array& output) const;
  /// sum over rules of weight times mean cost: a rank-0 array to be added to a loss.
  Array penalty(const Array& x, const Array& output) const;
  /// How often each is broken where the model decides: for the likeliest class, for labels above 1/2, for numbers as they are.
  std::vector<RuleCount> count(const Array& x, const Array& output) const;

  struct Node;

 private:
  struct Rule {
    RuleText given;
    std::shared_ptr<const Node> root;
  };
  std::vector<Rule> rules_{};
  RuleNames names_{};
};

/// A loss and rules as an objective of fit; logs "rules", the penalty.
///
///   train::fit(model, train::RuleObjective{loss::binary_crossentropy, rules}, set, {.epochs = 20});
struct RuleObjective {
  loss::Loss loss{};
  Rules rules{};
  std::vector<metrics::Metric> metrics{};
  template <class M>
  detail::Measured operator()(const M& model, const data::Batch& batch) const {
    return measure(model(batch.x), batch);
  }
  detail::Measured measure(const Array& output, const data::Batch& batch) const;
};

/// How often a model breaks each rule on a set.
template <class M>
std::vector<RuleCount> rule_counts(const M& model, const Rules& rules, const data::Dataset& set) {
  if constexpr (detail::must_take_one_array<M>())
    return rules.count(set.x, detail::predict([&](const Array& x) -> Array { return model(x); }, set, 128));
  else return {};
}

}  // namespace gradus::train
