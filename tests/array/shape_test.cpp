// Shapes, axes, strides and dtypes.
#include "gradus/array/shape.hpp"

#include "gradus/array/dtype.hpp"
#include "gradus/array/view.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;

TEST(Shapes, CountTheirElements) {
  EXPECT_EQ(Shape().size(), 1);
  EXPECT_EQ(Shape(5).size(), 5);
  EXPECT_EQ((Shape{2, 3, 4}).size(), 24);
  EXPECT_EQ((Shape{2, 0, 4}).size(), 0);
  EXPECT_EQ((Shape{int64_t{1} << 48}).size(), int64_t{1} << 48);
  EXPECT_EQ((Shape{int64_t{1} << 40, int64_t{1} << 40, 0}).size(), 0);
}

TEST(Shapes, OutOfRangeAreErrors) {
  EXPECT_EQ(error_of([] { Shape{2, -1}; }), "shape: (2, -1) has the size -1; sizes must not be negative");
  EXPECT_NE(error_of([] { Shape{int64_t{1} << 48, 2}; }), "");
  EXPECT_NE(error_of([] { Shape{(int64_t{1} << 48) + 1}; }), "");
  EXPECT_NE(error_of([] { Shape{int64_t{1} << 32, int64_t{1} << 32}; }), "");  // 2^64: zero if it wrapped
  EXPECT_NE(error_of([] { Shape{int64_t{1} << 40, int64_t{1} << 40, 1}; }), "");
}

TEST(Axes, CountFromEitherEnd) {
  EXPECT_EQ(normalize_axis("op", 0, 3), 0);
  EXPECT_EQ(normalize_axis("op", 2, 3), 2);
  EXPECT_EQ(normalize_axis("op", -1, 3), 2);
  EXPECT_EQ(normalize_axis("op", -3, 3), 0);
  EXPECT_EQ(error_of([] { normalize_axis("op", 3, 3); }), "op: axis 3 is out of range; an array of rank 3 has axes -3 to 2");
  EXPECT_EQ(error_of([] { normalize_axis("op", -4, 3); }), "op: axis -4 is out of range; an array of rank 3 has axes -3 to 2");
  EXPECT_EQ(error_of([] { normalize_axis("op", 0, 0); }), "op: axis 0 is out of range; a scalar has no axes");
  EXPECT_EQ(normalize_axes("op", Dims{-1, 0}, 3), (Dims{0, 2}));
  EXPECT_EQ(normalize_axes("op", Dims{}, 3), Dims{});
  EXPECT_EQ(error_of([] { normalize_axes("op", Dims{1, 0, -2}, 3); }), "op: axes (1, 0, -2) name axis 1 twice");
  EXPECT_EQ(all_axes(3), (Dims{0, 1, 2}));
}

TEST(Broadcasting, MatchesFromTheLastAxis) {
  const auto both = [](const Shape& a, const Shape& b) {
    const Shape there = broadcast_shapes("op", a, b);
    EXPECT_EQ(there, broadcast_shapes("op", b, a));
    return there;
  };
  EXPECT_EQ(both({2, 3}, {3}), (Shape{2, 3}));
  EXPECT_EQ(both({2, 1}, {1, 3}), (Shape{2, 3}));
  EXPECT_EQ(both({}, {4}), (Shape{4}));
  EXPECT_EQ(both({0}, {1}), (Shape{0}));
  EXPECT_EQ(both({5, 1, 1}, {7, 1}), (Shape{5, 7, 1}));
  const Shape three[] = {{3, 1}, {1, 4}, {2, 1, 1}};
  EXPECT_EQ(broadcast_shapes("op", three), (Shape{2, 3, 4}));
  EXPECT_EQ(error_of([] { broadcast_shapes("op", {2, 3}, {2, 2}); }),
            "op: shapes (2, 3) and (2, 2) do not broadcast: 3 meets 2 on axis -1; sizes must be equal or 1, counted from the last axis");
  EXPECT_NE(error_of([] { broadcast_shapes("op", {3, 2}, {4, 1, 2}); }).find("3 meets"), 0u);
  EXPECT_NE(error_of([] { broadcast_shapes("op", {0}, {2}); }), "");
}

