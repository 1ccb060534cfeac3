// Layer: any one-in, one-out module behind one type, so that models are run-time data. Sequential: layers one after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "gradus/nn/fields.hpp"
#include "gradus/nn/module.hpp"

namespace gradus::nn {

class Layer;

/// A module with forward(const Array&) -> Array: what fits in Layer and Sequential. It may have besides, as the library's layers do,
/// describe(), a text for summaries and errors; check(), called after its fields were read, which throws for values that make no sense; and
/// the static field_notes(), what files and recipes say of its fields.
template <class M>
concept UnaryModule = Module<M> && !std::same_as<M, Layer> && requires(const M& module, const Array& x) {
  { module.forward(x) } -> std::convertible_to<Array>;
};

/// Ties made inside a copied model: while a CopyScope is open in a thread, a Shared part is copied once and stays tied.
class CopyScope {
 public:
  CopyScope();
  ~CopyScope();
  CopyScope(const CopyScope&) = delete;
  CopyScope& operator=(const CopyScope&) = delete;

  static bool is_open();
  /// The copy of the part at `original`, made by `copy` at the first call.
  static std::shared_ptr<void> copy_once(const void* original, const std::function<std::shared_ptr<void>()>& copy);

 private:
  bool is_outermost_;
};

/// A module that several places share: copies of the handle are the same module. Made by nn::share. Copying a whole Layer, Sequential or
/// nn::clone of a struct copies the shared module once and keeps the tie among the copies.
///
///   auto tied = nn::share(nn::Dense(64, relu));
///   nn::Sequential model{tied, nn::LayerNorm(), tied};
template <class M>
class Shared {
 public:
  explicit Shared(std::shared_ptr<M> module) : module_(std::move(module)) {}
  Shared(const Shared& other)
      : module_(CopyScope::is_open()
                    ? std::static_pointer_cast<M>(CopyScope::copy_once(
                          other.module_.get(), [&]() -> std::shared_ptr<void> { return std::make_shared<M>(*other.module_); }))
                    : other.module_) {}
  Shared(Shared&&) noexcept = default;
  Shared& operator=(Shared other) noexcept {
    module_ = std::move(other.module_);
    return *this;
  }

  M& operator*() const { return *module_; }
  M* operator->() const { return module_.get(); }
  template <class... A>
  auto forward(A&&... arguments) const -> decltype(call(std::declval<const M&>(), std::forward<A>(arguments)...)) {
    return call(static_cast<const M&>(*module_), std::forward<A>(arguments)...);
  }
  template <class... A>
  auto operator()(A&&... arguments) const -> decltype(forward(std::forward<A>(arguments)...)) {
    return forward(std::forward<A>(arguments)...);
  }
  void visit_parts(core::PartVisitor& visitor, const std::string& path) const {
    visit_part(visitor, path, static_cast<const M&>(*module_));
  }

 private:
  std::shared_ptr<M> module_;
};
template <Module M>
Shared<M> share(M module) {
  return Shared<M>(std::make_shared<M>(std::move(module)));
}
/// A copy of a module with parameters of its own; parts that are shared within it stay shared within the copy.
template <Module M>
M clone(const M& module) {
  const CopyScope scope;
  return M(module);
}

/// Any one-in, one-out module. Copying copies the module with its parameters.
class Layer {
 public:
  template <UnaryModule M>
  Layer(M module) : content_(std::make_unique<Content<M>>(std::move(module))) {}  // NOLINT: implicit on purpose
  Layer(const Layer& other);
  Layer(Layer&&) noexcept = default;
  Layer& operator=(Layer other) noexcept {
    content_ = std::move(other.content_);
    return *this;
  }

  Array forward(const Array& x) const { return content_->call(x); }
  /// The same, under the name that the surrounding module has for this layer.
  Array operator()(const Array& x) const;

