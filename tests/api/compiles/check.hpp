// What the programs of this folder check themselves with.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the program with the place if `fact` does not hold.
#define CHECK(...)                                                                     \
  do {                                                                                 \
    if (!(__VA_ARGS__)) {                                                              \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #__VA_ARGS__); \
      std::exit(1);                                                                    \
    }                                                                                  \
  } while (false)
