#!/bin/bash
# headers.sh COMPILER SOURCE_DIR FOLDER: gradus.hpp as a precompiled header in FOLDER, for refuses.sh.
compiler=$1 source=$2 folder=$3
rm -rf "$folder"; mkdir -p "$folder/gradus"
case $("$compiler" --version | head -1) in
  *clang*) out=$folder/gradus.pch ;;
  *) out=$folder/gradus/gradus.hpp.gch ;;  # found in place of gradus.hpp, where that is the first include
esac
exec "$compiler" -std=c++20 -w -x c++-header -I "$source" "$source/gradus/gradus.hpp" -o "$out"
