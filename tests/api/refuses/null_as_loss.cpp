// expects: deleted
// A loss is a function.
#include "gradus/gradus.hpp"

int main() {
  gradus::loss::Loss good = gradus::loss::huber;
  gradus::loss::Loss bad = nullptr;  // refused
}
