// Least squares by QR, and Cholesky.
#include "gradus/models/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "gradus/base/parallel.hpp"

namespace gradus::models::detail {

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr int64_t kBlockRows = 256, kChunkBlocks = 16;
constexpr int kMostRefinements = 10;
// Beyond this many numbers a well-conditioned system is left as QR gives it.
constexpr int64_t kSmall = int64_t{1} << 20;
constexpr double kIllConditioned = 1e5;

// A sum in twice the digits.
struct Long {
  double high = 0, low = 0;
  void add(double x) {
    const double sum = high + x, back = sum - high;
    low += (high - (sum - back)) + (x - back);
    high = sum;
  }
  void add_product(double a, double b) {
    const double product = a * b;
    low += std::fma(a, b, -product);
    add(product);
  }
  double value() const { return high + low; }
};

// Householder vectors that turn some rows (columns-major: column j from j * rows) into what the triangle above them has taken up.
struct Reflections {
  int64_t rows = 0;
  std::vector<double> vectors{}, factors{};
};

// Folds rows into the triangle r (columns, columns). v_j = (1 at row j of r; vectors_j).
void fold(Reflections& block, std::vector<double>& r, int64_t columns) {
  const int64_t m = block.rows;
  block.factors.assign(static_cast<size_t>(columns), 0.0);
  for (int64_t j = 0; j < columns; ++j) {
    double* v = block.vectors.data() + j * m;
    double* row = r.data() + j * columns;
    const double below = dot(v, v, m), alpha = row[j];
    if (below == 0) continue;
    const double beta = alpha > 0 ? -std::sqrt(alpha * alpha + below) : std::sqrt(alpha * alpha + below);
    const double scale = 1 / (alpha - beta), factor = (beta - alpha) / beta;
    for (int64_t i = 0; i < m; ++i) v[i] *= scale;
    block.factors[static_cast<size_t>(j)] = factor;
    row[j] = beta;
    for (int64_t l = j + 1; l < columns; ++l) {
      double* other = block.vectors.data() + l * m;
      const double share = factor * (row[l] + dot(v, other, m));
      row[l] -= share;
      add_scaled(other, -share, v, m);
    }
  }
}
// The same reflections on the vectors top (columns) and rest (rows), in their order or, for their transpose, backwards.
void reflect(const Reflections& block, double* top, double* rest, bool is_transposed) {
  const auto columns = static_cast<int64_t>(block.factors.size());
  for (int64_t step = 0; step < columns; ++step) {
    const int64_t j = is_transposed ? step : columns - 1 - step;
    const double* v = block.vectors.data() + j * block.rows;
    const double share = block.factors[static_cast<size_t>(j)] * (top[j] + dot(v, rest, block.rows));
    top[j] -= share;
    add_scaled(rest, -share, v, block.rows);
  }
}

// A vector of as many numbers as there are rows, rotated: what lies within the columns is `top`.
struct Image {
  std::vector<double> top{}, middle{}, rest{};
};

// a with columns scaled by powers of two = Q r, r with its columns in the order `order`.
class Factored {
 public:
  Factored(std::span<const double> a, int64_t columns, int64_t free) : a_(a), columns_(columns) {
    rows_ = static_cast<int64_t>(a.size()) / columns;
    find_scales();
    fold_rows();
    pivot(free);
  }

  int64_t rank() const { return rank_; }
  double condition() const { return condition_; }
  const std::vector<int64_t>& order() const { return order_; }
  double scale(int64_t column) const { return scales_[static_cast<size_t>(column)]; }
  double r(int64_t row, int64_t column) const { return r_[static_cast<size_t>(row * columns_ + column)]; }

