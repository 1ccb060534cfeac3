// Random numbers and lists of arrays.
#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

int main() {
  random::seed(3);
  const Array plain = random::normal({3, 4});
  random::seed(3);
  CHECK(array_equal(plain, random::normal({3, 4})));
  const auto key = random::key(42);
  CHECK(array_equal(random::normal(key, {3, 4}, 1.0, 2.0), random::normal(key, {3, 4}, 1.0, 2.0)));
  auto [a, b] = random::split<2>(key);
  CHECK(!array_equal(random::uniform(a, {8}), random::uniform(b, {8})));
  CHECK(random::normal({5}, 3, 1).shape() == Shape({5}));

  const Array x = reshape(arange(12), {2, 6});
  CHECK(concatenate({x, x}, 1).shape() == Shape({2, 12}) && stack({x, x}).shape() == Shape({2, 2, 6}));
  auto [q, k, v] = split<3>(x, -1);
  CHECK(q.shape() == Shape({2, 2}) && array_equal(concatenate({q, k, v}, 1), x));
  const Array n = ones({4, 2}), u = ones({3, 2, 2});
  CHECK(einsum("ni,uij,nj->nu", n, u, n).shape() == Shape({4, 3}));
}
