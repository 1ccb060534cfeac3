// Architecture to JSON and back; variables to arrays and back.
#include "gradus/io/model_file.hpp"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "gradus/base/convert.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/io/json_keys_internal.hpp"
#include "gradus/io/safetensors.hpp"
#include "gradus/nn/factory.hpp"

namespace gradus::io {

namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr int kVersion = 1, kMaxDepth = 64;
constexpr size_t kMaxLayers = 100'000;

// Writing ---------------------------------------------------------------------------------------------------------------------------

class Writer final : public nn::FieldVisitor {
 public:
  static ordered_json write(nn::Layer& layer, std::map<const void*, int>& shared, const std::string& place) {
    ordered_json out;
    if (const void* identity = layer.shared_identity()) {
      const auto [at, is_new] = shared.emplace(identity, static_cast<int>(shared.size()));
      if (!is_new) return {{"shared", at->second}};
      out["shared"] = at->second;
    }
    out["type"] = layer.type();
    Writer writer(out, shared, place);
    layer.visit_fields(writer);
    return out;
  }

  void field(std::string_view name, bool& value) override { set(name, value); }
  void field(std::string_view name, int64_t& value) override { set(name, value); }
  void field(std::string_view name, double& value) override { set(name, value); }
  void field(std::string_view name, std::string& value) override { set(name, value); }
  void field(std::string_view name, std::vector<int64_t>& value) override { set(name, value); }
  void field(std::string_view name, Padding& value) override {
    if (value.is_same()) return set(name, "same");
    ordered_json list = ordered_json::array();
    for (const PadWidth& width : value.widths()) list.push_back({width.before, width.after});
    set(name, std::move(list));
  }
  void field(std::string_view name, nn::Activation& value) override {
    if (value.name() == "custom") {
      fail("save", "the ", name, " of ", place_,
           " is a function of your own, which a file cannot hold; use one of the library's, such as relu");
    }
    set(name, value.name());
  }
  void field(std::string_view name, nn::Layer& value) override { set(name, write(value, shared_, below(name))); }
  void field(std::string_view name, std::vector<nn::Layer>& value) override {
    ordered_json list = ordered_json::array();
    for (size_t i = 0; i < value.size(); ++i) list.push_back(write(value[i], shared_, concat(below(name), "[", i, "]")));
    set(name, std::move(list));
  }

 private:
  Writer(ordered_json& out, std::map<const void*, int>& shared, std::string place) : out_(out), shared_(shared), place_(std::move(place)) {}
  template <class T>
  void set(std::string_view name, T&& value) {
    out_[std::string(name)] = std::forward<T>(value);
  }
  std::string below(std::string_view name) const { return concat(place_, ".", name); }

