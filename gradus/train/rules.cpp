// Rules: a small language, its truth values as arrays.
#include "gradus/train/rules.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/progress.hpp"
#include "gradus/transform/custom.hpp"

namespace gradus::train {

using namespace core;

namespace {

constexpr std::string_view kOutputs[] = {"classes", "labels", "numbers"}, kLogics[] = {"product", "lukasiewicz"};
constexpr size_t kLongest = 10'000;
constexpr int kDeepest = 100;
constexpr double kLeastTruth = 1e-6;  // what -log takes for 0

struct Summand {
  double factor = 1;
  int64_t index = -1;  // of an input or an output; -1: the factor alone
  bool is_output = false;
};
using Sum = std::vector<Summand>;

}  // namespace

std::span<const std::string_view> enum_names(RuleOutputs) { return kOutputs; }
std::span<const std::string_view> enum_names(RuleLogic) { return kLogics; }

std::span<const FieldNote> RuleText::field_notes() {
  static constexpr FieldNote notes[] = {{"text", "the rule: if age < 18 then not married", {}, true},
                                        {"weight", "how much it counts beside the loss", range::not_negative},
                                        {"scale", "of comparisons with outputs: how far off is a truth of 1/e", range::above_zero}};
  return notes;
}

struct Rules::Node {
  enum class Kind : uint8_t { atom, compare, negation, both, either, implies } kind = Kind::atom;
  Summand atom{};
  // left - right, compared with 0 by "<", "<=", "=" or "!=".
  Sum difference{};
  std::string_view comparison{};
  std::vector<std::shared_ptr<const Node>> parts{};
};

namespace {

using Node = Rules::Node;
using NodePtr = std::shared_ptr<const Node>;

struct Token {
  enum class Kind : uint8_t { end, name, quoted, number, symbol } kind = Kind::end;
  std::string text{};
  double number = 0;
  size_t column = 1;
};

// A text as tokens, one ahead.
class Lexer {
 public:
  explicit Lexer(const std::string& text) : text_(text) { advance(); }
  const Token& now() const { return now_; }
  Token take() {
    Token token = std::move(now_);
    advance();
    return token;
  }
  bool is(std::string_view symbol) const {
    return (now_.kind == Token::Kind::symbol || now_.kind == Token::Kind::name) && now_.text == symbol;
  }
  bool take_if(std::string_view symbol) {
    if (!is(symbol)) return false;
    advance();
    return true;
  }
  [[noreturn]] void wrong(std::string_view problem, size_t column) const {
    fail("rules", "\"", printable(text_, 200), "\", column ", column, ": ", problem);
  }
  [[noreturn]] void expected(std::string_view what) const {
    wrong(concat("expected ", what, ", got ", now_.kind == Token::Kind::end ? "the end" : concat("\"", printable(now_.text, 60), "\"")),
          now_.column);
  }

 private:
  void advance() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    now_ = Token{.column = at_ + 1};
    if (at_ == text_.size()) return;
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '"') quoted();
    else if (std::isdigit(c) || (c == '.' && at_ + 1 < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_ + 1])))) number();
    else if (std::isalpha(c) || c == '_' || c >= 0x80) name();
    else symbol();
  }
  void quoted() {
    const size_t end = text_.find('"', at_ + 1);
    if (end == std::string::npos) wrong("this quote does not end", at_ + 1);
    now_.kind = Token::Kind::quoted;
    now_.text = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
  }
  void number() {
    const char* begin = text_.data() + at_;
    const auto [end, problem] = std::from_chars(begin, text_.data() + text_.size(), now_.number);
    if (problem != std::errc()) wrong("this number is out of range", at_ + 1);
    now_.kind = Token::Kind::number;
    now_.text.assign(begin, end);
    at_ += static_cast<size_t>(end - begin);
  }
  void name() {
    const auto is_part = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c >= 0x80; };
    const size_t begin = at_;
    while (at_ < text_.size() && is_part(static_cast<unsigned char>(text_[at_]))) ++at_;
    now_.kind = Token::Kind::name;
    now_.text = text_.substr(begin, at_ - begin);
  }
  void symbol() {
    constexpr std::string_view symbols[] = {"->", "<=", ">=", "==", "!=", "<", ">", "=", "(", ")", "+", "-", "*"};
    const std::string_view rest = std::string_view(text_).substr(at_);
    const auto found = std::find_if(std::begin(symbols), std::end(symbols), [&](std::string_view each) { return rest.starts_with(each); });
    if (found == std::end(symbols)) wrong(concat("\"", printable(rest.substr(0, 1)), "\" is no part of a rule"), at_ + 1);
    now_.kind = Token::Kind::symbol;
    now_.text = *found == "==" ? "=" : std::string(*found);
    at_ += found->size();
  }

  const std::string& text_;
  size_t at_ = 0;
  Token now_;
};

