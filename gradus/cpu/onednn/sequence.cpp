#include "gradus/cpu/onednn/sequence.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "gradus/base/round_up.hpp"
#include "gradus/base/text.hpp"

extern "C" {
int omp_get_max_threads();
void omp_set_num_threads(int count);
}

namespace gradus::cpu {

namespace {

// oneDNN asks OpenMP how many threads there are, when a primitive is made and when it runs: one, since work is divided before it comes
// here. The setting is the calling thread's own, and is put back.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// Threads in the order in which they came here, so that each mostly finds the memory objects that it left.
size_t thread_number() {
  static std::atomic<size_t> count{0};
  thread_local const size_t number = count.fetch_add(1, std::memory_order_relaxed);
  return number;
}

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

// A layout of blocks: of each axis the distance of its blocks, in elements, and how many of its positions one block holds. Empty for other
// layouts.
struct Blocking {
  dnnl::memory::dims sizes{}, strides{}, held{};
};
Blocking blocking_of(const dnnl::memory::desc& desc) {
  Blocking out;
#if DNNL_VERSION_MAJOR >= 3
  if (desc.get_format_kind() != dnnl::memory::format_kind::blocked) return {};
  out.sizes = desc.get_dims();
  out.strides = desc.get_strides();
  const dnnl::memory::dims inner = desc.get_inner_blks(), axes = desc.get_inner_idxs();
  const size_t count = inner.size();
#else
  if (desc.data.format_kind != dnnl_blocked) return {};
  const auto& blocks = desc.data.format_desc.blocking;
  const auto rank = static_cast<size_t>(desc.data.ndims), count = static_cast<size_t>(blocks.inner_nblks);
  out.sizes.assign(desc.data.dims, desc.data.dims + rank);
  out.strides.assign(blocks.strides, blocks.strides + rank);
  const auto *inner = blocks.inner_blks, *axes = blocks.inner_idxs;
#endif
  out.held.assign(out.sizes.size(), 1);
  for (size_t i = 0; i < count; ++i) out.held[static_cast<size_t>(axes[i])] *= inner[i];
  return out;
}

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

namespace {
int64_t size_of(const dnnl::memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::memory::data_type type = desc.get_data_type();
#else
  const dnnl::memory::data_type type = desc.data_type();
#endif
  return type == dnnl::memory::data_type::f32 ? 4 : 2;
}
}  // namespace

Hash128 layout_hash(const dnnl::memory::desc& desc) {
  Hasher hasher;
  const auto add = [&](std::span<const int64_t> values) {
    hasher.add(values.size());
    for (const int64_t value : values) hasher.add(static_cast<uint64_t>(value));
  };
#if DNNL_VERSION_MAJOR >= 3
  hasher.add(static_cast<uint64_t>(desc.get_data_type()) << 16 | static_cast<uint64_t>(desc.get_format_kind()) << 8);
  add(desc.get_dims());
  add(desc.get_padded_dims());
  add(desc.get_strides());
  add(desc.get_inner_blks());
  add(desc.get_inner_idxs());
#else
  const dnnl_memory_desc_t& data = desc.data;
  const auto& blocks = data.format_desc.blocking;
  const auto axes = static_cast<size_t>(data.ndims), inner = static_cast<size_t>(blocks.inner_nblks);
  hasher.add(static_cast<uint64_t>(data.data_type) << 16 | static_cast<uint64_t>(data.format_kind) << 8);
  add({data.dims, axes});
  add({data.padded_dims, axes});
  add({blocks.strides, axes});
  add({blocks.inner_blks, inner});
  add({blocks.inner_idxs, inner});
  hasher.add(data.extra.flags);
#endif
  return hasher.value();
}

bool is_optimised(const dnnl::primitive_desc_base& primitive) {
  return std::strstr(primitive.impl_info_str(), "ref") == nullptr;
}

Bfloat16Unit dnnl_bfloat16_unit() {
  const int isa = static_cast<int>(dnnl_get_effective_cpu_isa());
  const auto has = [&](dnnl_cpu_isa_t wanted) { return (isa & static_cast<int>(wanted)) == static_cast<int>(wanted); };
  if (has(dnnl_cpu_isa_avx512_core_amx)) return Bfloat16Unit::tiles;
  return has(dnnl_cpu_isa_avx512_core_bf16) ? Bfloat16Unit::vectors : Bfloat16Unit::none;
}

std::string dnnl_version() {
  const dnnl_version_t* version = ::dnnl_version();
  return concat(version->major, ".", version->minor, ".", version->patch);
}

// Memory objects and argument lists for one run at a time.
struct DnnlSequence::Context {
  struct Handle {
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
  std::vector<Handle> handles;
  std::vector<Call> calls;
};

DnnlSequence::~DnnlSequence() {
  for (const std::atomic<Context*>& spare : spare_) delete spare.load();
}

int64_t DnnlSequence::reserve(size_t bytes) {
  const int64_t offset = scratch_bytes;
  scratch_bytes += round_up(static_cast<int64_t>(bytes));
  return offset;
}

void DnnlSequence::add(const dnnl::primitive& primitive, std::vector<Argument> arguments, const dnnl::memory::desc& scratchpad) {
  if (const size_t bytes = scratchpad.get_size()) arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad, -1, reserve(bytes)});
  steps_.push_back({primitive, std::move(arguments)});
}

void DnnlSequence::add(const dnnl::primitive& primitive, std::vector<Argument> arguments, const Argument& result,
                       const dnnl::memory::desc& made, const dnnl::memory::desc& scratchpad) {
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
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t plain = row * row_size * channels, block_size = rows_per_image * row_size * 16;
    const int64_t blocks = row / rows_per_image * rows_per_image * row_size * channels + row % rows_per_image * row_size * 16;
    for (int64_t at = 0; at < row_size; ++at) {
      for (int64_t channel = 0; channel < channels; channel += 16) {
        const int64_t in_plain = plain + at * channels + channel, in_blocks = blocks + channel / 16 * block_size + at * 16;
        if (is_into_blocks) std::memcpy(to + in_blocks, from + in_plain, 64);
        else std::memcpy(to + in_plain, from + in_blocks, 64);
      }
    }
  }
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
      context->handles.push_back({memory.get(), argument.pointer, argument.offset});
      call.arguments.push_back({argument.role, memory.get()});
    }
  }
  return context;
}

