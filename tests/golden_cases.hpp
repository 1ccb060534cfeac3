// Cases of the golden files, for tests that check numbers no op stands for: optimisers, schedules, initialisers.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gradus/io/safetensors.hpp"

namespace gradus::testing {

/// The folder of golden files: GRADUS_GOLDEN, or shared/golden beside the source tree; "" if there is none.
inline std::string golden_folder() {
  if (const char* given = std::getenv("GRADUS_GOLDEN")) return given;
  for (const char* up : {"/../shared/golden", "/../../shared/golden"}) {
    const std::string folder = std::string(GRADUS_SOURCE_DIR) + up;
    if (std::filesystem::exists(folder + "/README.md")) return folder;
  }
  return {};
}

/// One group of golden cases with its tensors.
struct GoldenGroup {
  explicit GoldenGroup(const std::string& name) {
    const std::string folder = golden_folder();
    if (folder.empty()) return;
    std::ifstream file(folder + "/" + name + ".json");
    cases = nlohmann::json::parse(file)["cases"];
    tensors = io::load_safetensors(folder + "/" + name + ".safetensors");
  }
  const Array& tensor(const nlohmann::json& one, const char* role, const char* name) const {
    return tensors.at(one[role][name].get<std::string>());
  }
  bool empty() const { return cases.empty(); }

  nlohmann::json cases = nlohmann::json::array();
  io::Safetensors tensors;
};

/// |got - want| <= atol + rtol |want| for every element.
inline void expect_close(const std::vector<double>& got, const std::vector<double>& want, double rtol, double atol,
                         const std::string& where) {
  ASSERT_EQ(got.size(), want.size()) << where;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i]) ? std::isnan(got[i]) : std::fabs(got[i] - want[i]) <= atol + rtol * std::fabs(want[i])) continue;
    FAIL() << where << ", element " << i << ": got " << got[i] << ", want " << want[i];
  }
}

}  // namespace gradus::testing
