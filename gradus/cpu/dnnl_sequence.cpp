#include "gradus/cpu/dnnl_sequence.hpp"

#include <cstring>
#include <mutex>
#include <unordered_map>

#include "gradus/base/text.hpp"
#include "gradus/base/threads.hpp"
#include "gradus/cpu/dnnl.hpp"

extern "C" {
int omp_get_max_threads();
void omp_set_num_threads(int count);
}

namespace gradus::cpu {

namespace {

// oneDNN asks OpenMP how many threads there are; ours may have been chosen by set_threads. The caller's setting is put back.
class ThreadScope {
 public:
  explicit ThreadScope(int count) : before_(omp_get_max_threads()), count_(count) {
    if (count_ != before_) omp_set_num_threads(count_);
  }
  ~ThreadScope() {
    if (count_ != before_) omp_set_num_threads(before_);
  }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_, count_;
};

// Kernels that live, by key. Never destroyed.
struct Shared {
  std::mutex mutex;
  std::unordered_map<Hash128, std::weak_ptr<const Kernel>, Hash128Low> kernels;
  size_t sweep_at = 256;
};
Shared& shared() {
  static Shared& instance = *new Shared;
  return instance;
}

dnnl::memory::dims to_dims(std::span<const int64_t> values) { return {values.begin(), values.end()}; }

}  // namespace

const dnnl::engine& dnnl_engine() {
  static const dnnl::engine& engine = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::data_type dnnl_type(DType dtype) {
  if (dtype == bfloat16) return dnnl::memory::data_type::bf16;
  if (dtype == float16) return dnnl::memory::data_type::f16;
  return dtype == float32 ? dnnl::memory::data_type::f32 : dnnl::memory::data_type::undef;
}

dnnl::memory::desc dnnl_desc(DType dtype, std::span<const int64_t> sizes, std::span<const int64_t> strides) {
  return {to_dims(sizes), dnnl_type(dtype), to_dims(strides)};
}

dnnl::memory::desc dnnl_any(DType dtype, std::span<const int64_t> sizes) {
  return {to_dims(sizes), dnnl_type(dtype), dnnl::memory::format_tag::any};
}

dnnl::primitive_attr dnnl_attributes(const Epilogue& epilogue) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (epilogue.activation == Activation::none) return attributes;
  using dnnl::algorithm;
  algorithm chosen = algorithm::eltwise_relu;
  switch (epilogue.activation) {
    case Activation::none:
    case Activation::relu: break;
    case Activation::sigmoid: chosen = algorithm::eltwise_logistic; break;
    case Activation::tanh: chosen = algorithm::eltwise_tanh; break;
    case Activation::gelu: chosen = algorithm::eltwise_gelu_erf; break;
    case Activation::silu: chosen = algorithm::eltwise_swish; break;
  }
  const float alpha = epilogue.activation == Activation::silu ? 1.0f : 0.0f;
  dnnl::post_ops operations;
#if DNNL_VERSION_MAJOR >= 3
  operations.append_eltwise(chosen, alpha, 0.0f);
#else
  operations.append_eltwise(1.0f, chosen, alpha, 0.0f);
#endif
  attributes.set_post_ops(operations);
  return attributes;
}

Hash128 layout_hash(const dnnl::memory::desc& desc) {
  Hasher hasher;
#if DNNL_VERSION_MAJOR >= 3
  const std::vector<uint8_t> blob = desc.get_blob();
  hasher.add_bytes(blob.data(), blob.size());
#else
  const dnnl_memory_desc_t& data = desc.data;
  const auto& blocks = data.format_desc.blocking;
  const auto add = [&](std::span<const int64_t> values) {
    for (const int64_t value : values) hasher.add(static_cast<uint64_t>(value));
  };
  const auto axes = static_cast<size_t>(data.ndims), inner = static_cast<size_t>(blocks.inner_nblks);
  hasher.add(static_cast<uint64_t>(data.data_type) << 16 | static_cast<uint64_t>(data.format_kind) << 8 | axes);
  add({data.dims, axes});
  add({data.padded_dims, axes});
  add({blocks.strides, axes});
  hasher.add(inner);
  add({blocks.inner_blks, inner});
  add({blocks.inner_idxs, inner});
  hasher.add(data.extra.flags);
#endif
  return hasher.value();
}

bool is_optimised(const dnnl::primitive_desc_base& primitive) {
  return std::strstr(primitive.impl_info_str(), "ref") == nullptr;
}

std::string dnnl_version() {
  const dnnl_version_t* version = ::dnnl_version();
  return concat(version->major, ".", version->minor, ".", version->patch);
}

// Memory objects and argument lists for one run at a time.
struct DnnlSequence::Context {
  struct Slot {
    dnnl_memory_t memory;
    int pointer;
    int64_t offset;
  };
  struct Call {
    const_dnnl_primitive_t primitive;
    std::vector<dnnl_exec_arg_t> arguments;
    const BlockCopy* block_copy;
  };
  dnnl::stream stream{dnnl_engine()};
  std::vector<dnnl::memory> memories;
  std::vector<Slot> slots;
  std::vector<Call> calls;
};

DnnlSequence::DnnlSequence() : threads_(threads()) {}
DnnlSequence::~DnnlSequence() { delete spare_.load(); }

int64_t DnnlSequence::reserve(size_t bytes) {
  const int64_t offset = scratch_bytes;
  scratch_bytes += (static_cast<int64_t>(bytes) + 63) / 64 * 64;
  return offset;
}

void DnnlSequence::add(const dnnl::primitive& primitive, std::vector<Argument> arguments, const dnnl::memory::desc& scratchpad) {
  if (const size_t bytes = scratchpad.get_size()) arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad, -1, reserve(bytes)});
  steps_.push_back({primitive, std::move(arguments)});
}

