# The libraries that Gradus is linked with and that have no CMake package, or one that asks for more (oneDNN's wants OpenCL's headers). Installed too:
# who links the static library needs them.
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)

# gradus_library(NAME FILES...): the target Gradus::NAME.
function(gradus_library name)
  if(TARGET Gradus::${name})
    return()
  endif()
  find_library(GRADUS_LIBRARY_${name} NAMES ${ARGN} PATHS /usr/lib/gcc/x86_64-linux-gnu/12 /usr/lib/gcc/aarch64-linux-gnu/12)
  mark_as_advanced(GRADUS_LIBRARY_${name})
  if(NOT GRADUS_LIBRARY_${name})
    message(FATAL_ERROR "Gradus needs the library ${name}: on Debian, apt-get install libdnnl-dev libhwy-dev zlib1g-dev g++")
  endif()
  add_library(Gradus::${name} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(Gradus::${name} PROPERTIES IMPORTED_LOCATION ${GRADUS_LIBRARY_${name}})
endfunction()
gradus_library(dnnl dnnl)
gradus_library(hwy hwy)
gradus_library(gomp gomp libgomp.so.1)
