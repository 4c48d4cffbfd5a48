#!/usr/bin/env python3
"""Writes an OCI layout with an image of `serve`: image.py CA-FILE OUT ARCHIVE...

FROM scratch: the static program, the CAs, a user database with the user that it runs as. The same files make the same
bytes. https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import sys
import tarfile
import tempfile

from archive import compressed, tar

NAME = "git-credential-github-app"
USER = 65532  # as in other distroless images
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Layout:
    """A directory of blobs named by their digests."""

    def __init__(self, root):
        self.root = root
        (root / "blobs" / "sha256").mkdir(parents=True)

    def add(self, kind, data):
        """Adds a blob, and returns its descriptor."""
        if not isinstance(data, bytes):
            data = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self.root / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}


def files(binary, ca_file, licences):
    """What is in the image."""
    return {
        f"usr/bin/{NAME}": binary,
        "etc/ssl/certs/ca-certificates.crt": ca_file.read_bytes(),
        "etc/passwd": f"nonroot:x:{USER}:{USER}:nonroot:/home/nonroot:/sbin/nologin\n".encode(),
        "etc/group": f"nonroot:x:{USER}:\n".encode(),
        # libc's resolver reads it: /etc/hosts before DNS.
        "etc/nsswitch.conf": b"hosts: files dns\n",
        **{f"usr/share/licenses/{NAME}/{name}": text for name, text in licences.items()},
    }


def layer(contents, epoch):
    """An uncompressed layer of these files."""
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        for name, data in contents.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            file.chmod(0o755 if name.startswith("usr/bin/") else 0o644)
        return tar(root, "", epoch)


def unpacked(archive):
    """The files of a release's archive, by name without the top directory."""
    with tarfile.open(archive) as opened:
        members = [member for member in opened.getmembers() if member.isfile()]
        return {member.name.split("/", 1)[1]: opened.extractfile(member).read() for member in members}


def image(layout, archive, ca_file, epoch):
    """Adds the image for one processor, and returns the descriptor of its manifest."""
    version, processor = re.match(rf"{NAME}-([^-]+)-([^-]+)-", archive.name).groups()
    held = unpacked(archive)
    licences = {name: held[name] for name in ("LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY-LICENCES.txt")}
    data = layer(files(held[NAME], ca_file, licences), epoch)
    packed = layout.add("layer.v1.tar+gzip", compressed(data))
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels = {
        "org.opencontainers.image.title": NAME,
        "org.opencontainers.image.description": "Broker for GitHub App installation tokens",
        "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
        "org.opencontainers.image.version": version,
    }
    config = {
        "created": created,
        "architecture": ARCHITECTURES[processor],
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "Env": ["PATH=/usr/bin", "HOME=/home/nonroot", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "Entrypoint": [f"/usr/bin/{NAME}"],
            "Cmd": ["serve", "--help"],
            "ExposedPorts": {"8080/tcp": {}},
            "Labels": labels,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(data).hexdigest()}"]},
        "history": [{"created": created, "created_by": "release/image.sh"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.add("config.v1+json", config),
        "layers": [packed],
        "annotations": labels,
    }
    platform = {"architecture": ARCHITECTURES[processor], "os": "linux"}
    return {**layout.add("manifest.v1+json", manifest), "platform": platform}, version


def main():
    ca_file, out, *archives = map(pathlib.Path, sys.argv[1:])
    layout = Layout(out)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))
    made = [image(layout, archive, ca_file, epoch) for archive in sorted(archives)]
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [manifest for manifest, _ in made],
    }
    named = {**layout.add("index.v1+json", index), "annotations": {"org.opencontainers.image.ref.name": made[0][1]}}
    (out / "index.json").write_text(json.dumps({**index, "manifests": [named]}, sort_keys=True))
    (out / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    print(named["digest"])


if __name__ == "__main__":
    main()