void DnnlSequence::add(const dnnl::primitive& primitive, std::vector<Argument> arguments, const Argument& result, const dnnl::memory::desc& made,
                       const dnnl::memory::desc& scratchpad) {
  const bool is_direct = made == result.desc;
  const Argument first = is_direct ? result : Argument{result.role, made, -1, reserve(made.get_size())};
  arguments.push_back(first);
  add(primitive, std::move(arguments), scratchpad);
  if (!is_direct) add_reorder(first, result);
}

std::optional<DnnlSequence::BlockCopy> DnnlSequence::block_copy(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::memory::dims sizes = from.get_dims();
#else
  const dnnl::memory::dims sizes = from.dims();
#endif
  if (sizes.size() != 4 || sizes[1] % 16 != 0) return std::nullopt;
  const auto is = [&](const dnnl::memory::desc& desc, dnnl::memory::format_tag tag) {
    return desc == dnnl::memory::desc(sizes, dnnl::memory::data_type::f32, tag);
  };
  const auto plain = dnnl::memory::format_tag::nhwc, blocks = dnnl::memory::format_tag::nChw16c;
  const bool is_into_blocks = is(from, plain) && is(to, blocks);
  if (!is_into_blocks && !(is(from, blocks) && is(to, plain))) return std::nullopt;
  return BlockCopy{sizes[0] * sizes[2], sizes[3], sizes[2], sizes[1], is_into_blocks};
}

void DnnlSequence::BlockCopy::run(const float* from, float* to) const {
  parallel_for(rows, [&](int64_t row) {
    const int64_t plain = row * row_size * channels, block_size = rows_per_image * row_size * 16;
    const int64_t blocks = row / rows_per_image * rows_per_image * row_size * channels + row % rows_per_image * row_size * 16;
    for (int64_t at = 0; at < row_size; ++at) {
      for (int64_t channel = 0; channel < channels; channel += 16) {
        const int64_t in_plain = plain + at * channels + channel, in_blocks = blocks + channel / 16 * block_size + at * 16;
        if (is_into_blocks) std::memcpy(to + in_blocks, from + in_plain, 64);
        else std::memcpy(to + in_plain, from + in_blocks, 64);
      }
    }
  });
}