// By recursive descent, as the grammar in the header has it.
class Parser {
 public:
  Parser(const std::string& text, const RuleNames& names) : lexer_(text), names_(names) {}
  NodePtr rule() {
    NodePtr root = lexer_.take_if("if") ? if_then() : implication();
    if (lexer_.now().kind != Token::Kind::end) lexer_.expected("the end of the rule, and, or, or ->");
    return root;
  }

 private:
  struct Depth {
    explicit Depth(Parser& parser) : parser(parser) {
      if (++parser.depth_ > kDeepest)
        parser.lexer_.wrong(concat("more than ", kDeepest, " things stand within each other"), parser.lexer_.now().column);
    }
    ~Depth() { --parser.depth_; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    Parser& parser;
  };

  static NodePtr made(Node::Kind kind, std::vector<NodePtr> parts) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->parts = std::move(parts);
    return node;
  }
  NodePtr if_then() {
    NodePtr premise = implication();
    if (!lexer_.take_if("then")) lexer_.expected("then");
    return made(Node::Kind::implies, {std::move(premise), implication()});
  }
  NodePtr implication() {
    const Depth depth(*this);
    NodePtr left = disjunction();
    if (!lexer_.take_if("->")) return left;
    return made(Node::Kind::implies, {std::move(left), implication()});
  }
  NodePtr disjunction() {
    std::vector<NodePtr> parts{conjunction()};
    while (lexer_.take_if("or")) parts.push_back(conjunction());
    return parts.size() == 1 ? parts[0] : made(Node::Kind::either, std::move(parts));
  }
  NodePtr conjunction() {
    std::vector<NodePtr> parts{negation()};
    while (lexer_.take_if("and")) parts.push_back(negation());
    return parts.size() == 1 ? parts[0] : made(Node::Kind::both, std::move(parts));
  }
  NodePtr negation() {
    const Depth depth(*this);
    if (lexer_.take_if("not")) return made(Node::Kind::negation, {negation()});
    if (lexer_.take_if("(")) {
      NodePtr inside = implication();
      if (!lexer_.take_if(")")) lexer_.expected(")");
      return inside;
    }
    return comparison();
  }
  static bool is_comparison(const Token& token) {
    constexpr std::string_view all[] = {"<", "<=", ">", ">=", "=", "!="};
    return token.kind == Token::Kind::symbol && std::find(std::begin(all), std::end(all), token.text) != std::end(all);
  }
  // The column of categories that a token names; null if it names none.
  const preprocess::CategoryFeatures* category_of(const Token& token) const {
    if (token.kind != Token::Kind::name && token.kind != Token::Kind::quoted) return nullptr;
    std::string_view name = token.text;
    const auto find = [&] {
      return std::find_if(names_.categories.begin(), names_.categories.end(), [&](const auto& each) { return each.column == name; });
    };
    auto found = find();
    if (found == names_.categories.end() && name.starts_with("input.")) {
      name.remove_prefix(6);
      found = find();
    }
    return found == names_.categories.end() ? nullptr : &*found;
  }
  // job = clerk
  NodePtr of_category(const preprocess::CategoryFeatures& category) {
    const Token name = lexer_.take();
    const std::string shown = printable(name.text, 60);
    if (!is_comparison(lexer_.now()))
      lexer_.wrong(concat("\"", shown, "\" is a column of categories; compare it: ", shown, " = ", printable(category.values[0], 60)),
                   name.column);
    const Token sign = lexer_.take();
    const bool is_equality = sign.text == "=" || sign.text == "!=";
    if (!is_equality && !category.is_ordered)
      lexer_.wrong(concat("the values of \"", shown, "\" have no order; compare them by = or !="), sign.column);
    if (lexer_.now().kind == Token::Kind::symbol || lexer_.now().kind == Token::Kind::end) lexer_.expected(concat("a value of ", shown));
    const Token value = lexer_.take();
    const auto at = std::find(category.values.begin(), category.values.end(), value.text);
    if (at == category.values.end()) {
      const std::string near = nearest(value.text, category.values);
      lexer_.wrong(concat("\"", shown, "\" has no value \"", printable(value.text, 60), "\" that the model sees by itself; ",
                          near.empty() ? concat("there are ", printable(join(category.values), 400))
                                       : concat("did you mean ", printable(near, 60), "?")),
                   value.column);
    }
    const auto k = static_cast<size_t>(at - category.values.begin());
    auto node = std::make_shared<Node>();
    node->kind = Node::Kind::compare;
    const bool is_above = sign.text == ">" || sign.text == ">=";
    node->comparison = sign.text == "=" ? "=" : sign.text == "!=" ? "!=" : sign.text.size() == 2 ? "<=" : "<";
    node->difference = {{.factor = is_above ? -1.0 : 1.0, .index = category.features[k]},
                        {.factor = (is_above ? 1 : -1) * category.numbers[k]}};
    return node;
  }
  NodePtr comparison() {
    if (const preprocess::CategoryFeatures* category = category_of(lexer_.now())) return of_category(*category);
    const size_t column = lexer_.now().column;
    Sum left = sum();
    auto node = std::make_shared<Node>();
    if (!is_comparison(lexer_.now())) {
      const bool is_name = left.size() == 1 && left[0].index >= 0 && left[0].factor == 1;
      if (!is_name) lexer_.expected("<, <=, >, >=, = or !=");
      if (left[0].is_output && names_.kind == RuleOutputs::numbers)
        lexer_.wrong("an output that is a number is no truth; compare it: output > 0", column);
      node->atom = left[0];
      return node;
    }
    const std::string sign = lexer_.take().text;
    Sum right = sum();
    if (sign == ">" || sign == ">=") std::swap(left, right);
    node->kind = Node::Kind::compare;
    node->comparison = sign == "=" ? "=" : sign == "!=" ? "!=" : sign.size() == 2 ? "<=" : "<";
    for (Summand& term : right) term.factor = -term.factor;
    left.insert(left.end(), right.begin(), right.end());
    node->difference = std::move(left);
    return node;
  }
  Sum sum() {
    Sum terms;
    double sign = 1;
    while (lexer_.is("-") || lexer_.is("+")) sign = lexer_.take().text == "-" ? -sign : sign;
    for (;;) {
      Summand next = product();
      next.factor *= sign;
      terms.push_back(next);
      if (!lexer_.is("+") && !lexer_.is("-")) return terms;
      sign = lexer_.take().text == "-" ? -1 : 1;
      while (lexer_.is("-") || lexer_.is("+")) sign = lexer_.take().text == "-" ? -sign : sign;
    }
  }
  Summand product() {
    Summand out = factor();
    while (lexer_.is("*")) {
      const size_t column = lexer_.take().column;
      const Summand other = factor();
      if (out.index >= 0 && other.index >= 0) lexer_.wrong("two names are multiplied; rules are linear", column);
      out = {out.factor * other.factor, std::max(out.index, other.index), out.is_output || other.is_output};
    }
    return out;
  }
  Summand factor() {
    const Token& now = lexer_.now();
    if (now.kind == Token::Kind::number) return {.factor = lexer_.take().number};
    constexpr std::string_view reserved[] = {"if", "then", "and", "or", "not"};
    const bool is_word =
        now.kind == Token::Kind::name && std::find(std::begin(reserved), std::end(reserved), now.text) == std::end(reserved);
    if (!is_word && now.kind != Token::Kind::quoted) lexer_.expected("a name or a number");
    return named(lexer_.take());
  }
  Summand named(const Token& token) {
    const auto place = [](const std::vector<std::string>& names, std::string_view name) -> int64_t {
      const auto at = std::find(names.begin(), names.end(), name);
      return at == names.end() ? -1 : at - names.begin();
    };
    const std::string_view text = token.text;
    int64_t input = place(names_.inputs, text), output = place(names_.outputs, text);
    if (input < 0 && output < 0 && text.starts_with("input.")) input = place(names_.inputs, text.substr(6));
    if (input < 0 && output < 0 && text.starts_with("output.")) output = place(names_.outputs, text.substr(7));
    if (input >= 0 && output >= 0)
      lexer_.wrong(concat("\"", printable(text, 60), "\" is an input and an output; write input.", printable(text, 60), " or output.",
                          printable(text, 60)),
                   token.column);
    if (input < 0 && output < 0) {
      std::vector<std::string> all = names_.inputs;
      all.insert(all.end(), names_.outputs.begin(), names_.outputs.end());
      const std::string near = nearest(text, all);
      const bool are_few = all.size() <= 20;
      lexer_.wrong(concat("there is no input or output \"", printable(text, 60), "\"",
                          near.empty() ? (are_few ? concat("; there are ", printable(join(all), 400)) : "")
                                       : concat("; did you mean ", printable(near, 60), "?")),
                   token.column);
    }
    if (const auto refused = input < 0 ? names_.refused.end() : names_.refused.find(names_.inputs[static_cast<size_t>(input)]);
        refused != names_.refused.end())
      lexer_.wrong(refused->second, token.column);
    return {1, std::max(input, output), output >= 0};
  }

