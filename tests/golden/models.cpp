// Training trajectories of whole models: straight-line programs over named values, run by one interpreter.
#include <cmath>
#include <fstream>

#include "tests/golden/border.hpp"
#include "tests/golden/case.hpp"
#include "tests/golden/optimizers.hpp"

namespace golden {
namespace {

using namespace gradus;
using namespace gradus::core;

using Values = std::map<std::string, Array>;

// One instruction: its arguments, attributes and the values that are written besides its results (running statistics).
struct Instruction {
  const Json& json;
  const Values& values;
  Values* buffers;  // where batch_norm leaves its statistics
  DType dtype;

  const Array& arg(size_t i) const {
    const auto found = values.find(json["args"].at(i).get<std::string>());
    if (found == values.end())
      throw std::runtime_error("the program uses " + json["args"].at(i).get<std::string>() + " before it has a value");
    return found->second;
  }
  Array optional_arg(size_t i) const { return i < json["args"].size() ? arg(i) : Array(); }
  Call call() const { return Call(none, json["attrs"], dtype); }
  static inline const Arguments none{};
};

CellWeights cell_weights(const Instruction& in) { return {in.arg(1), in.arg(2), in.arg(3), in.arg(4)}; }
std::vector<Array> gru_of(const Instruction& in) {
  const auto [ys, h] = gru(in.arg(0), gru_weights_of(cell_weights(in)), {}, {.reverse = in.call().flag("reverse")});
  return {ys, h};
}
std::vector<Array> lstm_of(const Instruction& in) {
  const auto [ys, state] = lstm(in.arg(0), weights_of(cell_weights(in)));
  return {ys, state.h, state.c};
}
std::vector<Array> batch_norm_of(const Instruction& in) {
  const Call c = in.call();
  const Array x = channels_last(in.arg(0));
  const double eps = c.number("eps"), momentum = c.number("momentum"), n = static_cast<double>(x.size() / x.shape(-1));
  if (!c.flag("training")) return {channels_first(batch_norm(x, in.arg(3), in.arg(4), in.arg(1), in.arg(2), eps))};
  const auto [y, mean, var] = batch_norm(x, in.arg(1), in.arg(2), eps);
  const auto update = [&](size_t arg, const Array& batch) {
    (*in.buffers)[in.json["args"][arg]] = stop_gradient((1 - momentum) * in.arg(arg) + momentum * batch);
  };
  update(3, mean);
  update(4, var * (n / (n - 1)));
  return {channels_first(y)};
}
// (B, L, E) in heads, scale 1 / sqrt(E / heads).
std::vector<Array> attention_of(const Instruction& in) {
  const Call c = in.call();
  const int64_t heads = c.integer("heads"), width = in.arg(0).shape(2) / heads;
  const auto split_heads = [&](const Array& x) { return transpose(reshape(x, {x.shape(0), x.shape(1), heads, width}), {0, 2, 1, 3}); };
  const Array y = torch_attention(split_heads(in.arg(0)), split_heads(in.arg(1)), split_heads(in.arg(2)), {}, c.flag("causal"),
                            1 / std::sqrt(static_cast<double>(width)));
  return {reshape(transpose(y, {0, 2, 1, 3}), in.arg(0).shape())};
}

using Op = std::vector<Array> (*)(const Instruction&);
const std::map<std::string, Op> ops{
    {"linear", [](const Instruction& in) -> std::vector<Array> { return {torch_linear(in.arg(0), in.arg(1), in.optional_arg(2))}; }},
    {"conv2d",
     [](const Instruction& in) -> std::vector<Array> {
       return {torch_convolution(in.arg(0), in.arg(1), in.optional_arg(2), in.json["attrs"])};
     }},
    {"max_pool2d",
     [](const Instruction& in) -> std::vector<Array> { return {torch_max_pool(in.arg(0), in.call().integer("kernel_size"))}; }},
    {"avg_pool2d",
     [](const Instruction& in) -> std::vector<Array> { return {torch_average_pool(in.arg(0), in.call().integer("kernel_size"))}; }},
    {"layer_norm",
     [](const Instruction& in) -> std::vector<Array> { return {layer_norm(in.arg(0), in.arg(1), in.arg(2), in.call().number("eps"))}; }},
    {"batch_norm", batch_norm_of},
    {"embedding", [](const Instruction& in) -> std::vector<Array> { return {embedding(in.arg(0), in.arg(1))}; }},
    {"attention", attention_of},
    {"lstm", lstm_of},
    {"gru", gru_of},
    {"relu", [](const Instruction& in) -> std::vector<Array> { return {relu(in.arg(0))}; }},
    {"tanh", [](const Instruction& in) -> std::vector<Array> { return {tanh(in.arg(0))}; }},
    {"silu", [](const Instruction& in) -> std::vector<Array> { return {silu(in.arg(0))}; }},
    {"exp", [](const Instruction& in) -> std::vector<Array> { return {exp(in.arg(0))}; }},
    {"square", [](const Instruction& in) -> std::vector<Array> { return {square(in.arg(0))}; }},
    {"gelu",
     [](const Instruction& in) -> std::vector<Array> {
       return {gelu(in.arg(0), in.call().text("approximate", "none") == "tanh" ? GeluForm::tanh : GeluForm::exact)};
     }},
    {"leaky_relu", [](const Instruction& in) -> std::vector<Array> { return {leaky_relu(in.arg(0), in.call().number("negative_slope"))}; }},
    {"add", [](const Instruction& in) -> std::vector<Array> { return {in.arg(0) + in.arg(1)}; }},
    {"sub", [](const Instruction& in) -> std::vector<Array> { return {in.arg(0) - in.arg(1)}; }},
    {"mul", [](const Instruction& in) -> std::vector<Array> { return {in.arg(0) * in.arg(1)}; }},
    {"scale", [](const Instruction& in) -> std::vector<Array> { return {in.arg(0) * in.call().number("factor")}; }},
    {"to_float", [](const Instruction& in) -> std::vector<Array> { return {in.arg(0).astype(in.dtype)}; }},
    {"flatten",
     [](const Instruction& in) -> std::vector<Array> {
       return {reshape(in.arg(0), {in.arg(0).shape(0), -1})};
     }},
    {"merge_leading", [](const Instruction& in) -> std::vector<Array> { return {flatten(in.arg(0), 0, 1)}; }},
    {"flatten_all", [](const Instruction& in) -> std::vector<Array> { return {ravel(in.arg(0))}; }},
    {"matmul_transposed", [](const Instruction& in) -> std::vector<Array> { return {matmul(in.arg(0), transpose(in.arg(1)))}; }},
    {"mean", [](const Instruction& in) -> std::vector<Array> { return {mean(in.arg(0), in.call().integers("axis"))}; }},
    {"sum", [](const Instruction& in) -> std::vector<Array> { return {sum(in.arg(0))}; }},
    {"concat",
     [](const Instruction& in) -> std::vector<Array> {
       return {concatenate({in.arg(0), in.arg(1)}, in.call().integer("axis"))};
     }},
    {"at", [](const Instruction& in) -> std::vector<Array> { return {in.arg(0)[in.call().integer("index")]}; }},
    {"stop_gradient", [](const Instruction& in) -> std::vector<Array> { return {stop_gradient(in.arg(0))}; }},
    {"cross_entropy",
     [](const Instruction& in) -> std::vector<Array> {
       return {torch_cross_entropy(in.arg(0), in.arg(1), "mean", in.call().number("label_smoothing", 0))};
     }},
    {"mse_loss", [](const Instruction& in) -> std::vector<Array> { return {loss::mean_squared_error(in.arg(0), in.arg(1))}; }},
    {"bce_with_logits",
     [](const Instruction& in) -> std::vector<Array> {
       const bool is_sum = in.call().text("reduction", "mean") == "sum";
       return {loss::binary_crossentropy(in.arg(0), in.arg(1), {.reduction = is_sum ? loss::Reduction::sum : loss::Reduction::mean})};
     }},
    {"bce_with_logits_constant",
     [](const Instruction& in) -> std::vector<Array> {
       return {loss::binary_crossentropy(in.arg(0), full_like(in.arg(0), in.call().number("target")))};
     }},
};

// Executes a program over `values`, which gain what it computes; new statistics go to `buffers`.
void execute(const Json& program, Values& values, Values& buffers, DType dtype) {
  for (const Json& line : program) {
    const auto op = ops.find(line["op"]);
    if (op == ops.end()) throw NotCovered("the operation " + line["op"].get<std::string>());
    const std::vector<Array> results = op->second({line, values, &buffers, dtype});
    for (size_t i = 0; i < line["out"].size(); ++i) values[line["out"][i]] = results.at(i);
    for (const auto& [name, value] : buffers) values[name] = value;
  }
}

struct Training {
  const Json& json;
  const io::Safetensors& file;
  DType dtype;
  Values parameters{}, buffers{}, data{};

