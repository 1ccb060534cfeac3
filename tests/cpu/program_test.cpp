// Fused programs: broadcasting, strides, aliasing, tails, dtypes. Each is compared with a plain loop over the same elements.
#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/backend/functions/compare.hpp"
#include "gradus/cpu/elementwise/program.hpp"
#include "gradus/cpu/elementwise/loops.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace gradus {

using namespace core;
namespace {

using cpu::ProgramSpec;

template <class T>
std::vector<T> ramp(int64_t count, double scale = 0.25, double shift = -3) {
  std::vector<T> out(static_cast<size_t>(count));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(static_cast<float>(static_cast<double>(i % 97) * scale + shift));
  return out;
}

void run(const ProgramSpec& spec, std::vector<const void*> inputs, std::vector<void*> outputs) {
  std::vector<void*> pointers;
  for (const void* input : inputs) pointers.push_back(const_cast<void*>(input));
  pointers.insert(pointers.end(), outputs.begin(), outputs.end());
  EXPECT_TRUE(cpu::prepare_program(spec)->run(pointers.data(), nullptr).is_ok);
}

cpu::ProgramInput array_input(DType dtype, const Shape& shape) { return {dtype, contiguous_strides(shape), false}; }
cpu::ProgramInput slot(DType kind) { return {kind, {}, true}; }

// Element index of the row-major position `at` of `shape` under `strides`.
int64_t offset_of(int64_t at, const Shape& shape, const Dims& strides) {
  int64_t offset = 0;
  for (int64_t axis = shape.rank(); axis-- > 0;) {
    offset += at % shape[axis] * strides[static_cast<size_t>(axis)];
    at /= shape[axis];
  }
  return offset;
}

TEST(Program, tails_of_every_length_are_computed) {
  for (int64_t n = 0; n < 200; ++n) {
    const auto a = ramp<float>(n), b = ramp<float>(n, -0.5, 7);
    std::vector<float> out(static_cast<size_t>(n) + 1, 99.0f);
    ProgramSpec spec{n,
                     {array_input(float32, n), array_input(float32, n)},
                     {{&backend::add_function, float32, {0, 1}}, {&backend::multiply_function, float32, {2, 0}}},
                     {{3}}};
    run(spec, {a.data(), b.data()}, {out.data()});
    for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(out[i], (a[i] + b[i]) * a[i]) << n << " " << i;
    EXPECT_EQ(out.back(), 99.0f);
  }
}

TEST(Program, operands_with_any_strides_are_read_right) {
  const Shape shapes[] = {{3, 5}, {40, 70}, {7, 3000}, {3000, 7}, {2, 3, 4, 5}, {5, 1, 6}, {1, 1}, {33, 2, 129}, {5000, 3, 2}};
  for (const Shape& shape : shapes) {
    const Dims row_major = contiguous_strides(shape);
    for (int which = 0; which < 6; ++which) {
      Dims strides = row_major;
      int64_t base = 0;
      if (which == 1) strides = Dims(strides.size(), 0);  // one number
      if (which == 2) strides[0] = 0;                     // a row for all
      if (which == 3) strides.back() = 0;                 // a column for all
      if (which == 4) {                                   // transposed
        int64_t step = 1;
        for (size_t axis = 0; axis < strides.size(); ++axis) {
          strides[axis] = step;
          step *= shape.dims()[axis];
        }
      }
      if (which == 5) {  // reversed in the last axis
        base = shape[shape.rank() - 1] - 1;
        strides.back() = -1;
      }
      const auto a = ramp<float>(shape.size()), b = ramp<float>(shape.size(), 0.125, 1);
      std::vector<float> out(a.size());
      ProgramSpec spec{shape, {{float32, strides}, array_input(float32, shape)}, {{&backend::subtract_function, float32, {0, 1}}}, {{2}}};
      run(spec, {a.data() + base, b.data()}, {out.data()});
      for (int64_t i = 0; i < shape.size(); ++i) {
        ASSERT_EQ(out[static_cast<size_t>(i)], a[static_cast<size_t>(base + offset_of(i, shape, strides))] - b[static_cast<size_t>(i)])
            << to_text(shape) << " case " << which << " element " << i;
      }
    }
  }
}

TEST(Program, output_may_lie_over_any_input_of_its_layout) {
  const int64_t n = 10000;
  auto a = ramp<float>(n), b = ramp<float>(n, 0.5, 1);
  const auto a0 = a, b0 = b;
  // out0 = a + b over a; out1 = a - b over b: both inputs are read after the first output is known.
  ProgramSpec spec{n,
                   {array_input(float32, n), array_input(float32, n)},
                   {{&backend::add_function, float32, {0, 1}}, {&backend::subtract_function, float32, {0, 1}}},
                   {{2}, {3}}};
  run(spec, {a.data(), b.data()}, {a.data(), b.data()});
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i], a0[i] + b0[i]);
    ASSERT_EQ(b[i], a0[i] - b0[i]);
  }
}

