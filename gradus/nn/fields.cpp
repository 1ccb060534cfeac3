// Sizes from the integers of a file or recipe.
#include "gradus/nn/fields.hpp"

#include "gradus/base/error.hpp"

namespace gradus::nn {

namespace {
template <int kRank>
void check(std::string_view name, const std::vector<int64_t>& numbers) {
  if (numbers.size() == 1 || numbers.size() == kRank) return;
  fail(name, "it has ", numbers.size(), " numbers; it must have 1 or ", kRank);
}
}  // namespace

template <>
Size1 size_from<1>(std::string_view name, const std::vector<int64_t>& numbers) {
  check<1>(name, numbers);
  return numbers[0];
}
template <>
Size2 size_from<2>(std::string_view name, const std::vector<int64_t>& numbers) {
  check<2>(name, numbers);
  return numbers.size() == 1 ? Size2(numbers[0]) : Size2(numbers[0], numbers[1]);
}
template <>
Size3 size_from<3>(std::string_view name, const std::vector<int64_t>& numbers) {
  check<3>(name, numbers);
  return numbers.size() == 1 ? Size3(numbers[0]) : Size3(numbers[0], numbers[1], numbers[2]);
}

}  // namespace gradus::nn
