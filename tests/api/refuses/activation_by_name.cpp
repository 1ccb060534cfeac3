// expects: an activation is a function, relu without quotes
// at most: 20 lines
// An activation is a function.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Dense good(4, gradus::relu);
  gradus::nn::Dense bad(4, "relu");  // refused
}
