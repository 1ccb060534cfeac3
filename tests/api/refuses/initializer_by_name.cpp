// expects: an initialiser is made by a function: nn::init::he_normal\(\), not its name
// at most: 20 lines
// An option is a value of its type.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Dense good(4, {.kernel_initializer = gradus::nn::init::he_normal()});
  gradus::nn::Dense bad(4, {.kernel_initializer = "he_normal"});  // refused
}
