#!/bin/sh
# Pushes an OCI layout to a registry, and prints its digest: push-image.sh LAYOUT IMAGE TAG. REGISTRY_USER and
# REGISTRY_PASSWORD log in.
set -eu

auth=$(mktemp)
trap 'rm -f "$auth"' EXIT
printf '%s' "$REGISTRY_PASSWORD" |
    skopeo login --authfile "$auth" --username "$REGISTRY_USER" --password-stdin "${2%%/*}" >&2
version=${3#v}
for tag in "$version" latest; do
    skopeo copy --all --preserve-digests --authfile "$auth" "oci:$1:$version" "docker://$2:$tag" >&2
done
sed -n 's/.*"digest": "\([^"]*\)".*/\1/p' "$1/index.json"
