#!/bin/sh
# Builds this checkout and installs the binary, its manual page and shell completions below a prefix.
# Everything is in functions, called by the last line; its braces ensure that even half of that line runs nothing.
set -eu

name=git-credential-github-app
files="bin/$name share/man/man1/$name.1 share/bash-completion/completions/$name
    share/zsh/site-functions/_$name share/fish/vendor_completions.d/$name.fish"

print_help() {
    cat <<'END'
Usage: install.sh [OPTION]...

Builds git-credential-github-app and installs it, its manual page and its shell completions.

  --prefix DIR   install below DIR [env: PREFIX] [default: ~/.local]
  --binary FILE  install this binary instead of building one
  --from DIR     install an unpacked release, whose checksums are verified where it has SHA256SUMS
  --force        replace or remove also what is not as this script installed it
  --uninstall    remove what was installed
  --setup ...    then run `git-credential-github-app setup` with all that follows
  -h, --help     show this help
END
}

say() { printf '%s\n' "$@"; }
fail() { status=$1 && say "install.sh: $2" >&2 && shift 2 && printf 'hint: %s\n' "$@" >&2 && exit "$status"; }
wrong_usage() { fail 2 "$1" '--help lists the options'; }
is_there() { [ -e "$1" ] || [ -L "$1" ]; }