Status DnnlSequence::run(void* const* pointers, void* scratch) const {
  std::atomic<Context*>& spare = spare_[thread_number() % spare_.size()];
  std::unique_ptr<Context> context(spare.exchange(nullptr, std::memory_order_acquire));
  if (!context) context = make_context();
  const OneThread one;
  bool is_ok = true;
  for (const Context::Handle& handle : context->handles) {
    void* data = handle.pointer >= 0 ? pointers[handle.pointer] : static_cast<std::byte*>(scratch) + handle.offset;
    is_ok &= dnnl_memory_set_data_handle(handle.memory, data) == dnnl_success;
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
  delete spare.exchange(context.release(), std::memory_order_acq_rel);
  Status status;
  status.is_ok = is_ok;
  if (!is_ok) status.problem = "oneDNN could not run a primitive";
  return status;
}

KernelPtr reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  auto kernel = std::make_shared<DnnlSequence>();
  kernel->add_reorder({DNNL_ARG_FROM, from, 0}, {DNNL_ARG_TO, to, 1});
  return kernel;
}

std::vector<Part> reorder_parts(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  constexpr int64_t part_bytes = int64_t{1} << 19, most_parts = 16;
  const Blocking source = blocking_of(from), target = blocking_of(to);
  size_t axis = 0;
  int64_t steps = 1;
  if (!source.sizes.empty() && !target.sizes.empty()) {
    axis = static_cast<size_t>(std::max_element(target.strides.begin(), target.strides.end()) - target.strides.begin());
    const int64_t held = target.held[axis];
    if (held % source.held[axis] == 0) steps = (target.sizes[axis] + held - 1) / held;
  }
  const int64_t count = std::clamp(static_cast<int64_t>(to.get_size()) / part_bytes, int64_t{1}, std::min(steps, most_parts));
  if (count == 1) return {{reorder(from, to), {0, 0}}};
  const int64_t held = target.held[axis];
  const dnnl::memory::dims none(target.sizes.size(), 0);
  std::vector<Part> parts;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = steps * i / count * held, end = std::min(steps * (i + 1) / count * held, target.sizes[axis]);
    dnnl::memory::dims sizes = target.sizes;
    sizes[axis] = end - begin;
    const auto offset = [&](const Blocking& in, const dnnl::memory::desc& desc) {
      return begin / in.held[axis] * in.strides[axis] * size_of(desc);
    };
    parts.push_back(
        {reorder(from.submemory_desc(sizes, none), to.submemory_desc(sizes, none)), {offset(source, from), offset(target, to)}});
  }
  return parts;
}

KernelPtr shared_kernel(const Hash128& key, const std::function<KernelPtr()>& make) {
  Shared& all = shared();
  const std::lock_guard lock(all.mutex);
  std::weak_ptr<const Kernel>& entry = all.kernels[key];
  if (KernelPtr kernel = entry.lock()) return kernel;
  const OneThread one;
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
  return add(epilogue.has_bias).add(static_cast<int64_t>(epilogue.activation)).add(epilogue.is_rounded);
}

}  // namespace gradus::cpu
