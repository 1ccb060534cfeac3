// Golden cases as they stand in the files, and how one is run and judged.
#pragma once

#include <string>
#include <vector>

#include "gradus/io/safetensors.hpp"
#include "tests/golden/call.hpp"

namespace golden {

/// |got - want| <= absolute + relative * |want|.
struct Tolerance {
  double relative = 0, absolute = 0;
};

/// Compares element by element: shape, kind of dtype, values. "" if right, else the worst element in words. `other`, if given, holds
/// for each element a second value that is right too.
std::string compare(const Array& got, const Array& want, Tolerance tolerance, const Array* other = nullptr);

/// Floats become `dtype`, the rest stays.
Array as_run_dtype(const Array& x, DType dtype);

/// One case of one group.
struct Case {
  std::string group, id, op;
  const Json* json = nullptr;
  const gradus::io::Safetensors* tensors = nullptr;
};

/// What is wrong with the case in float64 and in float32 (where it is meant for that); empty if nothing. Throws NotCovered.
std::vector<std::string> check_case(const Case& test, const Entry& entry);

/// The models of `dir`/models: what is wrong with the model, as above.
struct Model {
  std::string name;
  Json json;
  std::string dir;
};
std::vector<Model> load_models(const std::string& dir);
std::vector<std::string> check_model(const Model& model);

}  // namespace golden
