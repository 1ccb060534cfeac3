// expects: no match|no matching|could not convert|conversion
// Keys are made by random::key(42).
#include "gradus/gradus.hpp"

int main() {
  gradus::Array a = gradus::random::normal(gradus::random::key(42), {3});
  gradus::random::Key k = 42;  // refused
}
