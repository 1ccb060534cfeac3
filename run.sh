#!/usr/bin/env bash
# Installs what is missing, builds Gradus, and trains the convolutional network of recipes/cnn_fashion.toml on Fashion-MNIST.
# Arguments go to `gradus train`: ./run.sh --set seed=1
set -euo pipefail
cd "$(dirname "$0")"
source scripts/setup.sh

install_packages "${packages[@]}"
build build gradus_cli -DCMAKE_BUILD_TYPE=RelWithDebInfo
build/gradus train recipes/cnn_fashion.toml "$@"