  // Q' f, and f again of it; the parts of f that the levels of the factorisation have left behind lie in `middle` and `rest`.
  void to_factor(Image& f) const {
    f.middle.assign(chunks_.size() * static_cast<size_t>(columns_), 0.0);
    core::parallel_for(static_cast<int64_t>(chunks_.size()), [&](int64_t chunk) {
      int64_t row = chunk * kChunkBlocks * kBlockRows;
      for (const Reflections& block : chunks_[static_cast<size_t>(chunk)]) {
        reflect(block, f.middle.data() + chunk * columns_, f.rest.data() + row, true);
        row += block.rows;
      }
    });
    f.top.assign(static_cast<size_t>(columns_), 0.0);
    for (size_t i = 0; i < joins_.size(); ++i) reflect(joins_[i], f.top.data(), f.middle.data() + static_cast<int64_t>(i) * columns_, true);
    for (const Reflections& last : pivots_) reflect_last(last, f.top);
  }
  void from_factor(Image& f) const {
    for (size_t i = pivots_.size(); i-- > 0;) reflect_last(pivots_[i], f.top);
    for (size_t i = joins_.size(); i-- > 0;) reflect(joins_[i], f.top.data(), f.middle.data() + static_cast<int64_t>(i) * columns_, false);
    core::parallel_for(static_cast<int64_t>(chunks_.size()), [&](int64_t chunk) {
      const auto& blocks = chunks_[static_cast<size_t>(chunk)];
      int64_t row = std::min(rows_, (chunk + 1) * kChunkBlocks * kBlockRows);
      for (size_t i = blocks.size(); i-- > 0;) {
        row -= blocks[i].rows;
        reflect(blocks[i], f.middle.data() + chunk * columns_, f.rest.data() + row, false);
      }
    });
  }
  // r x = top and r' x = top, for the first `rank` columns, in place.
  void solve(std::vector<double>& top) const {
    for (int64_t i = rank_; i-- > 0;) {
      double sum = top[static_cast<size_t>(i)];
      for (int64_t j = i + 1; j < rank_; ++j) sum -= r(i, j) * top[static_cast<size_t>(j)];
      top[static_cast<size_t>(i)] = sum / r(i, i);
    }
  }
  void solve_transposed(std::vector<double>& top) const {
    for (int64_t i = 0; i < rank_; ++i) {
      double sum = top[static_cast<size_t>(i)];
      for (int64_t j = 0; j < i; ++j) sum -= r(j, i) * top[static_cast<size_t>(j)];
      top[static_cast<size_t>(i)] = sum / r(i, i);
    }
  }

 private:
  // Powers of two, so that nothing is rounded, that bring the length of each column near 1.
  void find_scales() {
    std::vector<double> largest(static_cast<size_t>(columns_), 0.0), squares(static_cast<size_t>(columns_), 0.0);
    for (int64_t i = 0; i < rows_; ++i)
      for (int64_t j = 0; j < columns_; ++j)
        largest[static_cast<size_t>(j)] = std::max(largest[static_cast<size_t>(j)], std::fabs(a_[static_cast<size_t>(i * columns_ + j)]));
    scales_.assign(static_cast<size_t>(columns_), 1.0);
    for (size_t j = 0; j < scales_.size(); ++j)
      if (largest[j] > 0) scales_[j] = std::ldexp(1.0, -std::ilogb(largest[j]));
    for (int64_t i = 0; i < rows_; ++i)
      for (int64_t j = 0; j < columns_; ++j) {
        const double x = a_[static_cast<size_t>(i * columns_ + j)] * scales_[static_cast<size_t>(j)];
        squares[static_cast<size_t>(j)] += x * x;
      }
    for (size_t j = 0; j < scales_.size(); ++j)
      if (squares[j] > 0) scales_[j] = std::ldexp(scales_[j], -std::ilogb(std::sqrt(squares[j])));
  }

