// Lowering: places for values, registers by lifetime, conversions of 16-bit floats.
#include "gradus/cpu/elementwise/program_plan.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "gradus/base/error.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/cpu/elementwise/cast.hpp"

namespace gradus::cpu {

namespace {

constexpr int64_t kScratchBudget = 96 * 1024;  // on the stack of each thread
constexpr int64_t kLargestTile = 2048, kSmallestTile = 64;
// From kFarSize elements on, operands mostly come from beyond a core's own caches. Short tiles then let memory go on working during the
// steps that do not read it: a chain of tanh and four others over 4 M floats takes 2.5 ms on one core, in tiles of 2048 it took 3.8.
constexpr int64_t kFarSize = 512 * 1024, kFarTile = 256;
constexpr int kEnd = 1 << 20;  // the time at which outputs are copied

struct Place {
  int number = -1;
  bool is_repeated = false;
};

class Lowering {
 public:
  Lowering(const ProgramSpec& spec, int64_t largest_tile, bool deferred) : spec_(spec), is_deferred_(deferred) {
    for (int i = 0; i < input_count(); ++i) {
      operand_of_.push_back(input(i).is_scalar ? -1 : static_cast<int>(operands_.size()));
      if (!input(i).is_scalar) operands_.push_back({i, input(i).dtype, {}, {}, {}});
    }
    const Dims sizes = collapse_axes(spec, operands_);
    plan_.grid = make_grid(sizes, largest_tile, operands_);
    resolve_values();
    find_pairs();
    find_lifetimes();
    place_outputs();
  }

  TilePlan run() {
    for (int k = 0; k < static_cast<int>(spec_.instructions.size()); ++k) lower(k);
    finish_outputs();
    place_scratch();
    return std::move(plan_);
  }

 private:
  struct Value {
    DType dtype{};
    int same_as = 0;          // the value that has its content: itself, or through casts that change nothing
    bool is_uniform = false;  // depends on numbers and constants only
    int last_use = -1;        // time: an instruction's number, or kEnd
    int uses = 0;             // operands and outputs
    bool is_read_wide = false;  // by an instruction, or by an output in another dtype
    Place place{};
    bool is_register = false;
  };

  struct TwoInOne {  // an instruction and the one before it
    TileLoop loop = nullptr;
    std::array<int, 3> sources{};
  };

  int input_count() const { return static_cast<int>(spec_.inputs.size()); }
  const ProgramInput& input(int i) const { return spec_.inputs[static_cast<size_t>(i)]; }
  Value& value(int v) { return values_[static_cast<size_t>(v)]; }
  const ProgramInstruction& instruction(int k) const { return spec_.instructions[static_cast<size_t>(k)]; }
  Operand& operand(int i) { return operands_[static_cast<size_t>(operand_of_[static_cast<size_t>(i)])]; }
  static int source_count(const ProgramInstruction& instruction) { return instruction.function ? instruction.function->inputs : 1; }
  bool is_array(int v) const { return v < input_count() && !input(v).is_scalar; }

  void resolve_values() {
    values_.resize(spec_.inputs.size() + spec_.instructions.size());
    for (int v = 0; v < static_cast<int>(values_.size()); ++v) {
      Value& made = value(v);
      made.same_as = v;
      if (v < input_count()) {
        made.dtype = input(v).dtype;
        made.is_uniform = input(v).is_scalar || (operand(v).is_constant && operand(v).access == Access::repeat);
        continue;
      }
      const ProgramInstruction& by = instruction(v - input_count());
      made.dtype = by.output_dtype();
      made.is_uniform = true;
      for (int j = 0; j < source_count(by); ++j) {
        if (by.sources[static_cast<size_t>(j)] < 0 || by.sources[static_cast<size_t>(j)] >= v)
          fail_bug("program: a source that is not computed yet");
        made.is_uniform &= value(by.sources[static_cast<size_t>(j)]).is_uniform;
      }
      const bool is_copy = !by.function && made.dtype == compute_dtype(by.dtype);
      if (is_copy && !(by.sources[0] < input_count() && input(by.sources[0]).is_scalar)) made.same_as = value(by.sources[0]).same_as;
    }
  }

