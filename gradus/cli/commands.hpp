// The commands of the command line: each file adds one.
#pragma once

namespace CLI {
class App;
}

namespace gradus::cli {

void add_train(CLI::App& app);
void add_search(CLI::App& app);
void add_find_rate(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_predict(CLI::App& app);
void add_data(CLI::App& app);
void add_doctor(CLI::App& app);
void add_summary(CLI::App& app);
void add_show(CLI::App& app);
void add_report(CLI::App& app);
void add_keys(CLI::App& app);
void add_new(CLI::App& app);
void add_generate(CLI::App& app);
void add_embed(CLI::App& app);
void add_similar(CLI::App& app);
void add_translate(CLI::App& app);
void add_explain(CLI::App& app);
void add_compare(CLI::App& app);
void add_seal(CLI::App& app);
void add_unseal(CLI::App& app);
void add_sign(CLI::App& app);
void add_verify(CLI::App& app);
void add_graph(CLI::App& app);
void add_graph_rules(CLI::App& app);

}  // namespace gradus::cli
