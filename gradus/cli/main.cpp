// gradus: the command line. Exit codes: 0 done, 1 an error, 2 wrong usage, 130 interrupted.
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "gradus/base/error.hpp"
#include "gradus/base/version.hpp"
#include "gradus/cli/commands.hpp"

namespace {

constexpr const char* kAbout =
    "Gradus trains neural networks from recipes: TOML files that name data, model, loss and optimiser.\n";
constexpr const char* kHelpEnd = R"(
A first run:
  gradus train recipes/mlp_fashion.toml                  train; writes a folder below runs/
  gradus train recipes/mlp_fashion.toml --set train.epochs=2 --set optimizer.learning_rate=0.01
  gradus summary recipes/cnn_fashion.toml                layers, shapes, parameters
  gradus evaluate runs/NAME-TIME                         loss and metrics on the run's test data
  gradus predict runs/NAME-TIME images.idx.gz            classes and probabilities

Fashion-MNIST comes from the Debian package dataset-fashion-mnist, or from the folder that GRADUS_DATA names.
Each command has its own help: gradus train --help)";

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  std::fprintf(stderr, "gradus: %s\n  hint: gradus --help\n", error.what());
  return 2;
}

int run(int argc, char** argv) {
  CLI::App app{kAbout, "gradus"};
  app.footer(kHelpEnd);
  app.set_version_flag("--version", "gradus " GRADUS_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  gradus::cli::add_train(app);
  gradus::cli::add_evaluate(app);
  gradus::cli::add_predict(app);
  gradus::cli::add_summary(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // A file over the limit is an error of the write, not the end of the process.
  try {
    return run(argc, argv);
  } catch (const gradus::Error& error) {
    std::fprintf(stderr, "gradus: %s\n", error.what());
    return error.kind() == gradus::Error::Kind::interrupted ? 130 : 1;
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "gradus: out of memory\n");
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gradus: gradus bug: %s\n", error.what());
    return 1;
  }
}
