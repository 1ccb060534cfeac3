// The parameters of every op in every sample, and of what derivatives and batches record, can be written as fields and read back.
#include <gtest/gtest.h>

#include "gradus/base/error.hpp"
#include "gradus/graph/walk.hpp"
#include "tests/laws/driver.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

class Parameters : public EachFamily {};

TEST_P(Parameters, are_read_back_from_their_fields) {
  for_each_sample([](const Sample& sample) {
    Arrays all = sample.call(pending(sample.inputs));
    const Arrays derived = some_derivatives(sample);
    all.insert(all.end(), derived.begin(), derived.end());
    std::erase_if(all, [](const Array& x) { return !x.exists(); });
    for (Node* node : ancestors(all)) {
      const std::vector<Field> fields = node->args().fields();
      Args again = read_args(node->op(), fields);
      again.set_absent(node->args().absent());
      EXPECT_TRUE(again.equals(node->args())) << node->op().name << ": " << node->args().text() << " was read as " << again.text();
      if (fields.empty()) continue;
      std::vector<Field> backwards(fields.rbegin(), fields.rend());
      EXPECT_TRUE(read_args(node->op(), backwards).equals(read_args(node->op(), fields))) << node->op().name;
      backwards[0].name += "x";
      EXPECT_THROW(read_args(node->op(), backwards), Error) << node->op().name;
      backwards[0] = {fields[0].name, std::string("a text where none can be")};
      EXPECT_THROW(read_args(node->op(), backwards), Error) << node->op().name;
    }
  });
}
GRADUS_ON_ALL_FAMILIES(Parameters);

std::string refusal(const Array& x, const std::vector<Field>& fields) {
  try {
    read_args(x.node()->op(), fields);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}
TEST(Parameters, that_are_wrong_are_named) {
  const Array x = uniform({2, 3}, 0, 1, 1), total = sum(x, 0);
  EXPECT_EQ(refusal(total, {{"axis", std::vector<int64_t>{0}}}),
            "sum: it has no parameter \"axis\"; it has axes, keepdims; did you mean axes?");
  EXPECT_EQ(refusal(total, {{"keepdims", int64_t{1}}}), "sum: keepdims is 1; it must be true or false");
  EXPECT_EQ(refusal(total, {{"axes", true}}), "sum: axes is true; it must be a list of integers");
  EXPECT_EQ(refusal(x + 1, {{"axes", true}}), "add: it has no parameters; \"axes\" was given");
  EXPECT_EQ(read_args(total.node()->op(), {}).text(), "axes=(), keepdims=false");  // those that are not given keep their defaults
}

}  // namespace
}  // namespace laws