void DnnlSequence::add_reorder(Argument from, Argument to) {
  if (auto copy = block_copy(from.desc, to.desc)) {
    steps_.push_back({{}, {std::move(from), std::move(to)}, copy});
    return;
  }
  const dnnl::reorder::primitive_desc reorder(dnnl_engine(), from.desc, dnnl_engine(), to.desc, dnnl_attributes());
  from.role = DNNL_ARG_FROM;
  to.role = DNNL_ARG_TO;
  add(dnnl::reorder(reorder), {std::move(from), std::move(to)}, reorder.scratchpad_desc());
}

DnnlSequence::Argument DnnlSequence::input(int role, int pointer, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted) {
  if (given == wanted) return {role, given, pointer};
  const Argument packed{role, wanted, -1, reserve(wanted.get_size())};
  add_reorder({role, given, pointer}, packed);
  return packed;
}

std::unique_ptr<DnnlSequence::Context> DnnlSequence::make_context() const {
  auto context = std::make_unique<Context>();
  for (const Step& step : steps_) {
    Context::Call& call = context->calls.emplace_back();
    call.primitive = step.primitive.get(true);
    call.block_copy = step.block_copy ? &*step.block_copy : nullptr;
    for (const Argument& argument : step.arguments) {
      const dnnl::memory& memory = context->memories.emplace_back(argument.desc, dnnl_engine(), nullptr);
      context->slots.push_back({memory.get(), argument.pointer, argument.offset});
      call.arguments.push_back({argument.role, memory.get()});
    }
  }
  return context;
}

Status DnnlSequence::run(void* const* pointers, void* scratch) const {
  std::unique_ptr<Context> context(spare_.exchange(nullptr, std::memory_order_acquire));
  if (!context) context = make_context();
  const ThreadScope scope(threads_);
  bool is_ok = true;
  for (const Context::Slot& slot : context->slots) {
    void* data = slot.pointer >= 0 ? pointers[slot.pointer] : static_cast<std::byte*>(scratch) + slot.offset;
    is_ok &= dnnl_memory_set_data_handle(slot.memory, data) == dnnl_success;
  }
  const auto data_of = [](const dnnl_exec_arg_t& argument) {
    void* data = nullptr;
    dnnl_memory_get_data_handle(argument.memory, &data);
    return static_cast<float*>(data);
  };
  for (const Context::Call& call : context->calls) {
    if (call.block_copy) {
      if (is_ok) call.block_copy->run(data_of(call.arguments[0]), data_of(call.arguments[1]));
      continue;
    }
    is_ok = is_ok && dnnl_primitive_execute(call.primitive, context->stream.get(), static_cast<int>(call.arguments.size()),
                                            call.arguments.data()) == dnnl_success;
  }
  delete spare_.exchange(context.release(), std::memory_order_acq_rel);
  Status status;
  status.is_ok = is_ok;
  if (!is_ok) status.problem = "oneDNN could not run a primitive";
  return status;
}

KernelPtr shared_kernel(const Hash128& key, const std::function<KernelPtr()>& make) {
  Shared& all = shared();
  const std::lock_guard lock(all.mutex);
  std::weak_ptr<const Kernel>& entry = all.kernels[key];
  if (KernelPtr kernel = entry.lock()) return kernel;
  const ThreadScope scope(threads());
  KernelPtr kernel;
  try {
    kernel = make();
  } catch (const dnnl::error&) {
    return nullptr;
  }
  entry = kernel;
  if (all.kernels.size() >= all.sweep_at) {
    std::erase_if(all.kernels, [](const auto& pair) { return pair.second.expired(); });
    all.sweep_at = std::max<size_t>(256, 2 * all.kernels.size());
  }
  return kernel;
}

DnnlKey::DnnlKey(std::string_view kind) {
  hasher_.add_bytes(kind.data(), kind.size());
  add(threads());
}
DnnlKey& DnnlKey::add(int64_t value) {
  hasher_.add(static_cast<uint64_t>(value));
  return *this;
}
DnnlKey& DnnlKey::add(std::span<const int64_t> values) {
  add(static_cast<int64_t>(values.size()));
  for (const int64_t value : values) add(value);
  return *this;
}
DnnlKey& DnnlKey::add(const Epilogue& epilogue) {
  return add(epilogue.has_bias).add(static_cast<int64_t>(epilogue.activation));
}

}  // namespace gradus::cpu
