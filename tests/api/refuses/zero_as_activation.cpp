// expects: deleted|no match|ambiguous|no matching
// 0 would be a null function.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Dense good(1, gradus::relu);
  gradus::nn::Dense bad(1, 0);  // refused
}
