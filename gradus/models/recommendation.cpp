// Negative examples, recommendations, and how good they are.
#include "gradus/models/recommendation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_set>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/philox.hpp"
#include "gradus/models/interactions.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr int64_t kMostScores = int64_t{1} << 22;  // at a time

// Whole numbers below a bound: draw number `index` of a seed.
class Draws {
 public:
  Draws(uint64_t seed, uint64_t stream) : seed_(seed), stream_(stream) {}
  int64_t below(int64_t bound) {
    if (next_ == 4) {
      block_ = philox(count_++, stream_, seed_);
      next_ = 0;
    }
    return static_cast<int64_t>((static_cast<uint64_t>(block_[next_++]) * static_cast<uint64_t>(bound)) >> 32);
  }

 private:
  uint64_t seed_, stream_, count_ = 0;
  std::array<uint32_t, 4> block_{};
  size_t next_ = 4;
};

// The number-th item, from 0, of those that `has` (ascending) lacks.
int64_t lacking(const std::vector<int64_t>& has, int64_t number) {
  // has[i] - i items before has[i] are lacking.
  size_t low = 0, high = has.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (has[middle] - static_cast<int64_t>(middle) <= number) low = middle + 1;
    else high = middle;
  }
  return number + static_cast<int64_t>(low);
}

struct Sampled {
  std::vector<int64_t> rows{};
  std::vector<float> targets{};
};
// f(user, item, negatives) for each pair there is, in their order.
template <class F>
void sample(std::string_view op, const Interactions& interactions, const NegativeOptions& options, const F& f) {
  if (options.count < 1) fail(op, "count is ", options.count, "; it must be at least 1");
  const detail::Pairs pairs = detail::checked_pairs(op, interactions, 0, options.items);
  const detail::ItemSets sets(pairs);
  std::vector<int64_t> negatives;
  for (size_t i = 0; i < pairs.users.size(); ++i) {
    const std::vector<int64_t>& has = sets.of(pairs.users[i]);
    const int64_t left = pairs.item_count - static_cast<int64_t>(has.size());
    Draws draws(options.seed, i);
    negatives.clear();
    for (int64_t k = 0; k < options.count && left > 0; ++k) negatives.push_back(lacking(has, draws.below(left)));
    f(pairs.users[i], pairs.items[i], negatives);
  }
}

// Rows of scores for some users at a time: f(position, scores).
template <class F>
void visit_scores(std::string_view op, const ScoreFunction& scores, const std::vector<int64_t>& users, const F& f) {
  size_t step = 1;  // until the number of items is known
  for (size_t begin = 0; begin < users.size();) {
    const size_t end = std::min(users.size(), begin + step);
    const std::vector<int64_t> some(users.begin() + static_cast<int64_t>(begin), users.begin() + static_cast<int64_t>(end));
    const Array block = scores(array(some));
    if (block.rank() != 2 || block.shape(0) != static_cast<int64_t>(some.size()))
      fail(op, "scores of ", some.size(), " users are ", block.shape(), "; they must be (", some.size(), ", items)");
    const int64_t items = block.shape(1);
    const std::vector<double> values = block.to_vector<double>();
    for (size_t i = begin; i < end; ++i)
      f(i, std::span(values).subspan((i - begin) * static_cast<size_t>(items), static_cast<size_t>(items)));
    begin = end;
    step = static_cast<size_t>(std::clamp<int64_t>(kMostScores / std::max<int64_t>(items, 1), 1, 4096));
  }
}

// The best first; of equals the smaller number; NaN last.
bool comes_before(double a, double b) { return std::isnan(b) ? !std::isnan(a) : a > b; }

}  // namespace

data::Dataset Interactions::to_dataset() const {
  const detail::Pairs pairs = detail::checked_pairs("to_dataset", *this, 0, 0);
  const auto count = static_cast<int64_t>(pairs.users.size());
  return data::Dataset(stack({array(pairs.users), array(pairs.items)}, 1).eval(), array(pairs.values, {count, 1}).astype(float32).eval());
}

data::Dataset sample_negatives(const Interactions& interactions, const NegativeOptions& options) {
  Sampled out;
  const auto add = [&](int64_t user, int64_t item, float target) {
    out.rows.push_back(user);
    out.rows.push_back(item);
    out.targets.push_back(target);
  };
  sample("sample_negatives", interactions, options, [&](int64_t user, int64_t item, const std::vector<int64_t>& negatives) {
    add(user, item, 1);
    for (const int64_t other : negatives) add(user, other, 0);
  });
  const auto count = static_cast<int64_t>(out.targets.size());
  return data::Dataset(array(out.rows, {count, 2}), array(out.targets, {count, 1}));
}

data::Dataset sample_triples(const Interactions& interactions, const NegativeOptions& options) {
  constexpr std::string_view op = "sample_triples";
  std::vector<int64_t> rows;
  sample(op, interactions, options, [&](int64_t user, int64_t item, const std::vector<int64_t>& negatives) {
    for (const int64_t other : negatives) rows.insert(rows.end(), {user, item, other});
  });
  if (rows.empty()) fail(op, "all users have all items; there must be an item that one of them lacks");
  return data::Dataset(array(rows, {static_cast<int64_t>(rows.size()) / 3, 3}));
}

Array detail::pairwise_loss(const Array& own, const Array& other) { return mean(softplus(other - own)); }
Array detail::pairs_of(const Array& triples, int64_t item) {
  if (triples.rank() != 2 || triples.shape(1) != 3)
    fail("bpr_loss", "triples are ", triples.shape(), "; they must be (N, 3): a user, an item of his, and another one");
  return stack({triples[{slice(), 0}], triples[{slice(), item}]}, 1);
}

