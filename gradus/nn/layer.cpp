// Copying of type-erased layers, and Sequential.
#include "gradus/nn/layer.hpp"

#include <map>
#include <mutex>

#include "gradus/ops/windows.hpp"

namespace gradus::nn {

using namespace core;

namespace {

thread_local std::map<const void*, std::shared_ptr<void>>* copies = nullptr;

// "max_pooling2_d" would be ugly: capitals in a row and after digits belong to one word. Conv2D -> conv2d, LayerNorm -> layer_norm.
std::string snake_case(std::string_view type) {
  std::string out;
  for (size_t i = 0; i < type.size(); ++i) {
    const char c = type[i];
    if (c == '<') break;
    const bool is_upper = c >= 'A' && c <= 'Z';
    if (is_upper && i > 0 && type[i - 1] >= 'a' && type[i - 1] <= 'z') out += '_';
    out += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

}  // namespace

CopyScope::CopyScope() : is_outermost_(copies == nullptr) {
  if (is_outermost_) copies = new std::map<const void*, std::shared_ptr<void>>;
}
CopyScope::~CopyScope() {
  if (is_outermost_) delete std::exchange(copies, nullptr);
}
bool CopyScope::is_open() { return copies != nullptr; }
std::shared_ptr<void> CopyScope::copy_once(const void* original, const std::function<std::shared_ptr<void>()>& copy) {
  if (const auto known = copies->find(original); known != copies->end()) return known->second;
  std::shared_ptr<void> made = copy();
  copies->emplace(original, made);
  return made;
}

Layer::Layer(const Layer& other) {
  const CopyScope scope;
  content_ = other.content_->clone();
}

Array Layer::operator()(const Array& x) const {
  const std::string name = detail::name_of_child({this, &detail::type_tag<Layer>});
  const detail::NameScope scope(name);
  return forward(x);
}

struct Sequential::FirstInput {
  std::mutex mutex;
  std::optional<detail::InputSpec> input;
};
std::shared_ptr<Sequential::FirstInput> Sequential::no_input_yet() { return std::make_shared<FirstInput>(); }

Sequential::Sequential(const Sequential& other) : names_(other.names_) {
  const CopyScope scope;
  layers_ = other.layers_;
  first_input_->input = other.first_input();
}

Sequential& Sequential::operator=(Sequential other) noexcept {
  layers_ = std::move(other.layers_);
  names_ = std::move(other.names_);
  first_input_ = std::move(other.first_input_);
  return *this;
}

void Sequential::add(Layer layer) {
  int64_t same_type = 0;
  for (const Layer& before : layers_) same_type += before.type() == layer.type();
  const std::string name = snake_case(layer.type());
  names_.push_back(same_type ? concat(name, "_", same_type) : name);
  layers_.push_back(std::move(layer));
}

Layer& Sequential::operator[](size_t index) {
  if (index >= layers_.size()) fail("sequential", "layer ", index, " was asked for; there are ", layers_.size(), ", counted from 0");
  return layers_[index];
}
const Layer& Sequential::operator[](size_t index) const { return const_cast<Sequential&>(*this)[index]; }

Array Sequential::forward(const Array& x) const {
  if (detail::CallScope::is_outermost()) {
    const std::lock_guard lock(first_input_->mutex);
    if (!first_input_->input) first_input_->input = {x.shape(), x.dtype()};
  }
  const bool is_outermost = detail::CallScope::is_outermost();
  Array h = x;
  try {
    for (size_t i = 0; i < layers_.size(); ++i) {
      const detail::NameScope name(names_[i]);
      h = layers_[i].forward(h);
    }
  } catch (Error& error) {
    // Images with their channels first pass a first convolution, which takes their width for channels; a later window finds too few rows.
    if (is_outermost && error.hint().empty() && error.problem().starts_with("the window reaches"))
      std::move(error).with_hint(hint_of_images(x.shape()));
    throw;
  }
  return h;
}

std::optional<detail::InputSpec> Sequential::first_input() const {
  const std::lock_guard lock(first_input_->mutex);
  return first_input_->input;
}

void Sequential::visit_parts(PartVisitor& visitor, const std::string& path) const {
  for (size_t i = 0; i < layers_.size(); ++i) layers_[i].visit_parts(visitor, join_path(path, std::to_string(i)));
}

void Sequential::check() {
  std::vector<Layer> read = std::exchange(layers_, {});
  names_.clear();
  for (Layer& layer : read) add(std::move(layer));
}

}  // namespace gradus::nn
