// The steps by name.
#include "gradus/preprocess/encode.hpp"
#include "gradus/preprocess/expand.hpp"
#include "gradus/preprocess/impute.hpp"
#include "gradus/preprocess/reshape.hpp"
#include "gradus/preprocess/scale.hpp"
#include "gradus/preprocess/step.hpp"
#include "gradus/preprocess/terms.hpp"

namespace gradus::preprocess {

using namespace core;

namespace {

template <class S>
using OptionsOf = decltype(S::options);

template <class S>
Step read_step(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) {
  OptionsOf<S> options;
  read_fields(fields_of(options), &options, given, reading, others);
  return S(std::move(options));
}
template <class S>
constexpr StepKind kind(std::string_view text) {
  return {S::kName, text, described<OptionsOf<S>>, read_step<S>};
}

constexpr StepKind kinds[] = {
    kind<Clip>("outliers become the nearest value that is none"),
    kind<Codes>("categories as whole numbers from 1, for models with embeddings; 0 is missing or unknown"),
    kind<DateParts>("dates as numbers: days passed, the place in the year, the week, the day"),
    kind<Drop>("leaves columns out"),
    kind<Hashing>("categories in buckets by their hash: none is kept, none is unknown"),
    kind<HashedTerms>("texts as counts of terms, in buckets by their hash"),
    kind<Impute>("missing values by the mean, the median, the most frequent value or a constant"),
    kind<ImputeIterative>("missing values by regression on the other columns, round after round"),
    kind<ImputeNeighbours>("missing values by the mean of the nearest rows"),
    kind<Keep>("leaves out all columns but these"),
    kind<MarkMissing>("numbers that stand for missing values become missing"),
    kind<MinMax>("from the range of the training rows to 0 .. 1"),
    kind<OneHot>("a column for each category, 1 where it is that one"),
    kind<Ordinal>("categories as their place in the order"),
    kind<PCA>("principal components in place of the columns"),
    kind<Polynomial>("products of the columns beside them"),
    kind<Power>("to what is most like a normal distribution, by a power"),
    kind<Quantile>("numbers as the share of training numbers below them"),
    kind<Robust>("by median and quartiles: outliers do not move it"),
    kind<Standardise>("to mean 0 and deviation 1"),
    kind<TargetEncode>("categories as the mean of the target over their rows"),
    kind<Terms>("texts as the weights of the terms of a vocabulary"),
    kind<UnitNorm>("each row to length 1"),
};

}  // namespace

const Named<StepKind>& step_kinds() {
  static constexpr Named<StepKind> all("preprocessing step", kinds);
  return all;
}

}  // namespace gradus::preprocess
