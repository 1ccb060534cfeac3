// Folders of images as tables.
#include <algorithm>
#include <filesystem>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/table/other_tables.hpp"
#include "gradus/data/text/utf8.hpp"

namespace gradus::data {

using namespace core;

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> sorted_content(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().string().starts_with('.')) out.push_back(at->path());
  }
  if (error) fail_io(folder.string(), "cannot be read: ", error.message());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

bool is_image_path(std::string_view path) {
  std::string end(path.substr(path.size() < 5 ? 0 : path.size() - 5));
  for (char& c : end) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return end.ends_with(".png") || end.ends_with(".jpg") || end.ends_with(".jpeg");
}

Table read_image_folder(const std::string& path, const TableOptions& options) {
  std::vector<std::string> images, labels;
  int64_t others = 0;
  for (const fs::path& folder : sorted_content(path)) {
    if (!fs::is_directory(folder)) {
      ++others;
      continue;
    }
    for (const fs::path& file : sorted_content(folder)) {
      if (options.limit > 0 && static_cast<int64_t>(images.size()) == options.limit) break;
      if (!is_image_path(file.string())) {
        ++others;
        continue;
      }
      images.push_back(file.string());
      labels.push_back(folder.filename().string());
    }
  }
  if (images.empty()) fail_io(path, "there is no folder with PNG or JPEG files in it; images of one class lie in a folder of that name");
  Texts paths;
  for (const std::string& each : images) paths.add(each);
  for (const std::string& label : labels) {
    if (invalid_utf8(label) >= 0) fail_io(path, "the name of the folder \"", printable(label), "\" is not UTF-8; it names a class");
  }
  Table out({Column::text("image", std::move(paths), ColumnType::image), Column::categorical("label", labels)});
  const std::vector<std::string> names = out.names();
  wanted_columns(path, {.names = names, .behind = {}}, options);
  if (!options.columns.empty()) out = out.select(options.columns);
  if (others > 0)
    out.notes.push_back(
        concat(others, others == 1 ? " file is no image in a folder, and left out" : " files are no images in a folder, and left out"));
  return out;
}

}  // namespace gradus::data
