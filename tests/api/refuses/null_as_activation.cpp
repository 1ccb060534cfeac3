// expects: deleted|no match|ambiguous|no matching
// nullptr would be a null function.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Dense good(1);
  gradus::nn::Dense bad(1, nullptr);  // refused
}
