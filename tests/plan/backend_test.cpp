// A second backend: plain loops for ten ops, in memory that nothing but its kernels may touch. What the planner takes for granted of the
// processor would show here.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cmath>
#include <map>
#include <set>

#include "gradus/backend/functions/activation.hpp"
#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/backend/functions/compare.hpp"
#include "gradus/backend/functions/exponential.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/nn/nn.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/sort.hpp"
#include "gradus/optim/optim.hpp"
#include "gradus/plan/backend.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/transform/grad.hpp"

namespace gradus::plan {

using namespace core;
namespace {

using backend::KernelPtr, backend::Status;

// Pages that can be neither read nor written but while a kernel of the backend runs, or while bytes come and go.
class SealedSpace final : public MemorySpace {
 public:
  BufferPtr allocate(int64_t bytes, std::string_view) const override {
    const size_t size = static_cast<size_t>(round_up(std::max<int64_t>(bytes, 1), 4096));
    void* pages = ::mmap(nullptr, size, is_open_ ? PROT_READ | PROT_WRITE : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_NE(pages, MAP_FAILED);
    live_[pages] = size;
    ++allocations;
    return adopt(static_cast<std::byte*>(pages), bytes, *this, [this, pages, size] {
      live_.erase(pages);
      ::munmap(pages, size);
    });
  }
  void copy_out(const Buffer& from, void* to) const override {
    const Open open(*this);
    std::memcpy(to, from.data(), static_cast<size_t>(from.bytes()));
    ++copies_out;
  }
  void copy_in(const void* from, const Buffer& to) const override {
    const Open open(*this);
    std::memcpy(to.data(), from, static_cast<size_t>(to.bytes()));
    ++copies_in;
  }
  size_t live() const { return live_.size(); }

  class Open {
   public:
    explicit Open(const SealedSpace& space) : space_(space) { space_.protect(true); }
    ~Open() { space_.protect(false); }

   private:
    const SealedSpace& space_;
  };

  mutable int64_t allocations = 0, copies_in = 0, copies_out = 0;

 private:
  void protect(bool is_open) const {
    is_open_ = is_open;
    for (const auto& [pages, size] : live_) ::mprotect(pages, size, is_open ? PROT_READ | PROT_WRITE : PROT_NONE);
  }
  mutable std::map<void*, size_t> live_;
  mutable bool is_open_ = false;
};

const SealedSpace& space() {
  static const SealedSpace* const made = new SealedSpace;
  return *made;
}

template <class Run>
KernelPtr sealed_kernel(Run run) {
  return backend::make_kernel([run = std::move(run)](void* const* pointers, void*) {
    const SealedSpace::Open open(space());
    run(pointers);
    return Status{};
  });
}

double load(DType dtype, const void* from, int64_t at) {
  return visit_dtype(dtype, [&]<class T>(T) { return static_cast<double>(static_cast<const T*>(from)[at]); });
}
void store(DType dtype, void* to, int64_t at, double value) {
  visit_dtype(dtype, [&]<class T>(T) { static_cast<T*>(to)[at] = static_cast<T>(value); });
}
template <class T>
T field(const KernelCall& call, std::string_view name) {
  for (const Field& each : call.args.fields()) {
    if (each.name == name) return *each.value.get_if<T>();
  }
  throw std::runtime_error("no such field");
}

KernelPtr prepare_copy(const KernelCall& call) {
  const Layout from = call.inputs[0];
  return sealed_kernel([from](void* const* p) {
    for (int64_t i = 0; i < from.size(); ++i) {
      int64_t rest = i, at = 0;
      for (int64_t axis = from.rank(); axis-- > 0;) {
        at += rest % from.shape[axis] * from.strides[static_cast<size_t>(axis)];
        rest /= from.shape[axis];
      }
      std::memcpy(static_cast<std::byte*>(p[1]) + i * from.dtype.size(), static_cast<const std::byte*>(p[0]) + at * from.dtype.size(),
                  static_cast<size_t>(from.dtype.size()));
    }
  });
}

KernelPtr prepare_product(const KernelCall& call) {
  const Layout a = call.inputs[0], b = call.inputs[1];
  if (a.rank() != 2 || b.rank() != 2) fail("matmul", "the tiny backend multiplies matrices only");
  return sealed_kernel([a, b](void* const* p) {
    for (int64_t i = 0; i < a.shape[0]; ++i) {
      for (int64_t j = 0; j < b.shape[1]; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < a.shape[1]; ++k) sum += load(a.dtype, p[0], i * a.shape[1] + k) * load(b.dtype, p[1], k * b.shape[1] + j);
        store(a.dtype, p[2], i * b.shape[1] + j, sum);
      }
    }
  });
}

// reduce(values of one result) -> result
template <class Reduce>
KernelPtr reduction(const KernelCall& call, Reduce reduce) {
  const Layout x = call.inputs[0];
  const DType out = call.outputs[0].dtype;
  const auto axes = field<std::vector<int64_t>>(call, "axes");
  const std::set<int64_t> reduced(axes.begin(), axes.end());
  return sealed_kernel([x, out, reduced, reduce](void* const* p) {
    std::map<int64_t, std::vector<double>> groups;
    for (int64_t i = 0; i < x.size(); ++i) {
      int64_t rest = i, place = 0, stride = 1;
      for (int64_t axis = x.rank(); axis-- > 0;) {
        const int64_t index = rest % x.shape[axis];
        rest /= x.shape[axis];
        if (reduced.count(axis)) continue;
        place += index * stride;
        stride *= x.shape[axis];
      }
      groups[place].push_back(load(x.dtype, p[0], i));
    }
    for (const auto& [place, values] : groups) store(out, p[1], place, reduce(values));
  });
}
double total(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}
double average(const std::vector<double>& values) { return total(values) / static_cast<double>(values.size()); }
KernelPtr prepare_sum(const KernelCall& call) { return reduction(call, total); }
KernelPtr prepare_mean(const KernelCall& call) { return reduction(call, average); }
KernelPtr prepare_max(const KernelCall& call) {
  return reduction(call, [](const std::vector<double>& values) { return *std::max_element(values.begin(), values.end()); });
}
KernelPtr prepare_min(const KernelCall& call) {
  return reduction(call, [](const std::vector<double>& values) { return *std::min_element(values.begin(), values.end()); });
}
KernelPtr prepare_prod(const KernelCall& call) {
  return reduction(call, [](const std::vector<double>& values) {
    double product = 1;
    for (const double value : values) product *= value;
    return product;
  });
}
KernelPtr prepare_stddev(const KernelCall& call) {
  return reduction(call, [](const std::vector<double>& values) {
    const double center = average(values);
    double squares = 0;
    for (const double value : values) squares += (value - center) * (value - center);
    return std::sqrt(squares / static_cast<double>(values.size()));
  });
}
KernelPtr prepare_any(const KernelCall& call) {
  return reduction(call, [](const std::vector<double>& values) { return static_cast<double>(total(values) != 0); });
}
KernelPtr prepare_all(const KernelCall& call) {
  return reduction(
      call, [](const std::vector<double>& values) { return static_cast<double>(std::count(values.begin(), values.end(), 0.0) == 0); });
}

using Plain = double (*)(double, double, double);
const std::map<const backend::Function*, Plain>& functions() {
  static const std::map<const backend::Function*, Plain> all = {
      {&backend::add_function, [](double a, double b, double) { return a + b; }},
      {&backend::subtract_function, [](double a, double b, double) { return a - b; }},
      {&backend::multiply_function, [](double a, double b, double) { return a * b; }},
      {&backend::divide_function, [](double a, double b, double) { return a / b; }},
      {&backend::negative_function, [](double a, double, double) { return -a; }},
      {&backend::square_function, [](double a, double, double) { return a * a; }},
      {&backend::sqrt_function, [](double a, double, double) { return std::sqrt(a); }},
      {&backend::reciprocal_function, [](double a, double, double) { return 1 / a; }},
      {&backend::hypot_function, [](double a, double b, double) { return std::hypot(a, b); }},
      {&backend::relu_function, [](double a, double, double) { return a > 0 ? a : 0; }},
      {&backend::gate_function, [](double a, double b, double) { return b > 0 ? a : 0; }},
      {&backend::equal_function, [](double a, double b, double) { return static_cast<double>(a == b); }},
      {&backend::where_function, [](double a, double b, double c) { return a != 0 ? b : c; }},
  };
  return all;
}

KernelPtr prepare_tiny_program(const backend::ProgramSpec& spec) {
  return sealed_kernel([spec](void* const* p) {
    const size_t inputs = spec.inputs.size();
    std::vector<double> values(inputs + spec.instructions.size());
    for (int64_t i = 0; i < spec.shape.size(); ++i) {
      for (size_t k = 0; k < inputs; ++k) {
        int64_t rest = i, at = 0;
        for (int64_t axis = spec.shape.rank(); axis-- > 0;) {
          if (!spec.inputs[k].is_scalar) at += rest % spec.shape[axis] * spec.inputs[k].strides[static_cast<size_t>(axis)];
          rest /= spec.shape[axis];
        }
        const DType stored = spec.inputs[k].is_scalar && spec.inputs[k].dtype != float64 ? int64 : spec.inputs[k].dtype;
        values[k] = load(stored, p[k], at);
      }
      for (size_t k = 0; k < spec.instructions.size(); ++k) {
        const backend::ProgramInstruction& instruction = spec.instructions[k];
        double operands[3] = {};
        for (size_t j = 0; j < 3; ++j) {
          if (instruction.sources[j] >= 0) operands[j] = values[static_cast<size_t>(instruction.sources[j])];
        }
        double result = instruction.function ? functions().at(instruction.function)(operands[0], operands[1], operands[2]) : operands[0];
        const DType dtype = instruction.output_dtype();
        alignas(8) std::byte rounded[8];
        store(dtype, rounded, 0, result);
        values[inputs + k] = load(dtype, rounded, 0);
      }
      for (size_t k = 0; k < spec.outputs.size(); ++k) {
        const auto value = static_cast<size_t>(spec.outputs[k].value);
        const DType dtype = value < inputs ? spec.inputs[value].dtype : spec.instructions[value - inputs].output_dtype();
        store(dtype, p[inputs + k], i, values[value]);
      }
    }
  });
}

class TinyBackend final : public Backend {
 public:
  std::string_view name() const override { return "tiny"; }
  std::string description() const override { return "plain loops in sealed memory"; }
  const KernelEntry* find(const OpDef& op) const override {
    static const std::map<std::string_view, KernelEntry> entries = {
        {"contiguous", {.prepare = prepare_copy, .strided_inputs = 1}},
        {"matmul", {.prepare = prepare_product}},
        {"sum", {.prepare = prepare_sum}},
        {"mean", {.prepare = prepare_mean}},
        {"max", {.prepare = prepare_max}},
        {"min", {.prepare = prepare_min}},
        {"prod", {.prepare = prepare_prod}},
        {"stddev", {.prepare = prepare_stddev}},
        {"any", {.prepare = prepare_any}},
        {"all", {.prepare = prepare_all}},
    };
    const auto found = entries.find(op.name);
    return found == entries.end() ? nullptr : &found->second;
  }
  bool has(const backend::Function& function) const override {
    return &function == &backend::cast_function || functions().count(&function) > 0;
  }
  BackendLimits limits() const override { return {.program_inputs = 9, .program_instructions = 12, .program_outputs = 12}; }
  KernelPtr prepare_program(const backend::ProgramSpec& spec) const override {
    EXPECT_LE(spec.inputs.size(), 9u);
    EXPECT_LE(spec.instructions.size(), 12u);
    EXPECT_LE(spec.outputs.size(), 12u);
    return prepare_tiny_program(spec);
  }
  KernelPtr prepare_chain(const backend::ChainSpec&) const override { fail_bug("the tiny backend has no chains"); }
  KernelPtr prepare_bundle(std::span<const backend::BundledLoop>) const override { fail_bug("the tiny backend has no bundles"); }
  const MemorySpace* memory() const override { return &space(); }
};

const TinyBackend& tiny() {
  static const TinyBackend* const made = new TinyBackend;
  return *made;
}

class On {
 public:
  explicit On(const Backend& backend) : before_(current_backend()) { set_backend(backend); }
  ~On() { set_backend(before_); }

