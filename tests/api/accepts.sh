#!/bin/bash
# accepts.sh COMPILER FILE SOURCE_DIR FOLDER of headers.sh: the file must compile without a warning.
exec "$1" -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -include "$4/all.hpp" -I "$3" "$2"
