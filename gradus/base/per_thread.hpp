// One value a thread that may still be used while the process ends: static objects are destroyed after the thread_local ones of the main
// thread, and their destructors may compute.
#pragma once

namespace gradus::core {

/// Calls end(object) when this thread ends, the last registered first. After that, in the destructors of static objects, it does nothing.
void at_thread_end(void (*end)(void* object), void* object);

/// A T made at its first use in a thread and deleted when the thread ends; used after that, a new one, which lives as long as the process.
/// To be declared as
///
///   constinit thread_local PerThread<std::vector<int>> numbers;
template <class T>
class PerThread {
 public:
  T& operator*() { return value_ ? *value_ : make(); }
  T* operator->() { return &**this; }

 private:
  T& make() {
    value_ = new T();
    at_thread_end([](void* object) { static_cast<PerThread*>(object)->clear(); }, this);
    return *value_;
  }
  void clear() {
    T* value = value_;
    value_ = nullptr;
    delete value;
  }
  T* value_ = nullptr;  // no destructor: the pointer can be read until the thread's memory goes
};

}  // namespace gradus::core
