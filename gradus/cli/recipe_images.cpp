// Images as samples.
#include "gradus/cli/recipe_images.hpp"

#include <filesystem>

#include "gradus/base/file.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/data/table/read_table.hpp"
#include "gradus/nn/fields.hpp"

namespace gradus::cli {

std::span<const FieldNote> Images::field_notes() {
  static constexpr FieldNote notes[] = {
      {"path", "a folder that has a folder of PNG and JPEG files for each class, or a table with a column of their paths", {}, true},
      {"test_path", "the same of the test samples; by default a share of the samples is for testing"},
      {"target", "column of a table that is to be foretold; by default the only one beside the images"},
      {"size", "height and width that all images get", range::positive},
      {"channels", "1 grey, 3 colours, 4 with alpha", {.low = 1, .high = 4}},
      {"fit", "how images of other proportions come to that size"},
      kTest,
      {"stratify", "whether both parts have the classes in the same proportions"}};
  return notes;
}

namespace {

// Rows of one table, or of the table that a folder is; paths in a table begin where it lies.
struct ImageTable {
  data::Table table{};
  std::string folder{};
};
ImageTable read_images(const std::string& path) {
  const bool is_folder = file::is_folder(path);
  return {data::read_table(path), is_folder ? std::string() : std::filesystem::path(path).parent_path().string()};
}

const data::Column* target_of(const data::Table& table, const std::string& target) {
  if (!target.empty()) return &table[target];
  const data::Column* out = nullptr;
  for (const data::Column& column : table.columns()) {
    if (column.type() == data::ColumnType::image) continue;
    if (out) return nullptr;  // image_set says what is wrong
    out = &column;
  }
  return out;
}

// The classes in the order in which the model has them.
data::Table with_classes(const data::Table& table, const std::string& target, const std::vector<std::string>& class_names) {
  const data::Column* column = target_of(table, target);
  if (class_names.empty() || !column || column->has_numbers()) return table;
  std::vector<std::string> texts;
  for (int64_t row = 0; row < column->size(); ++row) texts.push_back(column->cell(row));
  return table.with(data::Column::ordinal(column->name(), texts, class_names).as(data::ColumnType::categorical));
}

}  // namespace

Source Images::source(const Section& section, uint64_t seed) const {
  if (channels == 2) throw FieldError("channels", "expected 1, 3 or 4, got 2");
  Images own = *this;
  own.path = section.located("path", path);
  if (!test_path.empty()) own.test_path = section.located("test_path", test_path);
  const auto load = [own, seed](const Loading& loading) {
    const auto set_of = [&](const ImageTable& images) {
      const data::ImageSetOptions options{.height = own.size[0],
                                          .width = own.size[1],
                                          .channels = own.channels,
                                          .fit = own.fit,
                                          .target = own.target,
                                          .folder = images.folder};
      data::Dataset set = data::image_set(images.table, options);
      set.name = std::filesystem::path(own.path).filename().string();
      set.description = concat(images.table.rows(), " images");
      return set;
    };
    ImageTable train = read_images(own.path), test{{}, train.folder};
    train.table = with_classes(train.table, own.target, loading.class_names);
    const data::Column* target = target_of(train.table, own.target);
    if (!own.test_path.empty()) {
      test = read_images(own.test_path);
      const bool has_classes = target && target->is_coded();
      test.table = with_classes(test.table, own.target, has_classes ? target->categories() : loading.class_names);
    } else if (own.test > 0) {
      const bool is_divided_by_class = own.stratify && target && target->is_coded();
      std::tie(test.table, train.table) = data::split(
          train.table, own.test, seed, {.stratify = is_divided_by_class ? target->name() : std::string(), .group = {}, .time = {}});
    }
    if (loading.limit > 0 && loading.limit < train.table.rows()) train.table = train.table.rows(0, loading.limit);
    return Sets(set_of(train), test.table.rows() > 0 ? set_of(test) : data::Dataset());
  };
  return {load, Shape{size[0], size[1], channels}};
}

data::Fit fit_of(const nn::ModelInfo& info) {
  const auto found = info.extra.find(kRecipeText);
  if (found == info.extra.end()) return data::Fit::stretch;
  const Document document("the recipe of the model", found->second);
  const std::string said = document.root()["data"]["fit"].value_or(std::string());
  const auto names = enum_names(data::Fit());
  const auto at = std::find(names.begin(), names.end(), said);
  return at == names.end() ? data::Fit::stretch : static_cast<data::Fit>(at - names.begin());
}

}  // namespace gradus::cli
