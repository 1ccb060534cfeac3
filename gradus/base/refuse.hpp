// What static_asserts that refuse a wrong call are made of. Such a template takes more than it can use, so that the compiler's one error is
// a sentence about the call and not a list of candidates.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

/// False, but only once T is known: static_assert(never<T>, "...").
template <class T>
inline constexpr bool never = false;

/// "relu" where a function, an object or a constant is meant.
template <class T>
concept Text = std::convertible_to<const T&, std::string_view> && !std::same_as<T, std::nullptr_t>;

}  // namespace gradus::core