  void fold_rows() {
    const int64_t chunk_rows = kChunkBlocks * kBlockRows, chunks = (rows_ + chunk_rows - 1) / chunk_rows;
    const size_t square = static_cast<size_t>(columns_ * columns_);
    chunks_.resize(static_cast<size_t>(chunks));
    std::vector<std::vector<double>> triangles(static_cast<size_t>(chunks));
    core::parallel_for(chunks, [&](int64_t chunk) {
      std::vector<double>& triangle = triangles[static_cast<size_t>(chunk)];
      triangle.assign(square, 0.0);
      const int64_t end = std::min(rows_, (chunk + 1) * chunk_rows);
      for (int64_t row = chunk * chunk_rows; row < end; row += kBlockRows) {
        Reflections block{std::min(kBlockRows, end - row)};
        block.vectors.resize(static_cast<size_t>(block.rows * columns_));
        for (int64_t i = 0; i < block.rows; ++i)
          for (int64_t j = 0; j < columns_; ++j)
            block.vectors[static_cast<size_t>(j * block.rows + i)] = a_[static_cast<size_t>((row + i) * columns_ + j)] * scale(j);
        fold(block, triangle, columns_);
        chunks_[static_cast<size_t>(chunk)].push_back(std::move(block));
      }
    });
    r_.assign(square, 0.0);
    for (const std::vector<double>& triangle : triangles) {
      Reflections join{columns_};
      join.vectors.resize(square);
      for (int64_t i = 0; i < columns_; ++i)
        for (int64_t j = 0; j < columns_; ++j)
          join.vectors[static_cast<size_t>(j * columns_ + i)] = triangle[static_cast<size_t>(i * columns_ + j)];
      fold(join, r_, columns_);
      joins_.push_back(std::move(join));
    }
  }

  // Householder QR of the triangle itself, the longest column that is left first; stops where what is left is rounding.
  void pivot(int64_t free) {
    order_.resize(static_cast<size_t>(columns_));
    std::iota(order_.begin(), order_.end(), 0);
    std::vector<double> lengths(static_cast<size_t>(columns_));
    const auto length_below = [&](int64_t column, int64_t from) {
      double sum = 0;
      for (int64_t i = from; i < columns_; ++i) sum += r(i, column) * r(i, column);
      return std::sqrt(sum);
    };
    for (int64_t j = 0; j < columns_; ++j) lengths[static_cast<size_t>(j)] = length_below(j, 0);
    const double least = 2 * kEpsilon * std::sqrt(static_cast<double>(std::max<int64_t>(columns_, 16)));
    double largest_diagonal = 0, smallest_diagonal = std::numeric_limits<double>::infinity();
    for (int64_t j = 0; j < std::min(columns_, rows_); ++j) {
      int64_t best = j;
      double longest = length_below(j, j);
      for (int64_t l = j + 1; l < columns_ && j >= free; ++l) {
        const double length = length_below(l, j);
        if (length > longest) longest = length, best = l;
      }
      if (!(longest > least * lengths[static_cast<size_t>(best)])) break;
      if (best != j) {
        for (int64_t i = 0; i < columns_; ++i) std::swap(at(i, j), at(i, best));
        std::swap(order_[static_cast<size_t>(j)], order_[static_cast<size_t>(best)]);
        std::swap(lengths[static_cast<size_t>(j)], lengths[static_cast<size_t>(best)]);
      }
      Reflections last{columns_ - j};
      last.vectors.resize(static_cast<size_t>(last.rows));
      for (int64_t i = j; i < columns_; ++i) last.vectors[static_cast<size_t>(i - j)] = r(i, j);
      const double alpha = r(j, j), beta = alpha > 0 ? -longest : longest;
      last.vectors[0] = alpha - beta;
      const double square = dot(last.vectors.data(), last.vectors.data(), last.rows);
      last.factors = {square > 0 ? 2 / square : 0};
      for (int64_t l = j; l < columns_; ++l) {
        double share = 0;
        for (int64_t i = j; i < columns_; ++i) share += last.vectors[static_cast<size_t>(i - j)] * r(i, l);
        share *= last.factors[0];
        for (int64_t i = j; i < columns_; ++i) at(i, l) -= share * last.vectors[static_cast<size_t>(i - j)];
      }
      for (int64_t i = j + 1; i < columns_; ++i) at(i, j) = 0;
      pivots_.push_back(std::move(last));
      ++rank_;
      largest_diagonal = std::max(largest_diagonal, std::fabs(r(j, j)));
      smallest_diagonal = std::min(smallest_diagonal, std::fabs(r(j, j)));
    }
    condition_ = rank_ ? largest_diagonal / smallest_diagonal : 1;
  }
  // One reflection of the triangle's own rows, on a vector of its size.
  void reflect_last(const Reflections& last, std::vector<double>& top) const {
    double* from = top.data() + (columns_ - last.rows);
    add_scaled(from, -last.factors[0] * dot(last.vectors.data(), from, last.rows), last.vectors.data(), last.rows);
  }
  double& at(int64_t row, int64_t column) { return r_[static_cast<size_t>(row * columns_ + column)]; }

