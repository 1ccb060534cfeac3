// Plain: arrays for naive references, read and written index by index.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

namespace laws {

using Index = std::vector<int64_t>;

/// Row-major numbers.
struct Plain {
  std::vector<int64_t> shape{};
  std::vector<double> values{};
  int64_t size() const { return static_cast<int64_t>(values.size()); }
  size_t flat(const Index& index) const {
    int64_t position = 0;
    for (size_t axis = 0; axis < shape.size(); ++axis) position = position * shape[axis] + index[axis];
    return static_cast<size_t>(position);
  }
  double operator[](const Index& index) const { return values[flat(index)]; }
  double& operator[](const Index& index) { return values[flat(index)]; }
};

/// visit(index) for each index of an array of this shape, in row-major order.
template <class F>
void for_each_index(const Index& shape, const F& visit) {
  for (const int64_t size : shape)
    if (size == 0) return;
  Index index(shape.size(), 0);
  while (true) {
    visit(index);
    size_t axis = shape.size();
    while (axis > 0 && ++index[axis - 1] == shape[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}
/// The array whose element at an index is f(index).
template <class F>
Plain filled(const Index& shape, const F& f) {
  Plain out{shape, {}};
  for_each_index(shape, [&](const Index& index) { out.values.push_back(static_cast<double>(f(index))); });
  return out;
}
/// x with f of each element.
template <class F>
Plain each(const Plain& x, const F& f) {
  Plain out{x.shape, {}};
  for (const double value : x.values) out.values.push_back(static_cast<double>(f(value)));
  return out;
}
/// NumPy's broadcasting, index by index.
template <class F>
Plain each_pair(const Plain& x, const Plain& y, const F& f) {
  const size_t rank = std::max(x.shape.size(), y.shape.size());
  const auto size_of = [&](const Plain& p, size_t axis) { return axis + p.shape.size() < rank ? 1 : p.shape[axis + p.shape.size() - rank]; };
  const auto at = [&](const Plain& p, const Index& index) {
    Index own(index.end() - static_cast<std::ptrdiff_t>(p.shape.size()), index.end());
    for (size_t axis = 0; axis < own.size(); ++axis)
      if (p.shape[axis] == 1) own[axis] = 0;
    return p[own];
  };
  Index shape;
  for (size_t axis = 0; axis < rank; ++axis) shape.push_back(size_of(x, axis) == 1 ? size_of(y, axis) : size_of(x, axis));
  return filled(shape, [&](const Index& index) { return f(at(x, index), at(y, index)); });
}
/// Each line along an axis handed to f, which returns the line that takes its place; all of one length.
template <class F>
Plain along(const Plain& x, int64_t axis, F f) {
  const auto at = static_cast<size_t>(axis);
  Index lines = x.shape;
  lines[at] = 1;
  std::vector<std::vector<double>> results;
  for_each_index(lines, [&](Index index) {
    std::vector<double> line;
    for (index[at] = 0; index[at] < x.shape[at]; ++index[at]) line.push_back(x[index]);
    results.push_back(f(std::move(line)));
  });
  Plain out{x.shape, {}}, numbers{lines, {}};
  if (!results.empty()) out.shape[at] = static_cast<int64_t>(results[0].size());
  return filled(out.shape, [&](Index index) {
    const int64_t place = index[at];
    index[at] = 0;
    return results[numbers.flat(index)][static_cast<size_t>(place)];
  });
}
/// Each line along an axis as one number, without that axis.
template <class F>
Plain reduced(const Plain& x, int64_t axis, const F& f) {
  Plain out = along(x, axis, [&](const std::vector<double>& line) { return std::vector<double>{static_cast<double>(f(line))}; });
  out.shape[static_cast<size_t>(axis)] = 1;  // also where there was no line
  out.shape.erase(out.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  return out;
}
inline Plain flattened(const Plain& x) { return {{x.size()}, x.values}; }

}  // namespace laws
