// Matrix products by oneDNN's matmul primitive: of its three ways (matmul, inner product, sgemm) the fastest for most shapes and
// transposes.
#include "gradus/cpu/onednn/dnnl.hpp"
#include "gradus/cpu/onednn/sequence.hpp"

namespace gradus::cpu {

namespace {

dnnl::matmul::primitive_desc describe(const dnnl::memory::desc& a, const dnnl::memory::desc& b, const dnnl::memory::desc& bias,
                                      const dnnl::memory::desc& out, const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return {dnnl_engine(), a, b, bias, out, attributes, true};
#else
  const dnnl::matmul::desc operation = bias.get_size() ? dnnl::matmul::desc(a, b, bias, out) : dnnl::matmul::desc(a, b, out);
  return {operation, attributes, dnnl_engine(), true};
#endif
}

}  // namespace

KernelPtr dnnl_matmul(const Layout& a, const Layout& b, const Layout& out, const Epilogue& epilogue) {
  DnnlKey key("matmul");
  for (const Layout* layout : {&a, &b}) key.add(layout->shape.dims()).add(layout->strides);
  for (const Layout* layout : {&a, &out}) key.add(static_cast<int64_t>(layout->dtype.code()));
  key.add(out.shape.dims()).add(out.strides).add(epilogue);
  return shared_kernel(key.value(), [&]() -> KernelPtr {
    const dnnl::memory::desc a_desc = dnnl_desc(a.dtype, a.shape, a.strides), b_desc = dnnl_desc(b.dtype, b.shape, b.strides),
                             out_desc = dnnl_desc(out.dtype, out.shape, out.strides);
    dnnl::memory::desc bias;
    if (epilogue.has_bias) {
      Dims sizes(static_cast<size_t>(out.rank()), 1), strides(static_cast<size_t>(out.rank()), out.shape[out.rank() - 1]);
      sizes.back() = out.shape[out.rank() - 1];
      strides.back() = 1;
      bias = dnnl_desc(bias_dtype(out.dtype, epilogue), sizes, strides);
    }
    const auto description = describe(a_desc, b_desc, bias, out_desc, dnnl_attributes(epilogue));
    if (!description || !is_optimised(description)) return nullptr;
    auto kernel = std::make_shared<DnnlSequence>();
    std::vector<DnnlSequence::Argument> arguments{{DNNL_ARG_SRC, a_desc, 0}, {DNNL_ARG_WEIGHTS, b_desc, 1}};
    if (epilogue.has_bias) arguments.push_back({DNNL_ARG_BIAS, bias, 2});
    arguments.push_back({DNNL_ARG_DST, out_desc, epilogue.has_bias ? 3 : 2});
    kernel->add(dnnl::matmul(description), std::move(arguments), description.scratchpad_desc());
    return kernel;
  });
}

}  // namespace gradus::cpu
