// Calls that must fail: each message stands, word for word, in catalogue.txt.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gradus/gradus.hpp"

namespace errors {

/// A piece of user code, as text for the catalogue and as code.
struct Provocation {
  std::string code;
  std::function<void()> run;
};
using Provocations = std::vector<Provocation>;

/// PROVOKE(zeros({-1, 2})) is both: the text is the code.
#define PROVOKE(...) \
  errors::Provocation { #__VA_ARGS__, [] { __VA_ARGS__; } }

Provocations array_provocations();
Provocations op_provocations();
Provocations transform_provocations();
Provocations module_provocations();
Provocations file_provocations();
Provocations recurrent_provocations();
Provocations explanation_provocations();
Provocations knowledge_provocations();
Provocations metric_provocations();
Provocations table_model_provocations();
Provocations search_provocations();

}  // namespace errors
