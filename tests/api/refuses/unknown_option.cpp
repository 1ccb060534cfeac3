// expects: no match|no matching|does not refer|has no non-static
// A misspelt option is no option.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Dense good(10, {.use_bias = false});
  gradus::nn::Dense bad(10, {.bias = false});  // refused
}
