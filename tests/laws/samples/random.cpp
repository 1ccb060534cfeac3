// Samples of random draws: a key is an input like any other.
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

random::Key key_of(const Array& words) { return random::Key::from_array(words); }
void add_draws(Samples& out) {
  const Array key = random::key(7).array();
  out.push_back({.op = "random_uniform",
                 .inputs = {key, uniform({3}, -2, -1), uniform({3}, 1, 2, 2)},
                 .call = [](const Arrays& x) { return Arrays{random::uniform(key_of(x[0]), {4, 3}, x[1], x[2], x[1].dtype())}; }});
  out.push_back({.op = "random_normal",
                 .inputs = {key, uniform({3}), uniform({3}, 1, 2, 2)},
                 .call = [](const Arrays& x) { return Arrays{random::normal(key_of(x[0]), {4, 3}, x[1], x[2], x[1].dtype())}; }});
  out.push_back({.op = "random_truncated_normal", .inputs = {key, uniform({3})}, .call = [](const Arrays& x) {
                   return Arrays{random::truncated_normal(key_of(x[0]), {4, 3}, -1, 3, x[1].dtype()) * x[1]};
                 }});
  out.push_back({.op = "random_integers",
                 .inputs = {key},
                 .call = [](const Arrays& x) { return Arrays{random::integers(key_of(x[0]), {4, 3}, -5, 5)}; },
                 .orders = 0});
  out.push_back({.op = "random_permutation",
                 .inputs = {key},
                 .call = [](const Arrays& x) { return Arrays{random::permutation(key_of(x[0]), 9)}; },
                 .orders = 0});
  out.push_back({.op = "random_fold",
                 .inputs = {key, laws::integers({}, 0, 9)},
                 .call = [](const Arrays& x) { return Arrays{random::uniform(random::fold_in(key_of(x[0]), x[1]), {5})}; },
                 .orders = 0});
  out.push_back({.op = "dropout",
                 .inputs = {uniform({4, 3}), key},
                 .call = [](const Arrays& x) { return Arrays{dropout(x[0], 0.4, key_of(x[1]))}; }});
}

}  // namespace

Samples random_samples() {
  Samples out;
  add_draws(out);
  return out;
}

}  // namespace laws
