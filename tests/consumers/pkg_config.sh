#!/usr/bin/env bash
# pkg_config.sh COMPILER INSTALLED FOLDER: compiles and runs the consumer by pkg-config alone.
set -euo pipefail
compiler=$1 installed=$2 folder=$3
command -v pkg-config >/dev/null || { echo "skipped: there is no pkg-config"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
PKG_CONFIG_PATH=$(dirname "$(find "$installed" -name gradus.pc)")
export PKG_CONFIG_PATH
mkdir -p "$folder"
cd "$folder"
# shellcheck disable=SC2046
"$compiler" "$here/main.cpp" $(pkg-config --cflags --libs gradus) -o consumer
LD_LIBRARY_PATH=$(pkg-config --variable=libdir gradus) ./consumer
