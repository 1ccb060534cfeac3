#!/usr/bin/env bash
# Uses the library from other projects in the ways that take long: as a part of their source tree, as a static library, from the Debian package.
# Run by test.sh --all, after build/ has been built.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh
tree=$PWD place=$PWD/build/consumers
rm -rf "$place"
mkdir -p "$place"

# use NAME PREFIX: builds and runs the consumer that finds the package below PREFIX.
use() {
  step "consumer: configure with $1" cmake -S tests/consumers/find_package -B "$place/use-$1" -G Ninja -DCMAKE_PREFIX_PATH="$2"
  step "consumer: build with $1" cmake --build "$place/use-$1"
  (cd "$place/use-$1" && ./consumer)
}

command -v ccache >/dev/null && export CMAKE_CXX_COMPILER_LAUNCHER=ccache
step "consumer: configure with add_subdirectory" cmake -S tests/consumers/add_subdirectory -B "$place/tree" -G Ninja -DGRADUS_TREE="$tree" \
  -DGRADUS_INSTALL=ON
step "consumer: build with add_subdirectory" cmake --build "$place/tree" --parallel "$(jobs_that_fit)"
(cd "$place/tree" && ./consumer)

step "consumer: install the static library" cmake --install "$place/tree" --prefix "$place/static"
use static "$place/static"

step "consumer: Debian package" cpack --config build/CPackConfig.cmake -G DEB -B "$place/deb"
step "consumer: unpack it" dpkg-deb -x "$place"/deb/gradus_*.deb "$place/root"
use deb "$place/root/usr"
"$place/root/usr/bin/gradus" --version
