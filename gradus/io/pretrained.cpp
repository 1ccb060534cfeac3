// Loading by other systems' names.
#include "gradus/io/pretrained.hpp"

#include <algorithm>
#include <set>

#include "gradus/base/error.hpp"
#include "gradus/base/text.hpp"
#include "gradus/io/safetensors.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::io {

using namespace core;

namespace {

[[noreturn]] void fail_file(const std::string& path, const std::string& what) { throw Error(Error::Kind::io, path, what); }

std::vector<std::string> names_in(const Safetensors& file) {
  std::vector<std::string> names;
  for (const NamedArray& entry : file.arrays) names.push_back(entry.name);
  return names;
}

// The array as the model has it.
Array converted(const WeightSource& source, const Array& array) {
  Array out = source.is_transposed ? transpose(array) : array;
  if (source.parts > 1) {
    const int64_t width = out.shape(-1) / source.parts;
    out = out[{ellipsis, slice(source.part * width, (source.part + 1) * width)}];
  }
  return out;
}

}  // namespace

LoadReport detail::load_pretrained(const std::vector<Variable>& variables, const std::vector<WeightSource>& sources,
                                   const std::string& path) {
  const Safetensors file = load_safetensors(path);
  LoadReport report{.file = path};
  std::vector<std::pair<const Variable*, Array>> filled;
  std::set<std::string> used;
  for (const WeightSource& source : sources) {
    const auto variable = std::find_if(variables.begin(), variables.end(), [&](const Variable& one) { return one.path == source.path; });
    if (variable == variables.end()) continue;
    const auto name =
        std::find_if(source.names.begin(), source.names.end(), [&](const std::string& one) { return file.find(one) != nullptr; });
    if (name == source.names.end()) {
      if (!source.is_optional) {
        const std::string near = nearest(source.names[0], names_in(file));
        fail_file(path, concat("it has no array \"", source.names[0], "\" for parameter \"", source.path, "\"",
                               near.empty() ? "" : concat("; the nearest is \"", near, "\"")));
      }
      report.missing.push_back(source.path);
      continue;
    }
    const Array& found = *file.find(*name);
    if (!found.dtype().is_float()) fail_file(path, concat("its array \"", *name, "\" is ", found.dtype(), "; it must be a float"));
    if (found.rank() == 0 || found.shape(source.is_transposed ? 0 : -1) % source.parts) {
      fail_file(path, concat("its array \"", *name, "\" is ", found.shape(), "; it must hold ", source.parts, " equal parts"));
    }
    Array value = converted(source, found);
    const DType dtype = variable->exists() ? variable->get().dtype() : float32;
    if (variable->exists() && variable->get().shape() != value.shape()) {
      fail_file(path, concat("its array \"", *name, "\" gives ", value.shape(), " for parameter \"", source.path, "\", which is ",
                             variable->get().shape()));
    }
    used.insert(*name);
    report.loaded.push_back(source.path);
    filled.emplace_back(&*variable, value.astype(dtype).eval());
  }
  for (const NamedArray& entry : file.arrays) {
    if (!used.contains(entry.name)) report.unexpected.push_back(entry.name);
  }
  for (const auto& [variable, value] : filled) {
    if (variable->cell) variable->cell->commit(value);
    else *variable->member = value;
  }
  return report;
}

}  // namespace gradus::io
