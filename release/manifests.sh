#!/usr/bin/env bash
# Fills in the manifests of package managers for a release: manifests.sh RELEASE-FILES OUT. Reads the templates of
# packaging/, whose names end with .in: @VERSION@, @REPOSITORY@ (a URL), and @SHA256:TARGET@, the checksum of a target's
# archive in SHA256SUMS. REPOSITORY_URL is the repository's URL, unless Cargo.toml names one.
set -euo pipefail

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
files=$1 out=$2

fail() {
    printf 'release/manifests.sh: %s\n' "$1" >&2
    exit 1
}

of_manifest() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" "$checkout/Cargo.toml" | head -n 1; }

version=$(of_manifest version)
repository=$(of_manifest repository)
repository=${repository:-${REPOSITORY_URL:?is the URL of the repository, unless Cargo.toml names it}}
script=(-e "s|@VERSION@|$version|g" -e "s|@REPOSITORY@|$repository|g" -e "s|@SLUG@|${repository#https://*/}|g"
    -e "s|@OWNER@|$(basename "${repository%/*}")|g")
while read -r sum file; do
    case $file in
    git-credential-github-app-"$version"-*.tar.gz) target=${file%.tar.gz} ;;
    git-credential-github-app-"$version"-*.zip) target=${file%.zip} ;;
    *) continue ;;
    esac
    script+=(-e "s|@SHA256:${target#git-credential-github-app-"$version"-}@|$sum|g")
done <"$files/SHA256SUMS"
while IFS= read -r -d '' template; do
    made=$out/${template#"$checkout/packaging/"}
    made=${made%.in}
    mkdir -p "${made%/*}"
    sed "${script[@]}" "$template" >"$made"
    ! grep -n '@[A-Z0-9]*[:@]' "$made" || fail "$made: a target of it is not in $files/SHA256SUMS"
done < <(find "$checkout/packaging" -name '*.in' -print0 | sort -z)