  Lexer lexer_;
  const RuleNames& names_;
  int depth_ = 0;
};

// Columns as rules see them, (N,) each.
class Values {
 public:
  Values(const Array& x, const Array& output, const RuleNames& names, bool is_decided) : names_(names), is_decided_(is_decided) {
    const auto check = [](const char* what, const Array& array, size_t count) {
      if (array.rank() == 2 && array.shape(1) == static_cast<int64_t>(count)) return;
      fail("rules", what, " is ", array.shape(), " and has ", count, " names; it must be (N, ", count, ")");
    };
    if (!names.inputs.empty()) {
      check("x", x, names.inputs.size());
      restore(x);
    }
    const Array table = output.rank() == 1 ? expand_dims(output, 1) : output;
    check("the output", table, names.outputs.size());
    outputs_ = table;
    if (names.kind == RuleOutputs::labels) outputs_ = sigmoid(table);
    if (names.kind == RuleOutputs::classes) outputs_ = softmax(table, -1);
    const preprocess::Target& target = names.target;
    if (names.kind == RuleOutputs::numbers && target.exists()) {
      outputs_ = table * target.deviation + target.mean;
      if (target.is_log) outputs_ = exp(outputs_);
    }
  }
  int64_t samples() const { return outputs_.shape(0); }
  // Of inputs float64.
  Array number(const Summand& term) const { return (term.is_output ? outputs_ : x_)[{slice(), term.index}]; }
  // How far an input may be from what it was before it was scaled and rounded.
  Array doubt(const Summand& term) const { return doubt_[{slice(), term.index}]; }
  // A truth: of outputs the probability, or where the model decides 0 or 1.
  Array truth(const Summand& term) const {
    const Array value = number(term);
    if (!term.is_output) return value.astype(outputs_.dtype());
    if (!is_decided_) return value;
    return (names_.kind == RuleOutputs::labels ? value > 0.5 : argmax(outputs_, -1) == term.index).astype(outputs_.dtype());
  }
  bool is_decided() const { return is_decided_; }
  DType dtype() const { return outputs_.dtype(); }

