// Names of a program's own beside `using namespace gradus`: the library brings in what it documents, and no word of its inside.
#include <cstdio>

#include "gradus/gradus.hpp"

using namespace gradus;

struct Node {
  int value = 1;
};
struct Cell {
  int value = 2;
};
struct Input {
  int value = 3;
};
struct Step {
  int value = 4;
};
struct Value {
  int value = 5;
};
struct Output {
  int value = 6;
};
struct Edge {
  int value = 7;
};
struct Buffer {
  int value = 8;
};
struct Layout {
  int value = 9;
};
struct Call {
  int value = 10;
};
struct Args {
  int value = 11;
};
struct Field {
  int value = 12;
};
struct Range {
  int value = 13;
};
struct Text {
  int value = 14;
};
struct Size {
  int value = 15;
};
struct Number {
  int value = 16;
};
struct Element {
  int value = 17;
};
struct Scalar {
  int value = 18;
};
struct Plan {
  int value = 19;
};
struct Recording {
  int value = 20;
};
struct Closure {
  int value = 21;
};
struct Datum {
  int value = 22;
};
struct Named {
  int value = 23;
};
struct Kernel {
  int value = 24;
};
struct Subgraph {
  int value = 25;
};
struct Members {
  int value = 26;
};
struct Literal {
  int value = 27;
};
int concat(int a, int b) { return a + b; }
int join(int a, int b) { return a * b; }
int fail(int code) { return code; }
int find(int code) { return code; }
int apply(int code) { return code; }
int custom(int code) { return code; }

int main() {
  const int sum_of_all = Node{}.value + Cell{}.value + Input{}.value + Step{}.value + Value{}.value + Output{}.value + Edge{}.value +
                         Buffer{}.value + Layout{}.value + Call{}.value + Args{}.value + Field{}.value + Range{}.value + Text{}.value +
                         Size{}.value + Number{}.value + Element{}.value + Scalar{}.value + Plan{}.value + Recording{}.value +
                         Closure{}.value + Datum{}.value + Named{}.value + Kernel{}.value + Subgraph{}.value + Members{}.value +
                         Literal{}.value;
  const bool is_right = sum_of_all == 27 * 28 / 2 && concat(1, 2) == 3 && join(2, 3) == 6 && fail(1) + find(2) + apply(3) + custom(4) == 10;
  if (!is_right || all(array({1, 2}) + 1 == array({2, 3})).item<bool>() == false) return 1;
  std::puts("names of a program's own: fine");
}
