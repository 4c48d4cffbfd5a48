#!/bin/sh
# Writes one SHA256SUMS for the files of all targets in a directory: checksums.sh DIR. If MINISIGN_KEY holds a secret key
# (without a password), it also signs the list.
set -eu

cd "$1"
rm -f SHA256SUMS SHA256SUMS.minisig
find . -maxdepth 1 -type f | sed 's|^\./||' | LC_ALL=C sort | xargs sha256sum >../SHA256SUMS.new
mv ../SHA256SUMS.new SHA256SUMS
cat SHA256SUMS
[ -n "${MINISIGN_KEY:-}" ] || { echo 'no MINISIGN_KEY: SHA256SUMS is attested but not signed' >&2 && exit 0; }
umask 077
key=$(mktemp)
trap 'rm -f "$key"' EXIT
printf '%s\n' "$MINISIGN_KEY" >"$key"
minisign -S -W -s "$key" -m SHA256SUMS -t "git-credential-github-app ${TAG:-}"
