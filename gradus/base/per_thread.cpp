// What is to be done when a thread ends.
#include "gradus/base/per_thread.hpp"

#include <vector>

namespace gradus::core {

namespace {

struct Ending {
  void (*end)(void*);
  void* object;
};

thread_local bool is_over = false;

struct Endings {
  std::vector<Ending> all{};
  ~Endings() {
    is_over = true;
    while (!all.empty()) {
      const Ending last = all.back();
      all.pop_back();
      last.end(last.object);
    }
  }
};

}  // namespace

void at_thread_end(void (*end)(void* object), void* object) {
  if (is_over) return;
  thread_local Endings endings;
  endings.all.push_back({end, object});
}

}  // namespace gradus::core
