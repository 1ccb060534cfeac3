// Steps: what a pipeline is made of. A step learns from a frame of columns, and then changes frames in the same way.
#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/preprocess/frame.hpp"

namespace gradus::preprocess {

/// A type of steps: options that are given, a state that is learnt, both plain structs of fields, and what it does.
///
///     struct Double {
///       static constexpr std::string_view kName = "Double";
///       DoubleOptions options{};
///       DoubleState state{};                                             // GRADUS_FIELDS: what files keep
///       void learn(const Frame& frame, const Learning& learning);
///       Frame apply(const Frame& frame, Treatments& treatments) const;
///       void check() const;                                              // throws where a state from a file does not fit itself
///     };
///
/// One whose changed training frame is another than that of later frames has `Frame learn_and_apply(frame, learning, treatments)`; one that
/// is a function of numbers has `Array forward(const Array& x) const`, (rows, its columns) to (rows, others), made of the library's ops.
template <class S>
concept IsStep = requires(S step, const S& learnt, const Frame& frame, const Learning& learning, Treatments& treatments) {
  { S::kName } -> std::convertible_to<std::string_view>;
  step.options;
  step.state;
  step.learn(frame, learning);
  { learnt.apply(frame, treatments) } -> std::same_as<Frame>;
  learnt.check();
};

/// Any step. A value: copies are independent.
class Step {
 public:
  template <IsStep S>
  Step(S step) : inside_(std::make_unique<Inside<S>>(std::move(step))) {}  // NOLINT: implicit on purpose
  Step(const Step& other) : inside_(other.inside_->copy()), is_learnt_(other.is_learnt_) {}
  Step(Step&&) noexcept = default;
  Step& operator=(const Step& other) { return *this = Step(other); }
  Step& operator=(Step&&) noexcept = default;

  std::string_view name() const { return inside_->name(); }
  /// The step itself, if it is of that type; else null.
  template <IsStep S>
  const S* as() const {
    const auto* inside = dynamic_cast<const Inside<S>*>(inside_.get());
    return inside ? &inside->step : nullptr;
  }
  bool is_learnt() const { return is_learnt_; }
  /// Learns, and returns the frame changed. Throws `Standardise: ...`.
  Frame learn(const Frame& frame, const Learning& learning, Treatments& treatments);
  /// Throws if it has learnt nothing.
  Frame apply(const Frame& frame, Treatments& treatments) const;
  bool is_numeric() const { return inside_->is_numeric(); }
  /// Of numeric steps: the columns that it takes, in order, and what it makes of them.
  std::vector<std::string> columns() const { return inside_->columns(); }
  Array forward(const Array& x) const { return inside_->forward(x); }

  /// {"type": "Standardise", options..., "state": {...}}; the state if it has learnt.
  core::Datum to_datum() const;
  static Step from_datum(const core::Datum& datum, core::FieldReading& reading);

 private:
  struct Base {
    virtual ~Base() = default;
    virtual std::unique_ptr<Base> copy() const = 0;
    virtual std::string_view name() const = 0;
    virtual Frame learn(const Frame&, const Learning&, Treatments&) = 0;
    virtual Frame apply(const Frame&, Treatments&) const = 0;
    virtual bool is_numeric() const = 0;
    virtual std::vector<std::string> columns() const = 0;
    virtual Array forward(const Array&) const = 0;
    virtual core::Datum::Table options() const = 0;
    virtual core::Datum::Table state() const = 0;
    virtual void set_state(const core::Datum::Table&, core::FieldReading&) = 0;
  };
  template <class S>
  struct Inside;

  std::unique_ptr<Base> inside_;
  bool is_learnt_ = false;
};

/// A step of a type that is known.
template <class S>
struct Step::Inside final : Step::Base {
  explicit Inside(S value) : step(std::move(value)) {}
  std::unique_ptr<Base> copy() const override { return std::make_unique<Inside>(step); }
  std::string_view name() const override { return S::kName; }
  Frame learn(const Frame& frame, const Learning& learning, Treatments& treatments) override {
    if constexpr (requires { step.learn_and_apply(frame, learning, treatments); }) {
      return step.learn_and_apply(frame, learning, treatments);
    } else {
      step.learn(frame, learning);
      return std::as_const(step).apply(frame, treatments);
    }
  }
  Frame apply(const Frame& frame, Treatments& treatments) const override { return step.apply(frame, treatments); }
  bool is_numeric() const override {
    return requires(const Array& x) { step.forward(x); };
  }
  std::vector<std::string> columns() const override { return step.state.columns; }
  Array forward(const Array& x) const override {
    if constexpr (requires { step.forward(x); }) return step.forward(x);
    else return {};
  }
  core::Datum::Table options() const override {
    core::FieldWriting writing;
    return core::write_fields(core::fields_of(step.options), &step.options, writing);
  }
  core::Datum::Table state() const override {
    core::FieldWriting writing;
    return core::write_fields(core::fields_of(step.state), &step.state, writing);
  }
  void set_state(const core::Datum::Table& given, core::FieldReading& reading) override {
    core::read_fields(core::fields_of(step.state), &step.state, given, reading);
    step.check();
  }
  S step;
};

/// A step by name, with its options as fields: for recipes, files and the reference of keys.
struct StepKind {
  std::string_view name{}, text{};
  core::Described (*options)() = nullptr;
  /// Reads the options; `others` are keys that the caller has read.
  Step (*read)(const core::Datum::Table& given, core::FieldReading& reading, std::span<const std::string> others) = nullptr;
};
const core::Named<StepKind>& step_kinds();

}  // namespace gradus::preprocess

namespace gradus::core {

/// Lists of lists, of states.
template <class T>
requires HasFieldType<std::vector<T>> &&(!std::same_as<T, char>)struct FieldType<std::vector<std::vector<T>>> {
  using List = std::vector<std::vector<T>>;
  static std::string expected(const FieldNote&, const List&) { return "a list of lists"; }
  static Datum write(const List& value, FieldWriting& writing) {
    Datum::List out;
    for (const std::vector<T>& each : value) out.push_back(FieldType<std::vector<T>>::write(each, writing));
    return out;
  }
  static bool read(List& value, const Datum& given, const FieldNote& note, FieldReading& reading) {
    const Datum::List* list = given.get_if<Datum::List>();
    if (!list) return false;
    value.clear();
    for (const Datum& each : *list) {
      if (!FieldType<std::vector<T>>::read(value.emplace_back(), each, note, reading)) return false;
    }
    return true;
  }
};

}  // namespace gradus::core
