#!/bin/bash
# headers.sh COMPILER SOURCE_DIR FOLDER: all of the library as a precompiled header, FOLDER/all.hpp, for the other scripts here. No warning in it either.
compiler=$1 source=$2 folder=$3
rm -rf "$folder"; mkdir -p "$folder"
echo '#include "gradus/gradus.hpp"' > "$folder/all.hpp"
case $("$compiler" --version | head -1) in
  *clang*) out=$folder/all.hpp.pch ;;
  *) out=$folder/all.hpp.gch ;;
esac
exec "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Werror -x c++-header -I "$source" "$folder/all.hpp" -o "$out"
