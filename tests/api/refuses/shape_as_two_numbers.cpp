// expects: no match|no matching|could not convert|no viable conversion|ambiguous
// zeros(2, 3) would be zeros of shape (2) and dtype 3.
#include "gradus/gradus.hpp"

int main() {
  gradus::Array a = gradus::zeros({2, 3});
  gradus::Array b = gradus::zeros(2, 3);  // refused
}
