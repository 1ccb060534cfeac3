// Architecture to JSON and back; variables to arrays and back.
#include "gradus/io/model_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "gradus/base/convert.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/path_pattern.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/text/tokenizer.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/io/checksum.hpp"
#include "gradus/io/datum_json.hpp"
#include "gradus/io/load_fields.hpp"
#include "gradus/io/safetensors.hpp"
#include "gradus/io/sealed.hpp"
#include "gradus/nn/activation.hpp"
#include "gradus/nn/fields.hpp"
#include "gradus/ops/reduce.hpp"

namespace gradus::io {

using namespace core;

namespace {

constexpr int kVersion = 1;

// Writing ---------------------------------------------------------------------------------------------------------------------------

std::string architecture_of(const nn::Layer& layer, const std::string& type) {
  FieldWriting writing;
  try {
    return json_text(FieldType<nn::Layer>::write(layer, writing));
  } catch (const FieldError& error) {
    const size_t dot = error.place().rfind('.');
    const std::string owner = dot == std::string::npos ? type : concat(type, ".", error.place().substr(0, dot));
    fail("save", "the ", error.place().substr(dot + 1), " of ", owner, " ", error.problem());
  }
}

// The numbers of a model of one's own type, by path.
class FieldCollector final : public PartVisitor {
 public:
  void on_cell(const std::string&, const CellPtr&) override {}
  void on_array(const std::string&, Array&) override {}
  void on_value(const std::string& path, const FieldValue& value) override {
    value.visit([&](const auto& plain) {
      using T = std::remove_cvref_t<decltype(plain)>;
      if constexpr (std::same_as<T, DType>) fields.emplace_back(path, plain.name());
      else if constexpr (std::same_as<T, std::vector<int64_t>>) fields.emplace_back(path, Datum::List(plain.begin(), plain.end()));
      else if constexpr (!std::same_as<T, SubgraphPtr>) fields.emplace_back(path, plain);
    });
  }
  Datum::Table fields;
};

Datum::Table info_table(const nn::ModelInfo& info) {
  Datum::Table table{{"name", info.name},
                     {"description", info.description},
                     {"class_names", Datum::List(info.class_names.begin(), info.class_names.end())},
                     {"input_shape", Datum::List(info.input_shape.begin(), info.input_shape.end())},
                     {"input_dtype", info.input_dtype.name()}};
  FieldWriting writing;
  if (info.preprocessing) table.emplace_back("preprocessing", write_fields(fields_of(*info.preprocessing), &*info.preprocessing, writing));
  return table;
}

// The first input has the batch in front; of one without further axes nothing is known.
nn::ModelInfo with_first_input(nn::ModelInfo info, const nn::Layer* layer) {
  const nn::Sequential* sequential = layer ? layer->as<nn::Sequential>() : nullptr;
  const auto first = sequential ? sequential->first_input() : std::nullopt;
  if (!info.input_shape.empty() || !first || first->shape.rank() < 2) return info;
  info.input_shape.assign(first->shape.begin() + 1, first->shape.end());
  info.input_dtype = first->dtype;
  return info;
}

// Reading ---------------------------------------------------------------------------------------------------------------------------

[[noreturn]] void fail_file(const std::string& path, const std::string& what) { throw Error(Error::Kind::io, path, what); }

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

nn::Layer layer_from(const Datum& architecture, const std::string& path) {
  FieldReading reading{.is_file = true};
  nn::Layer layer = nn::Activation();
  try {
    if (!FieldType<nn::Layer>::read(layer, architecture, {}, reading)) throw FieldError("", "is no layer; expected an object with a type");
  } catch (const FieldError& error) {
    const std::string place = error.place().empty()          ? "model"
                              : error.place().front() == '[' ? "model" + error.place()
                                                             : "model." + error.place();
    const bool is_sentence =
        error.problem().starts_with("is ") || error.problem().starts_with("has ") || error.problem().starts_with("shares ");
    fail_file(path, concat(place, is_sentence ? " " : ": ", error.problem()));
  }
  return layer;
}

std::string text_of(const Datum& value, std::string_view name) {
  const Datum* found = value.find(name);
  const std::string* text = found ? found->get_if<std::string>() : nullptr;
  return text ? *text : std::string();
}

nn::ModelInfo info_from(const Safetensors& file, const std::string& path) {
  nn::ModelInfo info;
  for (const auto& [name, text] : file.metadata) {
    if (name.starts_with("extra.")) info.extra[name.substr(6)] = text;
  }
  if (const auto said = file.metadata.find("pipeline"); said != file.metadata.end()) info.pipeline = datum_of_json(said->second, path, "pipeline");
  if (const auto said = file.metadata.find("tokenizer"); said != file.metadata.end()) {
    info.tokenizer = datum_of_json(said->second, path, "tokenizer");
    data::Tokenizer::from_datum(info.tokenizer, concat(path, ": tokenizer"));
  }
  const auto at = file.metadata.find("info");
  if (at == file.metadata.end()) return info;
  const Datum value = datum_of_json(at->second, path, "info");
  if (!value.get_if<Datum::Table>()) fail_file(path, "its info is no object");
  info.name = text_of(value, "name");
  info.description = text_of(value, "description");
  if (const Datum* names = value.find("class_names")) {
    if (!names->get_if<Datum::List>()) fail_file(path, "info.class_names is no list");
    for (const Datum& name : *names->get_if<Datum::List>()) {
      if (!name.get_if<std::string>()) fail_file(path, "info.class_names holds something that is no text");
      info.class_names.push_back(*name.get_if<std::string>());
    }
  }
  if (const Datum* sizes = value.find("input_shape")) {
    const Datum::List* list = sizes->get_if<Datum::List>();
    if (!list || list->size() > 16) fail_file(path, "info.input_shape is no shape");
    for (const Datum& size : *list) {
      const int64_t* number = size.get_if<int64_t>();
      if (!number || *number < 0) fail_file(path, "info.input_shape holds something that is no size");
      info.input_shape.push_back(*number);
    }
  }
  if (const std::string dtype = text_of(value, "input_dtype"); !dtype.empty()) info.input_dtype = dtype_from_name(dtype, path);
  if (const Datum* said = value.find("preprocessing")) {
    const Datum::Table* table = said->get_if<Datum::Table>();
    if (!table) fail_file(path, "info.preprocessing is no object");
    FieldReading reading{.is_file = true};
    nn::Preprocessing& preprocessing = info.preprocessing.emplace();
    try {
      read_fields(fields_of(preprocessing), &preprocessing, *table, reading);
      nn::check_info("", info);
    } catch (const Error& error) {
      fail_file(path, concat("info.preprocessing", error.place().empty() ? "" : "." + error.place(), ": ", error.problem()));
    }
  }
  return info;
}

Safetensors load_perhaps_sealed(const std::string& path) {
  if (!is_sealed(path)) return load_safetensors(path);
  const detail::Unsealed content(path, detail::key_for(path));
  return parse_safetensors(content.bytes(), path);
}

Safetensors read_file(const std::string& path) {
  Safetensors file = load_perhaps_sealed(path);
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
  check_checksum(file, path, false);
  warn_of_not_finite(file.arrays, path);
  for (size_t i = 0; i < variables.size(); ++i) {
    if (variables[i].cell) variables[i].cell->commit(*found[i]);
    else *variables[i].member = *found[i];
  }
}

}  // namespace

nn::ModelInfo info_of(const data::Dataset& set) {
  if (!set.x.exists()) fail("info_of", "the data set holds no samples; a model's training set does");
  const Shape& shape = set.x.shape();
  nn::ModelInfo info{.class_names = set.class_names, .input_shape = {shape.begin() + 1, shape.end()}, .input_dtype = set.x.dtype()};
  if (set.tokenizer.exists()) info.tokenizer = set.tokenizer.to_datum();
  if (set.pipeline) info.pipeline = *set.pipeline;
  if (set.is_from_bytes()) {
    info.preprocessing = nn::Preprocessing::of_bytes();
  } else {
    info.preprocessing.emplace();
    if (!set.x.dtype().is_float() || set.x.size() == 0) return info;
    const auto low = min(set.x).item<double>(), high = max(set.x).item<double>();
    if (std::isfinite(low) && std::isfinite(high)) info.preprocessing->range = {low, high};
  }
  return info;
}

detail::ModelContent detail::content_of(AnyModel model, const nn::ModelInfo& given) {
  const nn::ModelInfo info = with_first_input(given, model.layer);
  nn::check_info("save", info);
  if (info.tokenizer.exists()) data::Tokenizer::from_datum(info.tokenizer, "save: info.tokenizer");
  std::vector<NamedArray> arrays;
  for (const Variable& variable : model.variables) {
    if (!variable.exists()) {
      fail("save", "parameter \"", variable.path, "\" of ", model.type,
           " has no value yet; call the model once or build it with nn::build(model, shape)");
    }
    arrays.push_back({variable.path, variable.get()});
  }
  std::map<std::string, std::string> metadata{
      {"format", "gradus"}, {"version", std::to_string(kVersion)}, {"info", json_text(info_table(info))}};
  if (model.layer) {
    metadata["architecture"] = architecture_of(*model.layer, model.type);
  } else {
    metadata["architecture"] = json_text(Datum::Table{{"type", model.type}});
  }
  FieldCollector collector;
  model.visit(collector);
  metadata["fields"] = json_text(collector.fields);
  for (const auto& [name, text] : info.extra) metadata["extra." + name] = text;
  if (info.tokenizer.exists()) metadata["tokenizer"] = json_text(info.tokenizer);
  if (info.pipeline.exists()) metadata["pipeline"] = json_text(info.pipeline);
  add_checksum(arrays, metadata);
  return {std::move(arrays), std::move(metadata)};
}
void detail::save(AnyModel model, const nn::ModelInfo& info, const std::string& path) {
  const ModelContent content = content_of(std::move(model), info);
  save_safetensors(path, content.arrays, content.metadata);
  warn_of_not_finite(content.arrays, path);
}

nn::ModelInfo detail::load_into(AnyModel model, const std::string& path) {
  const Safetensors file = read_file(path);
  nn::ModelInfo info = info_from(file, path);
  if (const auto at = file.metadata.find("fields"); at != file.metadata.end()) {
    const Datum saved = datum_of_json(at->second, path, "fields");
    FieldCollector own;
    model.visit(own);
    for (const auto& [name, value] : own.fields) {
      const Datum* there = saved.find(name);
      if (there && *there != value)
        fail_file(path, concat("its ", name, " is ", json_text(*there), ", the model's is ", json_text(value), "; they must be equal"));
    }
  }
  fill(model.variables, file, path);
  return info;
}

std::span<const FieldNote> LoadOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"only", "patterns of the parameters that are loaded; []: all"},
                                        {"except", "patterns of those that are not"},
                                        {"rename", "beginnings of paths, from the file's to the model's: {encoder = \"0\"}"},
                                        {"is_strict", "whether a parameter that does not fit is an error, instead of left as it is"}};
  return notes;
}

