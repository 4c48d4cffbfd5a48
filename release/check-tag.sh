#!/bin/sh
# Fails if a release's tag, version and changelog do not agree: check-tag.sh TAG.
set -eu

cd "$(dirname -- "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
fail() { echo "release/check-tag.sh: $1" >&2 && exit 1; }
[ "$1" = "v$version" ] || fail "the tag is $1, and Cargo.toml has version $version"
grep -qF "## [$version]" CHANGELOG.md || fail "CHANGELOG.md has no section for $version"
grep -q '^repository = "https://' Cargo.toml || fail 'Cargo.toml has no repository, which package managers need'