# Prints the absolute path of $1: shells do not expand the ~ of --prefix=~/opt. $2 is its source, $3 the exit status if
# it is invalid.
absolute() {
    case $1 in
    *[[:cntrl:]]*) fail "$3" "$2: the path has a control character" 'choose a path without' ;;
    \~ | \~/*) [ -n "${HOME:-}" ] || fail "$3" "$2: HOME is not set" 'give a path that begins with /' ;;
    \~*) fail "$3" "$2: ${1%%/*} is not expanded" 'give a path that begins with /, or with ~/ for your own home' ;;
    esac
    case $1 in \~*) say "$HOME${1#\~}" ;; /*) say "$1" ;; *) say "$PWD/${1#./}" ;; esac | sed 's|/\.$||; s|//*$||'
}

# A line of the manifest for a file below $1. The checksum only detects later changes; it is not a protection.
entry() { say "$(cksum <"$1/$2")  $2"; }

# Whether the manifest lists this file as it is now: one that was changed or replaced since is not ours.
is_ours() {
    [ -f "$manifest" ] && [ -f "$prefix/$1" ] && [ ! -L "$prefix/$1" ] &&
        grep -qxF "$(entry "$prefix" "$1")" "$manifest"
}

# Finds obstacles before a long build, and before anything is changed.
check_files() {
    for file in $files "share/$name/manifest"; do
        above=$(dirname "$prefix/$file")
        until is_there "$above"; do above=$(dirname "$above"); done
        [ -d "$above" ] || fail 1 "$above is not a directory" '--prefix DIR installs elsewhere'
        [ -w "$above" ] || fail 1 "$above is not writable" '--prefix DIR installs elsewhere; or run this as its owner'
        [ ! -d "$prefix/$file" ] || fail 1 "$prefix/$file is a directory" 'move it away, or choose another --prefix'
        [ -n "$force" ] || ! is_there "$prefix/$file" || [ "$prefix/$file" = "$manifest" ] || is_ours "$file" ||
            fail 1 "$prefix/$file is not as this script installed it" '--force replaces it'
    done
}

# Prints the target of a static build, which starts fastest, if rustup has it and musl-gcc can compile ring's C files.
musl_target() {
    [ -z "${CARGO_BUILD_TARGET:-}" ] && [ "$(uname -s)" = Linux ] && command -v musl-gcc rustc >/dev/null || return 0
    target=$(uname -m)-unknown-linux-musl
    [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] || say "$target"
}

build() {
    # Names everything that is missing at once, before a build that takes minutes.
    missing='' && set -- # the hints
    command -v cargo >/dev/null || { missing=' cargo' &&
        set -- 'install Rust (https://rustup.rs), or name a built binary with --binary'; }
    ${CC:-cc} --version >/dev/null 2>&1 || { missing="$missing ${CC:-cc}" && set -- "$@" \
        'install a C compiler: gcc and libc6-dev on Debian and Ubuntu, xcode-select --install on macOS'; }
    [ -z "$missing" ] || fail 1 "cannot build without$missing" "$@"
    target=$(musl_target)
    set -- # cargo's options
    if [ -n "$target" ]; then
        set -- --target "$target" --config "build.rustflags=['-Crelocation-model=static']"
        export "CC_$(say "$target" | tr - _)=musl-gcc"
    fi
    say "building $name${target:+ for $target}"
    [ -z "${CARGO_TARGET_DIR:-}" ] || CARGO_TARGET_DIR=$(absolute "$CARGO_TARGET_DIR" CARGO_TARGET_DIR 3)
    # cargo's messages say where the binary is, whatever target and target directory are configured.
    messages=$(cd "$checkout" &&
        cargo build --release --locked --bin "$name" --config "$(release/remap)" \
            --message-format json-render-diagnostics "$@") ||
        fail 1 'cargo build failed' 'see what cargo says above; README.md says what a build needs'
    binary=$(say "$messages" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
}

# Checks that the release in $from is complete and unchanged.
check_release() {
    [ -d "$from" ] || fail 1 "$from is not a directory" '--from takes an unpacked release'
    binary=$from/$name checkout=$from
    [ -f "$binary" ] || fail 1 "$from has no $name" '--from takes an unpacked release'
    [ -f "$from/SHA256SUMS" ] || return 0
    if command -v sha256sum >/dev/null; then
        set -- sha256sum
    elif command -v shasum >/dev/null; then
        set -- shasum -a 256
    else
        fail 1 'cannot verify checksums without sha256sum and shasum' 'install coreutils, or perl'
    fi
    for file in "$name" "man/$name.1"; do
        grep -q "^[0-9a-f]*  $file\$" "$from/SHA256SUMS" ||
            fail 1 "$from/SHA256SUMS does not list $file" 'download and unpack the release again'
    done
    (cd "$from" && "$@" -c SHA256SUMS >/dev/null 2>&1) ||
        fail 1 "$from is not as SHA256SUMS has it" 'download and unpack the release again'
}

# Creates a directory and its parents, and notes the new ones, so that uninstalling can remove them.
make_directory() {
    [ ! -d "$1" ] || return 0
    make_directory "$(dirname "$1")"
    # With .. in its name it may exist by now. The mode is fixed, like those of files, whatever the umask.
    [ -d "$1" ] || mkdir -m 755 "$1" || fail 1 "cannot make $1" '--prefix DIR installs elsewhere'
    made="directory  $1
$made"
}

# Removes the directories of the manifest on stdin, the deepest first, except those that are not empty.
remove_directories() {
    sed -n 's/^directory  //p' | LC_ALL=C sort -r | while IFS= read -r path; do rmdir "$path" 2>/dev/null || :; done
}

# Creates all files to install in a directory beside the manifest, with entries for it.
stage() {
    make_directory "${work%/*}"
    for file in $files; do
        mkdir -p "$work/${file%/*}"
        shell=${file#share/} && shell=${shell%%[-/]*}
        # A helper exits with 0 on unknown operations: only empty output shows that it failed.
        {
            case $file in
            bin/*) cat "$binary" ;;
            share/man/*) cat "$checkout/man/$name.1" ;;
            *) "$binary" completions "$shell" </dev/null ;;
            esac >"$work/$file" && [ -s "$work/$file" ]
        } || fail 1 "cannot make $file with $binary" '--binary takes a binary of the version that is checked out'
        chmod 644 "$work/$file" && entry "$work" "$file" >>"$work/new"
    done
    chmod 755 "$work/bin/$name"
}

# Renames a complete file into place: no one sees a partial file, and a running binary cannot be overwritten.
put() { mv -f "$work/$1" "$2" || fail 1 "cannot write $2" '--uninstall removes what has been installed so far'; }

install_files() {
    checkout=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
    [ -z "$from" ] || check_release
    [ -f "$checkout/man/$name.1" ] || fail 1 "$checkout is not a checkout of $name" 'run the install.sh of a clone'
    check_files
    [ -n "$binary" ] || build
    { [ -f "$binary" ] && [ -x "$binary" ]; } || fail 1 "$binary is not a program" '--binary takes a built binary'
    version=$("$binary" --version) || fail 1 "cannot run $binary" '--binary takes a binary for this machine'
    stage
    for file in $files; do make_directory "$(dirname "$prefix/$file")"; done
    # Until everything is in place, the manifest lists old files and new ones: if interrupted, all are known as ours.
    { cat "$work/new" && printf '%s' "$made" && if [ -f "$manifest" ]; then cat "$manifest"; fi; } >"$work/both"
    awk '{ file = substr($0, index($0, "  ")) } !seen[file]++' "$work/both" >"$work/final"
    chmod 644 "$work/both" "$work/final"
    put both "$manifest"
    for file in $files; do put "$file" "$prefix/$file"; done
    put final "$manifest"
    say "installed $version below $prefix:"
    for file in $files; do say "  $file"; done
    next=$name
    case :$PATH: in *":$prefix/bin:"*) return ;; esac
    next="\"$prefix/bin/$name\""
    say "not on PATH yet; add this line to your shell's profile: export PATH=\"$prefix/bin:\$PATH\""
}

# Warns about git configuration that will name a missing program. So will a bare name, unless it finds another copy.
warn_of_git() {
    other=$(command -v "$name") && [ "$other" != "$prefix/bin/$name" ] || other=''
    lines=$(git config --show-origin --get-regexp '^credential\.(.*\.)?helper$' 2>/dev/null | tr -d '\134' |
        awk -F '\t' -v path="$prefix/bin/$name" -v other="$other" '
            index($2, path) || (other == "" && $2 ~ / !?(git-credential-)?github-app( |$)/) {
                sub("^file:", "", $1) && sub(" .*", "", $2)
                print "install.sh: warning: git is still told to run it, by " $2 " in " $1
            }')
    [ -z "$lines" ] || say "$lines" "hint: before you uninstall, $name setup --undo takes such lines away" >&2
}

uninstall_files() {
    [ -f "$manifest" ] || { say "nothing to uninstall below $prefix" && return; }
    warn_of_git
    while read -r checksum _ file; do
        if [ "$checksum" = directory ] || ! is_there "$prefix/$file"; then
            continue
        elif is_ours "$file" || { [ -n "$force" ] && [ ! -d "$prefix/$file" ]; }; then
            rm -f "$prefix/$file" || fail 1 "cannot remove $prefix/$file" 'run this as a user who may write there'
        else
            say "install.sh: warning: kept $prefix/$file, which is not as this script installed it" >&2
        fi
    done <"$manifest"
    listed=$(cat "$manifest")
    rm -rf "${work%/*}"/new.* # of an installation that was killed
    rm -f "$manifest" || fail 1 "cannot remove $manifest" 'run this as a user who may write there'
    say "$listed" | remove_directories
    say "uninstalled $name from $prefix"
}

main() {
    unset prefix && binary='' from='' force='' action=install
    while [ $# -gt 0 ]; do
        case $1 in
        --prefix=?*) prefix=$(absolute "${1#*=}" --prefix 2) ;;
        --binary=?*) binary=$(absolute "${1#*=}" --binary 2) ;;
        --from=?*) from=$(absolute "${1#*=}" --from 2) ;;
        --prefix= | --binary= | --from=) wrong_usage "${1%=} needs a value" ;;
        --prefix | --binary | --from)
            case ${2:-} in '' | -*) wrong_usage "$1 needs a value" ;; esac
            option=$1=$2 && shift 2 && set -- "$option" "$@" && continue
            ;;
        --force) force=yes ;;
        --uninstall) action=uninstall ;;
        --setup)
            [ "$action" = install ] || wrong_usage '--uninstall and --setup exclude each other'
            action=setup && shift && break
            ;;
        -h | --help) print_help && return ;;
        *) wrong_usage "unknown option: $1" ;;
        esac
        shift
    done
    [ -z "$binary" ] || [ -z "$from" ] || wrong_usage '--binary and --from exclude each other'
    [ -n "${prefix+given}" ] || prefix=$(absolute "${PREFIX:-~/.local}" PREFIX 3)
    manifest=$prefix/share/$name/manifest work=$prefix/share/$name/new.$$ made=''
    # Directories that no manifest lists would be left behind.
    trap 'rm -rf "$work"; [ -f "$manifest" ] || say "$made" | remove_directories' EXIT
    trap 'exit 129' HUP && trap 'exit 130' INT && trap 'exit 143' TERM
    case $action in uninstall) uninstall_files ;; *) install_files ;; esac
    case $action in
    setup) "$prefix/bin/$name" setup "$@" ;;
    install) say "next: $next setup --help" ;;
    esac
}

{ main "$@"; exit; }
