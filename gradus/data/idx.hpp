// IDX files, the form of MNIST and its relatives: two zero bytes, a type, the rank, the sizes (big endian), the elements.
#pragma once

#include <string>

#include "gradus/graph/array.hpp"

namespace gradus::data {

/// The array in an IDX file, plain or gzip. Unsigned bytes give uint8; signed bytes, shorts and ints int32; floats and doubles
/// their own dtype. The announced sizes are checked against the file's size before anything is allocated.
Array read_idx(const std::string& path);

}  // namespace gradus::data
