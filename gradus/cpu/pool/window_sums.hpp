// Sums of arrays that are zero outside a window: the reverse of slices. One buffer is written, however many windows there are.
#pragma once

#include <span>

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// Where a value lies in a larger array: element k of an axis at starts + k * steps.
struct WindowPlace {
  Dims starts, steps;
};

/// Whether no two of these windows (of the shapes `sizes`) share an element. Windows with several different steps on an axis may be taken
/// to overlap where they do not.
bool are_disjoint(std::span<const WindowPlace> places, std::span<const Shape> sizes);

/// out = base + the values, each in its window; zeros where there is no base. Inputs: base (any strides), unless `base` is null, then the
/// values (any strides). 16-bit floats are summed in float and rounded once. Without a base, windows that are disjoint are copied; with
/// one, the output may lie over the base, and then only the windows are touched (all of it, where windows of 16-bit floats overlap).
KernelPtr sum_windows(const Layout* base, std::span<const Layout> values, std::span<const WindowPlace> places, const Layout& out);

}  // namespace gradus::cpu
