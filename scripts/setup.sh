# Shared by run.sh and test.sh: the packages that Gradus needs, quiet steps, and building. To be sourced from the repository's root.

packages=(
  g++ cmake ninja-build
  libdnnl-dev libhwy-dev zlib1g-dev libzstd-dev libsqlite3-dev libsodium-dev libpng-dev libjpeg62-turbo-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libgtest-dev
  dataset-fashion-mnist
)

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# step TEXT COMMAND...: runs a command without its output; when it fails, shows the end of the output and stops.
step() {
  local text=$1 log status=0 start=$SECONDS
  shift
  log=$(mktemp "$logs/step.XXXXXX")
  "$@" >"$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 60 "$log" >&2
    echo "failed: $text (exit code $status): $*" >&2
    exit 1
  fi
  echo "$text: done in $((SECONDS - start)) s"
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs the missing ones of the named Debian packages.
install_packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get >/dev/null; then
    echo "these Debian packages are needed, and there is no apt-get here: ${missing[*]}" >&2
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    echo "packages are missing; run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "installing: ${missing[*]}"
  step "package lists" as_root apt-get update -q
  step "packages" as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# fetch_onednn3 FOLDER: puts oneDNN 3 there, from PyPI; false, with a line that says so, where it cannot be had.
fetch_onednn3() {
  [ -e "$1/include/dnnl.hpp" ] && [ -e "$1/lib/libdnnl.so" ] && return 0
  local wheel
  if ! python3 -m pip download --no-deps --dest "$1" onednn-cpu-gomp==2023.2.0 onednn-devel-cpu-gomp==2023.2.0 >"$logs/pip" 2>&1; then
    echo "skipped: oneDNN 3 cannot be fetched from PyPI: $(tail -n 1 "$logs/pip")"
    return 1
  fi
  for wheel in "$1"/*.whl; do python3 -m zipfile -e "$wheel" "$1"; done
  cp -r "$1"/*.data/data/include "$1"/*.data/data/lib "$1"
}

# build FOLDER TARGET [CMAKE OPTION...]: configures and builds there.
build() {
  local folder=$1 target=$2
  shift 2
  local launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}  # as it asks for precompiled headers
  fi
  step "configuring $folder" cmake -S . -B "$folder" -G Ninja "${launcher[@]}" "$@"
  step "building $folder" cmake --build "$folder" --target "$target" --parallel "$(jobs_that_fit)"
}

# As many compilers as there are processors, and no more than fit in memory at 1.5 GB each.
jobs_that_fit() {
  local processors memory
  processors=$(nproc)
  memory=$(awk '/MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo 2>/dev/null || echo "$processors")
  [ "${memory:-0}" -lt 1 ] && memory=1
  echo $((processors < memory ? processors : memory))
}
