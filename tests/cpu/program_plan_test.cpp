// What a fused program is lowered to: tiles that cover its shape once, pairs of instructions in one pass.
#include "gradus/cpu/elementwise/program_plan.hpp"

#include "gradus/backend/functions/arithmetic.hpp"

#include <gtest/gtest.h>

#include "gradus/cpu/elementwise/loops.hpp"

namespace gradus::cpu {

using namespace core;
namespace {

ProgramInput array_input(const Shape& shape) { return {float32, contiguous_strides(shape), false}; }

TEST(TileGrid, CoversTheShapeOnceInAsFewTilesAsFit) {
  const auto grid = [](const Dims& sizes, int64_t largest) {
    std::vector<Operand> operands;
    return make_grid(sizes, largest, operands);
  };
  const TileGrid whole = grid({10}, 10), halves = grid({10}, 5), odd = grid({11}, 5), rows = grid({4, 6}, 12), planes = grid({3, 7, 6}, 12),
                 none = grid({0}, 8);
  EXPECT_EQ(whole.cuts, 1);
  EXPECT_EQ(halves.cuts, 2);
  EXPECT_EQ(odd.cuts, 3);
  EXPECT_EQ(rows.cut, 0u);
  EXPECT_EQ(rows.rows, 2);
  EXPECT_EQ(rows.behind, 6);
  EXPECT_EQ(rows.tile_count(), 2);
  EXPECT_EQ(planes.cut, 1u);
  EXPECT_EQ(planes.outer, 3);
  EXPECT_EQ(planes.cuts, 4);
  EXPECT_EQ(planes.tile_count(), 12);
  EXPECT_EQ(none.cuts, 0);
}

// What is made of f(x0, x1) and a second function of it and x1: the number of passes over a tile.
size_t passes_of(const std::vector<ProgramInstruction>& instructions, const std::vector<ProgramOutput>& outputs) {
  const Shape shape{4000};
  return make_tile_plan({shape, {array_input(shape), array_input(shape)}, instructions, outputs}, false).steps.size();
}

TEST(ProgramPlan, AValueReadOnceByTheNextInstructionIsComputedWithIt) {
  const ProgramInstruction product{&backend::multiply_function, float32, {0, 1}}, sum{&backend::add_function, float32, {2, 1}},
      square{&backend::multiply_function, float32, {2, 2}};
  EXPECT_EQ(passes_of({product}, {{2}}), 1u);
  EXPECT_EQ(passes_of({product, sum}, {{3}}), 1u);
  EXPECT_EQ(passes_of({product, sum}, {{2}, {3}}), 2u);  // stored as well
  EXPECT_EQ(passes_of({product, square}, {{3}}), 2u);    // read twice
}

}  // namespace
}  // namespace gradus::cpu
