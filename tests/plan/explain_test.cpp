// What explain_plan() says, word for word.
#include "gradus/plan/explain.hpp"

#include <gtest/gtest.h>

#include "gradus/gradus.hpp"

namespace gradus {
namespace {

TEST(Explain, NamesEachStageAndEachPassOverMemory) {
  const Array x = (reshape(arange(12), {4, 3}) * 1.0).eval(), w = ones({3, 2}).eval(), b = ones({2}).eval();
  const Array h = relu(matmul(x, w) + b), y = sum(exp(h) * 2.0 + h, 0), z = transpose(h)[0] - 1;
  const std::string recorded = R"(  v2 = matmul(data0, data1)  float32 (4, 2)
  v4 = add(v2, data3)  float32 (4, 2)
  v5 (kept) = relu(v4)  float32 (4, 2)
  v6 = exp(v5)  float32 (4, 2)
  v8 = multiply(v6, number7)  float32 (4, 2)
  v9 = add(v8, v5)  float32 (4, 2)
  v10 (kept) = sum(v9; axes=(0,), keepdims=false)  float32 (2,)
  v15 (kept) = subtract(view(v5), number14)  float32 (4,)
)";
  const std::string text = explain_plan({y, z});
  const auto stage = [&](const std::string& title) {
    const size_t begin = text.find(title), first = text.find('\n', begin) + 1;
    return begin == std::string::npos ? "" : text.substr(first, text.find("\n\n", first) + 1 - first);
  };
  for (const char* title : {"as recorded", "simplified: ", "sunk: ", "absorbed: "}) EXPECT_EQ(stage(title), recorded) << title;
  EXPECT_EQ(stage("fused: "), R"(  v2 = matmul(data0, data1)  float32 (4, 2)
  one pass over (4, 2):
    v4 = add(v2, data3)  float32 (4, 2)
    v5 (kept) = relu(v4)  float32 (4, 2)
    v6 = exp(v5)  float32 (4, 2)
    v8 = multiply(v6, number7)  float32 (4, 2)
    v9 = add(v8, v5)  float32 (4, 2)
  v10 (kept) = sum(v9; axes=(0,), keepdims=false)  float32 (2,)
  one pass over (4,):
    v15 (kept) = subtract(view(v5), number14)  float32 (4,)
)");
  EXPECT_NE(text.find(R"(lowered and placed
  4 steps, arena 128 bytes, 0 results over dying inputs
  arena+0 <- data0, data1
  result5, arena+0 <- arena+0, data3, number7
  result7 <- arena+0
  result9 <- result5, number14
)"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace gradus
