// Slopes and grids of monotone inputs.
#include "gradus/train/monotonicity.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::train {

using namespace core;

namespace detail {

void check_directions(const Array& x, const Directions& directions) {
  if (x.rank() != 2 || x.shape(1) != static_cast<int64_t>(directions.size()))
    fail("monotonicity", "x is ", x.shape(), ", and there are ", directions.size(), " directions; x must be (N, directions)");
  for (const int64_t direction : directions) {
    if (direction < -1 || direction > 1) fail("monotonicity", "a direction is ", direction, "; it must be 1, -1 or 0");
  }
}

Array wrong_slopes(const Array& slopes, const Directions& directions) {
  const Array signs = array(directions).astype(slopes.dtype());
  return sum(mean(maximum(-signs * slopes, 0), 0));
}

std::vector<MonotonicityCount> check_monotonicity(const std::function<Array(const Array&)>& model, const Array& x,
                                                  const Directions& directions, int64_t points) {
  check_directions(x, directions);
  if (points < 2 || points > 100'000) fail("monotonicity", "points is ", points, "; it must be from 2 to 100000");
  const nn::TrainingMode inference(false);
  const int64_t samples = x.shape(0), columns = x.shape(1);
  std::vector<MonotonicityCount> counts;
  for (int64_t column = 0; column < columns; ++column) {
    const int64_t direction = directions[static_cast<size_t>(column)];
    if (direction == 0) continue;
    MonotonicityCount count{.column = column};
    if (samples > 0) {
      const Array values = x[{slice(), column}], low = min(values), high = max(values), mask = one_hot(Array(column), columns, x.dtype());
      Array before;
      for (int64_t point = 0; point < points; ++point) {
        const Array place = low + (high - low) * (static_cast<double>(point) / static_cast<double>(points - 1));
        const Array outputs = model(where(mask == 1, place.astype(x.dtype()), x)).eval();
        if (before.exists()) {
          const Array wrong = static_cast<double>(-direction) * (outputs - before);
          const double rounding = outputs.dtype() == float64 ? 1e-12 : 1e-6;
          count.steps += outputs.size();
          count.violated += sum(wrong > rounding * (1 + abs(outputs))).item<int64_t>();
          count.worst = std::max(count.worst, max(wrong).item<double>());
        }
        before = outputs;
      }
    }
    counts.push_back(count);
  }
  return counts;
}

}  // namespace detail

std::string to_text(const std::vector<MonotonicityCount>& counts) {
  std::string out;
  for (const MonotonicityCount& each : counts) {
    out += concat("column ", each.column, ": ", with_commas(each.violated), " of ", with_commas(each.steps), " steps go the wrong way",
                  each.violated > 0 ? concat(", the worst by ", each.worst) : "", "\n");
  }
  return out;
}

}  // namespace gradus::train
