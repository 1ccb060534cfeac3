#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests.
#   ./test.sh        with the default compiler
#   ./test.sh --all  also from other projects, with Clang 14 and 16, with oneDNN 3 (fetched from PyPI, skipped where it cannot be), with AddressSanitizer and
#                    UndefinedBehaviorSanitizer, and with ThreadSanitizer
set -euo pipefail
cd "$(dirname "$0")"
source scripts/setup.sh

run_all=false
case "${1-}" in
  "") ;;
  --all) run_all=true ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# tests FOLDER [CMAKE OPTION...]: builds everything there and runs ctest; its summary is printed, failing tests with their output.
tests() {
  local folder=$1
  build "$folder" all -DGRADUS_WERROR=ON "${@:2}"
  echo "testing $folder"
  ctest --test-dir "$folder" --output-on-failure --no-tests=error --parallel "$(jobs_that_fit)" --progress | tail -n 200
}

install_packages "${packages[@]}"
tests build -DCMAKE_BUILD_TYPE=RelWithDebInfo
if $run_all; then
  install_packages clang-14 clang-16 pkg-config dpkg-dev python3-pip
  scripts/consumers.sh
  for version in 14 16; do
    tests build-clang$version -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++-$version
  done
  if fetch_onednn3 "$PWD/build/onednn3"; then
    tests build-dnnl3 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DGRADUS_BENCH=OFF -DGRADUS_DNNL_ROOT="$PWD/build/onednn3"
  fi
  ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
    tests build-asan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DGRADUS_SANITIZE=address,undefined -DGRADUS_BENCH=OFF
  # Four threads in the parallel loops, however many processors there are.
  OMP_NUM_THREADS=4 TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tests/thread_sanitizer.txt" \
    tests build-tsan -DCMAKE_BUILD_TYPE=RelWithDebInfo -DGRADUS_SANITIZE=thread -DGRADUS_BENCH=OFF
fi