namespace {

std::string renamed(const std::string& path, const std::vector<Renaming>& renamings, std::vector<bool>& used) {
  for (size_t i = 0; i < renamings.size(); ++i) {
    const std::string& from = renamings[i].from;
    const bool is_whole = path == from;
    if (!is_whole && !from.empty() && !path.starts_with(from + ".")) continue;
    used[i] = true;
    return join_path(renamings[i].to, is_whole ? "" : from.empty() ? path : path.substr(from.size() + 1));
  }
  return path;
}

// What is wrong with an array of the file for a variable; "" if nothing is.
std::string misfit(const Variable& variable, const Array& array) {
  if (!variable.exists()) return array.dtype().is_float() ? "" : concat("is ", array.dtype(), " in the file; it must be a float");
  const Array& now = variable.get();
  if (now.shape() != array.shape()) return concat("is ", array.shape(), " in the file and ", now.shape(), " in the model");
  if (now.dtype() != array.dtype()) return concat("is ", array.dtype(), " in the file and ", now.dtype(), " in the model");
  return "";
}

bool fits(const LoadReport& report) { return report.missing.empty() && report.unexpected.empty() && report.misfits.empty(); }

// "2 missing (4.kernel, ...), 1 not fitting (0.kernel is (8, 3) in the file and (8, 10) in the model)"; "" where all fits.
std::string counts_text(const LoadReport& report) {
  std::vector<std::string> parts;
  const auto add = [&](size_t count, std::string_view what, const std::string& first) {
    if (count > 0) parts.push_back(concat(count, " ", what, " (", first, count > 1 ? ", ...)" : ")"));
  };
  const auto first_of = [](const std::vector<std::string>& paths) { return paths.empty() ? std::string() : paths[0]; };
  add(report.missing.size(), "missing", first_of(report.missing));
  add(report.unexpected.size(), "not expected", first_of(report.unexpected));
  add(report.misfits.size(), "not fitting", report.misfits.empty() ? "" : concat(report.misfits[0].path, " ", report.misfits[0].problem));
  return join(parts);
}

}  // namespace

