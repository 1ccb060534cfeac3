// References to the members of a struct, in order.
#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

/// What GRADUS_FIELDS and GRADUS_PARTS tie together. A std::tuple of references would do, but costs every program that has layers a
/// second of compilation.
template <class... T>
class Members {
 public:
  static constexpr size_t kCount = sizeof...(T);
  template <size_t kIndex>
  using Type = std::tuple_element_t<kIndex, std::tuple<T...>>;

  explicit Members(T&... members) : at_{static_cast<const void*>(__builtin_addressof(members))..., nullptr} {}

  template <size_t kIndex>
  Type<kIndex>& get() const {
    return *static_cast<Type<kIndex>*>(const_cast<void*>(at_[kIndex]));
  }
  /// f(members...).
  template <class F>
  decltype(auto) apply(const F& f) const {
    return [&]<size_t... kIndex>(std::index_sequence<kIndex...>)->decltype(auto) {
      return f(*static_cast<T*>(const_cast<void*>(at_[kIndex]))...);
    }
    (std::index_sequence_for<T...>());
  }

 private:
  const void* at_[kCount + 1];
};
template <class... T>
Members<T...> members(T&... each) {
  return Members<T...>(each...);
}

}  // namespace gradus::core
