// Fashion-MNIST: 60,000 + 10,000 grey images of ten kinds of clothing (Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017).
#pragma once

#include <string>
#include <utility>

#include "gradus/data/dataset.hpp"

namespace gradus::data {

/// Training and test set: x is (N, 28, 28, 1) float32, 0 (background) to 1; y is (N,) int64, 0 to 9, with class names.
/// Reads IDX files, plain or gzip, from `folder`; if that is empty, from fashion-mnist/ in the folder that the environment variable
/// GRADUS_DATA names, else from /usr/share/datasets/fashion-mnist, where the Debian package dataset-fashion-mnist puts them.
std::pair<Dataset, Dataset> fashion_mnist(const std::string& folder = {});

}  // namespace gradus::data
