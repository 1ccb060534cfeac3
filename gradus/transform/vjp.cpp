// The functions that pick one out of overloads: compiled here, not in every program.
#include "gradus/transform/vjp.hpp"

namespace gradus {

namespace {
using One = Array (*)(const Array&);
}

std::pair<Array, Array> jvp(core::FunctionOfOne f, const Array& x, const Array& v) { return jvp<One>(f.pointer(), x, v); }
std::pair<Array, core::Pullback<Array, Array>> vjp(core::FunctionOfOne f, const Array& x) { return vjp<One>(f.pointer(), x); }
Array hvp(core::FunctionOfOne f, const Array& x, const Array& v) { return hvp<One>(f.pointer(), x, v); }

}  // namespace gradus
