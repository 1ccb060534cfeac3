#!/usr/bin/env bash
# readme.sh COMPILER INSTALLED FOLDER TREE: the first program of the README, compiled as the README says, and its commands on that program's
# model; on a few made images. Both languages have the same program and commands.
set -euo pipefail
compiler=$1 installed=$2 folder=$3 tree=$4
command -v pkg-config >/dev/null || { echo "skipped: there is no pkg-config"; exit 77; }
rm -rf "$folder"
mkdir -p "$folder/data"
cd "$folder"

# block NUMBER FILE: what stands between the marks of that code block.
block() { awk -v wanted="$1" '/^```/ { inside = !inside; count += inside; next } inside && count == wanted' "$2"; }
for number in 1 2; do
  diff <(block $number "$tree/README.md") <(block $number "$tree/README.zh.md")
done
block 1 "$tree/README.md" >fashion.cpp
block 2 "$tree/README.md" >commands.txt

# images NAME COUNT: images of 28 x 28 bytes, those of class k as bright as k, with their labels.
images() {
  local i count
  count=$(printf '\\x%02x' "$2")
  printf "\\0\\0\\x08\\x03\\0\\0\\0$count\\0\\0\\0\\x1c\\0\\0\\0\\x1c" >"data/$1-images-idx3-ubyte"
  printf "\\0\\0\\x08\\x01\\0\\0\\0$count" >"data/$1-labels-idx1-ubyte"
  for ((i = 0; i < $2; ++i)); do
    head -c 784 /dev/zero | tr '\0' "\\$(printf %o $((i % 10 * 25)))" >>"data/$1-images-idx3-ubyte"
    printf "\\x$(printf %02x $((i % 10)))" >>"data/$1-labels-idx1-ubyte"
  done
}
images train 40
images t10k 20
gzip -c data/t10k-images-idx3-ubyte >images.idx.gz
ln -s "$tree/recipes" recipes

export GRADUS_DATA=$folder/data PATH=$installed/bin:$PATH
PKG_CONFIG_PATH=$(dirname "$(find "$installed" -name gradus.pc)")
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH LD_LIBRARY_PATH
c++() { command "$compiler" "$@"; }  # the command of the README with the compiler that is tested
source commands.txt | tee out.txt
grep -q "epoch 10/10" out.txt
grep -q "^test samples: 20" out.txt
grep -q "^Ankle boot " out.txt
grep -q "^images.idx.gz\[19\]: [A-Z]" out.txt