// Pairs of instructions that run in one pass: numbers and NaN of both signs and several payloads, in all orders. Which of two NaN comes out
// is the compiler's choice, who may swap the operands of a sum: GCC does so for ThreadSanitizer, nobody in the builds that are used.
#ifdef __SANITIZE_THREAD__
constexpr bool kKeepsTheSameNan = false;
#else
constexpr bool kKeepsTheSameNan = true;
#endif
template <class T>
void check_pair(const backend::Function& first, const backend::Function& second, bool is_left, int repeated) {
  const T quiet = std::numeric_limits<T>::quiet_NaN(), infinite = std::numeric_limits<T>::infinity();
  const T some[] = {0,        -T{0}, 1, T(-1.1), T(1e30), T(0.3), infinite, -infinite, quiet, -quiet, T(std::nan("5")), -T(std::nan("77")),
                    T(1e-40), 3};
  std::vector<T> operands[3];
  for (const T a : some)
    for (const T b : some)
      for (const T c : some) {
        operands[0].push_back(a);
        operands[1].push_back(b);
        operands[2].push_back(c);
      }
  const auto n = static_cast<int64_t>(operands[0].size());
  if (repeated >= 0) std::fill(operands[repeated].begin(), operands[repeated].end(), T(-1.1));
  const DType dtype = dtype_of<T>();
  std::vector<T> middle(operands[0].size()), want = middle, got = middle;
  cpu::find_loop(first, dtype)(operands[0].data(), operands[1].data(), nullptr, middle.data(), n, 0);
  const auto *x = is_left ? middle.data() : operands[2].data(), *y = is_left ? operands[2].data() : middle.data();
  cpu::find_loop(second, dtype)(x, y, nullptr, want.data(), n, 0);
  ProgramSpec spec{n, {}, {{&first, dtype, {0, 1}}, {&second, dtype, {is_left ? 3 : 2, is_left ? 2 : 3}}}, {{4}}};
  for (int k = 0; k < 3; ++k) spec.inputs.push_back(k == repeated ? cpu::ProgramInput{dtype, {0}, false} : array_input(dtype, n));
  run(spec, {operands[0].data(), operands[1].data(), operands[2].data()}, {got.data()});
  for (size_t i = 0; !kKeepsTheSameNan && i < got.size(); ++i) {
    if (std::isnan(want[i]) && std::isnan(got[i])) got[i] = want[i];
  }
  EXPECT_EQ(std::memcmp(got.data(), want.data(), got.size() * sizeof(T)), 0)
      << first.name << " " << second.name << " " << to_text(dtype) << (is_left ? " left" : " right") << " repeated " << repeated;
}
TEST(Program, two_instructions_in_one_pass_give_the_bits_of_each_alone) {
  const backend::Function* const functions[] = {&backend::add_function, &backend::subtract_function, &backend::multiply_function};
  for (const auto* first : functions)
    for (const auto* second : functions)
      for (const bool is_left : {true, false})
        for (int repeated = -1; repeated < 3; ++repeated) {
          check_pair<float>(*first, *second, is_left, repeated);
          check_pair<double>(*first, *second, is_left, repeated);
        }
}

TEST(Program, a_value_that_is_read_twice_or_stored_is_not_lost_in_a_pair) {
  const int64_t n = 3000;
  const auto a = ramp<float>(n), b = ramp<float>(n, 0.5, 1);
  // s = a + b, t = s * s, u = t - a, v = u * b; s and u are stored.
  const ProgramSpec spec{n,
                         {array_input(float32, n), array_input(float32, n)},
                         {{&backend::add_function, float32, {0, 1}},
                          {&backend::multiply_function, float32, {2, 2}},
                          {&backend::subtract_function, float32, {3, 0}},
                          {&backend::multiply_function, float32, {4, 1}}},
                         {{2}, {4}, {5}}};
  std::vector<float> s(a.size()), u = s, v = s, over = a;
  run(spec, {a.data(), b.data()}, {s.data(), u.data(), v.data()});
  run(spec, {over.data(), b.data()}, {s.data(), u.data(), over.data()});  // the last output over an input that a pair reads
  for (size_t i = 0; i < a.size(); ++i) {
    const float sum = a[i] + b[i], square = sum * sum, difference = square - a[i], product = difference * b[i];
    ASSERT_EQ(s[i], sum);
    ASSERT_EQ(u[i], difference);
    ASSERT_EQ(v[i], product);
    ASSERT_EQ(over[i], product);
  }
}

