// Plain: arrays for naive references, read and written index by index.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
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
  const auto size_of = [&](const Plain& p, size_t axis) {
    return axis + p.shape.size() < rank ? 1 : p.shape[axis + p.shape.size() - rank];
  };
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

// ---- lines: what reductions and norms do with one

using Line = std::vector<double>;

inline double total(const Line& v) {
  double sum = 0;
  for (const double x : v) sum += x;
  return sum;
}
inline double average(const Line& v) { return total(v) / static_cast<double>(v.size()); }
/// Before in the order of sorting: NaN comes last.
inline bool is_less(double x, double y) { return x < y || (!std::isnan(x) && std::isnan(y)); }
/// The position of the first NaN, or else of the first of the largest (smallest).
template <bool is_max>
double position(const Line& v) {
  size_t best = 0;
  for (size_t i = 1; i < v.size() && !std::isnan(v[best]); ++i)
    if (std::isnan(v[i]) || (is_max ? v[i] > v[best] : v[i] < v[best])) best = i;
  return static_cast<double>(best);
}
inline double largest(const Line& v) { return v[static_cast<size_t>(position<true>(v))]; }
inline double smallest(const Line& v) { return v[static_cast<size_t>(position<false>(v))]; }
inline Line sorted(Line v) {
  std::stable_sort(v.begin(), v.end(), is_less);
  return v;
}
/// e^x / sum e^x, shifted by the largest x: infinity makes a line of NaN.
inline Line plain_softmax(Line v) {
  if (v.empty()) return v;
  const double shift = largest(v);
  for (double& x : v) x = std::exp(x - shift);
  const double sum = total(v);
  for (double& x : v) x /= sum;
  return v;
}
inline Line plain_log_softmax(Line v) {
  if (v.empty()) return v;
  const double shift = largest(v);
  double sum = 0;
  for (const double x : v) sum += std::exp(x - shift);
  for (double& x : v) x = x - shift - std::log(sum);
  return v;
}
/// (x - mean) / sqrt(var + eps), or without the mean.
inline Line standardized(Line v, bool is_centered = true, double eps = 1e-5) {
  const double center = is_centered ? average(v) : 0;
  double squares = 0;
  for (const double x : v) squares += (x - center) * (x - center);
  for (double& x : v) x = (x - center) / std::sqrt(squares / static_cast<double>(v.size()) + eps);
  return v;
}

}  // namespace laws
