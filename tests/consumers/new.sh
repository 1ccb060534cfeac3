#!/usr/bin/env bash
# new.sh INSTALLED FOLDER: what `gradus new` writes builds against the installed library by the commands that it prints, and learns.
set -euo pipefail
installed=$1 folder=$2
rm -rf "$folder"
said=$("$installed/bin/gradus" new "$folder/the moon's halves")
export CMAKE_PREFIX_PATH=$installed
printed=$folder/printed.txt
eval "$(sed -n 2p <<< "$said")" >"$printed"  # cd ... && cmake ... && ...
grep -q "epoch 20/20" "$printed"
# The commands know its classes.
echo "0,1" >point.csv
"$installed/bin/gradus" predict the_moon_s_halves.gradus point.csv | tee said.txt
grep -q "^point.csv\[0\]: class " said.txt
