#!/bin/bash
# rest.sh COMPILER SOURCE_DIR FOLDER of headers.sh FILE...: without their lines marked `// refused` the files of refuses/ must compile. All in one, each in a
# namespace of its own.
compiler=$1 source=$2 folder=$3
shift 3
all=$folder/rest.cpp
{
  grep -h '^#include <' "$@" | sort -u
  for file in "$@"; do
    echo "namespace $(basename "$file" .cpp)_ {"
    echo "#line 1 \"$file\""
    sed 's|^#include.*||; s|.*// refused$||' "$file"
    echo "}"
  done
} > "$all"
exec "$compiler" -std=c++20 -w -fsyntax-only -include "$folder/all.hpp" -I "$source" "$all"
