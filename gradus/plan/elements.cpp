// Reading elements out of computed arrays, in row-major order and any dtype.
#include <cstring>

#include "gradus/base/convert.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/plan/cpu_backend.hpp"
#include "gradus/plan/packed.hpp"

namespace gradus {

using namespace core;

namespace {

// Calls visit(position in elements from the first) for every element, row-major.
template <class Visit>
void for_each_position(const Shape& shape, const Dims& strides, Visit&& visit) {
  if (shape.size() == 0) return;
  Dims index(strides.size(), 0);
  int64_t position = 0;
  while (true) {
    visit(position);
    size_t axis = strides.size();
    while (axis-- > 0) {
      position += strides[axis];
      if (++index[axis] < shape.dims()[axis]) break;
      position -= index[axis] * strides[axis];
      index[axis] = 0;
    }
    if (axis == static_cast<size_t>(-1)) return;
  }
}

}  // namespace

void core::copy_elements(const Array& array, DType dtype, void* out) {
  const Value& value = value_of(array);
  if (array.size() == 0) return;  // `out` may be null
  const DType from = array.dtype();
  const BufferPtr buffer = plan::in_processor_memory(value.buffer);
  const std::byte* first = buffer->data() + value.offset * from.size();
  if (from == dtype && is_contiguous(array.shape(), value.strides)) {
    std::memcpy(out, first, static_cast<size_t>(array.size() * dtype.size()));
    return;
  }
  if (from == dtype) {
    plan::copy_to_rows(array.shape(), value.strides, dtype.size(), first, out);
    return;
  }
  visit_dtype(from, [&]<class From>(From) {
    visit_dtype(dtype, [&]<class To>(To) {
      To* to = static_cast<To*>(out);
      for_each_position(array.shape(), value.strides,
                        [&](int64_t position) { *to++ = convert<To>(reinterpret_cast<const From*>(first)[position]); });
    });
  });
}

}  // namespace gradus