  std::span<const double> a_;
  int64_t rows_ = 0, columns_ = 0, rank_ = 0;
  double condition_ = 1;
  std::vector<double> scales_{}, r_{};
  std::vector<std::vector<Reflections>> chunks_{};
  std::vector<Reflections> joins_{}, pivots_{};
  std::vector<int64_t> order_{};
};

// b - r - a x, and -a' r, in twice the digits, rounded once.
void long_residuals(std::span<const double> a, int64_t columns, std::span<const double> b, const std::vector<double>& x,
                    const std::vector<double>& r, std::vector<double>& f, std::vector<double>& g) {
  const auto rows = static_cast<int64_t>(b.size());
  constexpr int64_t step = 2048;
  const int64_t chunks = (rows + step - 1) / step;
  std::vector<std::vector<Long>> sums(static_cast<size_t>(chunks));
  core::parallel_for(chunks, [&](int64_t chunk) {
    auto& sum = sums[static_cast<size_t>(chunk)];
    sum.resize(static_cast<size_t>(columns));
    for (int64_t i = chunk * step; i < std::min(rows, (chunk + 1) * step); ++i) {
      Long left{b[static_cast<size_t>(i)]};
      const double here = r[static_cast<size_t>(i)];
      left.add(-here);
      for (int64_t j = 0; j < columns; ++j) {
        const double element = a[static_cast<size_t>(i * columns + j)];
        left.add_product(-element, x[static_cast<size_t>(j)]);
        sum[static_cast<size_t>(j)].add_product(-element, here);
      }
      f[static_cast<size_t>(i)] = left.value();
    }
  });
  for (int64_t j = 0; j < columns; ++j) {
    Long total;
    for (const auto& sum : sums) {
      total.add(sum[static_cast<size_t>(j)].high);
      total.low += sum[static_cast<size_t>(j)].low;
    }
    g[static_cast<size_t>(j)] = total.value();
  }
}

// Steps x and its residual r towards [I a; a' 0][r; x] = [b; 0] while that brings them nearer. Returns how many steps were taken.
int64_t refine(const Factored& factored, std::span<const double> a, int64_t columns, std::span<const double> b, std::vector<double>& x,
               std::vector<double>& r) {
  Image f{.rest = std::vector<double>(b.size())};
  std::vector<double> g(static_cast<size_t>(columns)), h(static_cast<size_t>(columns));
  double last_change = std::numeric_limits<double>::infinity();
  int64_t steps = 0;
  for (; steps < kMostRefinements; ++steps) {
    long_residuals(a, columns, b, x, r, f.rest, g);
    factored.to_factor(f);
    std::vector<double> top = f.top;
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t column = factored.order()[static_cast<size_t>(j)];
      h[static_cast<size_t>(j)] = g[static_cast<size_t>(column)] * factored.scale(column);
    }
    factored.solve_transposed(h);
    for (size_t j = 0; j < top.size(); ++j) top[j] -= h[j];
    factored.solve(top);
    std::vector<double> next = x;
    double change = 0;
    for (int64_t j = 0; j < columns; ++j) {
      const int64_t column = factored.order()[static_cast<size_t>(j)];
      const double move = top[static_cast<size_t>(j)] * factored.scale(column), size = std::fabs(x[static_cast<size_t>(column)]);
      next[static_cast<size_t>(column)] += move;
      change = std::max(change, std::fabs(move) / (size > 0 ? size : 1));
    }
    if (!(change < last_change / 2)) break;
    f.top = h;
    factored.from_factor(f);
    for (size_t i = 0; i < r.size(); ++i) r[i] += f.rest[i];
    x = std::move(next);
    last_change = change;
    if (change <= kEpsilon) break;
  }
  return steps;
}