Recommended recommend(const ScoreFunction& scores, const Array& users, const RecommendOptions& options) {
  constexpr std::string_view op = "recommend";
  if (options.count < 1) fail(op, "count is ", options.count, "; it must be at least 1");
  if (users.rank() != 1) fail(op, "users are ", users.shape(), " of rank ", users.rank(), "; they must be (B,)");
  const bool has_seen = options.seen.users.exists();
  const detail::ItemSets seen = has_seen ? detail::ItemSets(detail::checked_pairs(op, options.seen, 0, 0)) : detail::ItemSets();
  const std::vector<int64_t> who = users.to_vector<int64_t>();
  const auto rows = static_cast<int64_t>(who.size());
  const Shape shape{rows, options.count};
  refuse_above_limit(shape.size() * 16, "recommendations");  // says what does not fit in memory
  std::vector<int64_t> items(static_cast<size_t>(rows * options.count), -1);
  std::vector<double> best(items.size(), -std::numeric_limits<double>::infinity());
  std::vector<int64_t> order;
  visit_scores(op, scores, who, [&](size_t row, std::span<const double> values) {
    order.clear();
    const std::vector<int64_t>& has = seen.of(who[row]);
    for (int64_t item = 0; item < static_cast<int64_t>(values.size()); ++item)
      if (!std::binary_search(has.begin(), has.end(), item)) order.push_back(item);
    const int64_t count = std::min(options.count, static_cast<int64_t>(order.size()));
    std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int64_t a, int64_t b) {
      const double x = values[static_cast<size_t>(a)], y = values[static_cast<size_t>(b)];
      return comes_before(x, y) || (!comes_before(y, x) && a < b);
    });
    for (int64_t k = 0; k < count; ++k) {
      const auto at = row * static_cast<size_t>(options.count) + static_cast<size_t>(k);
      items[at] = order[static_cast<size_t>(k)];
      best[at] = values[static_cast<size_t>(items[at])];
    }
  });
  return {array(items, shape), array(best, shape)};
}

LeftOut leave_last_out(const Interactions& interactions) {
  const detail::Pairs pairs = detail::checked_pairs("leave_last_out", interactions, 0, 0);
  std::unordered_map<int64_t, std::pair<int64_t, size_t>> counts;  // how many, and which is the last
  for (size_t i = 0; i < pairs.users.size(); ++i) {
    auto& [count, last] = counts[pairs.users[i]];
    ++count;
    last = i;
  }
  std::vector<int64_t> rest, last;
  for (size_t i = 0; i < pairs.users.size(); ++i) {
    const auto& [count, position] = counts[pairs.users[i]];
    (count > 1 && position == i ? last : rest).push_back(static_cast<int64_t>(i));
  }
  const auto part = [&](const std::vector<int64_t>& rows) {
    const Array at = array(rows);
    return Interactions{take(interactions.users, at, 0).eval(), take(interactions.items, at, 0).eval(),
                        interactions.values.exists() ? take(interactions.values, at, 0).eval() : Array()};
  };
  return {part(rest), part(last)};
}

RankingScores rank_left_out(const ScoreFunction& scores, const Interactions& last, const RankingOptions& options) {
  constexpr std::string_view op = "rank_left_out";
  if (options.count < 1) fail(op, "count is ", options.count, "; it must be at least 1");
  if (options.negatives < 0) fail(op, "negatives is ", options.negatives, "; it must not be negative");
  const detail::Pairs wanted = detail::checked_pairs(op, last, 0, 0);
  const detail::ItemSets seen =
      options.seen.users.exists() ? detail::ItemSets(detail::checked_pairs(op, options.seen, 0, 0)) : detail::ItemSets();
  RankingScores out{.users = static_cast<int64_t>(wanted.users.size())};
  const auto total = static_cast<double>(out.users);
  visit_scores(op, scores, wanted.users, [&](size_t row, std::span<const double> values) {
    const int64_t item = wanted.items[row], items = static_cast<int64_t>(values.size());
    if (item >= items) fail(op, "item ", item, " was left out, the model has ", items, "; items must be below that");
    std::vector<int64_t> has = seen.of(wanted.users[row]);
    if (const auto at = std::lower_bound(has.begin(), has.end(), item); at == has.end() || *at != item) has.insert(at, item);
    has.erase(std::lower_bound(has.begin(), has.end(), items), has.end());
    const int64_t others = items - static_cast<int64_t>(has.size());
    int64_t place = 1;
    const auto compete = [&](int64_t other) {
      place += !comes_before(values[static_cast<size_t>(item)], values[static_cast<size_t>(other)]);
    };
    if (options.negatives == 0 || options.negatives >= others) {
      for (int64_t number = 0, next = 0; number < items; ++number) {
        if (next < static_cast<int64_t>(has.size()) && has[static_cast<size_t>(next)] == number) ++next;
        else compete(number);
      }
    } else {
      // Floyd's way to draw so many different ones.
      Draws draws(options.seed, row);
      std::unordered_set<int64_t> drawn;
      for (int64_t bound = others - options.negatives; bound < others; ++bound) {
        const int64_t number = draws.below(bound + 1);
        compete(lacking(has, drawn.insert(number).second ? number : (drawn.insert(bound), bound)));
      }
    }
    if (place <= options.count) {
      out.hit_rate += 1 / total;
      out.ndcg += 1 / std::log2(1.0 + static_cast<double>(place)) / total;
    }
    out.reciprocal_rank += 1 / static_cast<double>(place) / total;
  });
  return out;
}

}  // namespace gradus::models
