#!/usr/bin/env bash
# Builds a release's files for one target: archive, packages for Debian and Fedora, SBOM. They are reproducible: they depend
# only on the commit, not on the directory or the time. Needs python3 (3.9 or later); dpkg-deb and rpmbuild for packages.
set -euo pipefail

name=git-credential-github-app
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

print_help() {
    cat <<'END'
Usage: release/build.sh [OPTION]... TARGET

Builds git-credential-github-app for a target of Rust's and packs it.

  --binary FILE  pack this binary, built for TARGET, instead of building one
  --out DIR      put everything there [default: target/release-files]
  -h, --help     show this help

A binary that cannot run here (another processor, another system) writes no completions: the variable
CARGO_TARGET_<TARGET>_RUNNER names what runs it, as for cargo, such as qemu-aarch64-static.
END
}

fail() {
    printf 'release/build.sh: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf 'hint: %s\n' "$@" >&2
    exit 1
}

build() {
    "$checkout/release/cross" "$target" build --release --locked --bin "$name" \
        --target-dir "$checkout/target/cross" --config "$("$checkout/release/remap")"
    binary=$checkout/target/cross/$target/release/$name$suffix
}

# Puts an archive's files into a directory.
stage() {
    local runner="CARGO_TARGET_${upper}_RUNNER" run=()
    read -ra run <<<"${!runner:-}"
    mkdir -p "$stage/completions" "$stage/docs" "$stage/man"
    install -m 755 "$binary" "$stage/$name$suffix"
    install -m 644 "$checkout/man/$name.1" "$stage/man/$name.1"
    local shell file installer=install.sh
    case $target in *-windows-*) installer=install.ps1 ;; esac
    for shell in bash zsh fish powershell; do
        case $shell in zsh) file=_$name ;; powershell) file=$name.ps1 ;; *) file=$name.$shell ;; esac
        # The old bash of macOS treats an empty array as unset.
        ${run[@]+"${run[@]}"} "$stage/$name$suffix" completions "$shell" </dev/null >"$stage/completions/$file" || true
        # No output is fine: a helper exits with 0 on unknown operations.
        [ -s "$stage/completions/$file" ] ||
            fail "cannot run the binary for $target" "set CARGO_TARGET_${upper}_RUNNER to what runs it"
    done
    for file in README.md CHANGELOG.md SECURITY.md LICENSE-APACHE LICENSE-MIT; do
        install -m 644 "$checkout/$file" "$stage/$file"
    done
    install -m 644 "$checkout"/docs/* "$stage/docs"
    install -m 755 "$checkout/$installer" "$stage/$installer"
    "$python" "$checkout/release/crates.py" licences "$target" >"$stage/THIRD-PARTY-LICENCES.txt"
    (cd "$stage" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | sed 's|^\./||' | xargs "${sha256[@]}") \
        >"$work/SHA256SUMS"
    install -m 644 "$work/SHA256SUMS" "$stage/SHA256SUMS"
}

main() {
    local binary='' out=$checkout/target/release-files target='' suffix=''
    while [ $# -gt 0 ]; do
        case $1 in
        --binary | --out)
            [ $# -gt 1 ] || fail "$1 needs a value"
            case $2 in /*) printf -v "${1#--}" '%s' "$2" ;; *) printf -v "${1#--}" '%s' "$PWD/$2" ;; esac
            shift
            ;;
        -h | --help) print_help && return ;;
        -*) fail "unknown option: $1" '--help lists the options' ;;
        *)
            [ -z "$target" ] || fail "one target at a time: $1"
            target=$1
            ;;
        esac
        shift
    done
    [ -n "$target" ] || fail 'which target?' "release/build.sh $(rustc -vV | sed -n 's/^host: //p')"
    local python=${PYTHON:-python3} upper work stage version sha256
    case $target in *-windows-*) suffix=.exe ;; esac
    if command -v sha256sum >/dev/null; then sha256=(sha256sum); else sha256=(shasum -a 256); fi
    upper=$(printf '%s' "${target//-/_}" | tr '[:lower:]' '[:upper:]')
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$checkout/Cargo.toml" | head -n 1)
    # Every file gets the commit's time.
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$checkout" log -1 --format=%ct 2>/dev/null || echo 315532800)}
    export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
    umask 022
    work=$(mktemp -d)
    # shellcheck disable=SC2064 # the local variable no longer exists then
    trap "rm -rf '$work'" EXIT
    [ -n "$binary" ] || build
    [ -f "$binary" ] || fail "there is no $binary"
    stage=$work/$name-$version-$target
    stage
    mkdir -p "$out"
    case $target in *-windows-*) suffix=zip ;; *) suffix=tar.gz ;; esac
    "$python" "$checkout/release/archive.py" "$stage" "$out/${stage##*/}.$suffix"
    "$python" "$checkout/release/crates.py" sbom "$target" >"$out/${stage##*/}.cdx.json"
    case $target in
    *-linux-*) "$checkout/release/packages.sh" "$stage" "$out" ;;
    esac
    (cd "$out" && find . -maxdepth 1 -type f -name "$name*" | sed 's|^\./||' | LC_ALL=C sort | xargs "${sha256[@]}") \
        >"$work/all"
    install -m 644 "$work/all" "$out/SHA256SUMS"
    cat "$out/SHA256SUMS"
}

main "$@"
