// expects: a learning rate is a number or a schedule
// at most: 20 lines
// A learning rate is a number or a schedule.
#include "gradus/gradus.hpp"

int main() {
  gradus::optim::Adam good(gradus::optim::cosine(1e-3));
  gradus::optim::Adam bad("cosine");  // refused
}
