#!/bin/sh
# Makes a container image of `serve` from unpacked archives: image.sh OUT ARCHIVE..., one archive for each processor.
# OUT is an OCI layout, which skopeo, podman, buildah and crane read. It needs no daemon and no base image. The CAs
# come from CA_FILE, by default this machine's.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec "${PYTHON:-python3}" "$here/image.py" "${CA_FILE:-/etc/ssl/certs/ca-certificates.crt}" "$@"