// The x of least length among x + z t: `x` solves with the first `rank` columns alone.
void shorten(const Factored& factored, std::vector<double>& x, int64_t columns, int64_t free) {
  const int64_t rank = factored.rank(), count = columns - rank;
  std::vector<double> z(static_cast<size_t>(columns * count), 0.0), start(static_cast<size_t>(columns));
  const auto row_of = [&](int64_t position) { return factored.order()[static_cast<size_t>(position)]; };
  for (int64_t k = 0; k < count; ++k) {
    std::vector<double> column(static_cast<size_t>(columns));
    for (int64_t i = 0; i < rank; ++i) column[static_cast<size_t>(i)] = -factored.r(i, rank + k);
    factored.solve(column);
    for (int64_t i = 0; i < rank; ++i)
      z[static_cast<size_t>(row_of(i) * count + k)] = column[static_cast<size_t>(i)] * factored.scale(row_of(i));
    z[static_cast<size_t>(row_of(rank + k) * count + k)] = factored.scale(row_of(rank + k));
  }
  for (size_t j = 0; j < start.size(); ++j) start[j] = -x[j];
  std::vector<double> counted = z;
  std::fill_n(counted.begin(), free * count, 0.0);
  const LeastSquares t = solve_least_squares(counted, count, start, 1, 0);
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t k = 0; k < count; ++k)
      x[static_cast<size_t>(j)] += z[static_cast<size_t>(j * count + k)] * t.solution[static_cast<size_t>(k)];
}

// scale r^-1 r^-T scale, in the columns' own order.
std::vector<double> covariance_of(const Factored& factored, int64_t columns) {
  std::vector<double> inverse(static_cast<size_t>(columns * columns), 0.0), out(inverse.size());
  for (int64_t j = 0; j < columns; ++j) {
    std::vector<double> unit(static_cast<size_t>(columns), 0.0);
    unit[static_cast<size_t>(j)] = 1;
    factored.solve(unit);
    for (int64_t i = 0; i <= j; ++i) inverse[static_cast<size_t>(i * columns + j)] = unit[static_cast<size_t>(i)];
  }
  for (int64_t i = 0; i < columns; ++i) {
    for (int64_t k = 0; k <= i; ++k) {
      const int64_t row = factored.order()[static_cast<size_t>(i)], column = factored.order()[static_cast<size_t>(k)];
      const double sum = dot(inverse.data() + i * columns + i, inverse.data() + k * columns + i, columns - i);
      out[static_cast<size_t>(row * columns + column)] = sum * factored.scale(row) * factored.scale(column);
      out[static_cast<size_t>(column * columns + row)] = out[static_cast<size_t>(row * columns + column)];
    }
  }
  return out;
}

}  // namespace

double dot(const double* a, const double* b, int64_t size) {
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  int64_t i = 0;
  for (; i + 4 <= size; i += 4) {
    s0 += a[i] * b[i];
    s1 += a[i + 1] * b[i + 1];
    s2 += a[i + 2] * b[i + 2];
    s3 += a[i + 3] * b[i + 3];
  }
  for (; i < size; ++i) s0 += a[i] * b[i];
  return (s0 + s1) + (s2 + s3);
}

void add_scaled(double* a, double factor, const double* b, int64_t size) {
  for (int64_t i = 0; i < size; ++i) a[i] += factor * b[i];
}

