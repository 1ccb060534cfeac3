// A kernel that may write an output over an input gives the same bits there as elsewhere, and every pair that an op lists occurs.
#include <cstring>
#include <map>
#include <set>

#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/walk.hpp"
#include "tests/laws/driver.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

// A call that a sample recorded, with its inputs computed.
struct Recorded {
  const OpDef* op;
  Args args;
  Arrays inputs;
  std::vector<Layout> in{}, out{};
};

std::vector<Recorded> recorded_in_place(const Sample& sample) {
  std::vector<Recorded> calls;
  const Arrays outputs = sample.call(pending(sample.inputs));
  for (const Node* node : ancestors(outputs)) {
    if (!node->op().kernel.prepare || node->op().kernel.in_place[0].output < 0 || node->is_leaf() || node->inputs().empty()) continue;
    Recorded call{&node->op(), node->args(), {}};
    for (const Edge& edge : node->inputs()) call.inputs.emplace_back(edge.node, edge.index);
    for (uint32_t k = 0; k < node->output_count(); ++k)
      call.out.push_back(Layout::contiguous(node->output(k).aval.dtype, node->output(k).aval.shape));
    calls.push_back(std::move(call));
  }
  for (Recorded& call : calls) {
    evaluate(call.inputs);
    for (const Array& x : call.inputs) call.in.push_back(Layout::contiguous(x.dtype(), x.shape()));
  }
  return calls;
}

// Runs the kernel with the outputs over[k] >= 0 written over that input; the bytes of all outputs.
std::vector<std::vector<std::byte>> run(const Recorded& call, const std::vector<int>& over) {
  const std::unique_ptr<bool[]> needed(new bool[call.out.size()]);
  std::fill_n(needed.get(), call.out.size(), true);
  const backend::KernelPtr kernel = call.op->kernel.prepare({*call.op, call.args, call.in, call.out, {needed.get(), call.out.size()}});
  std::vector<std::vector<std::byte>> memory;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    memory.emplace_back(static_cast<size_t>(call.in[i].bytes()) + 64);
    std::memcpy(memory.back().data(), row_major_data(call.inputs[i]), static_cast<size_t>(call.in[i].bytes()));
  }
  for (const Layout& out : call.out) memory.emplace_back(static_cast<size_t>(out.bytes()) + 64);
  std::vector<size_t> place_of(memory.size());
  for (size_t i = 0; i < memory.size(); ++i) place_of[i] = i;
  for (size_t k = 0; k < over.size(); ++k) {
    if (over[k] >= 0) place_of[call.inputs.size() + k] = static_cast<size_t>(over[k]);
  }
  std::vector<void*> pointers;
  for (const size_t place : place_of) pointers.push_back(memory[place].data());
  std::vector<std::byte> scratch(static_cast<size_t>(kernel->scratch_bytes) + 64);
  void* aligned = scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64);
  EXPECT_TRUE(kernel->run(pointers.data(), aligned).is_ok);
  std::vector<std::vector<std::byte>> results;
  for (size_t k = 0; k < call.out.size(); ++k) {
    const std::byte* from = memory[place_of[call.inputs.size() + k]].data();
    results.emplace_back(from, from + call.out[k].bytes());
  }
  return results;
}

TEST(in_place, outputs_over_inputs_have_the_bits_of_outputs_elsewhere) {
  using Pair = std::pair<int, int>;
  std::map<std::string_view, std::set<Pair>> met;
  for (const Family& family : kFamilies)
    EachFamily::for_each(family, [&](const Sample& wide) {
      if (!wide.is_lowered) return;
      for (const Sample& sample : {wide, with_floats(wide, float32)}) {
        for (const Recorded& call : recorded_in_place(sample)) {
          SCOPED_TRACE(call.op->name);
          const std::vector<std::vector<std::byte>> want = run(call, {});
          std::vector<int> all(call.out.size(), -1);
          for (const KernelEntry::InPlace& pair : call.op->kernel.in_place) {
            if (pair.output < 0) break;
            ASSERT_LT(static_cast<size_t>(pair.output), call.out.size());
            if (static_cast<size_t>(pair.input) >= call.in.size() ||
                !(call.in[static_cast<size_t>(pair.input)] == call.out[static_cast<size_t>(pair.output)]))
              continue;
            met[call.op->name].insert({pair.output, pair.input});
            std::vector<int> over(call.out.size(), -1);
            over[static_cast<size_t>(pair.output)] = pair.input;
            EXPECT_EQ(run(call, over), want) << "output " << int{pair.output} << " over input " << int{pair.input};
            if (all[static_cast<size_t>(pair.output)] < 0) all[static_cast<size_t>(pair.output)] = pair.input;
          }
          EXPECT_EQ(run(call, all), want) << "all at once";
        }
      }
    });
  for (const OpDef* op : all_ops()) {
    for (const KernelEntry::InPlace& pair : op->kernel.in_place) {
      if (pair.output < 0) break;
      EXPECT_TRUE(met[op->name].contains({pair.output, pair.input}))
          << op->name << ": no sample has output " << int{pair.output} << " in the layout of input " << int{pair.input};
    }
  }
}

}  // namespace
}  // namespace laws