TEST(Strides, AreRowMajorWithoutHoles) {
  EXPECT_EQ(contiguous_strides({2, 3, 4}), (Dims{12, 4, 1}));
  EXPECT_EQ(contiguous_strides({2, 0, 4}), (Dims{4, 4, 1}));
  EXPECT_EQ(contiguous_strides({}), Dims{});
  EXPECT_TRUE(is_contiguous({2, 3}, {3, 1}));
  EXPECT_TRUE(is_contiguous({2, 1, 3}, {3, 77, 1}));  // an axis of size 1 does not matter
  EXPECT_TRUE(is_contiguous({1, 3}, {0, 1}));
  EXPECT_TRUE(is_contiguous({2, 0}, {5, 9}));
  EXPECT_FALSE(is_contiguous({2, 3}, {1, 2}));
  EXPECT_FALSE(is_contiguous({2, 3}, {4, 1}));
  EXPECT_FALSE(is_contiguous({2, 3}, {0, 1}));
  EXPECT_FALSE(is_contiguous({3}, {2}));
  EXPECT_FALSE(is_contiguous({3}, {-1}));
}

TEST(Layouts, KnowTheirBytes) {
  const Layout layout = Layout::contiguous(float64, {2, 3});
  EXPECT_EQ(layout.bytes(), 48);
  EXPECT_EQ(layout.size(), 6);
  EXPECT_EQ(layout.rank(), 2);
  EXPECT_TRUE(layout.is_contiguous());
  EXPECT_FALSE((layout == Layout::contiguous(float64, {3, 2})));
  EXPECT_FALSE((layout == Layout::contiguous(float32, {2, 3})));
}

TEST(DTypes, HaveNamesSizesAndKinds) {
  struct Row {
    DType dtype;
    const char* name;
    int64_t size;
    bool is_float, is_integer;
  };
  const Row rows[] = {{bool_, "bool", 1, false, false}, {uint8, "uint8", 1, false, true},     {int32, "int32", 4, false, true},
                      {int64, "int64", 8, false, true}, {float16, "float16", 2, true, false}, {bfloat16, "bfloat16", 2, true, false},
                      {float32, "float32", 4, true, false}, {float64, "float64", 8, true, false}};
  for (const Row& row : rows) {
    EXPECT_EQ(to_text(row.dtype), row.name);
    EXPECT_EQ(dtype_from_name(row.name, "file"), row.dtype);
    EXPECT_EQ(row.dtype.size(), row.size) << row.name;
    EXPECT_EQ(row.dtype.is_float(), row.is_float) << row.name;
    EXPECT_EQ(row.dtype.is_integer(), row.is_integer) << row.name;
    EXPECT_EQ(row.dtype.is_bool(), row.dtype == bool_) << row.name;
    visit_dtype(row.dtype, [&]<class T>(T) { EXPECT_EQ(dtype_of<T>(), row.dtype) << row.name; });
  }
}

// The table of the documentation, row by row.
TEST(DTypes, MeetAsTheTableSays) {
  const DType all[] = {bool_, uint8, int32, int64, float16, bfloat16, float32, float64};
  for (int i = 0; i < 8; ++i) {
    for (int j = i; j < 8; ++j) {
      DType want = all[j];
      if (all[i] == float16 && all[j] == bfloat16) want = float32;
      EXPECT_EQ(promote(all[i], all[j]), want) << all[i].name() << " " << all[j].name();
      EXPECT_EQ(promote(all[j], all[i]), want) << all[i].name() << " " << all[j].name();
    }
    EXPECT_EQ(promote_with_number(all[i], bool_), all[i]);
    EXPECT_EQ(promote_with_number(all[i], int64), i == 0 ? int64 : all[i]) << all[i].name();
    EXPECT_EQ(promote_with_number(all[i], float64), i < 4 ? float32 : all[i]) << all[i].name();
  }
}

}  // namespace
}  // namespace gradus