 private:
  const Backend& before_;
};

template <class F>
std::string complaint(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Backend, results_lie_in_its_own_memory_and_can_be_read) {
  const Array x = reshape(arange(12, float32), {3, 4}).eval();
  const On on(tiny());
  const int64_t in = space().copies_in, out = space().copies_out;
  const Array y = sum(transpose(x) * 2 + 1, 1).eval();
  EXPECT_EQ((y).to_vector<float>(), (std::vector<float>{27, 33, 39, 45}));
  EXPECT_EQ(space().copies_in, in + 1) << "x is brought once";
  EXPECT_GT(space().copies_out, out);
}

TEST(Backend, data_is_brought_once_however_often_it_is_read) {
  const Array x = arange(8, float32).eval();
  const On on(tiny());
  const int64_t in = space().copies_in;
  for (int i = 0; i < 5; ++i) (x + i).eval();
  EXPECT_EQ(space().copies_in, in + 1);
}

TEST(Backend, an_op_without_kernel_is_made_of_others) {
  const Array x = reshape(arange(12, float32), {3, 4}).eval();
  const Array want = layer_norm(x).eval();
  const On on(tiny());
  const Array have = layer_norm(x).eval();
  for (size_t i = 0; i < 12; ++i) EXPECT_NEAR((have).to_vector<float>()[i], (want).to_vector<float>()[i], 1e-5);
}

TEST(Backend, what_it_cannot_do_is_said) {
  const Array x = arange(8, float32).eval();
  const On on(tiny());
  EXPECT_NE(complaint([&] { argsort(x).eval(); }).find("argsort: the backend \"tiny\" has no kernel"), std::string::npos);
  EXPECT_NE(complaint([&] { tanh(x).eval(); }).find("tanh: the backend \"tiny\" has no kernel"), std::string::npos);
}

TEST(Backend, arrays_come_back_to_the_processor) {
  const Array x = arange(4, float32).eval();
  Array y;
  {
    const On on(tiny());
    y = (x * 3).eval();
  }
  EXPECT_EQ((tanh(y * 0)).to_vector<float>(), (std::vector<float>{0, 0, 0, 0}));
  EXPECT_EQ((reshape(y, {2, 2}) + 1).to_vector<float>(), (std::vector<float>{1, 4, 7, 10}));
}

TEST(Backend, strided_results_can_be_read) {
  const Array x = reshape(arange(6, float32), {2, 3}).eval();
  const On on(tiny());
  const Array y = (x + 1).eval();
  EXPECT_EQ((transpose(y)).to_vector<float>(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ((y[1]).to_vector<float>(), (std::vector<float>{4, 5, 6}));
}

TEST(Backend, nan_is_found_in_its_memory) {
  const Array x = arange(4, float32).eval();
  const On on(tiny());
  set_check_nan(true);
  const std::string text = complaint([&] { ((x - x) / (x - x)).eval(); });
  set_check_nan(false);
  EXPECT_NE(text.find("divide: its result (4,) holds a nan"), std::string::npos) << text;
}

struct Net {
  nn::Dense hidden{7, relu}, out{2};
  Array forward(const Array& x) const { return out(hidden(x)); }
  GRADUS_PARTS(hidden, out)
};

// Trains on the backend that is in use; the parameters after it.
std::vector<std::vector<float>> train(Net& net, int steps) {
  const Array x = reshape(arange(30, float32) * 0.1 - 1.5, {6, 5}).eval(), y = reshape(arange(12, float32) * 0.2, {6, 2}).eval();
  optim::SGD optimizer(0.05, {.momentum = 0.9});
  for (int step = 0; step < steps; ++step) {
    auto [loss, grads] = value_and_grad([&](const Net& model) { return mean(square(model(x) - y)); })(net);
    optimizer.step(net, grads);
  }
  std::vector<std::vector<float>> out;
  for (const Variable& variable : variables(net)) out.push_back((variable.get()).to_vector<float>());
  return out;
}

TEST(Backend, a_network_is_trained_on_it) {
  random::seed(1);
  Net here;
  here(zeros({1, 5})).eval();
  random::seed(1);
  Net there;
  there(zeros({1, 5})).eval();
  const auto want = train(here, 6);
  std::vector<std::vector<float>> have;
  {
    const On on(tiny());
    have = train(there, 6);
  }
  ASSERT_EQ(have.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    for (size_t j = 0; j < want[i].size(); ++j) EXPECT_NEAR(have[i][j], want[i][j], 2e-5) << i << " " << j;
  }
  // And goes on where it was.
  EXPECT_EQ(train(there, 0), have);
}

TEST(Backend, its_memory_is_given_back) {
  const size_t before = space().live();
  {
    const On on(tiny());
    Array x = arange(100, float32).eval();
    for (int i = 0; i < 10; ++i) x = (x * 1.5 + 1).eval();
  }
  EXPECT_EQ(space().live(), before);
}

}  // namespace
}  // namespace gradus::plan
