// Running a fused program: chunks of tiles, in parallel; every tile through all steps.
#include "gradus/cpu/elementwise/program.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "gradus/base/error.hpp"
#include "gradus/cpu/loop/loop_kernel.hpp"
#include "gradus/cpu/elementwise/program_plan.hpp"

namespace gradus::cpu {

namespace {

// Work of a chunk in units of Function::cost, about 8 us; a parallel region is worth its start from 5 us on.
constexpr int64_t kChunkCost = 128 * 1024;

// From shape and program only. More than one chunk are shared evenly by 2 or 4 threads.
int64_t chunks_of(const TilePlan& plan) {
  const int64_t tiles = plan.grid.tile_count(), cost = std::max<int64_t>(1, plan.grid.tile_size() * plan.cost);
  const int64_t chunks = std::min(tiles, tiles * cost / kChunkCost);
  return chunks <= 1 ? 1 : std::min(tiles, (chunks + 3) / 4 * 4);
}

template <class T>
void repeat(std::byte* place, T value) {
  for (size_t at = 0; at < kRepeatBytes; at += sizeof(T)) std::memcpy(place + at, &value, sizeof(T));
}
void repeat_element(std::byte* place, int64_t element_size) {
  const auto repeat_as = [&]<class T>(T value) {
    std::memcpy(&value, place, sizeof(T));
    repeat(place, value);
  };
  if (element_size == 4) return repeat_as(uint32_t{});
  return element_size == 8 ? repeat_as(uint64_t{}) : repeat_as(uint8_t{});
}

void run_fill(const Fill& fill, const void* from, std::byte* place) {
  if (fill.is_double_to_float) {  // nearly all numbers
    double number;
    std::memcpy(&number, from, sizeof number);
    return repeat(place, static_cast<float>(number));
  }
  fill.convert(from, nullptr, nullptr, place, 1, 0);
  repeat_element(place, fill.element_size);
}

// Elements from the operand's first one to that of tile 0 of `outer`.
int64_t outer_offset(const TileGrid& grid, const Operand& operand, int64_t outer) {
  int64_t offset = 0;
  for (size_t axis = grid.cut; axis-- > 0 && outer > 0;) {
    offset += outer % grid.sizes[axis] * operand.strides[axis];
    outer /= grid.sizes[axis];
  }
  return offset;
}

class Program final : public LoopKernel {
 public:
  explicit Program(const ProgramSpec& spec)
      : input_count_(spec.inputs.size()), direct_(make_tile_plan(spec, false)) {
    if (!direct_.hazards.empty()) deferred_ = std::make_unique<TilePlan>(make_tile_plan(spec, true));
    set_loop(chunks_of(direct_));
  }

  // All chunks find the same pointers, and so the same of the two plans.
  Status run_chunk(int64_t chunk, void* const* pointers, void*, void*) const override {
    const TilePlan& plan = has_hazard(pointers) ? *deferred_ : direct_;
    const int64_t tiles = plan.grid.tile_count(), begin = tiles * chunk / chunks(), end = tiles * (chunk + 1) / chunks();
    if (begin < end) run_tiles(plan, pointers, begin, end);
    return {};
  }

 private:
  bool has_hazard(void* const* pointers) const {
    return std::any_of(direct_.hazards.begin(), direct_.hazards.end(), [&](const std::pair<int, int>& pair) {
      return pointers[input_count_ + static_cast<size_t>(pair.first)] == pointers[pair.second];
    });
  }

  // Never inlined: each call's scratch leaves the stack with it.
  __attribute__((noinline)) void run_tiles(const TilePlan& plan, void* const* pointers, int64_t begin, int64_t end) const {
    auto* scratch = static_cast<std::byte*>(__builtin_alloca_with_align(static_cast<size_t>(plan.scratch_bytes), 512));
    void** places = reinterpret_cast<void**>(scratch);
    scratch += (plan.place_bytes.size() * sizeof(void*) + 63) / 64 * 64;
    for (size_t place = 0; place < plan.place_bytes.size(); ++place) {
      places[place] = scratch;
      scratch += plan.place_bytes[place];
    }
    for (const Fill& fill : plan.fills) run_fill(fill, pointers[fill.input], static_cast<std::byte*>(places[fill.place]));
    for (const TileStep& step : plan.uniform_steps) {
      run_steps({&step, 1}, places, 1);
      repeat_element(static_cast<std::byte*>(places[step.destination]), step.element_size);
    }
    const TileGrid& grid = plan.grid;
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t outer = tile / grid.cuts, cut = tile % grid.cuts;
      const int64_t rows = std::min(grid.rows, grid.sizes[grid.cut] - cut * grid.rows);
      for (const Mover& mover : plan.movers) move(grid, mover, pointers, places, outer, cut, rows, tile == begin);
      const int64_t first = (outer * grid.sizes[grid.cut] + cut * grid.rows) * grid.behind;
      for (const OutputPlace& output : plan.outputs) {
        places[output.place] =
            static_cast<std::byte*>(pointers[input_count_ + static_cast<size_t>(output.output)]) + first * output.element_size;
      }
      run_steps(plan.steps, places, rows * grid.behind);
    }
  }

  static void run_steps(std::span<const TileStep> steps, void* const* places, int64_t n) {
    for (const TileStep& step : steps) {
      step.loop(places[step.sources[0]], places[step.sources[1]], places[step.sources[2]], places[step.destination], n, step.repeated);
    }
  }

  static void move(const TileGrid& grid, const Mover& mover, void* const* pointers, void** places, int64_t outer, int64_t cut, int64_t rows,
                   bool is_first) {
    const Operand& operand = mover.operand;
    const int64_t offset = outer_offset(grid, operand, outer) + cut * grid.rows * operand.strides[grid.cut];
    auto* from = static_cast<std::byte*>(pointers[operand.input]) + offset * operand.dtype.size();
    if (operand.access == Access::direct) {
      places[mover.place] = from;
    } else if (operand.access == Access::repeat) {
      if (is_first || cut == 0 || operand.strides[grid.cut] != 0) run_fill(mover.fill, from, static_cast<std::byte*>(places[mover.place]));
    } else if (is_first || operand.strides[grid.cut] != 0 || (cut == 0 && outer_offset(grid, operand, outer - 1) != offset)) {
      // Otherwise the tile before had the same content; a shorter last tile is the first part of it.
      const int64_t wanted = operand.strides[grid.cut] == 0 ? grid.rows : rows;
      gather_tile(grid, operand, from, wanted, static_cast<std::byte*>(places[mover.place]));
    }
  }

  size_t input_count_;
  TilePlan direct_;
  std::unique_ptr<TilePlan> deferred_;
};

}  // namespace

KernelPtr prepare_program(const ProgramSpec& spec) {
  if (spec.inputs.size() > kMaxProgramInputs || spec.instructions.size() > kMaxProgramInstructions ||
      spec.outputs.size() > kMaxProgramOutputs) {
    fail_bug("program: ", spec.inputs.size(), " inputs, ", spec.instructions.size(), " instructions, ", spec.outputs.size(),
             " outputs are too many");
  }
  for (const ProgramInput& input : spec.inputs) {
    if (!input.is_scalar && input.strides.size() != spec.shape.dims().size()) fail_bug("program: strides do not match shape ", spec.shape);
  }
  if (spec.shape.size() == 0) return make_kernel([](void* const*, void*) { return Status{}; });
  return std::make_shared<Program>(spec);
}

}  // namespace gradus::cpu
