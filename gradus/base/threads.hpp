// How many threads the library may use. Its parallel loops: base/parallel.hpp.
#pragma once

namespace gradus {

/// Number of threads that a parallel loop may use; starts as OMP_NUM_THREADS, else the number of processors.
int threads();
/// Sets it for the whole process. count >= 1.
void set_threads(int count);

}  // namespace gradus