  ordered_json& out_;
  std::map<const void*, int>& shared_;
  std::string place_;
};

// The numbers of a model of one's own type, by path.
class FieldCollector final : public PartVisitor {
 public:
  void on_cell(const std::string&, const CellPtr&) override {}
  void on_array(const std::string&, Array&) override {}
  void on_value(const std::string& path, const FieldValue& value) override {
    std::visit(
        [&](const auto& plain) {
          using T = std::remove_cvref_t<decltype(plain)>;
          if constexpr (std::same_as<T, DType>) fields[path] = std::string(plain.name());
          else if constexpr (!std::same_as<T, SubgraphPtr>) fields[path] = plain;
        },
        value);
  }
  json fields = json::object();
};

json info_to_json(const nn::ModelInfo& info) {
  return {{"name", info.name},
          {"description", info.description},
          {"class_names", info.class_names},
          {"input_shape", info.input_shape},
          {"input_dtype", std::string(info.input_dtype.name())}};
}

std::string dump(const ordered_json& value) { return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

// Reading ---------------------------------------------------------------------------------------------------------------------------

[[noreturn]] void fail_file(const std::string& path, const std::string& what) { throw Error(Error::Kind::io, path, what); }

// Copies and texts of JSON values go by recursion: what is nested deeper than any model is refused.
json parse(const std::string& text, const std::string& path, const char* name) {
  const auto on_twice = [&](const std::vector<std::string>& keys) { fail_file(path, concat("its ", name, " has \"", keys.back(), "\" twice")); };
  const auto on_deep = [&] { fail_file(path, concat("its ", name, " is nested too deeply")); };
  json value = json::parse(text, check_keys(4 * kMaxDepth, on_twice, on_deep), false);
  if (value.is_discarded()) fail_file(path, concat("its ", name, " is not valid JSON; the file is damaged or not a Gradus model"));
  return value;
}

// Content -----------------------------------------------------------------------------------------------------------------------------

constexpr std::string_view kChecksumKey = "checksum";

// CRC-32 (ISO 3309, as in gzip and PNG) of everything that the file says, as "crc32:0123abcd": texts with their lengths, so that none can
// pass into the next.
std::string checksum_of(const std::vector<NamedArray>& arrays, const std::map<std::string, std::string>& metadata) {
  uLong crc = crc32(0, nullptr, 0);
  const auto add = [&](const void* data, int64_t bytes) {
    const auto* at = static_cast<const Bytef*>(data);
    for (; bytes > 0; bytes -= 1 << 30, at += 1 << 30) crc = crc32(crc, at, static_cast<uInt>(std::min<int64_t>(bytes, 1 << 30)));
  };
  const auto add_text = [&](const std::string& text) {
    const std::string length = concat(text.size(), ":");
    add(length.data(), static_cast<int64_t>(length.size()));
    add(text.data(), static_cast<int64_t>(text.size()));
  };
  for (const auto& [key, text] : metadata) {
    if (key == kChecksumKey) continue;
    add_text(key);
    add_text(text);
  }
  for (const NamedArray& entry : arrays) {
    add_text(entry.name);
    add_text(concat(entry.array.dtype(), " ", entry.array.shape()));
    add(row_major_data(entry.array), entry.array.size() * entry.array.dtype().size());
  }
  char text[16];
  std::snprintf(text, sizeof text, "crc32:%08lx", static_cast<unsigned long>(crc));
  return text;
}

// Files without a checksum, as earlier versions wrote them, are taken.
void check_checksum(const Safetensors& file, const std::string& path) {
  const auto at = file.metadata.find(std::string(kChecksumKey));
  if (at == file.metadata.end()) return;
  const std::string found = checksum_of(file.arrays, file.metadata);
  if (at->second != found) {
    fail_file(path, concat("its checksum is ", at->second, ", its content gives ", found,
                           "; the file is damaged, or was changed by another program: that would have to take \"checksum\" out of the metadata"));
  }
}

// Says on the standard error stream which parameters hold numbers that are not finite.
void warn_of_not_finite(const std::vector<NamedArray>& arrays, const std::string& path) {
  int64_t all = 0, others = 0;
  std::string first;
  for (const NamedArray& entry : arrays) {
    int64_t nans = 0, infinities = 0;
    visit_dtype(entry.array.dtype(), [&]<class T>(T) {
      if constexpr (!std::is_integral_v<T>) {
        const T* values = static_cast<const T*>(row_major_data(entry.array));
        for (int64_t i = 0; i < entry.array.size(); ++i) {
          const auto value = convert<double>(values[i]);
          nans += std::isnan(value);
          infinities += std::isinf(value);
        }
      }
    });
    if (nans + infinities == 0) continue;
    if (!first.empty()) ++others;
    else first = concat("\"", entry.name, "\" holds ", nans, " nan and ", infinities, " infinite of ", entry.array.size(), " numbers");
    all += nans + infinities;
  }
  if (first.empty()) return;
  const std::string more = others ? concat("; so do ", others, " more parameters, ", all, " numbers in all") : std::string();
  std::fprintf(stderr, "warning: %s: parameter %s%s\n", path.c_str(), first.c_str(), more.c_str());
}

class LayerReader final : public nn::FieldVisitor {
 public:
  struct Context {
    const std::string& path;
    std::map<int64_t, std::shared_ptr<nn::Layer>> shared{};
    size_t layers = 0;
  };

  static nn::Layer read(const json& value, Context& context, const std::string& place, int depth) {
    if (!value.is_object()) fail_file(context.path, concat(place, " is no layer; expected an object with a type"));
    if (depth > kMaxDepth || ++context.layers > kMaxLayers)
      fail_file(context.path, concat(place, " is nested too deeply or one of too many layers"));
    const auto shared = value.find("shared");
    const bool is_shared = shared != value.end();
    if (is_shared && !shared->is_number_integer()) fail_file(context.path, concat(place, ".shared is not a number"));
    if (is_shared && !value.contains("type")) {
      const auto known = context.shared.find(shared->get<int64_t>());
      if (known == context.shared.end())
        fail_file(context.path, concat(place, " shares layer ", shared->get<int64_t>(), ", which does not stand before it"));
      return nn::Shared<nn::Layer>(known->second);
    }
    const auto type = value.find("type");
    if (type == value.end() || !type->is_string()) fail_file(context.path, concat(place, " has no type"));
    const std::string name = type->get<std::string>();
    if (!nn::is_library_layer(name)) {
      fail_file(context.path,
                concat(place, " has type ", name, ", which is not a layer of the library; make the model yourself and fill it with ",
                       "io::load(model, path)"));
    }
    nn::Layer layer = nn::make_layer(name);
    LayerReader reader(value, context, place, depth);
    try {
      layer.visit_fields(reader);
    } catch (const Error& error) {
      if (error.kind() == Error::Kind::io) throw;
      fail_file(context.path, concat(place, ": ", error.what()));
    }
    reader.check_unknown();
    if (!is_shared) return layer;
    auto held = std::make_shared<nn::Layer>(std::move(layer));
    context.shared[shared->get<int64_t>()] = held;
    return nn::Shared<nn::Layer>(held);
  }

  void field(std::string_view name, bool& value) override { value = get(name, &json::is_boolean, "true or false").get<bool>(); }
  void field(std::string_view name, int64_t& value) override { value = get(name, &json::is_number_integer, "an integer").get<int64_t>(); }
  void field(std::string_view name, double& value) override { value = get(name, &json::is_number, "a number").get<double>(); }
  void field(std::string_view name, std::string& value) override { value = get(name, &json::is_string, "a text").get<std::string>(); }
  void field(std::string_view name, std::vector<int64_t>& value) override {
    const json& list = get(name, &json::is_array, "a list of integers");
    value.clear();
    for (const json& entry : list) {
      if (!entry.is_number_integer() || list.size() > 64) fail_file(context_.path, concat(below(name), " is no list of integers"));
      value.push_back(entry.get<int64_t>());
    }
  }
  void field(std::string_view name, Padding& value) override {
    const json& given = get(name, &json::is_structured, "\"same\" or a list of pairs", &json::is_string);
    if (given.is_string()) {
      if (given != "same") fail_file(context_.path, concat(below(name), " is neither \"same\" nor a list of pairs"));
      value = same;
      return;
    }
    std::vector<PadWidth> widths;
    for (const json& pair : given) {
      const bool is_pair = pair.is_array() && pair.size() == 2 && pair[0].is_number_integer() && pair[1].is_number_integer();
      if (!is_pair || given.size() > 8) fail_file(context_.path, concat(below(name), " is no list of pairs of integers"));
      widths.emplace_back(pair[0].get<int64_t>(), pair[1].get<int64_t>());
    }
    value = widths;
  }
  void field(std::string_view name, nn::Activation& value) override {
    value = nn::Activation::from_name(get(name, &json::is_string, "the name of an activation").get<std::string>());
  }
  void field(std::string_view name, nn::Layer& value) override {
    value = read(get(name, &json::is_object, "a layer"), context_, below(name), depth_ + 1);
  }
  void field(std::string_view name, std::vector<nn::Layer>& value) override {
    const json& list = get(name, &json::is_array, "a list of layers");
    value.clear();
    for (size_t i = 0; i < list.size(); ++i) value.push_back(read(list[i], context_, concat(below(name), "[", i, "]"), depth_ + 1));
  }

 private:
  LayerReader(const json& value, Context& context, std::string place, int depth)
      : value_(value), context_(context), place_(std::move(place)), depth_(depth) {}
  std::string below(std::string_view name) const { return concat(place_, ".", name); }
  using Test = bool (json::*)() const noexcept;
  const json& get(std::string_view name, Test is_right, const char* wanted, Test is_also_right = nullptr) {
    known_.emplace(name);
    const auto at = value_.find(std::string(name));
    if (at == value_.end()) fail_file(context_.path, concat(below(name), " is missing"));
    if (!((*at).*is_right)() && !(is_also_right && ((*at).*is_also_right)()))
      fail_file(context_.path, concat(below(name), " is not ", wanted));
    return *at;
  }
  void check_unknown() const {
    for (const auto& [name, unused] : value_.items()) {
      if (name != "type" && name != "shared" && !known_.contains(name))
        fail_file(context_.path, concat(below(name), " is not known to this version"));
    }
  }

  const json& value_;
  Context& context_;
  std::string place_;
  int depth_;
  std::set<std::string, std::less<>> known_;
};

std::string text_of(const json& value, const char* name) {
  const auto at = value.find(name);
  return at != value.end() && at->is_string() ? at->get<std::string>() : std::string();
}

nn::ModelInfo info_from(const Safetensors& file, const std::string& path) {
  nn::ModelInfo info;
  for (const auto& [name, text] : file.metadata) {
    if (name.starts_with("extra.")) info.extra[name.substr(6)] = text;
  }
  const auto at = file.metadata.find("info");
  if (at == file.metadata.end()) return info;
  const json value = parse(at->second, path, "info");
  if (!value.is_object()) fail_file(path, "its info is no object");
  info.name = text_of(value, "name");
  info.description = text_of(value, "description");
  if (const auto names = value.find("class_names"); names != value.end()) {
    if (!names->is_array()) fail_file(path, "info.class_names is no list");
    for (const json& name : *names) {
      if (!name.is_string()) fail_file(path, "info.class_names holds something that is no text");
      info.class_names.push_back(name.get<std::string>());
    }
  }
  if (const auto sizes = value.find("input_shape"); sizes != value.end()) {
    if (!sizes->is_array() || sizes->size() > 16) fail_file(path, "info.input_shape is no shape");
    for (const json& size : *sizes) {
      if (!size.is_number_integer() || size.get<int64_t>() < 0) fail_file(path, "info.input_shape holds something that is no size");
      info.input_shape.push_back(size.get<int64_t>());
    }
  }
  if (const std::string dtype = text_of(value, "input_dtype"); !dtype.empty()) info.input_dtype = dtype_from_name(dtype, path);
  return info;
}

Safetensors read_file(const std::string& path) {
  Safetensors file = load_safetensors(path);
  const auto text = [&](const char* name) {
    const auto at = file.metadata.find(name);
    return at == file.metadata.end() ? std::string() : at->second;
  };
  if (text("format") != "gradus") fail_file(path, "it is a safetensors file but not a Gradus model; its metadata lacks format = gradus");
  if (text("version") != std::to_string(kVersion)) {
    fail_file(path, concat("it has version \"", text("version"), "\", this program reads ", kVersion));
  }
  return file;
}

// Every variable's array from the file, checked; then all are given their values.
void fill(const std::vector<Variable>& variables, const Safetensors& file, const std::string& path) {
  std::vector<std::string> names;
  for (const Variable& variable : variables) names.push_back(variable.path);
  std::vector<const Array*> found;
  for (const Variable& variable : variables) {
    const Array* array = file.find(variable.path);
    if (!array) fail_file(path, concat("it has no parameter \"", variable.path, "\", which the model has"));
    if (variable.exists() && variable.get().shape() != array->shape()) {
      fail_file(path, concat("its parameter \"", variable.path, "\" is ", array->shape(), ", the model's is ", variable.get().shape()));
    }
    if (variable.exists() && variable.get().dtype() != array->dtype()) {
      fail_file(path, concat("its parameter \"", variable.path, "\" is ", array->dtype(), ", the model's is ", variable.get().dtype(),
                             "; io::load(path) makes a model of the file's dtypes"));
    }
    if (!variable.exists() && !array->dtype().is_float()) {
      fail_file(path, concat("its parameter \"", variable.path, "\" is ", array->dtype(), "; it must be a float"));
    }
    found.push_back(array);
  }
  for (const NamedArray& entry : file.arrays) {
    if (std::find(names.begin(), names.end(), entry.name) != names.end()) continue;
    const std::string near = nearest(entry.name, names);
    fail_file(path, concat("it has a parameter \"", entry.name, "\", which the model lacks",
                           near.empty() ? "" : concat("; the nearest is ", near)));
  }
  check_checksum(file, path);
  warn_of_not_finite(file.arrays, path);
  for (size_t i = 0; i < variables.size(); ++i) {
    if (variables[i].cell) variables[i].cell->commit(*found[i]);
    else *variables[i].slot = *found[i];
  }
}

}  // namespace

void detail::save(AnyModel model, const nn::ModelInfo& info, const std::string& path) {
  std::vector<NamedArray> arrays;
  std::vector<Array> values;
  for (const Variable& variable : model.variables) {
    if (!variable.exists()) {
      fail("save", "parameter \"", variable.path, "\" of ", model.type,
           " has no value yet; call the model once or build it with nn::build(model, shape)");
    }
    arrays.push_back({variable.path, variable.get()});
    values.push_back(variable.get());
  }
  evaluate(values);
  std::map<std::string, std::string> metadata{
      {"format", "gradus"}, {"version", std::to_string(kVersion)}, {"info", dump(info_to_json(info))}};
  if (model.layer) {
    std::map<const void*, int> shared;
    metadata["architecture"] = dump(Writer::write(*model.layer, shared, model.type));
  } else {
    metadata["architecture"] = dump({{"type", model.type}});
  }
  FieldCollector collector;
  model.visit(collector);
  metadata["fields"] = dump(collector.fields);
  for (const auto& [name, text] : info.extra) metadata["extra." + name] = text;
  metadata[std::string(kChecksumKey)] = checksum_of(arrays, metadata);
  save_safetensors(path, arrays, metadata);
  warn_of_not_finite(arrays, path);
}

nn::ModelInfo detail::load_into(AnyModel model, const std::string& path) {
  const Safetensors file = read_file(path);
  nn::ModelInfo info = info_from(file, path);
  if (const auto at = file.metadata.find("fields"); at != file.metadata.end()) {
    const json saved = parse(at->second, path, "fields");
    FieldCollector own;
    model.visit(own);
    for (const auto& [name, value] : own.fields.items()) {
      if (!saved.is_object() || !saved.contains(name)) continue;
      if (saved[name] != value)
        fail_file(path, concat("its ", name, " is ", saved[name].dump(), ", the model's is ", value.dump(), "; they must be equal"));
    }
  }
  fill(model.variables, file, path);
  return info;
}

nn::Model load(const std::string& path) {
  const Safetensors file = read_file(path);
  const auto at = file.metadata.find("architecture");
  if (at == file.metadata.end()) fail_file(path, "its metadata lacks the architecture");
  LayerReader::Context context{path};
  nn::Model model(LayerReader::read(parse(at->second, path, "architecture"), context, "model", 0), info_from(file, path));
  fill(variables(model), file, path);
  return model;
}

}  // namespace gradus::io
