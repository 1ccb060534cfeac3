// Golden ops that rearrange, select and make arrays.
#include "tests/golden/call.hpp"

namespace golden {
namespace {

using namespace gradus;
using namespace gradus::core;

Index index_entry(const Json& entry) {
  if (entry.is_number()) return Index(entry.get<int64_t>());
  if (entry == "...") return Index(ellipsis);
  if (entry == "newaxis") return Index(newaxis);
  const auto end = [&](size_t i) { return entry[i].is_null() ? SliceEnd() : SliceEnd(entry[i].get<int64_t>()); };
  return Index(slice(end(0), end(1), entry[2].is_null() ? 1 : entry[2].get<int64_t>()));
}

// a[{...}] takes braces, whose length is known when compiling; the cases have up to five entries.
template <class F>
auto with_index(const Json& entries, F f) {
  std::vector<Index> index;
  for (const Json& entry : entries) index.push_back(index_entry(entry));
  switch (index.size()) {
    case 1: return f({index[0]});
    case 2: return f({index[0], index[1]});
    case 3: return f({index[0], index[1], index[2]});
    case 4: return f({index[0], index[1], index[2], index[3]});
    case 5: return f({index[0], index[1], index[2], index[3], index[4]});
    default: throw NotCovered("an index of that many entries");
  }
}

std::vector<PadWidth> pad_widths(const Json& pairs) {
  std::vector<PadWidth> widths;
  for (const Json& pair : pairs) widths.emplace_back(pair[0].get<int64_t>(), pair[1].get<int64_t>());
  return widths;
}
PadMode pad_mode(const std::string& name) {
  if (name == "reflect") return PadMode::reflect;
  if (name == "edge" || name == "replicate") return PadMode::edge;
  if (name == "wrap" || name == "circular") return PadMode::wrap;
  if (name == "symmetric") return PadMode::symmetric;
  throw NotCovered("pad mode " + name);
}
Results run_pad(const Call& c, const std::vector<PadWidth>& widths) {
  const std::string mode = c.text("mode");
  if (mode != "constant") return pad(c["x"], widths, pad_mode(mode));
  return pad(c["x"], widths, Array(c.number("value", 0)));
}
// PyTorch's order: pairs from the last axis to the front; a negative width cuts off.
Results torch_pad(const Call& c) {
  const std::vector<int64_t> flat = c.integers("pad");
  const int64_t rank = c["x"].rank();
  std::vector<PadWidth> widths(static_cast<size_t>(rank), PadWidth(0));
  Array x = c["x"];
  for (size_t i = 0; 2 * i < flat.size(); ++i) {
    const int64_t axis = rank - 1 - static_cast<int64_t>(i);
    const int64_t before = flat[2 * i], after = flat[2 * i + 1];
    widths[static_cast<size_t>(axis)] = PadWidth(std::max<int64_t>(before, 0), std::max<int64_t>(after, 0));
    if (before >= 0 && after >= 0) continue;
    x = moveaxis(x, axis, 0);
    x = x[slice(std::max<int64_t>(-before, 0), x.shape(0) - std::max<int64_t>(-after, 0))];
    x = moveaxis(x, 0, axis);
  }
  const Arguments inputs{{"x", {{x}, false}}};
  return run_pad(Call(inputs, c.attrs(), c.dtype), widths);
}

Results squeeze_case(const Call& c) { return c.is_set("axis") ? squeeze(c["x"], c.integers("axis")) : squeeze(c["x"]); }
Results roll_case(const Call& c) {
  if (!c.is_set("axis")) return roll(c["x"], c.integer("shift"));
  return roll(c["x"], c.integers("shift"), c.integers("axis"));
}
Results expand_case(const Call& c) {
  // PyTorch: -1 keeps the size.
  std::vector<int64_t> sizes = c.integers("shape");
  const size_t extra = sizes.size() - static_cast<size_t>(c["x"].rank());
  for (size_t i = 0; i < sizes.size(); ++i)
    if (sizes[i] == -1) sizes[i] = c["x"].shape(static_cast<int64_t>(i - extra));
  return broadcast_to(c["x"], Shape(sizes));
}
Results repeat_interleave(const Call& c) {
  if (c.has("repeats")) return repeat_each(c["x"], c["repeats"].to_vector<int64_t>(), c.integer("axis"));
  return c.is_set("axis") ? repeat(c["x"], c.integer("repeats"), c.integer("axis")) : repeat(c["x"], c.integer("repeats"));
}
Results torch_chunk(const Call& c) {
  const int64_t axis = c.integer("axis"), size = c["x"].shape(axis), each = (size + c.integer("chunks") - 1) / c.integer("chunks");
  std::vector<int64_t> positions;
  for (int64_t at = each; at < size; at += each) positions.push_back(at);
  return split_at(c["x"], positions, axis);
}
Results index_put(const Call& c) {
  Array out = c["x"];
  if (c.flag("accumulate")) out.add(Index(c["i"]), c["v"]);
  else out.set(Index(c["i"]), c["v"]);
  return out;
}
Results slice_assign(const Call& c) {
  Array out = c["x"];
  with_index(c.attrs()["index"], [&](std::initializer_list<Index> index) {
    out.set(index, c["v"]);
    return 0;
  });
  return out;
}
Results index_fill(const Call& c) {
  Array out = moveaxis(c["x"], c.integer("axis"), 0);
  out.set(Index(c["index"]), c.number("value"));
  return moveaxis(out, 0, c.integer("axis"));
}
Results masked_fill(const Call& c) { return where(c["mask"], c.number("value"), c["x"]); }
// src's elements in order at the true places of the mask.
Results masked_scatter(const Call& c) {
  const Array mask = broadcast_to(c["mask"], c["x"].shape());
  const Array places = argwhere(ravel(mask))[{slice(), 0}];
  const Array values = ravel(c["src"])[slice(places.shape(0))];
  Array out = ravel(c["x"]);
  out.set(Index(places), values);
  return reshape(out, c["x"].shape());
}
Results embedding_case(const Call& c) {
  Array table = c["weight"];
  if (c.is_set("padding_idx")) {  // that row gets no gradient
    const Array is_padding = expand_dims(arange(table.shape(0)) == c.integer("padding_idx"), 1);
    table = where(is_padding, stop_gradient(table), table);
  }
  return embedding(table, c["index"]);
}
Results sort_case(const Call& c) {
  const int64_t axis = c.integer("axis");
  const Array order = argsort(c["x"], axis, c.flag("descending"));
  const Array sorted = sort(c["x"], axis, c.flag("descending"));
  return {{"values", sorted}, {"y", sorted}, {"indices", order}};
}
Results topk_case(const Call& c) {
  auto [values, positions] = topk(c["x"], c.integer("k"), c.integer("axis"), c.flag("largest", true));
  return {{"values", values}, {"indices", positions}};
}
Results kthvalue(const Call& c) {
  const int64_t axis = c.integer("axis");
  const Array at(c.integer("k") - 1);
  return {{"values", take(sort(c["x"], axis), at, axis)}, {"indices", take(argsort(c["x"], axis), at, axis)}};
}
Results searchsorted_case(const Call& c) {
  return searchsorted(c["sorted"], c["v"], c.text("side", "left") == "right" ? Side::right : Side::left);
}
Results bucketize(const Call& c) { return searchsorted(c["boundaries"], c["x"], c.flag("right") ? Side::right : Side::left); }
Results bincount(const Call& c) {
  const Array x = c["x"];
  int64_t bins = c.integer("minlength", 0);
  for (const int64_t value : x.to_vector<int64_t>()) bins = std::max(bins, value + 1);
  if (!c.has("weights")) return sum(one_hot(x, bins, int64), 0);
  return index_add(zeros({bins}, c["weights"].dtype()), x, c["weights"], 0);
}
Results meshgrid_case(const Call& c) {
  const std::vector<Array> grid = meshgrid({c["x"], c["y"]}, c.text("indexing") == "xy" ? Indexing::xy : Indexing::ij);
  return {{"gx", grid[0]}, {"gy", grid[1]}};
}
Scalar scalar(const Json& value) { return value.is_number_integer() ? Scalar(value.get<int64_t>()) : Scalar(value.get<double>()); }
Results arange_case(const Call& c) {
  const Json& a = c.attrs();
  return arange(scalar(a["start"]), scalar(a["stop"]), scalar(a["step"]), c.dtype);
}
Results view_chain(const Call& c) {
  const Array cut = transpose(c["x"], {2, 0, 1})[{slice(1, {}), slice(), slice({}, {}, 2)}];
  return reshape(swapaxes(flip(cut, 0), 0, 2) * 2, -1)[slice(1, {})];
}
std::vector<int64_t> pair_of(const Call& c, const char* name) { return c.integers(name); }

const Entry table[] = {
    {"reshape", [](const Call& c) -> Results { return reshape(c["x"], c.integers("shape")); }},
    {"transpose", [](const Call& c) -> Results { return swapaxes(c["x"], c.integer("axis0"), c.integer("axis1")); }},
    {"permute", [](const Call& c) -> Results { return transpose(c["x"], c.integers("axes")); }},
    {"moveaxis", [](const Call& c) -> Results { return moveaxis(c["x"], c.integers("source"), c.integers("destination")); }},
    {"expand", expand_case},
    {"squeeze", squeeze_case},
    {"unsqueeze", [](const Call& c) -> Results { return expand_dims(c["x"], c.integers("axis")); }},
    {"flatten", [](const Call& c) -> Results { return flatten(c["x"], c.integer("start_axis"), c.integer("end_axis")); }},
    {"concat", [](const Call& c) -> Results { return concatenate(c.list("tensors"), c.integer("axis")); }},
    {"concat_same",
     [](const Call& c) -> Results {
       return concatenate({c["x"], c["x"], 2 * c["x"]}, c.integer("axis"));
     }},
    {"stack", [](const Call& c) -> Results { return stack(c.list("tensors"), c.integer("axis")); }},
    {"hstack", [](const Call& c) -> Results { return hstack(c.list("tensors")); }},
    {"vstack", [](const Call& c) -> Results { return vstack(c.list("tensors")); }},
    {"dstack", [](const Call& c) -> Results { return dstack(c.list("tensors")); }},
    {"column_stack", [](const Call& c) -> Results { return column_stack(c.list("tensors")); }},
    {"split", [](const Call& c) -> Results { return split_sizes(c["x"], c.integers("sizes"), c.integer("axis")); }},
    {"array_split", [](const Call& c) -> Results { return array_split(c["x"], c.integer("sections"), c.integer("axis")); }},
    {"split_at", [](const Call& c) -> Results { return split_at(c["x"], c.integers("indices"), c.integer("axis")); }},
    {"chunk", torch_chunk},
    {"unbind", [](const Call& c) -> Results { return unstack(c["x"], c.integer("axis")); }},
    {"slice",
     [](const Call& c) -> Results {
       return with_index(c.attrs()["index"], [&](std::initializer_list<Index> index) { return c["x"][index]; });
     }},
    {"index_int_array", [](const Call& c) -> Results { return c["x"][c["i"]]; }},
    {"index_two_arrays",
     [](const Call& c) -> Results {
       return c["x"][{c["i"], c["j"]}];
     }},
    {"index_outer",
     [](const Call& c) -> Results {
       return c["x"][{c["i"], c["j"]}];
     }},
    {"index_slice_array",
     [](const Call& c) -> Results {
       return c["x"][{slice(), c["j"]}];
     }},
    {"index_bool", [](const Call& c) -> Results { return c["x"][c["m"]]; }},
    {"index_bool_rows", [](const Call& c) -> Results { return c["x"][c["m"]]; }},
    {"index_put", index_put},
    {"slice_assign", slice_assign},
    {"flip", [](const Call& c) -> Results { return flip(c["x"], c.integers("axis")); }},
    {"roll", roll_case},
    {"rot90", [](const Call& c) -> Results { return rot90(c["x"], c.integer("k"), pair_of(c, "axes")[0], pair_of(c, "axes")[1]); }},
    {"tile", [](const Call& c) -> Results { return tile(c["x"], c.integers("reps")); }},
    {"repeat", [](const Call& c) -> Results { return tile(c["x"], c.integers("repeats")); }},
    {"repeat_interleave", repeat_interleave},
    {"pad", [](const Call& c) -> Results { return run_pad(c, pad_widths(c.attrs()["pad_width"])); }},
    {"torch_pad", torch_pad},
    {"gather", [](const Call& c) -> Results { return gather(c["x"], c["index"], c.integer("axis")); }},
    {"take_along_axis", [](const Call& c) -> Results { return take_along_axis(c["x"], c["index"], c.integer("axis")); }},
    {"scatter", [](const Call& c) -> Results { return scatter(c["x"], c["index"], c["src"], c.integer("axis")); }},
    {"scatter_add", [](const Call& c) -> Results { return scatter_add(c["x"], c["index"], c["src"], c.integer("axis")); }},
    {"scatter_value",
     [](const Call& c) -> Results {
       return scatter(c["x"], c["index"], full(c["index"].shape(), c.number("value"), c.dtype), c.integer("axis"));
     }},
    {"index_select", [](const Call& c) -> Results { return take(c["x"], c["index"], c.integer("axis")); }},
    {"index_add",
     [](const Call& c) -> Results { return index_add(c["x"], c["index"], c.number("alpha", 1) * c["src"], c.integer("axis")); }},
    {"index_copy", [](const Call& c) -> Results { return index_copy(c["x"], c["index"], c["src"], c.integer("axis")); }},
    {"index_fill", index_fill},
    {"take", [](const Call& c) -> Results { return take(c["x"], c["index"]); }},
    {"masked_select", [](const Call& c) -> Results { return c["x"][broadcast_to(c["mask"], c["x"].shape())]; }},
    {"masked_fill", masked_fill},
    {"masked_scatter", masked_scatter},
    {"nonzero", [](const Call& c) -> Results { return argwhere(c["x"]); }},
    {"one_hot", [](const Call& c) -> Results { return one_hot(c["index"], c.integer("num_classes"), int64); }},
    {"tril", [](const Call& c) -> Results { return tril(c["x"], c.integer("k")); }},
    {"triu", [](const Call& c) -> Results { return triu(c["x"], c.integer("k")); }},
    {"diag", [](const Call& c) -> Results { return diag(c["x"], c.integer("k")); }},
    {"diagonal", [](const Call& c) -> Results { return diagonal(c["x"], c.integer("offset"), c.integer("axis1"), c.integer("axis2")); }},
    {"diag_embed", [](const Call& c) -> Results { return diag_embed(c["x"], c.integer("offset")); }},
    {"sort", sort_case},
    {"argsort", [](const Call& c) -> Results { return argsort(c["x"], c.integer("axis"), c.flag("descending")); }},
    {"topk", topk_case},
    {"kthvalue", kthvalue},
    {"searchsorted", searchsorted_case},
    {"bucketize", bucketize},
    {"bincount", bincount},
    {"bincount_weighted", bincount},
    {"embedding", embedding_case},
    {"meshgrid", meshgrid_case},
    {"arange", arange_case},
    {"linspace", [](const Call& c) -> Results { return linspace(c.number("start"), c.number("stop"), c.integer("num"), c.dtype); }},
    {"logspace",
     [](const Call& c) -> Results { return logspace(c.number("start"), c.number("stop"), c.integer("num"), c.number("base"), c.dtype); }},
    {"eye", [](const Call& c) -> Results { return eye(c.integer("n"), c.integer("m"), 0, c.dtype); }},
    {"unravel_index", [](const Call& c) -> Results { return unravel_index(c["index"], Shape(c.integers("shape"))); }},
    {"sliding_windows",
     [](const Call& c) -> Results { return sliding_windows(c["x"], c.integer("size"), c.integer("axis"), c.integer("step")); }},
    {"view_chain", view_chain},
};

}  // namespace

Table shape_table() { return table; }

}  // namespace golden
