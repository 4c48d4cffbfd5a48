#!/usr/bin/env python3
"""Lists the crates that are linked into the binary for a target.

crates.py licences TARGET: every crate with the texts of its licences.
crates.py sbom TARGET: the same crates as a CycloneDX 1.5 document.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse
import uuid

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
TEXTS = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


def linked(target):
    """The packages of normal dependencies; build and test dependencies are not in the binary."""
    command = [os.environ.get("CARGO", "cargo"), "metadata", "--format-version=1", "--locked"]
    command += ["--filter-platform", target]
    metadata = json.loads(subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    seen, todo, edges = {root}, [root], {}
    while todo:
        one = todo.pop()
        normal = {dep["pkg"] for dep in nodes[one]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])}
        edges[one] = normal
        todo += normal - seen
        seen |= normal
    order = lambda id: (packages[id]["name"], packages[id]["version"])
    return packages[root], {id: packages[id] for id in sorted(seen - {root}, key=order)}, edges


def licences(target):
    """Prints the texts, each once, with the crates that are under it."""
    _, crates, _ = linked(target)
    texts, none = {}, []
    for crate in crates.values():
        name = f"{crate['name']} {crate['version']}"
        folder = pathlib.Path(crate["manifest_path"]).parent
        files = [file for file in sorted(folder.iterdir()) if file.is_file() and TEXTS.match(file.name)]
        found = {file.read_text(errors="replace").replace("\r\n", "\n").strip() for file in files}
        for text in sorted(found):
            texts.setdefault(text, []).append(name)
        if not found:
            none.append(name)
    print(f"git-credential-github-app for {target} is linked with these crates.\n")
    for crate in crates.values():
        print(f"{crate['name']} {crate['version']}: {crate['license'] or 'see its text'}, {crate['repository'] or 'crates.io'}")
    if none:
        print(f"\nWithout a text in their packages: {', '.join(none)}; their licences are named above.")
    for text, names in sorted(texts.items(), key=lambda pair: (pair[1], pair[0])):
        print(f"\n{'=' * 100}\n{', '.join(names)}\n{'=' * 100}\n\n{text}")


def component(crate, kind):
    """A crate as CycloneDX has it."""
    purl = f"pkg:cargo/{urllib.parse.quote(crate['name'])}@{urllib.parse.quote(crate['version'])}"
    made = {"type": kind, "bom-ref": purl, "name": crate["name"], "version": crate["version"], "purl": purl}
    if crate["license"]:
        # Old manifests write "or" as a slash.
        made["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", crate["license"])}]
    if crate["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": crate["repository"]}]
    return made


def sbom(target):
    """Prints the document; without a time and with a serial number made from its content, so that it is reproducible."""
    root, crates, edges = linked(target)
    lock = (CHECKOUT / "Cargo.lock").read_text()
    pattern = r'name = "([^"]+)"\nversion = "([^"]+)"\nsource = [^\n]+\nchecksum = "([0-9a-f]+)"'
    sums = {(name, version): digest for name, version, digest in re.findall(pattern, lock)}
    components = []
    for crate in crates.values():
        made = component(crate, "library")
        digest = sums.get((crate["name"], crate["version"]))
        if digest:
            made["hashes"] = [{"alg": "SHA-256", "content": digest}]
        components.append(made)
    everything = {root["id"]: root, **crates}
    reference = lambda id: component(everything[id], "library")["bom-ref"]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": component(root, "application"),
            "properties": [{"name": "cdx:rustc:sbom:target:triple", "value": target}],
        },
        "components": components,
        "dependencies": [
            {"ref": reference(id), "dependsOn": sorted(map(reference, edges[id]))} for id in everything
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    print(json.dumps({**document, "serialNumber": f"urn:uuid:{serial}"}, indent=1, sort_keys=True))


if __name__ == "__main__":
    {"licences": licences, "sbom": sbom}[sys.argv[1]](sys.argv[2])
