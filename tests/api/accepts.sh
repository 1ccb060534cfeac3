#!/bin/bash
# accepts.sh COMPILER FILE SOURCE_DIR: the file must compile without a warning.
exec "$1" -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I "$3" "$2"
