#!/usr/bin/env bash
# Makes packages for Debian and Fedora from an archive's files: packages.sh UNPACKED-ARCHIVE OUT. They run no scripts at
# installation. If dpkg-deb or rpmbuild is missing, its package is skipped with a message.
set -euo pipefail

name=git-credential-github-app
description='gives git and gh a fresh GitHub App installation token'
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
stage=$1 out=$2
# Targets have hyphens, versions none.
base=${stage##*/} && base=${base#"$name-"}
version=${base%%-*} target=${base#*-}
: "${SOURCE_DATE_EPOCH:?}"
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

put() { install -D -m "$1" "$2" "$root$3"; }

# The files of both packages.
lay_out() {
    root=$1
    put 755 "$stage/$name" "/usr/bin/$name"
    install -d "$root/usr/share/man/man1"
    gzip -9n <"$stage/man/$name.1" >"$root/usr/share/man/man1/$name.1.gz"
    put 644 "$stage/completions/$name.bash" "/usr/share/bash-completion/completions/$name"
    put 644 "$stage/completions/$name.fish" "/usr/share/fish/vendor_completions.d/$name.fish"
    local unit page
    put 644 "$stage/README.md" "/usr/share/doc/$name/README.md"
    for page in "$stage"/docs/*; do put 644 "$page" "/usr/share/doc/$name/docs/${page##*/}"; done
    for unit in service socket; do
        sed 's|/usr/local/bin/|/usr/bin/|' "$here/../deploy/systemd/github-app-broker.$unit" >"$work/unit"
        put 644 "$work/unit" "/usr/lib/systemd/system/github-app-broker.$unit"
    done
}

debian() {
    case $target in x86_64-*) architecture=amd64 ;; aarch64-*) architecture=arm64 ;; esac
    lay_out "$work/deb"
    local doc=/usr/share/doc/$name
    # Debian 12 reads packaged units only from there.
    mv "$root/usr/lib" "$root/lib"
    put 644 "$stage/completions/_$name" "/usr/share/zsh/vendor-completions/_$name"
    put 644 "$here/../packaging/debian/lintian-overrides" "/usr/share/lintian/overrides/$name"
    put 644 "$here/../packaging/debian/copyright" "$doc/copyright"
    gzip -9n <"$stage/THIRD-PARTY-LICENCES.txt" >"$work/third-party"
    put 644 "$work/third-party" "$doc/THIRD-PARTY-LICENCES.txt.gz"
    printf '%s (%s) unstable; urgency=medium\n\n  * Release %s; the repository'"'"'s CHANGELOG.md lists the changes.\n\n -- %s  %s\n' \
        "$name" "$version" "$version" "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$work/changelog.gz"
    put 644 "$work/changelog.gz" "$doc/changelog.gz"
    install -d "$root/DEBIAN"
    cat >"$root/DEBIAN/control" <<END
Package: $name
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(find "$root" -type f ! -path '*/DEBIAN/*' -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
Recommends: git, ca-certificates
Suggests: gh
Section: vcs
Priority: optional
Description: $description
 A git credential helper for GitHub Apps. It mints installation tokens with the
 App's private key, or gets them from a broker, renews them before they expire,
 and shares one cache among any number of gits. The same program is the broker.
END
    (cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' md5sum) >"$work/md5sums"
    install -m 644 "$work/md5sums" "$root/DEBIAN/md5sums"
    find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${name}_${version}_$architecture.deb" >/dev/null
}

fedora() {
    local doc=/usr/share/doc/$name licences=/usr/share/licenses/$name file
    lay_out "$work/rpm"
    put 644 "$stage/completions/_$name" "/usr/share/zsh/site-functions/_$name"
    for file in LICENSE-APACHE LICENSE-MIT THIRD-PARTY-LICENCES.txt; do put 644 "$stage/$file" "$licences/$file"; done
    cat >"$work/spec" <<END
Name: $name
Version: $version
Release: 1
Summary: Gives git and gh a fresh GitHub App installation token
License: MIT OR Apache-2.0
Recommends: git-core, ca-certificates
AutoReqProv: no
%description
A git credential helper for GitHub Apps. It mints installation tokens with the
App's private key, or gets them from a broker, renews them before they expire,
and shares one cache among any number of gits. The same program is the broker.
%install
mkdir -p %{buildroot}
cp -a $work/rpm/. %{buildroot}/
%files
/usr/bin/$name
%doc /usr/share/man/man1/$name.1.gz
%doc $doc
%license $licences
/usr/share/bash-completion/completions/$name
/usr/share/fish/vendor_completions.d/$name.fish
/usr/share/zsh/site-functions/_$name
/usr/lib/systemd/system/github-app-broker.*
%changelog
* $(date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y') $maintainer - $version-1
- Release $version; the repository's CHANGELOG.md lists the changes.
END
    # Versions of a compressor differ in their output; gzip's changes least.
    rpmbuild --quiet -bb --buildroot "$work/root" --target "${target%%-*}-linux" \
        --define "_topdir $work/top" --define "_rpmdir $work/rpms" --define '_build_id_links none' \
        --define '_buildhost release' --define 'use_source_date_epoch_as_buildtime 1' \
        --define 'clamp_mtime_to_source_date_epoch 1' --define '_binary_payload w9.gzdio' \
        --define '__os_install_post %{nil}' \
        "$work/spec" >/dev/null
    find "$work/rpms" -name '*.rpm' -exec install -m 644 -t "$out" {} +
}

# For whoever signs the packages.
maintainer=${MAINTAINER:-The git-credential-github-app contributors <git-credential-github-app@localhost.invalid>}
if command -v dpkg-deb >/dev/null; then debian; else echo 'dpkg-deb is not installed: no .deb' >&2; fi
if command -v rpmbuild >/dev/null; then fedora; else echo 'rpmbuild is not installed: no .rpm' >&2; fi