LoadReport detail::load_part(const std::vector<Variable>& variables, const std::string& path, const LoadOptions& options) {
  const Safetensors file = read_file(path);
  check_checksum(file, path, false);
  std::vector<std::string> paths, names;
  for (const Variable& variable : variables) paths.push_back(variable.path);
  check_patterns("load", "only:", options.only, paths);
  check_patterns("load", "except:", options.except, paths);
  std::vector<bool> used(options.rename.size());
  std::map<std::string, const Array*> arrays;  // by the renamed path
  for (const NamedArray& entry : file.arrays) {
    names.push_back(renamed(entry.name, options.rename, used));
    if (!arrays.emplace(names.back(), &entry.array).second) fail_file(path, concat("two of its parameters become \"", names.back(), "\""));
  }
  for (size_t i = 0; i < used.size(); ++i) {
    if (used[i]) continue;
    fail_file(path, concat("rename: no path of it begins with \"", options.rename[i].from, "\"",
                           file.arrays.empty() ? "" : concat("; its first one is \"", file.arrays[0].name, "\"")));
  }
  LoadReport report{.file = path, .info = info_from(file, path)};
  std::vector<std::pair<const Variable*, const Array*>> filled;
  for (const Variable& variable : variables) {
    const auto at = arrays.find(variable.path);
    const bool is_asked = (options.only.empty() || matches_any(options.only, variable.path)) && !matches_any(options.except, variable.path);
    if (!is_asked) {
      if (at != arrays.end()) report.left_out.push_back(variable.path);
      continue;
    }
    if (at == arrays.end()) {
      report.missing.push_back(variable.path);
      continue;
    }
    if (std::string problem = misfit(variable, *at->second); !problem.empty()) {
      report.misfits.push_back({variable.path, std::move(problem)});
      continue;
    }
    report.loaded.push_back(variable.path);
    filled.emplace_back(&variable, at->second);
  }
  for (const std::string& name : names) {
    if (std::find(paths.begin(), paths.end(), name) == paths.end()) report.unexpected.push_back(name);
  }
  if (filled.empty()) fail_file(path, concat("nothing of it could be loaded: ", counts_text(report)));
  if (options.is_strict && !fits(report)) fail_file(path, concat("it does not fit the model, as is_strict asks: ", counts_text(report)));
  warn_of_not_finite(file.arrays, path);
  for (const auto& [variable, array] : filled) {
    if (variable->cell) variable->cell->commit(*array);
    else *variable->member = *array;
  }
  return report;
}

