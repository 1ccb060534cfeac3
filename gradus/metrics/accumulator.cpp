// Scores batch by batch.
#include "gradus/metrics/accumulator.hpp"

#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/metrics/metric_kinds.hpp"

namespace gradus::metrics {

using namespace core;

using detail::ClassData;
using detail::Moments;
using detail::NumberData;
using detail::Sum;

Accumulator::Accumulator(std::string_view name, const ClassOptions& options) : name_(name), options_(options) {
  const NamedAverage named = named_average(name);
  kind_ = named.kind ? named.kind : &metric_kinds()[name];
  if (!kind_->set.exists())
    fail("accumulator", name, " is a mean over batches; scores of sets are others, such as balanced_accuracy and f1");
  if (named.average != Average::automatic) options_.average = named.average;
}

void Accumulator::add(const Array& output, const Array& target, const Array& weights) {
  const SetScore& set = kind_->set;
  Accumulator batch = Accumulator(name_, options_);
  if (set.is_of_classes()) {
    ClassOptions options = options_;
    options.weights = weights;
    const ClassData data =
        detail::read_classes(name_, output, target, options, set.of_counts ? detail::Reading::predictions : detail::Reading::scores);
    batch.count_ = static_cast<int64_t>(data.size());
    if (set.of_counts) batch.counts_ = detail::confusion_of(data, data.weights);
    else if (set.of_sums) batch.sums_ = detail::probability_sums_of(data, data.weights);
    else batch.kept_classes_ = data;
  } else {
    const NumberData data = detail::read_numbers(name_, output, target, {.weights = weights});
    batch.count_ = static_cast<int64_t>(data.size());
    if (set.of_moments) batch.moments_ = detail::moments_of(data, data.weights);
    else batch.kept_numbers_ = data;
  }
  take(batch);
}

void Accumulator::merge(const Accumulator& other) {
  const bool is_same = kind_ == other.kind_ && options_.average == other.options_.average && options_.outputs == other.options_.outputs;
  if (!is_same) fail("accumulator", "one is of ", name_, ", the other of ", other.name_, "; both must be of one score and its options");
  take(other);
}

void Accumulator::take(const Accumulator& batch) {
  if (batch.count_ == 0) return;
  const auto check = [&](const char* what, auto before, auto now) {
    if (count_ > 0 && before != now) fail(name_, "there were ", before, " ", what, " before and are ", now, " now; they must be equal");
  };
  const SetScore& set = kind_->set;
  if (set.of_counts) {
    if (counts_) check("classes", counts_->classes(), batch.counts_->classes());
    counts_ ? counts_->merge(*batch.counts_) : void(counts_ = batch.counts_);
  } else if (set.of_sums) {
    sums_.merge(batch.sums_);
  } else if (set.of_scores) {
    check("classes", kept_classes_.classes, batch.kept_classes_.classes);
    kept_classes_.append(batch.kept_classes_);
  } else if (set.of_moments) {
    check("columns", moments_.size(), batch.moments_.size());
    moments_.resize(batch.moments_.size());
    for (size_t k = 0; k < moments_.size(); ++k) moments_[k].merge(batch.moments_[k]);
  } else {
    check("columns", kept_numbers_.columns, batch.kept_numbers_.columns);
    kept_numbers_.append(batch.kept_numbers_);
  }
  count_ += batch.count_;
}

double Accumulator::value() const {
  const SetScore& set = kind_->set;
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  if (set.of_counts) return set.of_counts(*counts_, {options_.average, options_.zero_division, options_.ignore});
  if (set.of_sums) return set.of_sums(sums_);
  if (set.of_moments) return detail::mean_of(moments_, set.of_moments);
  if (set.of_numbers) return set.of_numbers(kept_numbers_, kept_numbers_.weights);
  if (set.needs_every_class) detail::check_every_class(name_, kept_classes_);
  ClassData ranked = kept_classes_;
  ranked.rank();
  return set.of_scores(ranked, ranked.weights, options_.average);
}

namespace {

// Numbers that were written in turn, taken in turn.
class Numbers {
 public:
  explicit Numbers(std::span<const double> all) : rest_(all) {}
  double next() {
    if (rest_.empty()) damaged();
    const double value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  size_t count(size_t most) {
    const double value = next();
    if (!(value >= 0 && value <= static_cast<double>(most)) || value != std::floor(value)) damaged();
    return static_cast<size_t>(value);
  }
  std::vector<double> list(size_t size) {
    if (size > rest_.size()) damaged();
    std::vector<double> out(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(size));
    rest_ = rest_.subspan(size);
    return out;
  }
  size_t left() const { return rest_.size(); }
  void end() const {
    if (!rest_.empty()) damaged();
  }
  [[noreturn]] static void damaged() { fail("accumulator", "the state is not what state() has given; it must be of the same score"); }

 private:
  std::span<const double> rest_;
};

void write(std::vector<double>& out, const Sum& sum) { out.insert(out.end(), {sum.high(), sum.low()}); }
void write(std::vector<double>& out, const Moments& m) {
  out.insert(out.end(), {m.weight, m.count, m.target_mean, m.target_squares, m.error_mean, m.error_squares, m.largest, m.least_number});
  for (const Sum* sum : {&m.absolute, &m.squared, &m.relative, &m.symmetric, &m.logarithmic}) write(out, *sum);
}
template <class T>
void write(std::vector<double>& out, const std::vector<T>& values) {
  out.insert(out.end(), values.begin(), values.end());
}
void write(std::vector<double>& out, const ClassData& data) {
  out.insert(out.end(), {static_cast<double>(data.classes), data.is_binary ? 1.0 : 0.0, data.are_logits ? 1.0 : 0.0, data.edge,
                         static_cast<double>(data.size()), data.weights.empty() ? 0.0 : 1.0});
  write(out, data.labels);
  write(out, data.predicted);
  write(out, data.scores);
  write(out, data.weights);
}
void write(std::vector<double>& out, const NumberData& data) {
  out.insert(out.end(), {static_cast<double>(data.rows), static_cast<double>(data.columns), data.weights.empty() ? 0.0 : 1.0});
  write(out, data.output);
  write(out, data.target);
  write(out, data.weights);
}

void read(Numbers& from, Sum& sum) {
  const double high = from.next();
  sum = {high, from.next()};
}
void read(Numbers& from, Moments& m) {
  for (double* value :
       {&m.weight, &m.count, &m.target_mean, &m.target_squares, &m.error_mean, &m.error_squares, &m.largest, &m.least_number})
    *value = from.next();
  for (Sum* sum : {&m.absolute, &m.squared, &m.relative, &m.symmetric, &m.logarithmic}) read(from, *sum);
}
std::vector<int32_t> read_labels(Numbers& from, size_t size, int64_t classes) {
  std::vector<int32_t> out;
  for (const double label : from.list(size)) {
    if (!(label >= 0 && label < static_cast<double>(classes))) Numbers::damaged();
    out.push_back(static_cast<int32_t>(label));
  }
  return out;
}
constexpr size_t kMostClasses = size_t{1} << 31;
void read(Numbers& from, ClassData& data) {
  data.classes = static_cast<int64_t>(from.count(kMostClasses));
  data.is_binary = from.count(1) == 1;
  data.are_logits = from.count(1) == 1;
  data.edge = from.next();
  const size_t size = from.count(from.left());
  const bool has_weights = from.count(1) == 1;
  data.labels = read_labels(from, size, data.classes);
  data.predicted = read_labels(from, size, data.classes);
  if (data.columns() > 0 && size > from.left() / data.columns()) Numbers::damaged();
  data.scores = from.list(size * data.columns());
  if (has_weights) data.weights = from.list(size);
}
void read(Numbers& from, NumberData& data) {
  data.rows = from.count(from.left());
  data.columns = from.count(from.left());
  const bool has_weights = from.count(1) == 1;
  if (data.columns > 0 && data.rows > from.left() / data.columns) Numbers::damaged();
  data.output = from.list(data.rows * data.columns);
  data.target = from.list(data.rows * data.columns);
  if (has_weights) data.weights = from.list(data.rows);
}

}  // namespace

std::vector<double> Accumulator::state() const {
  std::vector<double> out{static_cast<double>(count_)};
  if (count_ == 0) return out;
  const SetScore& set = kind_->set;
  if (set.of_counts) {
    out.push_back(static_cast<double>(counts_->classes()));
    write(out, counts_->counts());
  } else if (set.of_sums) {
    out.push_back(sums_.weight);
    write(out, sums_.log_loss);
    write(out, sums_.brier);
  } else if (set.of_scores) {
    write(out, kept_classes_);
  } else if (set.of_moments) {
    out.push_back(static_cast<double>(moments_.size()));
    for (const Moments& column : moments_) write(out, column);
  } else {
    write(out, kept_numbers_);
  }
  return out;
}

void Accumulator::set_state(std::span<const double> state) {
  Numbers from(state);
  Accumulator read_back(name_, options_);
  read_back.count_ = static_cast<int64_t>(from.count(size_t{1} << 53));
  const SetScore& set = kind_->set;
  if (read_back.count_ == 0) {
  } else if (set.of_counts) {
    const size_t classes = from.count(kMostClasses);
    if (classes == 0 || classes > from.left() / classes) Numbers::damaged();
    read_back.counts_.emplace(static_cast<int64_t>(classes), from.list(classes * classes));
  } else if (set.of_sums) {
    read_back.sums_.weight = from.next();
    read(from, read_back.sums_.log_loss);
    read(from, read_back.sums_.brier);
  } else if (set.of_scores) {
    read(from, read_back.kept_classes_);
  } else if (set.of_moments) {
    read_back.moments_.resize(from.count(from.left()));
    for (Moments& column : read_back.moments_) read(from, column);
  } else {
    read(from, read_back.kept_numbers_);
  }
  from.end();
  *this = std::move(read_back);
}

}  // namespace gradus::metrics
