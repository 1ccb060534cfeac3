// Sizes, padding and layers as data.
#include "gradus/nn/fields.hpp"

#include <algorithm>
#include <iterator>

#include "gradus/nn/activation.hpp"
#include "gradus/nn/factory.hpp"

namespace gradus::core {

namespace {
constexpr int kMostNested = 64;
constexpr int64_t kMostLayers = 100'000;

std::string path_in_list(size_t index, const FieldError& error) {
  return concat("[", index, "]", error.place().empty() ? "" : ".", error.place());
}

std::string read_type(const Datum::Table& given, const Datum* type, const FieldReading& reading) {
  if (!reading.is_file) return read_name(given, "type", nn::library_layers());
  const std::string* name = type ? type->get_if<std::string>() : nullptr;
  if (!name) throw FieldError("", "has no type");
  if (nn::is_library_layer(*name)) return *name;
  throw FieldError("", concat("has type ", *name,
                              ", which is not a layer of the library; make the model yourself and fill it with io::load(model, path)"));
}

}  // namespace

std::string expected_sizes(const FieldNote& note, int64_t rank) {
  const std::string one = note.range.expected(true);
  return rank == 1 ? one : rank == 2 ? one + " or [height, width]" : one + " or a list of them";
}

bool read_sizes(std::span<int64_t> sizes, const Datum& given, const FieldNote& note) {
  FieldReading reading;
  std::vector<int64_t> numbers;
  if (!FieldType<std::vector<int64_t>>::read(numbers, given, note, reading) || (numbers.size() != 1 && numbers.size() != sizes.size()))
    return false;
  for (size_t i = 0; i < sizes.size(); ++i) sizes[i] = numbers.size() == 1 ? numbers[0] : numbers[i];
  return true;
}

Datum FieldType<Padding>::write(const Padding& value, FieldWriting&) {
  if (value.is_same()) return "same";
  Datum::List list;
  for (const PadWidth& width : value.widths()) list.push_back(Datum::List{width.before, width.after});
  return list;
}

bool FieldType<Padding>::read(Padding& value, const Datum& given, const FieldNote&, FieldReading&) {
  const auto width = [](const Datum& entry, int64_t& number) {
    const int64_t* integer = entry.get_if<int64_t>();
    if (integer) number = *integer;
    return integer && *integer >= 0;
  };
  int64_t number = 0;
  if (given == Datum("same")) value = same;
  else if (given == Datum("valid")) value = valid;
  else if (width(given, number)) value = number;
  else if (const Datum::List* list = given.get_if<Datum::List>(); list && !list->empty() && list->size() <= 8) {
    std::vector<PadWidth> widths;
    for (const Datum& entry : *list) {
      int64_t before = 0, after = 0;
      const Datum::List* pair = entry.get_if<Datum::List>();
      if (pair ? pair->size() != 2 || !width((*pair)[0], before) || !width((*pair)[1], after) : !width(entry, before)) return false;
      widths.push_back(pair ? PadWidth(before, after) : PadWidth(before));
    }
    value = Padding(widths);
  } else {
    return false;
  }
  return true;
}

Datum FieldType<nn::Layer>::write(const nn::Layer& value, FieldWriting& writing) {
  Datum::Table out;
  if (const void* identity = value.shared_identity()) {
    const auto [at, is_new] = writing.shared.emplace(identity, static_cast<int>(writing.shared.size()));
    out.emplace_back("shared", at->second);
    if (!is_new) return out;
  }
  out.emplace_back("type", value.type());
  Datum::Table fields = value.write(writing);
  std::move(fields.begin(), fields.end(), std::back_inserter(out));
  return out;
}

bool FieldType<nn::Layer>::read(nn::Layer& value, const Datum& given, const FieldNote&, FieldReading& reading) {
  const Datum::Table* table = given.get_if<Datum::Table>();
  if (!table) return false;
  if (reading.depth >= kMostNested || ++reading.things > kMostLayers)
    throw FieldError("", "is nested too deeply, or one of too many layers");
  const Datum* shared = reading.is_file ? given.find("shared") : nullptr;
  const int64_t* number = shared ? shared->get_if<int64_t>() : nullptr;
  if (shared && !number) throw FieldError("shared", "is not a number");
  const Datum* type = given.find("type");
  if (number && !type) {
    const auto known = reading.shared.find(*number);
    if (known == reading.shared.end()) throw FieldError("", concat("shares layer ", *number, ", which does not stand before it"));
    value = nn::Shared<nn::Layer>(std::static_pointer_cast<nn::Layer>(known->second));
    return true;
  }
  nn::Layer layer = nn::make_layer(read_type(*table, type, reading));
  ++reading.depth;
  try {
    static const std::string others[] = {"type", "shared"};
    layer.read(*table, reading, std::span(others).first(reading.is_file ? 2 : 1));
  } catch (const FieldError&) {
    throw;
  } catch (const Error& error) {  // of what lies between fields
    throw FieldError(reading.is_file ? "" : "type", error.what());
  }
  --reading.depth;
  if (!number) {
    value = std::move(layer);
    return true;
  }
  const auto held = std::make_shared<nn::Layer>(std::move(layer));
  reading.shared[*number] = held;
  value = nn::Shared<nn::Layer>(held);
  return true;
}

Datum FieldType<std::vector<nn::Layer>>::write(const std::vector<nn::Layer>& value, FieldWriting& writing) {
  Datum::List list;
  for (const nn::Layer& layer : value) {
    try {
      list.push_back(FieldType<nn::Layer>::write(layer, writing));
    } catch (const FieldError& error) {
      throw FieldError(path_in_list(list.size(), error), error.problem());
    }
  }
  return list;
}

bool FieldType<std::vector<nn::Layer>>::read(std::vector<nn::Layer>& value, const Datum& given, const FieldNote& note,
                                             FieldReading& reading) {
  const Datum::List* list = given.get_if<Datum::List>();
  if (!list) return false;
  std::vector<nn::Layer> layers;
  for (size_t i = 0; i < list->size(); ++i) {
    try {
      nn::Layer layer = nn::Activation();
      if (!FieldType<nn::Layer>::read(layer, (*list)[i], note, reading)) throw FieldError("", concat("expected a table, got ", (*list)[i]));
      layers.push_back(std::move(layer));
    } catch (const FieldError& error) {
      throw FieldError(path_in_list(i, error), error.problem());
    }
  }
  value = std::move(layers);
  return true;
}

}  // namespace gradus::core
