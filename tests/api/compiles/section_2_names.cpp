// API.md 2: names live beside those of <cmath> and of the user.
#include <cmath>
#include <cstdlib>

#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

int main() {
  // 2.1: every op is a function, and overloads with those of <cmath>.
  const Array b = array({0.25, 1.0});
  CHECK(exp(b).size() == 2 && abs(b).size() == 2 && round(b).size() == 2 && erf(b).size() == 2 && log10(b).size() == 2);
  CHECK(sqrt(4.0) == 2.0 && sqrt(b)[0].item() == 0.5);
  // 2.2: an op with an option keeps a plain overload of one argument, whose pointer can be handed on.
  Array (*const plain)(const Array&) = softmax;
  CHECK(array_equal(plain(b), softmax(b, 0)));
  CHECK(array_equal(grad([](const Array& x) { return sum(square(x)); })(b), 2 * b));
  // 2.3: namespaces beside variables of their names.
  const Array loss = sum(b);
  const Array data = random::uniform({3});
  CHECK(loss.rank() == 0 && data.size() == 3);
  CHECK(::random() >= 0);
  // 2.5: dtypes are constants.
  for (const DType dtype : {bool_, uint8, int32, int64, float16, bfloat16, float32, float64}) CHECK(zeros({1}, dtype).dtype() == dtype);
}