TEST(Program, large_programs_of_several_steps_broadcast_and_strides_included) {
  // Beyond half a million elements tiles are shorter: rows, columns and transposed operands beside each other.
  const Shape shape{700, 900};
  const auto a = ramp<float>(shape.size()), row = ramp<float>(900, 0.125, 1), column = ramp<float>(700, 0.5, -2);
  for (const bool is_transposed : {false, true}) {
    const Dims strides = is_transposed ? Dims{1, 700} : Dims{900, 1};
    const ProgramSpec spec{shape,
                           {{float32, strides}, {float32, {0, 1}}, {float32, {1, 0}}},
                           {{&backend::subtract_function, float32, {0, 2}},
                            {&backend::abs_function, float32, {3}},
                            {&backend::multiply_function, float32, {4, 1}}},
                           {{5}}};
    std::vector<float> out(a.size());
    run(spec, {a.data(), row.data(), column.data()}, {out.data()});
    for (int64_t i = 0; i < 700; ++i) {
      for (int64_t j = 0; j < 900; ++j) {
        const float x = a[static_cast<size_t>(i * strides[0] + j * strides[1])];
        ASSERT_EQ(out[static_cast<size_t>(i * 900 + j)], std::fabs(x - column[static_cast<size_t>(i)]) * row[static_cast<size_t>(j)]);
      }
    }
  }
}

TEST(Program, inputs_may_be_swapped_in_place) {
  const int64_t n = 5000;
  auto a = ramp<double>(n), b = ramp<double>(n, 0.5, 1);
  const auto a0 = a, b0 = b;
  ProgramSpec spec{n, {array_input(float64, n), array_input(float64, n)}, {}, {{1}, {0}}};
  run(spec, {a.data(), b.data()}, {a.data(), b.data()});
  EXPECT_EQ(a, b0);
  EXPECT_EQ(b, a0);
}

TEST(Program, slots_take_the_dtype_of_the_instruction) {
  const auto a = ramp<double>(100);
  const double tenth = 0.1;
  const int64_t two = 2;
  std::vector<double> out(a.size());
  ProgramSpec spec{100,
                   {array_input(float64, 100), slot(float64), slot(int64)},
                   {{&backend::multiply_function, float64, {0, 1}}, {&backend::add_function, float64, {3, 2}}},
                   {{4}}};
  run(spec, {a.data(), &tenth, &two}, {out.data()});
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(out[i], a[i] * 0.1 + 2);
}

TEST(Program, numbers_alone_are_computed_once_and_broadcast) {
  const double x = 3, y = 0.5;
  std::vector<float> out(70);
  ProgramSpec spec{
      70,
      {slot(float64), slot(float64)},
      {{&backend::divide_function, float64, {0, 1}}, {nullptr, float64, {2}, float32}, {&backend::negative_function, float32, {3}}},
      {{4}}};
  run(spec, {&x, &y}, {out.data()});
  for (const float each : out) EXPECT_EQ(each, -6.0f);
}

TEST(Program, half_floats_round_once_an_instruction) {
  const int64_t n = 3001;
  const auto a = ramp<bfloat16_t>(n, 0.37, 1), b = ramp<bfloat16_t>(n, 0.11, 2);
  const double tenth = 0.1;
  std::vector<bfloat16_t> out(a.size());
  ProgramSpec spec{n,
                   {array_input(bfloat16, n), array_input(bfloat16, n), slot(float64)},
                   {{&backend::multiply_function, bfloat16, {0, 2}}, {&backend::add_function, bfloat16, {3, 1}}},
                   {{4}}};
  run(spec, {a.data(), b.data(), &tenth}, {out.data()});
  for (size_t i = 0; i < a.size(); ++i) {
    const bfloat16_t product(static_cast<float>(a[i]) * 0.1f);
    EXPECT_EQ(out[i].bits, bfloat16_t(static_cast<float>(product) + static_cast<float>(b[i])).bits) << i;
  }
}

