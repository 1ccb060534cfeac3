// expects: designator order|declaration order|out-of-order|initialized|does not match
// flags: -Werror
// Designators come in the declared order.
#include "gradus/gradus.hpp"

int main() {
  gradus::optim::Adam good(1e-3, {.beta_1 = 0.5, .beta_2 = 0.9});
  gradus::optim::Adam bad(1e-3, {.beta_2 = 0.9, .beta_1 = 0.5});  // refused
}
