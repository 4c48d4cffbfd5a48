#!/bin/sh
# Creates the GitHub release of a tag with all files of a directory: publish.sh TAG DIR. Its notes come from the changelog.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
version=${1#v}
notes=$(mktemp)
trap 'rm -f "$notes"' EXIT
awk -v heading="## [$version]" 'index($0, heading) == 1 { on = 1; next } /^## / { on = 0 } on' \
    "$here/../CHANGELOG.md" >"$notes"
gh release create "$1" --verify-tag --title "$version" --notes-file "$notes" "$2"/*
