// A run of scan or while_loop whose body is planned once: where the carries lie from step to step, and where results are stacked.
#pragma once

#include "gradus/graph/loop_body.hpp"
#include "gradus/transform/prepared_graph.hpp"

namespace gradus::core {

/// How many of a body's parameters are what: first carries, then elements of xs, then captured arrays; and the length of what is stacked.
struct LoopForm {
  size_t carries = 0, xs = 0;
  int64_t length = 0;
};

/// Steps that a loop does while it holds the evaluation lock.
inline constexpr int64_t kStepsATurn = 64;

/// A carry that is stacked as well lies in the stack, where the step before has written it. Others have a buffer or two of their own, or
/// are changed in place.
class LoopRun {
 public:
  /// `arguments`: computed and detached carries, xs and captured arrays; `needed`: of the body's outputs. Null where LoopBody has none.
  static std::unique_ptr<LoopRun> make(const Subgraph& body, std::span<const uint8_t> needed, std::vector<Array> arguments, LoopForm form,
                                       int64_t first);
  /// Step t of the stack. `next`: the step that comes after it, -1 if none does.
  void step(const EvaluationTurn& turn, int64_t t, int64_t next);

  /// First element of a carry, row-major.
  const void* carry(size_t i) const { return arguments_[i]; }
  /// An array like a carry, for plans that read it.
  Array like_carry(size_t i) const { return own_[i]; }
  /// After the last step: a carry; output k of the body, stacked.
  Array last_carry(size_t i) const;
  Array stacked(size_t k) const;

 private:
  using Source = PreparedGraph::Source;
  // Where a carry lies: in a stack before the step or after it, or in memory of its own.
  enum class Home : uint8_t { none, before, after };
  struct Carry {
    Home home = Home::none;
    size_t stack = 0;  // of a home
    int64_t bytes = 0;
    int take = -1;                         // the carry whose memory the next value has or takes over, if it needs no other
    size_t now = 0, spare = 0, freed = 0;  // of no home: buffers; and the carry whose memory is free after a step
  };
  struct Stack {
    Aval aval{};
    int64_t bytes = 0;  // of a step
    BufferPtr buffer{};
  };
  struct Copy {
    size_t output;
    PreparedGraph::Place from;
    const void* fixed = nullptr;  // of what is the same in all steps
    int64_t bytes = 0;
  };
  struct Element {  // of xs
    std::byte* first;
    int64_t step_bytes;
    bool is_contiguous;
  };

  LoopRun(const Subgraph& body, std::span<const uint8_t> needed, std::vector<Array> arguments, LoopForm form);
  void find_homes();
  void find_elements();
  void place_first(int64_t t);
  bool prepare_body();
  void find_takes();
  void find_copies();
  bool is_homeless(size_t i) const { return needed_[i] && carries_[i].home == Home::none; }
  std::byte* slot(size_t k, int64_t t) const { return stacks_[k].buffer->data() + t * stacks_[k].bytes; }
  std::byte* next_place(size_t i, int64_t t, int64_t next) const;
  void copy(const Copy& copy, int64_t t);
  void turn_buffers();

  PreparedGraph graph_;
  std::vector<Aval> avals_;  // of the body's outputs
  std::vector<uint8_t> needed_;
  std::vector<Array> given_;  // arguments
  std::vector<Array> own_;    // arrays on the first places of the carries
  LoopForm form_;
  std::vector<Carry> carries_;
  std::vector<Stack> stacks_;  // of outputs that are ys
  std::vector<Element> elements_;
  std::vector<BufferPtr> buffers_;
  std::vector<Copy> copies_;
  std::vector<size_t> owners_;                        // of what the body computes: the output whose place it is written to
  std::vector<size_t> before_;                        // buffers before a step
  std::vector<void*> arguments_, results_, targets_;  // of a step: the body's parameters; what it computes; where the carries go
  std::unique_ptr<LoopBody> body_;
};

}  // namespace gradus::core
