// A vector of trivially copyable values that keeps up to N of them in itself: shapes and strides need no allocation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <span>
#include <type_traits>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

template <class T, size_t N>
class SmallVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SmallVector() = default;
  explicit SmallVector(size_t size, T value = T{}) { resize(size, value); }
  SmallVector(std::initializer_list<T> values) { assign(values.begin(), values.size()); }
  explicit SmallVector(std::span<const T> values) { assign(values.data(), values.size()); }
  SmallVector(const SmallVector& other) { assign(other.data(), other.size()); }
  SmallVector(SmallVector&& other) noexcept { take(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other) assign(other.data(), other.size());
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this != &other) {
      release();
      take(other);
    }
    return *this;
  }
  ~SmallVector() { release(); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }
  operator std::span<const T>() const { return {data_, size_}; }

  void push_back(T value) {
    reserve(size_ + 1);
    data_[size_++] = value;
  }
  void pop_back() { --size_; }
  void clear() { size_ = 0; }
  void resize(size_t size, T value = T{}) {
    reserve(size);
    for (size_t i = size_; i < size; ++i) data_[i] = value;
    size_ = size;
  }
  void insert(size_t at, T value) {
    push_back(value);
    std::rotate(data_ + at, data_ + size_ - 1, data_ + size_);
  }
  void erase(size_t at) {
    std::copy(data_ + at + 1, data_ + size_, data_ + at);
    --size_;
  }
  void reserve(size_t capacity) {
    if (capacity <= capacity_) return;
    capacity = std::max(capacity, 2 * capacity_);
    T* larger = std::allocator<T>().allocate(capacity);
    if (size_) std::memcpy(static_cast<void*>(larger), data_, size_ * sizeof(T));
    const size_t size = size_;
    release();
    data_ = larger;
    size_ = size;
    capacity_ = capacity;
  }

  friend bool operator==(const SmallVector& a, const SmallVector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  void assign(const T* values, size_t size) {
    reserve(size);
    if (size) std::memmove(static_cast<void*>(data_), values, size * sizeof(T));
    size_ = size;
  }
  void take(SmallVector& other) noexcept {
    if (other.data_ == other.inside_) {
      std::memcpy(static_cast<void*>(inside_), other.inside_, sizeof inside_);
    } else {
      data_ = other.data_;
      capacity_ = other.capacity_;
      other.data_ = other.inside_;
      other.capacity_ = N;
    }
    size_ = other.size_;
    other.size_ = 0;
  }
  void release() noexcept {
    if (data_ != inside_) std::allocator<T>().deallocate(data_, capacity_);
    data_ = inside_;
    capacity_ = N;
    size_ = 0;
  }

  T inside_[N]{};
  T* data_ = inside_;
  size_t size_ = 0;
  size_t capacity_ = N;
};

/// Sizes, strides, axes: one number a dimension.
using Dims = SmallVector<int64_t, 6>;

}  // namespace gradus::core
