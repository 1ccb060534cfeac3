// Running one case: its function, or for some groups a transform of its function, in both float types; then comparing.
#include "tests/golden/case.hpp"

#include <functional>

#include "tests/derive.hpp"

namespace golden {
namespace {

using gradus::float32, gradus::float64;
using Function = std::function<Results(const Call&)>;
using tests::ListFunction, tests::pull_back, tests::push_forward;

Argument read_argument(const Case& test, const Json& names) {
  Argument out{{}, names.is_array()};
  if (!out.is_list) out.arrays.push_back(test.tensors->at(names.get<std::string>()));
  else
    for (const Json& name : names) out.arrays.push_back(test.tensors->at(name.get<std::string>()));
  return out;
}
Arguments read_arguments(const Case& test, const char* role) {
  Arguments out;
  if (!test.json->contains(role)) return out;
  for (const auto& [name, names] : (*test.json)[role].items()) out[name] = read_argument(test, names);
  return out;
}
Arguments as_run_dtype(Arguments arguments, DType dtype) {
  for (auto& [name, argument] : arguments)
    for (Array& x : argument.arrays) x = golden::as_run_dtype(x, dtype);
  return arguments;
}

// The arrays of some named arguments in one list, and back.
struct Names {
  std::vector<std::string> names;
  std::vector<Array> flatten(const Arguments& arguments) const {
    std::vector<Array> out;
    for (const std::string& name : names)
      for (const Array& x : arguments.at(name).arrays) out.push_back(x);
    return out;
  }
  Arguments replaced(Arguments arguments, const std::vector<Array>& values) const {
    size_t next = 0;
    for (const std::string& name : names)
      for (Array& x : arguments.at(name).arrays) x = values.at(next++);
    return arguments;
  }
};
template <class Map>
Names names_of(const Map& map) {
  Names out;
  for (const auto& [name, value] : map) out.names.push_back(name);
  return out;
}

// The function's result as one list: the outputs `wanted`, in order.
std::vector<Array> flatten_results(const Results& results, const Names& wanted) {
  std::vector<Array> out;
  for (const std::string& name : wanted.names)
    for (const Array& y : results.at(name).arrays) out.push_back(y);
  return out;
}

// grad_<a>: the cotangents of the inputs a for the cotangent `cot` of the function's output.
Results first_derivatives(const Call& call, const Entry& entry, const Json& outputs) {
  Names arguments;
  for (const auto& [name, tensor] : outputs.items()) arguments.names.push_back(name.substr(5));
  const ListFunction f = [&](const std::vector<Array>& values) {
    const Arguments replaced = arguments.replaced(call.inputs(), values);
    return entry.run(Call(replaced, call.attrs(), call.dtype)).at("y").arrays;
  };
  const std::vector<Array> grads = pull_back(f, arguments.flatten(call.inputs()), {call["cot"]});
  Results out;
  for (size_t i = 0; i < grads.size(); ++i) out.set("grad_" + arguments.names[i], grads[i]);
  return out;
}
// y and dy for the tangents t_<a>.
Results directional_derivative(const Call& call, const Entry& entry) {
  Names arguments, tangents;
  for (const auto& [name, argument] : call.inputs())
    if (call.has("t_" + name)) arguments.names.push_back(name), tangents.names.push_back("t_" + name);
  const ListFunction f = [&](const std::vector<Array>& values) {
    const Arguments replaced = arguments.replaced(call.inputs(), values);
    return entry.run(Call(replaced, call.attrs(), call.dtype)).at("y").arrays;
  };
  const auto [y, dy] = push_forward(f, arguments.flatten(call.inputs()), tangents.flatten(call.inputs()));
  return {{"y", y.at(0)}, {"dy", dy.at(0)}};
}
// Gradient, Hessian and its product with v; or the Jacobian, which must be the same forward and in reverse.
Results second_derivatives(const Call& call, const Entry& entry, const Json& outputs) {
  const auto f = [&](const Array& x) -> Array {
    Arguments replaced = call.inputs();
    replaced["x"].arrays = {x};
    return entry.run(Call(replaced, call.attrs(), call.dtype)).at("y").arrays.at(0);
  };
  const Array& x = call["x"];
  if (outputs.contains("jacobian")) {
    const Array forward = gradus::jacobian_forward(f)(x), reverse = gradus::jacobian(f)(x);
    if (!gradus::allclose(forward, reverse, {.relative = 1e-4, .absolute = 1e-5}))
      throw std::runtime_error("the forward and the reverse Jacobian differ");
    return {{"y", f(x)}, {"jacobian", reverse}};
  }
  Results out{{"y", f(x)}, {"gradient", gradus::grad(f)(x)}, {"hessian", gradus::hessian(f)(x)}};
  if (outputs.contains("hvp")) out.set("hvp", gradus::hvp(f, x, call["v"]));
  return out;
}

Function function_of(const Case& test, const Entry& entry) {
  const Json& outputs = (*test.json)["outputs"];
  if (test.group == "gradgrad") return [&](const Call& call) { return first_derivatives(call, entry, outputs); };
  if (test.group == "jvp") return [&](const Call& call) { return directional_derivative(call, entry); };
  if (test.group == "hessian") return [&](const Call& call) { return second_derivatives(call, entry, outputs); };
  return entry.run;
}

// (G + G^T) / 2 over the last two axes.
Array symmetric_part(const Array& g) { return (g + gradus::swapaxes(g, -1, -2)) / 2; }

struct Run {
  const Case& test;
  const Function& function;
  DType dtype;
  Tolerance tolerance;
  std::vector<std::string>& problems;