  Array load(const std::string& name) const { return as_run_dtype(file.at(name), dtype); }

  Training(const Json& json, const io::Safetensors& file, DType dtype) : json(json), file(file), dtype(dtype) {
    for (const auto& [name, shape] : json["parameters"].items()) parameters[name] = load("init/" + name);
    for (const Json& name : json["buffers"]) buffers[name] = load("buffers0/" + name.get<std::string>());
    for (const Json& name : json["data"]) data[name] = load("data/" + name.get<std::string>());
  }

  // What a program sees in step t; -1: all data, for the output.
  Values inputs(int64_t t) const {
    Values values = data;
    for (const Json& name : json["per_step"]) values[name] = data.at(name)[std::max<int64_t>(t, 0)];
    if (t >= 0 && json["batches"].get<bool>()) {
      const Array rows = file.at("data/batches")[t];
      for (const Json& name : json["data"]) {
        const bool is_per_step = std::find(json["per_step"].begin(), json["per_step"].end(), name) != json["per_step"].end();
        if (!is_per_step) values[name] = data.at(name)[rows];
      }
    }
    for (const Values* more : {&parameters, &buffers}) values.insert(more->begin(), more->end());
    return values;
  }

  // One phase of step t: returns the values to be recorded; `grads` are those of the loss.
  Values run_phase(const Json& phase, optim::Optimizer& optimizer, int64_t t, Values& grads) {
    std::vector<Variable> variables;
    std::vector<Array> x;
    for (const Json& name : phase["train"]) {
      x.push_back(parameters.at(name));
      variables.push_back({name, nullptr, &parameters.at(name)});
    }
    std::vector<std::string> recorded{phase["loss"]};
    for (const Json& name : phase["record"]) recorded.push_back(name);
    const Values given = inputs(t);
    std::vector<std::string> buffer_names;
    const auto f = [&](const std::vector<Array>& trained) {
      Values values = given, changed;
      for (size_t i = 0; i < trained.size(); ++i) values[phase["train"][i]] = trained[i];
      execute(phase["program"], values, changed, dtype);
      std::vector<Array> others;
      for (const std::string& name : recorded) others.push_back(values.at(name));
      buffer_names.clear();
      for (const auto& [name, value] : changed) buffer_names.push_back(name), others.push_back(value);
      return std::tuple(values.at(phase["loss"]), others);
    };
    auto [results, gradients] = value_and_grad(f)(x);
    const std::vector<Array>& others = std::get<1>(results);
    Values out;
    for (size_t i = 0; i < recorded.size(); ++i) out[recorded[i]] = others[i];
    for (size_t i = 0; i < buffer_names.size(); ++i) buffers[buffer_names[i]] = others[recorded.size() + i];
    for (size_t i = 0; i < x.size(); ++i) grads[phase["train"][i]] = gradients[i];
    optimizer.step(variables, gradients);
    return out;
  }
};

Tolerance tolerance_of(const Json& pair) { return {pair[0].get<double>(), pair[1].get<double>()}; }

void check_training(const Model& model, const io::Safetensors& file, DType dtype, std::vector<std::string>& problems) {
  const std::string bits = dtype == float64 ? "64" : "32";
  const Json& bounds = model.json[dtype == float64 ? "f64" : "f32"];
  const Tolerance along = tolerance_of(bounds["trace"]), last = tolerance_of(bounds["final"]);
  const auto note = [&](const std::string& what, const Array& got, Tolerance tolerance) {
    const Array* want = file.find(what);
    if (!want) return;
    const std::string problem = compare(got, want->astype(float64), tolerance);
    if (!problem.empty()) problems.push_back(to_text(dtype) + " " + what + ": " + problem);
  };
  Training run(model.json, file, dtype);
  std::vector<optim::Optimizer> optimizers;
  for (const Json& phase : model.json["phases"]) optimizers.push_back(make_optimizer(phase["optimizer"]["name"], phase["optimizer"]));
  std::map<std::string, std::vector<Array>> traces;
  for (int64_t t = 0; t < model.json["steps"].get<int64_t>(); ++t) {
    size_t number = 0;
    Values grads;
    for (const Json& phase : model.json["phases"])
      for (const auto& [name, value] : run.run_phase(phase, optimizers[number++], t, grads)) traces[name].push_back(value);
    if (t > 0 || dtype != float64) continue;
    for (const auto& [name, grad] : grads) note("grad0/" + name, grad, last);
    for (const auto& [name, parameter] : run.parameters) note("after_one/" + name, parameter, last);
  }
  for (const auto& [name, values] : traces) note("trace" + bits + "/" + name, stack(values), along);
  for (const auto& [name, value] : run.parameters) note("final" + bits + "/" + name, value, last);
  for (const auto& [name, value] : run.buffers) note("buffers_final" + bits + "/" + name, value, last);
  Values values = run.inputs(-1), unused;
  execute(model.json["output"]["program"], values, unused, dtype);
  note("output" + bits, values.at(model.json["output"]["result"]), last);
}

}  // namespace

std::vector<Model> load_models(const std::string& dir) {
  std::ifstream file(dir + "/models.json");
  if (!file) throw std::runtime_error(dir + "/models.json: cannot be read");
  const Json all = Json::parse(file);
  std::vector<Model> out;
  for (const Json& json : all.contains("models") ? all["models"] : all) out.push_back({json["name"], json, dir});
  return out;
}

std::vector<std::string> check_model(const Model& model) {
  std::vector<std::string> problems;
  const io::Safetensors file = io::load_safetensors(model.dir + "/" + model.json["tensors"].get<std::string>());
  for (const DType dtype : {float64, float32}) {
    try {
      check_training(model, file, dtype, problems);
    } catch (const NotCovered&) {
      throw;
    } catch (const std::exception& error) {
      problems.push_back(to_text(dtype) + ": " + error.what());
    }
  }
  return problems;
}

}  // namespace golden