std::string to_text(const LoadReport& report) {
  std::string out = concat(printable(report.file), ": ", report.loaded.size(), " parameters loaded", fits(report) ? "" : ", ",
                           printable(counts_text(report)), "\n");
  const auto add = [&](std::string_view what, const std::string& path) { out += concat("  ", what, "  ", printable(path), "\n"); };
  for (const std::string& path : report.missing) add("missing     ", path);
  for (const std::string& path : report.unexpected) add("not expected", path);
  for (const LoadReport::Misfit& each : report.misfits) add("does not fit", concat(each.path, " ", each.problem));
  for (const std::string& path : report.left_out) add("left out    ", path);
  return out;
}

nn::Model load(const std::string& path) {
  const Safetensors file = read_file(path);
  const auto at = file.metadata.find("architecture");
  if (at == file.metadata.end()) fail_file(path, "its metadata lacks the architecture");
  nn::Model model(layer_from(datum_of_json(at->second, path, "architecture"), path), info_from(file, path));
  fill(variables(model), file, path);
  return model;
}

}  // namespace gradus::io

namespace gradus::core {

Datum FieldType<std::vector<io::Renaming>>::write(const std::vector<io::Renaming>& value, FieldWriting&) {
  Datum::Table table;
  for (const io::Renaming& each : value) table.emplace_back(each.from, each.to);
  return table;
}
bool FieldType<std::vector<io::Renaming>>::read(std::vector<io::Renaming>& value, const Datum& given, const FieldNote&, FieldReading&) {
  const Datum::Table* table = given.get_if<Datum::Table>();
  if (!table) return false;
  value.clear();
  for (const auto& [from, to] : *table) {
    if (!to.get_if<std::string>()) throw FieldError(from, concat("expected a text in quotes, got ", to));
    value.push_back({from, *to.get_if<std::string>()});
  }
  return true;
}

}  // namespace gradus::core
