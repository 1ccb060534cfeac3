// gradus: the command line. Exit codes: 0 done, 1 an error, 2 wrong usage, 130 interrupted (143 by SIGTERM, 129 by SIGHUP).
#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/base/text.hpp"
#include "gradus/base/version.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/secret.hpp"
#include "gradus/train/interrupt.hpp"

namespace {

constexpr const char* kAbout = "Gradus trains neural networks from recipes: TOML files that name data, model, loss and optimiser.\n";
constexpr const char* kHelpEnd = R"(
A first run:
  gradus train recipes/mlp_fashion.toml                  train; writes a folder below runs/
  gradus train recipes/mlp_fashion.toml --set train.epochs=2 --set optimizer.learning_rate=0.01
  gradus data describe adult.csv --target income         what a table holds
  gradus search people.csv --target income               try hyper-parameters; by a recipe's [search] too
  gradus find-rate recipes/mlp_fashion.toml              a learning rate that suits it
  gradus summary recipes/cnn_fashion.toml                layers, shapes, parameters
  gradus keys optimizer                                  what a recipe may say of the optimiser
  gradus evaluate runs/NAME-TIME                         loss and metrics on the run's test data
  gradus predict runs/NAME-TIME images.idx.gz            classes and probabilities
  gradus doctor people.csv --target income               mistakes in data, recipe or run
  gradus show runs/NAME-TIME                             what a model has learned: equations, matrices
  gradus report runs/A runs/B                            runs side by side
  gradus generate runs/NAME-TIME --prompt "To be"        text from a language model
  gradus similar MODEL lines.txt "a question"            the lines that say most nearly the same
  gradus seal runs/NAME-TIME -o model.gradus             a model that only who has the key can read
  gradus graph FOLDER                                    a knowledge graph: train, rank its answers

Fashion-MNIST comes from the Debian package dataset-fashion-mnist, or from the folder that GRADUS_DATA names.
Each command has its own help: gradus train --help)";

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands({})) names.push_back(each->get_name());
  return names;
}

// "--run-dri is unknown; did you mean --run-dir?" for the first argument that nothing takes.
std::string unknown_argument(const CLI::App& app, const CLI::App* command) {
  std::vector<std::string> names;
  const std::string argument = app.remaining(true).front();
  if (command && !argument.starts_with("-")) {
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_positional()) names.push_back(option->get_name(true));
    }
    return gradus::core::concat(argument, " is one argument too many; it takes ", names.empty() ? "none" : gradus::core::join(names));
  }
  const bool is_command = !command && !argument.starts_with("-");
  if (is_command) {
    names = command_names(app);
  } else {
    for (const CLI::Option* option : (command ? command : &app)->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return argument + (is_command ? ": there is no such command" : " is unknown here") + gradus::cli::instead_of(argument, names);
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  const std::vector<const CLI::App*> chosen = app.get_subcommands([](const CLI::App* each) { return each->parsed(); });
  const CLI::App* command = chosen.empty() ? nullptr : chosen.front();
  std::string text = error.what();
  if (!app.remaining(true).empty()) text = unknown_argument(app, command);
  else if (!command) text = "a command is missing; there are " + gradus::core::join(command_names(app));
  if (command) text = command->get_name() + ": " + text;
  const std::string help = command ? "gradus " + command->get_name() + " --help" : "gradus --help";
  std::fprintf(stderr, "gradus: %s\n  hint: %s\n", gradus::core::printable(text).c_str(), help.c_str());
  return 2;
}

// What was printed must have arrived: a full disk behind standard output is an error like any other.
int finished() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  std::fprintf(stderr, "gradus: standard output: cannot be written: %s\n", std::strerror(errno));
  return 1;
}

// As error.what(), without what a terminal would obey: names of files and of classes may hold anything.
void print(const gradus::Error& error) {
  const std::string place = gradus::core::printable(error.place()), problem = gradus::core::printable(error.problem());
  std::string text = place.empty() ? problem : place + ": " + problem;
  if (!error.path().empty()) text += "\n  in: " + gradus::core::printable(error.path());
  if (!error.hint().empty()) text += "\n  hint: " + gradus::core::printable(error.hint());
  std::fprintf(stderr, "gradus: %s\n", text.c_str());
}

int run(int argc, char** argv) {
  CLI::App app{kAbout, "gradus"};
  app.footer(kHelpEnd);
  app.set_version_flag("--version", "gradus " GRADUS_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  gradus::cli::add_train(app);
  gradus::cli::add_search(app);
  gradus::cli::add_find_rate(app);
  gradus::cli::add_evaluate(app);
  gradus::cli::add_predict(app);
  gradus::cli::add_data(app);
  gradus::cli::add_doctor(app);
  gradus::cli::add_summary(app);
  gradus::cli::add_show(app);
  gradus::cli::add_report(app);
  gradus::cli::add_keys(app);
  gradus::cli::add_new(app);
  gradus::cli::add_generate(app);
  gradus::cli::add_embed(app);
  gradus::cli::add_similar(app);
  gradus::cli::add_translate(app);
  gradus::cli::add_explain(app);
  gradus::cli::add_compare(app);
  gradus::cli::add_seal(app);
  gradus::cli::add_unseal(app);
  gradus::cli::add_sign(app);
  gradus::cli::add_verify(app);
  gradus::cli::add_graph(app);
  gradus::cli::add_graph_rules(app);
  const gradus::io::UnsealScope keys([](const std::string& path) { return gradus::cli::key_for(path); });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  return finished();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // A file over the limit is an error of the write, not the end of the process.
  try {
    return run(argc, argv);
  } catch (const gradus::Error& error) {
    print(error);
    return error.kind() == gradus::Error::Kind::interrupted ? 128 + gradus::train::InterruptScope::last_signal() : 1;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "gradus: out of memory\n");
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gradus: gradus bug: %s\n", gradus::core::printable(error.what()).c_str());
    return 1;
  }
}
