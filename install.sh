#!/bin/sh
# Builds this checkout and installs the binary, its manual page and shell completions below a prefix.
# All is in functions, called by the last line; its braces see to it that even half of that line runs nothing.
set -eu

name=git-credential-github-app
completions="share/bash-completion/completions/$name share/zsh/site-functions/_$name
    share/fish/vendor_completions.d/$name.fish"
files="bin/$name share/man/man1/$name.1 $completions"

print_help() {
    cat <<'END'
Usage: install.sh [OPTION]...

Builds git-credential-github-app and installs it, its manual page and its shell completions.

  --prefix DIR   install below DIR [env: PREFIX] [default: ~/.local]
  --binary FILE  install this binary instead of building one
  --force        replace or remove also what is not as this script installed it
  --uninstall    remove what was installed
  --setup ...    then run `git-credential-github-app setup` with all that follows
  --help         show this help
END
}

fail() {
    printf 'install.sh: %s\nhint: %s\n' "$1" "$2" >&2
    exit "${3:-1}"
}

wrong_usage() { fail "$1" '--help lists the options' 2; }
say() { printf '%s\n' "$1"; }
absolute() { case $1 in /*) say "$1" ;; *) say "$PWD/$1" ;; esac; }
is_there() { [ -e "$1" ] || [ -L "$1" ]; }

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

# Whether the manifest lists this file just as it is: one that someone has changed or replaced since is not ours.
is_ours() {
    [ -f "$manifest" ] && [ -f "$prefix/$1" ] && [ ! -L "$prefix/$1" ] &&
        grep -qxF "$(sha256 "$prefix/$1")  $1" "$manifest"
}

check_directory() {
    is_there "$1" || { check_directory "$(dirname "$1")" && return; }
    [ -d "$1" ] || fail "$1 is not a directory" '--prefix DIR installs elsewhere'
    [ -w "$1" ] || fail "$1 is not writable" '--prefix DIR installs elsewhere; else run this as a user who may write there'
}

# Finds what is in the way before a long build, and before anything is changed.
check_files() {
    for file in $files; do
        check_directory "$(dirname "$prefix/$file")"
        [ ! -d "$prefix/$file" ] || fail "$prefix/$file is a directory" 'move it away, or choose another --prefix'
        [ -n "$force" ] || ! is_there "$prefix/$file" || is_ours "$file" ||
            fail "$prefix/$file is not as this script installed it" '--force replaces it'
    done
    check_directory "$(dirname "$manifest")"
}

build() {
    say "building $name"
    # cargo's messages tell where the binary is, whatever target and target directory are configured.
    messages=$(cd "$checkout" &&
        cargo build --release --locked --bin "$name" --message-format json-render-diagnostics) ||
        fail 'cargo build failed' 'see what cargo says above'
    binary=$(printf '%s\n' "$messages" | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
}

# Makes a copy of all that is to be installed, laid out as below the prefix.
stage() {
    for file in $files; do mkdir -p "$work/$(dirname "$file")"; done
    { cp "$binary" "$work/bin/$name" && cp "$checkout/man/$name.1" "$work/share/man/man1"; } ||
        fail "cannot copy to $work" 'TMPDIR names another place for temporary files'
    version=$("$binary" --version) || fail "cannot run $binary" '--binary takes a binary for this machine'
    for file in $completions; do
        shell=${file#share/} shell=${shell%%[-/]*}
        # A helper exits with 0 on operations that it does not know: only silence tells.
        { "$binary" completions "$shell" >"$work/$file" </dev/null && [ -s "$work/$file" ]; } ||
            fail "$binary prints no completions for $shell" '--binary takes a binary of the version that is checked out'
    done
}

# Notes each directory that was not there before, so that uninstalling can take it away.
make_directory() {
    [ ! -d "$1" ] || return 0
    make_directory "$(dirname "$1")"
    # With .. in its name it may be there by now. The mode is fixed, as files are, whatever the umask.
    [ -d "$1" ] || mkdir -m 755 "$1" || fail "cannot make $1" '--prefix DIR installs elsewhere'
    printf 'directory  %s\n' "$1" >>"$work/new"
}

# Renames a whole file into place: nobody sees half of one, and a binary that is running cannot be written to.
put() {
    {
        temporary=$(mktemp "$(dirname "$3")/.$name.XXXXXX") && cp "$2" "$temporary" &&
            chmod "$1" "$temporary" && mv -f "$temporary" "$3"
    } || fail "cannot write $3" '--uninstall removes what has been installed so far'
    temporary=''
}

install_files() {
    checkout=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
    [ -f "$checkout/man/$name.1" ] || fail "$checkout is no checkout of $name" 'run the install.sh of a clone'
    [ -n "$binary" ] || command -v cargo >/dev/null ||
        fail 'cargo is missing' 'install Rust (https://rustup.rs), or name a built binary with --binary'
    check_files
    [ -n "$binary" ] || build
    { [ -f "$binary" ] && [ -x "$binary" ]; } || fail "$binary is not a program" '--binary takes a built binary'
    stage
    for file in $files; do
        make_directory "$(dirname "$prefix/$file")"
        printf '%s  %s\n' "$(sha256 "$work/$file")" "$file" >>"$work/new"
    done
    make_directory "$(dirname "$manifest")"
    # Until all is in place, the manifest lists old files and new ones: whatever stops us, all of them are known as ours.
    if [ -f "$manifest" ]; then cat "$manifest"; fi | cat "$work/new" - >"$work/both"
    put 644 "$work/both" "$manifest"
    put 755 "$work/bin/$name" "$prefix/bin/$name"
    for file in ${files#* }; do put 644 "$work/$file" "$prefix/$file"; done
    awk '{ path = substr($0, index($0, " ")) } !seen[path]++' "$work/both" >"$work/manifest"
    put 644 "$work/manifest" "$manifest"
    say "installed $version below $prefix:"
    for file in $files; do say "  $file"; done
    case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) say "not on PATH yet; add this line to your shell's profile: export PATH=\"$prefix/bin:\$PATH\"" ;;
    esac
}

# Removes the directories that a manifest lists, the deepest first, save those that hold something.
remove_directories() {
    sed -n 's/^directory  //p' "$1" | LC_ALL=C sort -r |
        while IFS= read -r directory; do rmdir "$directory" 2>/dev/null || :; done
}

uninstall_files() {
    [ -f "$manifest" ] || { say "nothing to uninstall below $prefix" && return; }
    while read -r listed file; do
        [ "$listed" != directory ] || continue
        is_there "$prefix/$file" || continue
        if is_ours "$file" || { [ -n "$force" ] && [ ! -d "$prefix/$file" ]; }; then
            rm -f "$prefix/$file" || fail "cannot remove $prefix/$file" 'run this as a user who may write there'
        else
            say "install.sh: kept $prefix/$file, which is not as this script installed it" >&2
        fi
    done <"$manifest"
    cp "$manifest" "$work/new"
    rm -f "$manifest" || fail "cannot remove $manifest" 'run this as a user who may write there'
    remove_directories "$work/new"
    say "uninstalled $name from $prefix"
}

main() {
    prefix=${PREFIX:-${HOME:+$HOME/.local}} binary='' force='' action=install
    while [ $# -gt 0 ]; do
        case $1 in
        --prefix=?*) prefix=${1#*=} ;;
        --binary=?*) binary=$(absolute "${1#*=}") ;;
        --prefix= | --binary=) wrong_usage "${1%=} needs a value" ;;
        --prefix | --binary)
            case ${2:-} in '' | -*) wrong_usage "$1 needs a value" ;; esac
            option=$1=$2 && shift 2 && set -- "$option" "$@" && continue
            ;;
        --force) force=yes ;;
        --uninstall) action=uninstall ;;
        --setup)
            [ $action = install ] || wrong_usage '--uninstall and --setup exclude each other'
            action=setup && shift && break
            ;;
        --help) print_help && return ;;
        *) wrong_usage "unknown option: $1" ;;
        esac
        shift
    done
    [ -n "$prefix" ] || fail 'neither HOME nor PREFIX is set' '--prefix DIR says where to install'
    command -v sha256sum >/dev/null || command -v shasum >/dev/null ||
        fail 'neither sha256sum nor shasum is there' 'install one of them'
    prefix=$(absolute "$prefix") prefix=${prefix%/}
    manifest=$prefix/share/$name/manifest temporary=''
    work=$(mktemp -d) || fail 'cannot make a temporary directory' 'TMPDIR names the place for it'
    : >"$work/new"
    # Directories that no manifest lists yet would be left behind.
    trap '[ -f "$manifest" ] || remove_directories "$work/new"; rm -rf "$work" ${temporary:+"$temporary"}' EXIT
    trap 'exit 129' HUP && trap 'exit 130' INT && trap 'exit 143' TERM
    if [ $action = uninstall ]; then uninstall_files; else install_files; fi
    if [ $action = setup ]; then "$prefix/bin/$name" setup "$@"; fi
    [ $action != install ] || say "next: $name setup --help"
}

{ main "$@"; exit; }
