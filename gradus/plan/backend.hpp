// What a backend is: kernels for ops, and what they can do together. The planner asks it, and names no processor itself.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gradus/array/buffer.hpp"
#include "gradus/backend/chain.hpp"
#include "gradus/backend/program.hpp"
#include "gradus/graph/op_def.hpp"

namespace gradus::plan {

/// Upper bounds of what a backend runs as one. The planner cuts what is larger.
struct BackendLimits {
  int program_inputs = 32, program_instructions = 96, program_outputs = 128;  ///< of a fused program
  size_t chain_pointers = 0;                                                  ///< of a chain; 0: it has no chains
  bool has_bundles = false;                                                   ///< whether loops may share one
};

/// The rules of a backend. Immutable; it has to live as long as plans that were made for it.
class Backend {
 public:
  virtual ~Backend() = default;

  /// In messages: "processor".
  virtual std::string_view name() const = 0;
  /// What it runs on, in one line.
  virtual std::string description() const = 0;

  /// How it computes an op that is not element-wise; null if it does not. The planner then puts the op's composition in its place, if it
  /// has one.
  virtual const KernelEntry* find(const OpDef& op) const = 0;
  /// Whether programs may hold this function.
  virtual bool has(const backend::Function& function) const = 0;
  virtual BackendLimits limits() const = 0;
  /// By what it multiplies bfloat16 numbers: "AMX".
  virtual std::string_view bfloat16_unit() const { return "its own kernels"; }

  virtual backend::KernelPtr prepare_program(const backend::ProgramSpec& spec) const = 0;
  /// Only called within limits().
  virtual backend::KernelPtr prepare_chain(const backend::ChainSpec& spec) const = 0;
  virtual backend::KernelPtr prepare_bundle(std::span<const backend::BundledLoop> loops) const = 0;

  /// Where its arrays lie; null: in the processor's memory. Numbers are always read from there.
  virtual const MemorySpace* memory() const = 0;
};

/// The processor's, which is always there.
const Backend& cpu_backend();
/// The one in use.
const Backend& current_backend();
/// Runs all that is evaluated from now on with `backend`, which must live as long as the process; arrays are brought to its memory as they
/// are read.
void set_backend(const Backend& backend);

/// The composition that stands for an op where the backend in use has no kernel for it; null where it has one, and for ops that need none.
ComposeRule replacement_of(const OpDef& op);

}  // namespace gradus::plan