  // An instruction whose value only the next one reads, once, is computed with it in one pass.
  void find_pairs() {
    const int count = static_cast<int>(spec_.instructions.size());
    pairs_.assign(spec_.instructions.size(), {});
    for (int k = 0; k < count; ++k) {
      if (value(input_count() + k).same_as != input_count() + k) continue;
      for (int j = 0; j < source_count(instruction(k)); ++j) ++value(value(instruction(k).sources[static_cast<size_t>(j)]).same_as).uses;
    }
    for (const ProgramOutput& output : spec_.outputs) ++value(value(output.value).same_as).uses;
    for (int k = 1; k < count; ++k) {
      const ProgramInstruction &first = instruction(k - 1), &second = instruction(k);
      const int made = input_count() + k - 1;
      if (!first.function || !second.function || first.dtype != second.dtype || pairs_[static_cast<size_t>(k - 1)].loop) continue;
      if (value(made).is_uniform || value(made).uses != 1 || source_count(second) != 2) continue;
      const bool is_left = value(second.sources[0]).same_as == made;
      if (!is_left && value(second.sources[1]).same_as != made) continue;
      const int other = second.sources[is_left ? 1 : 0];
      pairs_[static_cast<size_t>(k)] = {find_pair(*first.function, *second.function, first.dtype, is_left),
                                        {first.sources[0], first.sources[1], other}};
    }
  }
  bool is_first_of_pair(int k) const { return static_cast<size_t>(k) + 1 < pairs_.size() && pairs_[static_cast<size_t>(k) + 1].loop; }

  void use(int v, int time) {
    Value& used = value(value(v).same_as);
    used.last_use = std::max(used.last_use, time);
    used.is_read_wide |= time != kEnd || value(v).dtype != used.dtype;
  }
  void find_lifetimes() {
    for (int k = 0; k < static_cast<int>(spec_.instructions.size()); ++k) {
      const int made = input_count() + k;
      if (value(made).same_as != made) continue;
      const int time = is_first_of_pair(k) ? k + 1 : k;
      for (int j = 0; j < source_count(instruction(k)); ++j) use(instruction(k).sources[static_cast<size_t>(j)], time);
    }
    for (const ProgramOutput& output : spec_.outputs) use(output.value, kEnd);
  }

  // An output whose instruction may write it directly gets its place now.
  void place_outputs() {
    const auto count = spec_.outputs.size();
    output_done_.assign(count, false);
    for (size_t o = 0; o < count; ++o) {
      const int place = new_place(0);
      const Value& result = value(spec_.outputs[o].value);
      plan_.outputs.push_back({static_cast<int>(o), place, result.dtype.size()});
      const int made = result.same_as;
      const bool has_instruction = made >= input_count() && !value(made).is_uniform && value(made).place.number < 0;
      const bool can_write = has_instruction && compute_dtype(result.dtype) == result.dtype && value(made).dtype == result.dtype;
      if (find_hazards(static_cast<int>(o), can_write ? made - input_count() : kEnd) && is_deferred_) continue;
      if (!can_write) continue;
      value(made).place = {place, false};
      output_done_[o] = true;
    }
  }
  // Inputs of the same element size that are read after `time`.
  bool find_hazards(int o, int time) {
    bool found = false;
    for (int i = 0; i < input_count(); ++i) {
      if (!is_array(i) || operand(i).access != Access::direct || input(i).dtype.size() != plan_.outputs.back().element_size) continue;
      const bool is_read_later = value(i).last_use > time || (time == kEnd && value(i).last_use == kEnd && spec_.outputs.size() > 1);
      if (!is_read_later) continue;
      plan_.hazards.emplace_back(o, i);
      found = true;
    }
    return found;
  }

  int new_place(int64_t bytes) {
    plan_.place_bytes.push_back(bytes);
    return static_cast<int>(plan_.place_bytes.size()) - 1;
  }
  int acquire(int64_t element_size) {
    std::vector<int>& pool = free_[element_size];
    if (pool.empty()) return new_place(round_up(plan_.grid.tile_size() * element_size, 64));
    const int place = pool.back();
    pool.pop_back();
    return place;
  }
  void release(Value& owner) {
    free_[compute_dtype(owner.dtype).size()].push_back(owner.place.number);
    owner.is_register = false;
  }

