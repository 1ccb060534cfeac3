// Wrong calls of private training, sealed files, rules, monotone models and knowledge graphs.
#include "gradus/train/monotonicity.hpp"
#include "gradus/train/rules.hpp"
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

namespace {

data::Dataset points() { return data::Dataset(zeros({4, 3}), zeros({4}, int64)); }
template <class Change>
void fit_privately(const Change& change) {
  nn::Sequential model{nn::Dense(2)};
  train::FitOptions options{
      .loss = loss::sparse_categorical_crossentropy, .verbose = false, .privacy = {.noise_multiplier = 1, .delta = 1e-3}};
  change(options);
  train::fit(model, points(), options);
}
using Options = train::FitOptions;

data::KnowledgeGraph people() { return data::graph_of("ann\tparent_of\tbob\nbob\tparent_of\tcid\n"); }
train::RuleNames names() { return {.inputs = {"age", "income"}, .outputs = {"married", "retired"}, .kind = train::RuleOutputs::labels}; }
void rule(const std::string& text) { train::Rules({{text}}, names()); }
// A rule about a table whose column of hours a step has changed beyond return.
void rule_of_table(const std::string& text) {
  preprocess::Pipeline pipeline{preprocess::Power({.columns = {"hours"}}), preprocess::OneHot()};
  pipeline.fit(data::Table({data::Column::numeric("hours", {1, 2, 3, 5}), data::Column::categorical("job", {"cook", "clerk", "cook", "nurse"}),
                            data::Column::categorical("vote", {"no", "no", "yes", "yes"})}),
               "vote");
  train::Rules({{text}}, train::rule_names(pipeline));
}

}  // namespace

Provocations knowledge_provocations() {
  return {
    // Private training.
    PROVOKE(train::epsilon_of({.noise_multiplier = -1}, 1e-5)), PROVOKE(train::epsilon_of({.sampling_rate = 2}, 1e-5)),
        PROVOKE(train::epsilon_of({}, 0)), PROVOKE(train::renyi_divergence(1, 0.1, 1)), PROVOKE(train::noise_for(-1, 1e-5, {})),
        PROVOKE(train::noise_for(1e-9, 1e-5, {})), PROVOKE(fit_privately([](Options& o) { o.privacy.delta = 0; })),
        PROVOKE(fit_privately([](Options& o) { o.privacy.clip_norm = 0; })),
        PROVOKE(fit_privately([](Options& o) { o.privacy.target_epsilon = 1; })),
        PROVOKE(fit_privately([](Options& o) { o.accumulate = 2; })),
        PROVOKE(fit_privately([](Options& o) { o.class_weight = train::balanced; })),
        PROVOKE(fit_privately([](Options& o) { o.patience = 2; })),
        PROVOKE(nn::Sequential model(nn::BatchNorm(), nn::Dense(2)); train::fit(
                    model, points(),
                    {.loss = loss::sparse_categorical_crossentropy, .verbose = false, .privacy = {.noise_multiplier = 1, .delta = 1e-3}})),
        PROVOKE(train::privacy_of({.extra = {{"privacy", "{}"}}})),
        PROVOKE(train::membership_attack("mine", std::vector<double>{}, std::vector<double>{1})),
        // Rules.
        PROVOKE(rule_of_table("hours > 2 -> yes")), PROVOKE(rule_of_table("job = pilot -> yes")), PROVOKE(rule_of_table("job -> yes")),
        PROVOKE(rule_of_table("job > cook -> yes")), PROVOKE(rule_of_table("job = ")),
        PROVOKE(preprocess::units_of(preprocess::Pipeline{preprocess::Standardise()})),
        PROVOKE(rule("if agee < 18 then married")), PROVOKE(rule("age + 1")), PROVOKE(rule("age * income < 3")),
        PROVOKE(rule("married & retired")), PROVOKE(rule("(married")), PROVOKE(rule("if married retired")),
        PROVOKE(train::Rules({{"married", -1}}, names())),
        PROVOKE(train::Rules({{"married"}}, names()).penalty(zeros({4, 3}), zeros({4, 2}))),
        // Monotone models.
        PROVOKE(models::MonotoneMLP({.directions = {2}})), PROVOKE(models::MonotoneMLP({.directions = {1, 0}})(zeros({4, 3}))),
        PROVOKE(train::monotonicity_penalty(nn::Dense(1), zeros({4, 3}), {1})),
        // Knowledge graphs.
        PROVOKE(data::graph_of("ann parent_of bob\n")), PROVOKE(data::graph_of("ann\t\tbob\n")), PROVOKE(people().entity("an")),
        PROVOKE(models::GraphEmbedding({.width = 0})), PROVOKE(models::GraphEmbedding()(zeros({4, 3}, int64))),
        PROVOKE(models::GraphEmbedding model; models::fit_graph(model, people(), {})),
        PROVOKE(models::link_scores([](const Array& x) { return x; }, people(), people().train)),
        PROVOKE(models::mine_rules(people(), {.longest_body = 3})),
        // Sealed files.
        PROVOKE(io::SealKey::from_passphrase("")), PROVOKE(io::SealKey::from_passphrase("secret").write("key")),
        PROVOKE(io::verify("model.gradus", "abc")),
  };
}

}  // namespace errors
