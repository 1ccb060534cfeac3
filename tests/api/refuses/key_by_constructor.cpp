// expects: no match|no matching|private|calling a private
// A public Key(seed) would make normal({5}, 3) ambiguous.
#include "gradus/gradus.hpp"

gradus::Array f() {
  return gradus::random::normal(gradus::random::Key(42), {3});  // refused
  return gradus::random::normal(gradus::random::key(42), {3});
}
