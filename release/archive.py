#!/usr/bin/env python3
"""Packs a directory as .tar.gz or .zip, reproducibly: entries are sorted, with one time and without users.

archive.py DIRECTORY ARCHIVE; SOURCE_DATE_EPOCH is the time of every entry.
"""

import gzip
import io
import os
import pathlib
import sys
import tarfile
import time
import zipfile


def entries(root):
    """Everything below a directory, with its mode: executable or not, independent of the umask."""
    for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix()):
        runnable = path.is_dir() or path.suffix in (".sh", ".exe") or os.access(path, os.X_OK)
        yield path, 0o755 if runnable else 0o644


def tar(root, prefix, epoch):
    """An uncompressed archive of a directory's files; names begin with the prefix."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, mode in entries(root):
            info = tarfile.TarInfo(prefix + path.relative_to(root).as_posix())
            info.mode, info.mtime = mode, epoch
            if path.is_dir():
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            else:
                data = path.read_bytes()
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def compressed(data):
    """gzip without a name and a time."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def write_zip(root, prefix, epoch, out):
    """A zip file, for Windows."""
    when = time.gmtime(max(epoch, 315532800))[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, mode in entries(root):
            if path.is_file():
                info = zipfile.ZipInfo(prefix + path.relative_to(root).as_posix(), when)
                info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, mode << 16
                archive.writestr(info, path.read_bytes())


def main():
    root, out = map(pathlib.Path, sys.argv[1:])
    prefix, epoch = root.name + "/", int(os.environ["SOURCE_DATE_EPOCH"])
    if out.suffix == ".zip":
        write_zip(root, prefix, epoch, out)
    else:
        out.write_bytes(compressed(tar(root, prefix, epoch)))


if __name__ == "__main__":
    main()
