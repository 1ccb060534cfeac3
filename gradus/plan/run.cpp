// Running a plan: memory first, then all that can fail, then the writes in place.
#include <cmath>
#include <cstring>

#include "gradus/base/error.hpp"
#include "gradus/graph/path.hpp"
#include "gradus/plan/counters_internal.hpp"
#include "gradus/plan/packed.hpp"
#include "gradus/plan/plan.hpp"
#include "gradus/plan/settings.hpp"

namespace gradus::plan {

namespace {

class Run {
 public:
  Run(const Plan& plan, std::span<Node* const> nodes, RunMemory& memory)
      : plan_(plan), nodes_(nodes), base_(memory.base), buffers_(memory.buffers), pointers_(memory.pointers) {}
  ~Run() { buffers_.clear(); }

  std::vector<Value> all() {
    take_memory();
    if (is_check_nan()) scan_leaves();
    for (const Step& step : plan_.steps) execute(step);
    count_run(plan_);
    return results();
  }

 private:
  const Output& output(Source source) const { return nodes_[source.node]->output(source.index); }

  void take_memory() {
    if (plan_.arena_bytes) arena_ = allocate(plan_.arena_bytes, "the intermediate results of a graph", plan_.memory);
    base_.resize(plan_.storages.size());
    buffers_.resize(plan_.storages.size());
    for (size_t at = 0; at < plan_.storages.size(); ++at) {
      const Storage& storage = plan_.storages[at];
      switch (storage.kind) {
        case Storage::Kind::arena: base_[at] = arena_->data() + storage.offset; break;
        case Storage::Kind::result:
          buffers_[at] = allocate(storage.bytes, "a result", plan_.memory);
          base_[at] = buffers_[at]->data();
          break;
        case Storage::Kind::scalar:
          base_[at] = reinterpret_cast<std::byte*>(const_cast<ScalarValue*>(&nodes_[storage.source.node]->scalar()));
          break;
        case Storage::Kind::leaf:
        case Storage::Kind::donated: {
          const Output& leaf = output(storage.source);
          buffers_[at] = brought_to(plan_.memory, leaf.value.buffer);
          base_[at] = buffers_[at]->data() + leaf.value.offset * leaf.aval.dtype.size();
        }
      }
    }
  }

  void execute(const Step& step) {
    pointers_.resize(step.operand_count);
    for (uint32_t i = 0; i < step.operand_count; ++i) {
      const Operand& operand = plan_.operands[step.first_operand + i];
      pointers_[i] = operand.storage < 0 ? nullptr : base_[operand.storage] + operand.byte_offset;
    }
    const backend::Status status = kernel_of(step).run(pointers_.data(), scratch(step));
    if (!status.is_ok) report_failure(nodes_, step, status);
    if (is_check_nan()) check_nan(step);
  }

  void* scratch(const Step& step) const { return arena_ ? arena_->data() + step.scratch_offset : nullptr; }

  // The step's kernel, or the one that reads packed weights, whose copies then take their places.
  const backend::Kernel& kernel_of(const Step& step) {
    if (!step.is_packed) return *step.kernel;
    const backend::Packing& packing = *step.kernel->packing;
    for (const backend::PackedInput& wanted : packing.inputs) {
      const Operand& operand = plan_.operands[step.first_operand + static_cast<uint32_t>(wanted.input)];
      Buffer& buffer = *buffers_[operand.storage];
      void*& pointer = pointers_[static_cast<size_t>(wanted.input)];
      pointer = packed_copy(buffer, static_cast<std::byte*>(pointer) - buffer.data(), pointer, wanted, scratch(step))->data();
    }
    return *packing.kernel;
  }

  static bool holds_nan(DType dtype, const void* data, int64_t size) {
    return visit_dtype(dtype, [&]<class T>(T) {
      if constexpr (std::is_integral_v<T>) return false;
      else {
        for (int64_t i = 0; i < size; ++i) {
          if (std::isnan(static_cast<double>(static_cast<const T*>(data)[i]))) return true;
        }
        return false;
      }
    });
  }

