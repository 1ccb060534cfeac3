#!/usr/bin/env bash
# new.sh INSTALLED FOLDER: what `gradus new` writes builds against the installed library, and learns.
set -euo pipefail
installed=$1 folder=$2
rm -rf "$folder"
"$installed/bin/gradus" new "$folder/moons"
cd "$folder/moons"
cmake -S . -B build -DCMAKE_PREFIX_PATH="$installed" >/dev/null
cmake --build build >/dev/null
./build/moons | tee out.txt
grep -q "epoch 20/20" out.txt
# The commands know its classes.
echo "0,1" >point.csv
"$installed/bin/gradus" predict moons.gradus point.csv | tee said.txt
grep -q "^point.csv\[0\]: class " said.txt
