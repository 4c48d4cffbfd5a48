#!/bin/sh
# Installs what release/build.sh needs on a runner of GitHub Actions: prepare.sh TARGET.
set -eu

rustup toolchain install --profile minimal --target "$1" stable
rustup default stable
case $1 in
*-linux-*)
    sudo apt-get update
    sudo apt-get install --yes --no-install-recommends musl-tools rpm
    ;;
esac