TEST(Program, where_selects_by_a_bool_array) {
  const int64_t n = 4100;
  const auto a = ramp<float>(n), b = ramp<float>(n, -1, 50);
  std::vector<uint8_t> mask(a.size());
  std::vector<float> out(a.size());
  ProgramSpec spec{n,
                   {array_input(float32, n), array_input(float32, n)},
                   {{&backend::less_function, float32, {0, 1}}, {&backend::where_function, float32, {2, 0, 1}}},
                   {{2}, {3}}};
  run(spec, {a.data(), b.data()}, {mask.data(), out.data()});
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(mask[i], a[i] < b[i] ? 1 : 0);
    EXPECT_EQ(out[i], std::min(a[i], b[i]));
  }
}

TEST(Program, casts_between_all_dtypes_agree_with_plain_conversion) {
  for (int from = 0; from < kDTypeCount; ++from) {
    for (int to = 0; to < kDTypeCount; ++to) {
      const DType source(static_cast<DType::Code>(from)), target(static_cast<DType::Code>(to));
      visit_dtype(source, [&]<class From>(From) {
        visit_dtype(target, [&]<class To>(To) {
          const int64_t n = 333;
          std::vector<float> numbers = ramp<float>(n, 1.5, 0);
          const auto in = std::make_unique<From[]>(static_cast<size_t>(n));
          const auto out = std::make_unique<To[]>(static_cast<size_t>(n));
          for (size_t i = 0; i < numbers.size(); ++i) in[i] = static_cast<From>(numbers[i]);
          run({n, {array_input(source, n)}, {{nullptr, source, {0}, target}}, {{1}}}, {in.get()}, {out.get()});
          for (size_t i = 0; i < numbers.size(); ++i) {
            if constexpr (std::is_same_v<To, bool>) {
              EXPECT_EQ(out[i], static_cast<float>(in[i]) != 0);
            } else {
              EXPECT_EQ(static_cast<float>(out[i]), static_cast<float>(static_cast<To>(static_cast<float>(in[i]))))
                  << source.name() << " to " << target.name();
            }
          }
        });
      });
    }
  }
}

TEST(Program, long_chains_reuse_registers) {
  const int64_t n = 9000;
  const auto a = ramp<float>(n, 0.001, 0);
  ProgramSpec spec{n, {array_input(float32, n)}, {}, {}};
  std::vector<float> expected = a;
  for (int k = 0; k < 90; ++k) {
    spec.instructions.push_back({k % 2 ? &backend::add_function : &backend::multiply_function, float32, {k, 0}});
    for (size_t i = 0; i < a.size(); ++i) expected[i] = k % 2 ? expected[i] + a[i] : expected[i] * a[i];
  }
  spec.outputs.push_back({90});
  std::vector<float> out(a.size());
  run(spec, {a.data()}, {out.data()});
  EXPECT_EQ(out, expected);
}

TEST(Program, every_value_may_be_an_output) {
  const int64_t n = 5000;
  const auto a = ramp<float>(n, 0.001, 0), b = ramp<float>(n, 0.002, 1);
  ProgramSpec spec{n, {array_input(float32, n), array_input(float32, n)}, {}, {}};
  for (int k = 0; k < 90; ++k)
    spec.instructions.push_back({k % 2 ? &backend::maximum_function : &backend::subtract_function, float32, {k + 1, k}});
  std::vector<std::vector<float>> outs(92, std::vector<float>(a.size()));
  std::vector<void*> pointers;
  for (int k = 0; k < 92; ++k) {
    spec.outputs.push_back({k});
    pointers.push_back(outs[static_cast<size_t>(k)].data());
  }
  run(spec, {a.data(), b.data()}, pointers);
  EXPECT_EQ(outs[0], a);
  EXPECT_EQ(outs[1], b);
  for (size_t k = 2; k < outs.size(); ++k) {
    for (size_t i = 0; i < a.size(); ++i) {
      const float x = outs[k - 1][i], y = outs[k - 2][i];
      ASSERT_EQ(outs[k][i], k % 2 ? std::max(x, y) : x - y) << k << " " << i;
    }
  }
}

TEST(Program, large_arrays_run_in_chunks) {
  const Shape shape{700, 300};
  const auto a = ramp<float>(shape.size());
  const auto row = ramp<float>(300, 1, 0), column = ramp<float>(700, 2, 1);
  std::vector<float> out(a.size());
  ProgramSpec spec{shape,
                   {array_input(float32, shape), {float32, {0, 1}}, {float32, {1, 0}}},
                   {{&backend::add_function, float32, {0, 1}}, {&backend::multiply_function, float32, {3, 2}}},
                   {{4}}};
  run(spec, {a.data(), row.data(), column.data()}, {out.data()});
  for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(out[i], (a[i] + row[i % 300]) * column[i / 300]) << i;
}

}  // namespace
}  // namespace gradus
