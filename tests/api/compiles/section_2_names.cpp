// Names live beside those of <cmath> and of the user.
#include <cmath>
#include <cstdlib>

#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

// A function of the user under the name of a namespace of the library.
static double metrics(double x) { return 2 * x; }

int main() {
  // 2.1: every op is a function, and overloads with those of <cmath>.
  const Array b = array({0.25, 1.0});
  CHECK(exp(b).size() == 2 && abs(b).size() == 2 && round(b).size() == 2 && erf(b).size() == 2 && log10(b).size() == 2);
  CHECK(sqrt(4.0) == 2.0 && sqrt(b)[0].item() == 0.5);

  // 2.2: an op with an option keeps a plain overload of one argument, whose pointer can be handed on.
  Array (*const plain)(const Array&) = softmax;
  CHECK(array_equal(plain(b), softmax(b, 0)) && array_equal(plain(b), softmax(b)));
  const nn::Dense layer(10, softmax);
  CHECK(layer.activation.name() == "softmax");
  CHECK(vmap(softmax)(zeros({2, 4})).shape() == Shape({2, 4}) && jacobian(softmax)(zeros({4})).shape() == Shape({4, 4}));
  CHECK(jacobian(gelu)(b).shape() == Shape({2, 2}));

  // 2.3: namespaces beside variables and functions of their names.
  const Array loss = sum(b), data = random::uniform({3}), train = b, io = b;
  CHECK(loss.rank() == 0 && data.size() == 3 && train.size() == io.size());
  CHECK(loss::mean_squared_error(b, b).item() == 0 && data::Dataset(data).size() == 3);
  CHECK(::random() >= 0 && ::metrics(1) == 2 && metrics::Metric(metrics::accuracy).name() == "accuracy");

  // 2.4, without using-directives: argument-dependent lookup finds the functions.
  const ::gradus::Array x = ::gradus::ones({2});
  CHECK(sum(square(x) + 1).item() == 4 && array_equal(maximum(x, 2), full_like(x, 2)));

  // 2.5: dtypes are constants.
  for (const DType dtype : {bool_, uint8, int32, int64, float16, bfloat16, float32, float64}) CHECK(zeros({1}, dtype).dtype() == dtype);
}
