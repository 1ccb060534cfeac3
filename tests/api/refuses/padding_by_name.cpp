// expects: padding is same, valid or numbers, without quotes
// at most: 20 lines
// same and valid are constants.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Conv2D good(4, 3, {.padding = gradus::same});
  gradus::nn::Conv2D bad(4, 3, {.padding = "same"});  // refused
}
