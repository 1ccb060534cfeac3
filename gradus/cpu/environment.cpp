// Names and versions, asked from the libraries that run, not from the headers they were built with.
#include "gradus/cpu/environment.hpp"

#include "gradus/cpu/highway_targets.hpp"
// highway_targets.hpp comes first.
#include <hwy/highway.h>

#include <cstdlib>

#include "gradus/base/printable.hpp"
#include "gradus/base/processors.hpp"
#include "gradus/base/text.hpp"
#include "gradus/base/threads.hpp"
#include "gradus/cpu/onednn/dnnl.hpp"

namespace gradus::cpu {

namespace {

std::string_view instruction_set() {
  const int64_t targets = hwy::SupportedTargets();
  if (targets & (HWY_AVX3 | HWY_AVX3_DL)) return "AVX-512";
  if (targets & HWY_AVX2) return "AVX2";
  if (targets & HWY_NEON) return "NEON";
  return "baseline vectors";
}

// What OMP_NUM_THREADS asks for where that is not done; empty where it is.
std::string unfollowed() {
  const char* text = std::getenv("OMP_NUM_THREADS");
  if (!text) return "";
  const int asked = threads_of_text(text);
  if (asked == 0) return concat(" (OMP_NUM_THREADS is '", printable(text, 40), "', which is no number from 1 up)");
  return asked > threads() ? concat(" (OMP_NUM_THREADS is '", printable(text, 40), "')") : "";
}

}  // namespace

std::string environment() {
  return concat(instruction_set(), ", ", threads(), threads() == 1 ? " thread" : " threads", unfollowed(), ", oneDNN ", dnnl_version(),
                ", Highway ", HWY_MAJOR, ".", HWY_MINOR, ".", HWY_PATCH);
}

std::string_view bfloat16_unit() {
  const Bfloat16Unit unit = dnnl_bfloat16_unit();
  if (unit == Bfloat16Unit::none) return "converted to float32";
  return unit == Bfloat16Unit::tiles ? "AMX" : "AVX512-BF16";
}

}  // namespace gradus::cpu
