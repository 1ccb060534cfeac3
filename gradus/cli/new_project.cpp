// `gradus new`: a small project that builds against the installed library.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/base/version.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"

namespace gradus::cli {

namespace {

constexpr const char* kBuild = R"(cmake_minimum_required(VERSION 3.20)
project(@NAME@ CXX)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_package(Gradus @VERSION@ REQUIRED)
add_executable(@NAME@ main.cpp)
target_link_libraries(@NAME@ PRIVATE Gradus::gradus)
)";

constexpr const char* kProgram =
    R"(// Two half circles of points, told apart by a small network: data, training, saving, loading, predicting.
#include <cstdio>

#include <gradus/gradus.hpp>

using namespace gradus;

int main() try {
  auto [test_set, train_set] = data::split(data::make_moons(2000, {.noise = 0.15}), 0.2);
  nn::Sequential model{nn::Dense(32, relu), nn::Dense(32, relu), nn::Dense(2)};
  train::fit(model, train_set, {.loss = loss::sparse_categorical_crossentropy,
                                .optimizer = optim::Adam(0.01),
                                .metrics = {metrics::accuracy},
                                .epochs = 20,
                                .validation = test_set});
  io::save(model, "@NAME@.gradus", train_set);

  nn::Model loaded = io::load("@NAME@.gradus");
  Array probabilities = softmax(loaded(array({{0.0f, 1.0f}, {1.0f, -0.5f}})));
  std::printf("%s\n", to_text(probabilities).c_str());
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
)";

constexpr const char* kReadme = R"(# @NAME@

    cmake -B build && cmake --build build && build/@NAME@

Where Gradus lies in a folder of its own, say so: cmake -B build -DCMAKE_PREFIX_PATH=FOLDER
)";

std::string filled(std::string text, const std::string& name) {
  for (const auto& [mark, value] : {std::pair<std::string, std::string>{"@NAME@", name}, {"@VERSION@", GRADUS_VERSION}}) {
    for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size()) text.replace(at, mark.size(), value);
  }
  return text;
}

// The last part of the path, as a target of CMake may be called.
std::string name_of(const std::string& folder) {
  std::string name = std::filesystem::weakly_canonical(folder).filename().string();
  for (char& c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!is_plain) c = '_';
  }
  if (name.empty() || name == "test" || name == "all" || name == "install" || name == "help" || name == "clean" || name == "package")
    name += "_app";
  return name;
}

// As a shell takes it for one word.
std::string shell_word(const std::string& text) {
  const bool is_plain = std::none_of(text.begin(), text.end(), [](char c) { return std::strchr(" \t\n'\"\\$`!*?[](){}<>|&;#~", c); });
  if (is_plain) return text;
  std::string word = "'";
  for (char c : text) {
    if (c == '\'') word += "'\\''";
    else word += c;
  }
  return word + "'";
}

void make_project(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code problem;
  if (fs::exists(folder, problem) && !(fs::is_directory(folder, problem) && fs::is_empty(folder, problem))) {
    fail(folder, "is there already, and not an empty folder; choose another name");
  }
  fs::create_directories(folder, problem);
  if (problem) fail_io(folder, "cannot be made: ", problem.message());
  const std::string name = name_of(folder);
  file::write_atomically(folder + "/CMakeLists.txt", filled(kBuild, name));
  file::write_atomically(folder + "/main.cpp", filled(kProgram, name));
  file::write_atomically(folder + "/README.md", filled(kReadme, name));
  std::printf("%s: a project; to build and run it:\n  cd %s && cmake -B build && cmake --build build && build/%s\n",
              core::printable(folder).c_str(), core::printable(shell_word(folder)).c_str(), name.c_str());
}

}  // namespace

void add_new(CLI::App& app) {
  const auto folder = std::make_shared<std::string>();
  Command command(app, "new", "Write a small C++ project that builds against the installed library");
  command.positional("DIR", *folder, "The folder to make", Need::required);
  command.footer("\n  gradus new moons");
  command.runs([folder] { make_project(*folder); });
}

}  // namespace gradus::cli
