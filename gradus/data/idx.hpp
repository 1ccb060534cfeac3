// IDX files, the form of MNIST and its relatives: two zero bytes, a type, the rank, the sizes (big endian), the elements.
#pragma once

#include <string>

#include "gradus/graph/array.hpp"

namespace gradus::data {

struct IdxOptions {
  int64_t limit = 0;  ///< read only so many of the first samples (positions of axis 0); 0: all
};

/// The array in an IDX file, plain or gzip. Unsigned bytes give uint8; signed bytes, shorts and ints int32; floats and doubles
/// their own dtype. The announced sizes are checked against the file's size before anything is allocated; beside the array itself a fixed
/// amount of memory is taken, however far the file inflates.
Array read_idx(const std::string& path, IdxOptions options = {});

/// The sizes that an IDX file announces, from its header alone.
Shape idx_shape(const std::string& path);

}  // namespace gradus::data
