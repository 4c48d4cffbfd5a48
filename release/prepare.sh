#!/bin/sh
# Installs what release/build.sh needs on a runner of GitHub Actions: prepare.sh TARGET.
set -eu

# A release is reproducible only with the same Rust.
rust=1.96.0
rustup toolchain install --profile minimal --component rustfmt --component clippy --target "$1" "$rust"
rustup default "$rust"
case $1 in
*-linux-*)
    sudo apt-get update
    sudo apt-get install --yes --no-install-recommends python3-venv rpm
    ;;
esac