  void note(const std::string& what, const std::string& problem) {
    if (!problem.empty()) problems.push_back(gradus::to_text(dtype) + " " + what + ": " + problem);
  }

  void check_outputs(const Arguments& inputs) {
    const Results results = function(Call(inputs, attrs(), dtype));
    const Arguments want = read_arguments(test, "outputs");
    for (const auto& [name, wanted] : want) {
      if (name.size() > 6 && name.ends_with("_numpy") && want.count(name.substr(0, name.size() - 6))) continue;
      const auto other = want.find(name + "_numpy");
      const std::vector<Array>& got = results.at(name).arrays;
      if (got.size() != wanted.arrays.size()) {
        note(name, std::to_string(got.size()) + " arrays, want " + std::to_string(wanted.arrays.size()));
        continue;
      }
      for (size_t i = 0; i < got.size(); ++i)
        note(name, compare(got[i], wanted.arrays[i], tolerance, other == want.end() ? nullptr : &other->second.arrays[i]));
    }
  }

  void check_gradients(const Arguments& inputs) {
    const Arguments cotangents = as_run_dtype(read_arguments(test, "cotangents"), dtype);
    const Arguments want = read_arguments(test, "grads");
    if (cotangents.empty() || want.empty()) return;
    const Names arguments = names_of(want), outputs = names_of(cotangents);
    const ListFunction f = [&](const std::vector<Array>& values) {
      const Arguments replaced = arguments.replaced(inputs, values);
      return flatten_results(function(Call(replaced, attrs(), dtype)), outputs);
    };
    const std::vector<Array> got = pull_back(f, arguments.flatten(inputs), outputs.flatten(cotangents));
    size_t next = 0;
    for (const std::string& name : arguments.names) {
      for (const Array& wanted : want.at(name).arrays) {
        const Array& g = got.at(next++);
        note("gradient of " + name, compare(is_symmetric(name) ? symmetric_part(g) : g, wanted, tolerance));
      }
    }
  }

  bool is_symmetric(const std::string& name) const {
    if (!test.json->contains("symmetric_grads")) return false;
    for (const Json& entry : (*test.json)["symmetric_grads"])
      if (entry == name) return true;
    return false;
  }
  const Json& attrs() const {
    static const Json none = Json::object();
    return test.json->contains("attrs") ? (*test.json)["attrs"] : none;
  }
};

}  // namespace

std::vector<std::string> check_case(const Case& test, const Entry& entry) {
  std::vector<std::string> problems;
  const Function function = function_of(test, entry);
  const Arguments inputs = read_arguments(test, "inputs");
  for (const DType dtype : {float64, float32}) {
    const Json& bounds = (*test.json)[dtype == float64 ? "f64" : "f32"];
    if (bounds.is_null()) continue;
    Run run{test, function, dtype, {bounds[0].get<double>(), bounds[1].get<double>()}, problems};
    try {
      const Arguments cast = as_run_dtype(inputs, dtype);
      run.check_outputs(cast);
      run.check_gradients(cast);
    } catch (const NotCovered&) {
      throw;
    } catch (const std::exception& error) {
      run.note("error", error.what());
    }
  }
  return problems;
}

}  // namespace golden
