#include "gradus/plan/packed.hpp"

#include <vector>

#include "gradus/base/error.hpp"

namespace gradus::plan {

namespace {

constexpr size_t kMostCopies = 4;  // of one buffer: batches of several sizes mostly want the same

struct Copy {
  Hash128 layout;
  int64_t offset;
  BufferPtr memory;
};
using Copies = std::vector<Copy>;

template <class Make>
const BufferPtr& kept_copy(Buffer& buffer, const Hash128& layout, int64_t offset, const Make& make) {
  if (!buffer.packed) buffer.packed = std::make_shared<Copies>();
  Copies& copies = *static_cast<Copies*>(buffer.packed.get());
  for (const Copy& copy : copies) {
    if (copy.layout == layout && copy.offset == offset) return copy.memory;
  }
  BufferPtr memory = make();
  if (copies.size() == kMostCopies) copies.erase(copies.begin());
  copies.push_back({layout, offset, std::move(memory)});
  return copies.back().memory;
}

}  // namespace

BufferPtr packed_copy(Buffer& buffer, int64_t offset, void* data, const backend::PackedInput& wanted, void* scratch) {
  const auto make = [&] {
    BufferPtr memory = allocate(wanted.bytes, "a packed copy of weights", buffer.space());
    void* const pointers[] = {data, memory->data()};
    if (!wanted.pack->run(pointers, scratch).is_ok) fail_bug("weights could not be packed");
    return memory;
  };
  return kept_copy(buffer, wanted.layout, offset, make);
}

BufferPtr allocate(int64_t bytes, std::string_view what, const MemorySpace* space) {
  return space ? space->allocate(bytes, what) : core::allocate(bytes, what);
}

BufferPtr in_processor_memory(const BufferPtr& buffer) {
  if (!buffer->space()) return buffer;
  core::BufferPtr copy = core::allocate(buffer->bytes(), "a copy in the processor's memory");
  buffer->space()->copy_out(*buffer, copy->data());
  return copy;
}

BufferPtr brought_to(const MemorySpace* space, const BufferPtr& buffer) {
  if (buffer->space() == space) return buffer;
  Hasher place;
  place.add(reinterpret_cast<uintptr_t>(space));
  return kept_copy(*buffer, place.value(), 0, [&] {
    BufferPtr here = in_processor_memory(buffer);
    if (!space) return here;
    BufferPtr there = space->allocate(buffer->bytes(), "a copy in a backend's memory");
    space->copy_in(here->data(), *there);
    return there;
  });
}

}  // namespace gradus::plan
