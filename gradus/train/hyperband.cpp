// Brackets.
#include "gradus/train/hyperband.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"

namespace gradus::train {

using namespace core;

std::vector<Bracket> hyperband_brackets(HyperbandOptions options) {
  const auto [epochs, min_epochs, eta] = options;
  if (epochs < 1 || epochs > 1'000'000'000) fail("hyperband", "epochs is ", epochs, "; it must be from 1 to 10^9");
  if (eta < 2 || eta > 1'000'000) fail("hyperband", "reduction is ", eta, "; it must be from 2 to 10^6");
  if (min_epochs < 1 || min_epochs > epochs)
    fail("hyperband", "min_epochs is ", min_epochs, "; it must be from 1 to epochs, which is ", epochs);
  std::vector<int64_t> powers{1};  // of eta, as integers: floor(log) of a quotient that is a power must not fall short of it
  while (powers.back() <= epochs / min_epochs / eta) powers.push_back(powers.back() * eta);
  const auto most = static_cast<int64_t>(powers.size()) - 1;
  std::vector<Bracket> out;
  for (int64_t s = most; s >= 0; --s) {
    const int64_t first = ((most + 1) * powers[static_cast<size_t>(s)] + s) / (s + 1);  // rounded up
    Bracket bracket;
    for (int64_t i = 0; i <= s; ++i) {
      const double share = static_cast<double>(epochs) / static_cast<double>(powers[static_cast<size_t>(s - i)]);
      bracket.push_back({first / powers[static_cast<size_t>(i)], std::llround(share)});
    }
    out.push_back(std::move(bracket));
  }
  return out;
}

}  // namespace gradus::train