 private:
  // x scale + shift, as the table had it, up to half a unit in the last place of the numbers that the model takes.
  void restore(const Array& x) {
    const double half_unit = x.dtype() == float64 ? 0x1p-53 : x.dtype() == float32 ? 0x1p-24 : x.dtype() == float16 ? 0x1p-11 : 0x1p-8;
    x_ = x.astype(float64);
    doubt_ = abs(x_) * (x.dtype().is_float() ? half_unit : 0.0);
    if (!names_.preprocessing) return;
    const auto& [mean, deviation, range] = *names_.preprocessing;
    if (!deviation.empty()) {
      x_ = x_ * array(deviation);
      doubt_ = doubt_ * array(deviation);
    }
    // The sums in between are rounded too, in float64.
    if (!mean.empty()) {
      doubt_ = doubt_ + (abs(x_) + abs(array(mean))) * 0x1p-50;
      x_ = x_ + array(mean);
    }
  }
  const RuleNames& names_;
  bool is_decided_;
  Array x_{}, doubt_{}, outputs_{};
};

Array compared(const Node& node, const Values& values, const RuleText& rule, RuleLogic logic) {
  Array inputs = array(0.0, float64), doubt = array(0.0, float64), outputs;
  for (const Summand& term : node.difference) {
    if (term.is_output) {
      const Array one = term.factor * values.number(term);
      outputs = outputs.exists() ? outputs + one : one;
    } else if (term.index < 0) {
      inputs = inputs + term.factor;
    } else {
      inputs = inputs + term.factor * values.number(term);
      doubt = doubt + std::fabs(term.factor) * values.doubt(term);
    }
  }
  if (!outputs.exists()) {
    const Array holds = node.comparison == "<"    ? inputs < -doubt
                        : node.comparison == "<=" ? inputs <= doubt
                        : node.comparison == "="  ? abs(inputs) <= doubt
                                                  : abs(inputs) > doubt;
    return broadcast_to(holds.astype(values.dtype()), {values.samples()});
  }
  const Array difference = outputs + inputs.astype(values.dtype());
  if (values.is_decided() || node.comparison == "!=") {
    const Array holds = node.comparison == "<"    ? difference < 0
                        : node.comparison == "<=" ? difference <= 0
                        : node.comparison == "="  ? difference == 0
                                                  : difference != 0;
    return holds.astype(values.dtype());
  }
  const Array miss = (node.comparison == "=" ? abs(difference) : maximum(difference, 0)) / rule.scale;
  return logic == RuleLogic::product ? exp(-miss) : maximum(1 - miss, 0);
}

