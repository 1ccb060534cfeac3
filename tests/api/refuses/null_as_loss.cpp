// expects: deleted
// API.md 3.4: a loss is a function.
#include "gradus/gradus.hpp"

int main() {
  gradus::loss::Loss good = gradus::loss::huber;
  gradus::loss::Loss bad = nullptr;  // refused
}
