// A reference to a callable, for the length of one call: what thin templates hand to the code behind them.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

template <class Signature>
class FunctionRef;

/// Does not own: the callable must outlive it.
template <class R, class... A>
class FunctionRef<R(A...)> {
 public:
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, FunctionRef> && std::is_invocable_r_v<R, F&, A...>)
  FunctionRef(F&& f)  // NOLINT: implicit on purpose
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))), call_([](void* object, A... arguments) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<A>(arguments)...);
        }) {}
  R operator()(A... arguments) const { return call_(object_, std::forward<A>(arguments)...); }

 private:
  void* object_;
  R (*call_)(void*, A...);
};

}  // namespace gradus::core