  /// "Dense", "Sequential", "Block".
  const std::string& type() const { return content_->type(); }
  /// The module itself if it is an M, else null.
  template <class M>
  M* as() {
    return content_->tag() == &detail::type_tag<M> ? static_cast<M*>(content_->address()) : nullptr;
  }
  template <class M>
  const M* as() const {
    return const_cast<Layer*>(this)->as<M>();
  }
  void visit_parts(core::PartVisitor& visitor, const std::string& path) const { content_->visit_parts(visitor, path); }
  /// Its hyper-parameters; of a module that is none of the library those of its members that have a FieldType.
  const core::FieldTable& fields() const { return content_->fields(); }
  /// The module itself, of which fields() are.
  const void* module() const { return content_->address(); }
  core::Datum::Table write(core::FieldWriting& writing) const { return write_fields(fields(), content_->address(), writing); }
  /// Throws a FieldError, or what the layer says of fields that do not fit each other. `others`: keys that the caller has read.
  void read(const core::Datum::Table& given, core::FieldReading& reading, std::span<const std::string> others) {
    read_fields(fields(), content_->address(), given, reading, others);
    content_->check();
  }
  /// Where a shared module lies; null for a layer of its own. Two layers with the same address are tied.
  const void* shared_identity() const { return content_->shared_identity(); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual std::unique_ptr<Base> clone() const = 0;
    virtual Array call(const Array& x) const = 0;
    virtual const std::string& type() const = 0;
    virtual const char* tag() const = 0;
    virtual void* address() = 0;
    virtual const void* shared_identity() const = 0;
    virtual void visit_parts(core::PartVisitor& visitor, const std::string& path) const = 0;
    virtual const core::FieldTable& fields() const = 0;
    virtual void check() = 0;
  };
  // What a Layer of type M stands for: the shared module for Shared<M>, else M itself.
  template <class M>
  struct Stands {
    using Type = M;
    static M& of(M& module) { return module; }
    static const void* identity(const M&) { return nullptr; }
  };
  template <class M>
  struct Stands<Shared<M>> {
    using Type = M;
    static M& of(Shared<M>& module) { return *module; }
    static const void* identity(const Shared<M>& module) { return &*module; }
  };
  template <class M>
  struct Content final : Base {
    using Real = typename Stands<M>::Type;
    explicit Content(M module) : module(std::move(module)) {}
    Real& real() const { return Stands<M>::of(const_cast<M&>(module)); }
    std::unique_ptr<Base> clone() const override { return std::make_unique<Content>(module); }
    Array call(const Array& x) const override {
      if constexpr (std::same_as<Real, Layer>) return real().forward(x);
      else return nn::call(static_cast<const Real&>(real()), x);
    }
    const std::string& type() const override {
      if constexpr (std::same_as<Real, Layer>) return real().type();
      else return detail::type_name<Real>();
    }
    const char* tag() const override {
      if constexpr (std::same_as<Real, Layer>) return real().content_->tag();
      else return &detail::type_tag<Real>;
    }
    void* address() override {
      if constexpr (std::same_as<Real, Layer>) return real().content_->address();
      else return &real();
    }
    const void* shared_identity() const override { return Stands<M>::identity(module); }
    void visit_parts(core::PartVisitor& visitor, const std::string& path) const override { visit_part(visitor, path, real()); }
    const core::FieldTable& fields() const override {
      if constexpr (std::same_as<Real, Layer>) return real().fields();
      else return core::fields_of(static_cast<const Real&>(real()));
    }
    // What was read may be nonsense: a layer says so itself.
    void check() override {
      if constexpr (std::same_as<Real, Layer>) real().content_->check();
      else if constexpr (requires(Real& r) { r.check(); }) real().check();
    }
    M module;
  };