  // `data`, which lies in that storage, or a copy of it that the processor can read.
  const std::byte* readable(int storage, const std::byte* data) {
    if (!plan_.memory || plan_.storages[storage].kind == Storage::Kind::scalar) return data;
    const BufferPtr& buffer = buffers_[storage] ? buffers_[storage] : arena_;
    copy_ = in_processor_memory(buffer);
    return copy_->data() + (data - buffer->data());
  }

  void scan_leaves() {
    has_nan_.assign(plan_.storages.size(), 0);
    for (size_t at = 0; at < plan_.storages.size(); ++at) {
      const Storage& storage = plan_.storages[at];
      if (storage.kind != Storage::Kind::leaf) continue;
      const Output& leaf = output(storage.source);
      if (!is_contiguous(leaf.aval.shape, leaf.value.strides)) continue;
      has_nan_[at] = holds_nan(leaf.aval.dtype, readable(static_cast<int>(at), base_[at]), leaf.aval.shape.size());
    }
  }

  void check_nan(const Step& step) {
    bool inputs_had = false;
    for (uint32_t i = 0; i < step.operand_count; ++i) {
      const Operand& operand = plan_.operands[step.first_operand + i];
      if (operand.storage < 0) continue;
      if (!operand.is_output) {
        inputs_had |= has_nan_[operand.storage] != 0;
        continue;
      }
      if (!holds_nan(operand.dtype, readable(operand.storage, base_[operand.storage] + operand.byte_offset), operand.size)) continue;
      has_nan_[operand.storage] = 1;
      if (inputs_had) continue;
      const Node& node = *nodes_[step.node];
      Error error(Error::Kind::invalid, node.op().name,
                  concat("its result ", node.output(0).aval.shape, " holds a nan, and none of its inputs does"));
      error.set_path(node.path());
      throw error;
    }
  }

  std::vector<Value> results() {
    std::vector<Value> values;
    values.reserve(plan_.published.size());
    for (const Published& kept : plan_.published) {
      const Storage& storage = plan_.storages[kept.storage];
      Value value{buffers_[kept.storage], kept.strides, kept.offset};
      if (storage.kind == Storage::Kind::leaf || storage.kind == Storage::Kind::donated)
        value.offset += output(storage.source).value.offset;
      if (storage.kind == Storage::Kind::donated) value.buffer->packed.reset();
      if (storage.kind == Storage::Kind::scalar) {
        value.buffer = core::allocate(8, "a number");
        std::memcpy(value.buffer->data(), base_[kept.storage], 8);
      }
      values.push_back(std::move(value));
    }
    return values;
  }

  const Plan& plan_;
  std::span<Node* const> nodes_;
  BufferPtr arena_;
  std::vector<std::byte*>& base_;
  std::vector<BufferPtr>& buffers_;
  std::vector<void*>& pointers_;
  std::vector<uint8_t> has_nan_;
  BufferPtr copy_;  // of what was looked at last
};

}  // namespace

std::vector<Value> run_plan(const Plan& plan, std::span<Node* const> nodes, RunMemory& memory) { return Run(plan, nodes, memory).all(); }

void report_failure(std::span<Node* const> nodes, const Step& step, const backend::Status& status) {
  const Node& node = *nodes[step.node];
  const std::string problem = status.text();
  if (step.is_update) fail_bug(node.op().name, " failed after parameters were overwritten: ", problem);
  const std::string_view origin = origin_of(node.path());
  Error error(Error::Kind::invalid, origin.empty() ? node.op().name : origin, problem);
  error.set_path(node.path());
  throw error;
}

void count_run(const Plan& plan) {
  Counters& total = live_counters();
  total.kernels_run += static_cast<int64_t>(plan.steps.size());
  total.products_run += plan.products;
  total.bytes_moved += plan.bytes_moved;
  total.in_place_updates += plan.in_place;
  total.peak_arena = std::max(total.peak_arena, plan.arena_bytes);
}

}  // namespace gradus::plan