LeastSquares solve_least_squares(std::span<const double> a, int64_t columns, std::span<const double> b, int64_t targets, int64_t free) {
  const int64_t rows = static_cast<int64_t>(b.size()) / targets;
  const Factored factored(a, columns, free);
  LeastSquares out{.rank = factored.rank(), .condition = factored.condition()};
  out.solution.resize(static_cast<size_t>(columns * targets));
  out.residual.resize(b.size());
  const bool is_full = out.rank == columns;
  const bool refines = is_full && (rows * columns <= kSmall || out.condition > kIllConditioned);
  std::vector<double> target(static_cast<size_t>(rows)), r;
  for (int64_t k = 0; k < targets; ++k) {
    for (int64_t i = 0; i < rows; ++i) target[static_cast<size_t>(i)] = b[static_cast<size_t>(i * targets + k)];
    Image image{.rest = target};
    factored.to_factor(image);
    factored.solve(image.top);
    std::vector<double> x(static_cast<size_t>(columns), 0.0);
    for (int64_t j = 0; j < out.rank; ++j) {
      const int64_t column = factored.order()[static_cast<size_t>(j)];
      x[static_cast<size_t>(column)] = image.top[static_cast<size_t>(j)] * factored.scale(column);
    }
    if (!is_full) shorten(factored, x, columns, free);
    r.resize(target.size());
    for (int64_t i = 0; i < rows; ++i)
      r[static_cast<size_t>(i)] = target[static_cast<size_t>(i)] - dot(a.data() + i * columns, x.data(), columns);
    if (refines) out.refinements = std::max(out.refinements, refine(factored, a, columns, target, x, r));
    for (int64_t j = 0; j < columns; ++j) out.solution[static_cast<size_t>(j * targets + k)] = x[static_cast<size_t>(j)];
    for (int64_t i = 0; i < rows; ++i) out.residual[static_cast<size_t>(i * targets + k)] = r[static_cast<size_t>(i)];
  }
  if (is_full) out.covariance = covariance_of(factored, columns);
  else out.dependent.assign(factored.order().begin() + out.rank, factored.order().end());
  std::sort(out.dependent.begin(), out.dependent.end());
  return out;
}

std::vector<int64_t> dependent_columns(std::span<const double> a, int64_t columns, int64_t free) {
  const Factored factored(a, columns, free);
  std::vector<int64_t> out(factored.order().begin() + factored.rank(), factored.order().end());
  std::sort(out.begin(), out.end());
  return out;
}

bool cholesky(std::vector<double>& a, int64_t size) {
  for (int64_t i = 0; i < size; ++i) {
    double* row = a.data() + i * size;
    for (int64_t j = 0; j < i; ++j) row[j] = (row[j] - dot(row, a.data() + j * size, j)) / a[static_cast<size_t>(j * size + j)];
    const double rest = row[i] - dot(row, row, i);
    if (!(rest > 0) || !std::isfinite(rest)) return false;
    row[i] = std::sqrt(rest);
    std::fill(row + i + 1, row + size, 0.0);
  }
  return true;
}

void cholesky_solve(std::span<const double> l, int64_t size, std::span<double> b, int64_t targets) {
  // Rows of b at a time, so that both triangles are read along their rows.
  for (int64_t i = 0; i < size; ++i) {
    const double* row = l.data() + i * size;
    for (int64_t j = 0; j < i; ++j) add_scaled(b.data() + i * targets, -row[j], b.data() + j * targets, targets);
    for (int64_t k = 0; k < targets; ++k) b[static_cast<size_t>(i * targets + k)] /= row[i];
  }
  for (int64_t i = size; i-- > 0;) {
    const double* row = l.data() + i * size;
    for (int64_t k = 0; k < targets; ++k) b[static_cast<size_t>(i * targets + k)] /= row[i];
    for (int64_t j = 0; j < i; ++j) add_scaled(b.data() + j * targets, -row[j], b.data() + i * targets, targets);
  }
}

std::vector<double> cholesky_inverse(std::span<const double> l, int64_t size) {
  std::vector<double> out(static_cast<size_t>(size * size), 0.0);
  for (int64_t i = 0; i < size; ++i) out[static_cast<size_t>(i * size + i)] = 1;
  cholesky_solve(l, size, out, size);
  return out;
}

}  // namespace gradus::models::detail
