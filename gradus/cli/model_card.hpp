// A model card: what a model was made of, how good it is, and what it must not be taken for (Mitchell et al. 2019).
#pragma once

#include <string>

#include "gradus/cli/run_report.hpp"

namespace gradus::cli {

/// The card as parts, each a heading with lines; and in Markdown and HTML.
struct ModelCard {
  struct Part {
    std::string heading{};
    std::vector<std::string> lines{};
    train::ReportTable table{};  ///< below the lines; left out without rows
  };
  std::string title{};
  std::vector<Part> parts{};
};
ModelCard model_card(const RunResult& result);
std::string to_markdown(const ModelCard& card);
std::string to_html(const ModelCard& card);

}  // namespace gradus::cli