  // The place of a value as an operand, in `wanted`, of an instruction of `dtype`.
  Place place_of(int v, DType wanted, DType dtype) {
    v = value(v).same_as;
    if (v < input_count() && input(v).is_scalar) return scalar_place(v, wanted, wanted == float32 && dtype != float32);
    Value& found = value(v);
    if (found.place.number < 0) load(v);
    return found.place;
  }
  Place scalar_place(int v, DType wanted, bool is_for_16_bits) {
    const TileLoop convert = scalar_cast(v, wanted, is_for_16_bits);
    for (const Fill& fill : plan_.fills) {
      if (fill.input == v && fill.convert == convert) return {fill.place, true};
    }
    const int place = new_place(kRepeatBytes);
    plan_.fills.push_back({convert, v, place, wanted.size(), input(v).dtype == float64 && wanted == float32 && !is_for_16_bits});
    return {place, true};
  }
  TileLoop scalar_cast(int v, DType wanted, bool is_for_16_bits) const {
    const DType kind = input(v).dtype == float64 ? float64 : int64;
    return is_for_16_bits ? find_cast_to_odd(kind) : find_cast(kind, wanted);
  }

  // Makes an array input available: in place, as a repeat buffer or gathered; 16-bit floats as float32.
  void load(int v) {
    Value& made = value(v);
    const Operand& from = operand(v);
    const DType dtype = made.dtype, wide = compute_dtype(dtype);
    if (from.access == Access::repeat) {
      made.place = {new_place(kRepeatBytes), true};
      const Fill fill{find_cast(dtype, wide), v, made.place.number, wide.size()};
      if (from.is_constant) plan_.fills.push_back(fill);
      else plan_.movers.push_back({from, made.place.number, fill});
      return;
    }
    const int place = new_place(from.access == Access::gather ? round_up(plan_.grid.tile_size() * dtype.size(), 64) : 0);
    plan_.movers.push_back({from, place, {}});
    made.place = {place, false};
    if (dtype == wide) return;
    made.place.number = acquire(wide.size());
    made.is_register = true;
    add_step(find_cast(dtype, wide), {place, false}, made.place.number, wide);
  }

  void add_step(TileLoop loop, Place source, int destination, DType dtype, bool is_uniform = false) {
    TileStep step{loop,
              {static_cast<int16_t>(source.number), 0, 0},
              static_cast<int16_t>(destination),
              source.is_repeated,
              static_cast<uint16_t>(dtype.size())};
    (is_uniform ? plan_.uniform_steps : plan_.steps).push_back(step);
  }

  void lower(int k) {
    const ProgramInstruction& by = instruction(k);
    const int v = input_count() + k;
    Value& made = value(v);
    if (made.same_as != v || made.last_use < 0) return;
    if (!made.is_uniform) plan_.cost += (by.function ? loops_of(*by.function).cost : 1) * (compute_dtype(made.dtype).size() == 8 ? 2 : 1);
    if (is_first_of_pair(k)) return;
    const TwoInOne& pair = pairs_[static_cast<size_t>(k)];
    const std::span<const int> sources(pair.loop ? pair.sources.data() : by.sources.data(),
                                       static_cast<size_t>(pair.loop ? 3 : source_count(by)));
    const DType compute = compute_dtype(by.dtype), result = compute_dtype(made.dtype);
    TileStep step{pair.loop ? pair.loop : loop_of(by, made.dtype), {0, 0, 0}, 0, 0, static_cast<uint16_t>(result.size())};
    for (size_t j = 0; j < sources.size(); ++j) {
      const DType wanted = by.function && by.function->is_bool_input(static_cast<int>(j)) ? bool_ : compute;
      const Place place = place_of(sources[j], wanted, by.dtype);
      step.sources[j] = static_cast<int16_t>(place.number);
      step.repeated = static_cast<uint16_t>(step.repeated | (place.is_repeated ? 1 << j : 0));
    }
    for (const int source : sources) {
      Value& read = value(value(source).same_as);
      if (read.is_register && read.last_use == k) release(read);
    }
    if (made.is_uniform) {
      made.place = {new_place(kRepeatBytes), true};
    } else if (made.place.number < 0) {
      made.place = {acquire(result.size()), false};
      made.is_register = true;
    }
    step.destination = static_cast<int16_t>(made.place.number);
    (made.is_uniform ? plan_.uniform_steps : plan_.steps).push_back(step);
    // Outputs round when they are narrowed; a cast to a 16-bit float has rounded already.
    if (by.function && made.dtype != result && made.is_read_wide) {
      add_step(find_rounding(float32, made.dtype), made.place, made.place.number, float32, made.is_uniform);
    }
  }
  static TileLoop loop_of(const ProgramInstruction& by, DType made) {
    const DType compute = compute_dtype(by.dtype);
    if (!by.function) return made == compute_dtype(made) ? find_cast(compute, made) : find_rounding(compute, made);
    const TileLoop loop = find_loop(*by.function, compute);
    if (!loop) fail_bug("program: ", by.function->name, " has no loop for ", by.dtype);
    return loop;
  }

