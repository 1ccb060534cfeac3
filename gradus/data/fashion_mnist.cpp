// Fashion-MNIST.
#include "gradus/data/fashion_mnist.hpp"

#include <cstdlib>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/data/idx.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr const char* kDebianFolder = "/usr/share/datasets/fashion-mnist";

std::string find_folder(const std::string& asked) {
  if (!asked.empty()) return asked;
  const char* above = std::getenv("GRADUS_DATA");
  if (!above || !*above) return kDebianFolder;
  const std::string inside = std::string(above) + "/fashion-mnist";
  return file::is_folder(inside) ? inside : above;
}

Array read(const std::string& folder, const std::string& name) {
  for (const std::string& path : {folder + "/" + name + ".gz", folder + "/" + name}) {
    if (file::exists(path)) return read_idx(path);
  }
  fail_io("fashion_mnist", "there is no ", name, ".gz in ", folder,
          "; install the Debian package dataset-fashion-mnist, or let GRADUS_DATA name the folder that fashion-mnist is in");
}

// The same elements under another shape, without a copy.
Array with_shape(const Array& array, const Shape& shape) {
  const Value& value = value_of(array);
  return make_leaf(value.buffer, array.dtype(), shape);
}

Array widen_labels(const Array& labels) {
  BufferPtr out = allocate(labels.size() * 8, "labels");
  copy_elements(labels, int64, out->data());
  return make_leaf(std::move(out), int64, labels.shape());
}

Dataset load(const std::string& folder, const std::string& prefix, const char* description) {
  const Array images = read(folder, prefix + "-images-idx3-ubyte"), labels = read(folder, prefix + "-labels-idx1-ubyte");
  if (images.dtype() != uint8 || images.rank() != 3 || images.shape(1) != 28 || images.shape(2) != 28) {
    fail_io(folder, prefix, " images are ", images.shape(), " of ", images.dtype(), "; they must be (N, 28, 28) of uint8");
  }
  if (labels.rank() != 1 || labels.shape(0) != images.shape(0)) {
    fail_io(folder, prefix, " labels are ", labels.shape(), ", images ", images.shape(), "; their numbers must be equal");
  }
  const std::vector<std::string> names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  return Dataset::from_bytes(with_shape(images, {images.shape(0), 28, 28, 1}), widen_labels(labels),
                             {.class_names = names, .name = "fashion_mnist", .description = description});
}

}  // namespace

std::pair<Dataset, Dataset> fashion_mnist(const std::string& folder) {
  const std::string found = find_folder(folder);
  return {load(found, "train", "Fashion-MNIST, training images"), load(found, "t10k", "Fashion-MNIST, test images")};
}

}  // namespace gradus::data