  std::unique_ptr<Base> content_;
};

namespace detail {
/// Whether L can stand in Sequential; if not, the compiler says why.
template <class L>
constexpr bool must_be_layer() {
  using M = std::remove_cvref_t<L>;
  constexpr bool fits = std::convertible_to<L, Layer>;
  if constexpr (!fits) {
    constexpr bool is_function = std::is_function_v<std::remove_pointer_t<M>> || (!Module<M> && requires(M& f, const Array& x) { f(x); });
    constexpr bool is_object = std::is_class_v<M> && !::gradus::core::Text<M> && !::gradus::core::Dereferenced<M>;
    constexpr bool is_const = !HasMutableForward<M, const Array&>;
    static_assert(!is_function, "a function is no layer: nn::Activation(relu) is");
    static_assert(is_function || is_object,
                  "a number, text or pointer is no layer: nn::Sequential{nn::Dense(10), ...}; nn::share makes layers that are tied");
    if constexpr (is_object && !is_function) {
      if constexpr (::gradus::core::must_be_module<M>()) {
        static_assert(is_const, "forward must be const: Array forward(const Array& x) const");
        static_assert(!is_const, "a layer of Sequential takes one Array and returns one: Array forward(const Array& x) const");
      }
    }
  }
  return fits;
}
/// A layer, or nothing; it refuses a function that is picked out of overloads, which must_be_layer never gets to see.
struct LayerOrNothing {
  LayerOrNothing() = default;
  template <std::convertible_to<Layer> L>
  LayerOrNothing(L&&) {}  // NOLINT: implicit on purpose
  template <class R>
  LayerOrNothing(R (*)(const Array&)) {  // NOLINT: refused
    static_assert(::gradus::core::never<R>, "a function is no layer: nn::Activation(softmax) is");
  }
};
}  // namespace detail

/// Layers one after the other. Nests; copies copy all parameters.
///
///   nn::Sequential model{nn::Conv2D(32, 3, relu), nn::MaxPooling2D(2), nn::Flatten(), nn::Dense(10)};
///   Array logits = model(images);
class Sequential {
 public:
  Sequential() = default;
  template <class... L>
  requires(sizeof...(L) > 0) &&
      (!(sizeof...(L) == 1 && (std::same_as<std::remove_cvref_t<L>, Sequential> && ...))) explicit Sequential(L&&... layers) {
    layers_.reserve(sizeof...(L));
    if constexpr ((detail::must_be_layer<L>() && ...)) (add(std::forward<L>(layers)), ...);
  }
  /// Refused: softmax, tanh and other overloaded functions among the layers.
  explicit Sequential(detail::LayerOrNothing, detail::LayerOrNothing, detail::LayerOrNothing = {}, detail::LayerOrNothing = {},
                      detail::LayerOrNothing = {}, detail::LayerOrNothing = {}, detail::LayerOrNothing = {}, detail::LayerOrNothing = {},
                      detail::LayerOrNothing = {}, detail::LayerOrNothing = {});
  Sequential(const Sequential& other);
  Sequential(Sequential&&) noexcept = default;
  Sequential& operator=(Sequential other) noexcept;

  /// Appends a layer, named after its type: dense, dense_1, ...
  void add(Layer layer);
  size_t size() const { return layers_.size(); }
  /// Layer number `index`, from 0; throws for one that is not there.
  Layer& operator[](size_t index);
  const Layer& operator[](size_t index) const;
  auto begin() const { return layers_.begin(); }
  auto end() const { return layers_.end(); }

  Array forward(const Array& x) const;
  Array operator()(const Array& x) const { return call(*this, x); }
  void visit_parts(core::PartVisitor& visitor, const std::string& path) const;
  static constexpr std::string_view field_names = "layers";
  auto tied_fields() const { return core::members(layers_); }
  /// Names the layers that tied_fields has assigned.
  void check();
  /// Shape and dtype of the first input that it was called with, if any: for summaries.
  std::optional<detail::InputSpec> first_input() const;

 private:
  struct FirstInput;
  static std::shared_ptr<FirstInput> no_input_yet();
  std::vector<Layer> layers_;
  std::vector<std::string> names_;  // dense, dense_1, ...
  std::shared_ptr<FirstInput> first_input_ = no_input_yet();
};

}  // namespace gradus::nn