Array truth_of(const Node& node, const Values& values, const RuleText& rule, RuleLogic logic) {
  const bool is_product = logic == RuleLogic::product;
  const auto part = [&](size_t i) { return truth_of(*node.parts[i], values, rule, logic); };
  switch (node.kind) {
    case Node::Kind::atom:
      return values.truth(node.atom);
    case Node::Kind::compare:
      return compared(node, values, rule, logic);
    case Node::Kind::negation:
      return 1 - part(0);
    case Node::Kind::implies: {
      const Array a = part(0), b = part(1);
      return is_product ? 1 - a + a * b : minimum(1 - a + b, 1);
    }
    case Node::Kind::both:
    case Node::Kind::either: {
      const bool is_both = node.kind == Node::Kind::both;
      Array all = part(0);
      for (size_t i = 1; i < node.parts.size(); ++i) {
        const Array next = part(i);
        if (is_both) all = is_product ? all * next : maximum(all + next - 1, 0);
        else all = is_product ? all + next - all * next : minimum(all + next, 1);
      }
      return all;
    }
  }
  return {};
}

}  // namespace

Rules::Rules(const std::vector<RuleText>& rules, RuleNames names) : names_(std::move(names)) {
  if (names_.outputs.empty()) fail("rules", "the outputs have no names");
  for (const RuleText& each : rules) {
    check_fields("rules", fields_of(each), &each);
    if (each.text.size() > kLongest) fail("rules", "a rule has ", each.text.size(), " characters; it may have ", kLongest);
    rules_.push_back({each, Parser(each.text, names_).rule()});
  }
}

std::vector<Array> Rules::truths(const Array& x, const Array& output) const {
  const Values values(x, output, names_, false);
  std::vector<Array> all;
  for (const Rule& rule : rules_) all.push_back(truth_of(*rule.root, values, rule.given, names_.logic));
  return all;
}

Array Rules::penalty(const Array& x, const Array& output) const {
  Array total = 0;
  const std::vector<Array> all = truths(x, output);
  for (size_t i = 0; i < all.size(); ++i) {
    const Array cost = names_.logic == RuleLogic::product ? -log(maximum(all[i], kLeastTruth)) : 1 - all[i];
    total = total + rules_[i].given.weight * mean(cost);
  }
  return total;
}

std::vector<RuleCount> Rules::count(const Array& x, const Array& output) const {
  const Values values(x, output, names_, true);
  std::vector<RuleCount> counts;
  for (const Rule& rule : rules_) {
    const auto truth = [&](const Node& node) { return truth_of(node, values, rule.given, RuleLogic::product); };
    const bool has_premise = rule.root->kind == Node::Kind::implies;
    RuleCount count{.text = rule.given.text, .samples = values.samples(), .applies = values.samples()};
    if (count.samples > 0) {
      count.violated = sum(truth(*rule.root) < 0.5).item<int64_t>();
      if (has_premise) count.applies = sum(truth(*rule.root->parts[0]) >= 0.5).item<int64_t>();
    }
    counts.push_back(std::move(count));
  }
  return counts;
}

std::string to_text(const std::vector<RuleCount>& counts) {
  std::string out;
  for (const RuleCount& each : counts) {
    char percent[32];
    std::snprintf(percent, sizeof percent, "%.1f %%", 100 * each.rate());
    out += concat(printable(each.text, 200), ": broken by ", with_commas(each.violated), " of ", with_commas(each.samples), " samples (",
                  percent, "), applies to ", with_commas(each.applies), "\n");
  }
  return out;
}

detail::Measured RuleObjective::measure(const Array& output, const data::Batch& batch) const {
  detail::Measured measured = detail::LossObjective{loss, metrics}.measure(output, batch.y, batch.weights);
  if (!rules.exists()) return measured;
  const Array penalty = rules.penalty(batch.x, output);
  measured.loss = measured.loss + penalty;
  measured.others.push_back({"rules", stop_gradient(penalty)});
  return measured;
}

}  // namespace gradus::train
