// Collapsing, tiling and gathering; no arithmetic.
#include "gradus/cpu/elementwise/program_layout.hpp"

#include <algorithm>
#include <cstring>

namespace gradus::cpu {

namespace {

// Whether the axis behind (size, stride) continues the one before it for every operand.
bool can_merge(const std::vector<Operand>& operands, const ProgramSpec& spec, size_t before, size_t axis, int64_t size) {
  return std::all_of(operands.begin(), operands.end(), [&](const Operand& operand) {
    const Dims& strides = spec.inputs[static_cast<size_t>(operand.input)].strides;
    return strides[before] == strides[axis] * size;
  });
}

template <class T>
void copy_line(const T* from, int64_t stride, int64_t count, T* to) {
  if (stride == 1) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
  } else if (stride == 0) {
    std::fill_n(to, count, *from);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i * stride];
  }
}

template <class T>
T* gather_axis(const TileGrid& grid, const Operand& operand, size_t axis, int64_t count, const T* from, T* to) {
  const int64_t stride = operand.strides[axis];
  if (axis + 1 == grid.sizes.size()) {
    copy_line(from, stride, count, to);
    return to + count;
  }
  for (int64_t i = 0; i < count; ++i) {
    // A repeated slab is copied from the first one, which is contiguous by now.
    if (stride == 0 && i > 0) {
      const T* end = to;
      int64_t slab = 1;
      for (size_t behind = axis + 1; behind < grid.sizes.size(); ++behind) slab *= grid.sizes[behind];
      std::memcpy(to, end - slab, static_cast<size_t>(slab) * sizeof(T));
      to += slab;
    } else {
      to = gather_axis(grid, operand, axis + 1, grid.sizes[axis + 1], from + i * stride, to);
    }
  }
  return to;
}

Access access_in_tile(const TileGrid& grid, const Dims& strides) {
  int64_t expected = 1;
  bool is_direct = true, is_repeat = true;
  for (size_t axis = grid.sizes.size(); axis-- > grid.cut;) {
    const int64_t seen = axis == grid.cut ? grid.rows : grid.sizes[axis];
    if (seen > 1) {
      is_direct &= strides[axis] == expected;
      is_repeat &= strides[axis] == 0;
    }
    expected *= grid.sizes[axis];
  }
  return is_direct ? Access::direct : is_repeat ? Access::repeat : Access::gather;
}

}  // namespace

Dims collapse_axes(const ProgramSpec& spec, std::vector<Operand>& operands) {
  Dims sizes, last_axes;  // last_axes: the spec's axis whose stride a collapsed axis has
  for (size_t axis = 0; axis < spec.shape.dims().size(); ++axis) {
    const int64_t size = spec.shape.dims()[axis];
    if (size == 1) continue;
    if (!sizes.empty() && can_merge(operands, spec, static_cast<size_t>(last_axes.back()), axis, size)) {
      sizes.back() *= size;
      last_axes.back() = static_cast<int64_t>(axis);
    } else {
      sizes.push_back(size);
      last_axes.push_back(static_cast<int64_t>(axis));
    }
  }
  for (Operand& operand : operands) {
    for (const int64_t axis : last_axes) {
      operand.strides.push_back(spec.inputs[static_cast<size_t>(operand.input)].strides[static_cast<size_t>(axis)]);
    }
    if (sizes.empty()) operand.strides.push_back(1);
  }
  if (sizes.empty()) sizes.push_back(1);
  return sizes;
}

TileGrid make_grid(const Dims& sizes, int64_t largest, std::vector<Operand>& operands) {
  TileGrid grid;
  grid.sizes = sizes;
  grid.cut = sizes.size() - 1;
  while (grid.cut > 0 && grid.behind * sizes[grid.cut] <= largest) grid.behind *= sizes[grid.cut--];
  grid.rows = std::clamp<int64_t>(largest / grid.behind, 1, std::max<int64_t>(sizes[grid.cut], 1));
  grid.cuts = (sizes[grid.cut] + grid.rows - 1) / grid.rows;
  for (size_t axis = 0; axis < grid.cut; ++axis) grid.outer *= sizes[axis];
  for (Operand& operand : operands) {
    operand.access = access_in_tile(grid, operand.strides);
    operand.is_constant = std::all_of(operand.strides.begin(), operand.strides.end(), [](int64_t stride) { return stride == 0; });
  }
  return grid;
}

void gather_tile(const TileGrid& grid, const Operand& operand, const std::byte* from, int64_t rows, std::byte* to) {
  const auto gather = [&]<class T>(T) {
    gather_axis(grid, operand, grid.cut, rows, reinterpret_cast<const T*>(from), reinterpret_cast<T*>(to));
  };
  switch (operand.dtype.size()) {
    case 1:
      return gather(uint8_t{});
    case 2:
      return gather(uint16_t{});
    case 4:
      return gather(uint32_t{});
    default:
      return gather(uint64_t{});
  }
}

}  // namespace gradus::cpu