  // What no instruction wrote directly is copied or narrowed at the end of the tile; copies of inputs first, as an output may lie over one.
  void finish_outputs() {
    const int count = static_cast<int>(spec_.outputs.size());
    std::vector<Place> places(spec_.outputs.size());
    for (int o = 0; o < count; ++o) {
      if (output_done_[static_cast<size_t>(o)]) continue;
      const int v = spec_.outputs[static_cast<size_t>(o)].value;
      Place& place = places[static_cast<size_t>(o)];
      place = place_of(v, compute_dtype(value(v).dtype), value(v).dtype);
      if (is_deferred_ && value(v).same_as < input_count() && !value(value(v).same_as).is_register && !place.is_repeated) {
        const DType dtype = value(v).dtype;
        const int staged = acquire(dtype.size());
        add_step(find_cast(dtype, dtype), place, staged, dtype);
        place.number = staged;
      }
    }
    for (const bool is_input : {true, false}) {
      for (int o = 0; o < count; ++o) {
        const int v = spec_.outputs[static_cast<size_t>(o)].value;
        if (output_done_[static_cast<size_t>(o)] || (value(v).same_as < input_count()) != is_input) continue;
        const DType dtype = value(v).dtype;
        add_step(find_cast(compute_dtype(dtype), dtype), places[static_cast<size_t>(o)], plan_.outputs[static_cast<size_t>(o)].place,
                 dtype);
      }
    }
  }

  void place_scratch() {
    for (const Mover& mover : plan_.movers) plan_.cost += mover.operand.access == Access::gather ? 8 : 1;
    plan_.cost += static_cast<int64_t>(plan_.outputs.size());
    plan_.scratch_bytes = round_up(static_cast<int64_t>(plan_.place_bytes.size() * sizeof(void*)), 64);
    for (const int64_t bytes : plan_.place_bytes) plan_.scratch_bytes += bytes;
  }

  struct Pools {
    std::vector<int> pools[4];
    std::vector<int>& operator[](int64_t element_size) { return pools[element_size == 8 ? 3 : element_size == 4 ? 2 : element_size - 1]; }
  };

  const ProgramSpec& spec_;
  const bool is_deferred_;
  TilePlan plan_{};
  std::vector<Operand> operands_{};
  std::vector<int> operand_of_{};
  std::vector<Value> values_{};
  std::vector<TwoInOne> pairs_{};  // one an instruction
  std::vector<bool> output_done_{};
  Pools free_{};
};

bool has_gathers(const TilePlan& plan) {
  return std::any_of(plan.movers.begin(), plan.movers.end(), [](const Mover& mover) { return mover.operand.access == Access::gather; });
}

}  // namespace

TilePlan make_tile_plan(const ProgramSpec& spec, bool deferred) {
  const int64_t whole = round_up(spec.shape.size(), 64);
  if (spec.shape.size() >= kFarSize && spec.instructions.size() > 1) {
    TilePlan plan = Lowering(spec, kFarTile, deferred).run();
    if (plan.steps.size() > 1 && !has_gathers(plan)) return plan;
  }
  for (int64_t tile = std::min(kLargestTile, whole);; tile /= 2) {
    TilePlan plan = Lowering(spec, tile, deferred).run();
    if (plan.scratch_bytes <= kScratchBudget || tile <= kSmallestTile) return plan;
  }
}

}  // namespace gradus::cpu
