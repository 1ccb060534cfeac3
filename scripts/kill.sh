#!/bin/sh
# Kills training with kill -9 at random moments, goes on with --resume each time, and compares the final model, bit by bit, with that of a run
# that nobody disturbed. A convolutional network, and a multi-layer perceptron with dropout; two threads.
#   scripts/kill.sh [GRADUS] [KILLS] [SEED]
set -eu
gradus=$(realpath "${1:-build/gradus}")
kills=${2:-10}
seed=${3:-$$}
recipes=$(realpath "$(dirname "$0")/../recipes")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export OMP_NUM_THREADS=2
echo "seed $seed"

# random N: a number from 0 to N - 1
random() {
  seed=$(((seed * 1103515245 + 12345) % 2147483648))
  drawn=$((seed / 65536 % $1))
}

# The run of $name in the place of this process: from its last checkpoint, or from the beginning where it has written nothing yet.
go_on() {
  if [ -f "$name-killed/recipe.toml" ]; then exec "$gradus" train --quiet --resume "$name-killed"; fi
  exec "$gradus" train "$recipe" --quiet --run-dir "$name-killed" "$@"
}

# prove NAME RECIPE [--set KEY=VALUE ...]
prove() {
  name=$1 recipe=$2 killed=0
  shift 2
  begin=$(date +%s%N)
  "$gradus" train "$recipe" --quiet --run-dir "$name-whole" "$@" > log
  whole=$((($(date +%s%N) - begin) / 1000000))
  while [ "$killed" -lt "$kills" ]; do
    (go_on "$@") > log 2>&1 &
    # Waits that add up to about nine tenths of the run.
    random $((whole * 18 / 10 / kills))
    sleep "$(printf '%d.%03d' $((drawn / 1000)) $((drawn % 1000)))"
    kill -9 "$!" 2> /dev/null || break
    wait "$!" 2> /dev/null || true
    killed=$((killed + 1))
    [ ! -d "$name-killed/checkpoints" ] || echo "  $name: killed after $drawn ms, $(ls "$name-killed/checkpoints" | tr '\n' ' ')"
    [ ! -f "$name-killed/report.html" ] || break
  done
  if [ ! -f "$name-killed/report.html" ]; then (go_on "$@") > log 2>&1 || { cat log; exit 1; }; fi
  if ! cmp "$name-whole/model.gradus" "$name-killed/model.gradus"; then
    echo "$name: the bits differ after $killed kills"
    exit 1
  fi
  echo "$name: the same bits after $killed kills"
}

cat > mlp.toml <<'R'
name = "mlp"
seed = 5
[data]
source = "spirals"
classes = 3
samples = 20000
validation = 0.2
[model]
layers = [{type = "Dense", units = 128, activation = "relu"}, {type = "BatchNorm"}, {type = "Dropout", rate = 0.3},
          {type = "Dense", units = 128, activation = "relu"}, {type = "Dropout", rate = 0.3}, {type = "Dense", units = 3}]
[loss]
name = "sparse_categorical_crossentropy"
[optimizer]
name = "adamw"
groups = [{parameters = ["**.bias", "**.weight"], weight_decay = 0}]
[schedule]
name = "plateau"
patience = 1
[train]
epochs = 20
accumulate = 2
ema = 0.99
class_weight = "balanced"
checkpoint_steps = 20
tensorboard = true
R
prove cnn "$recipes/cnn_fashion.toml" --set data.limit=6000 --set train.epochs=3 --set train.checkpoint_steps=5
prove mlp mlp.toml
