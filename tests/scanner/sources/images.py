"""Container images, made by hand."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import zstandard

from strongroom.scanner.blob import Source
from tests.scanner.archives.making import tarred

LAYERS = [
    {"etc/app.env": b"planted in the first layer", "opt/keep": b"kept"},
    {"etc/.wh.app.env": b"", "srv/two": b"second layer"},
    {"srv/three": b"third layer"},
]
CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "config": {
        "Env": ["PATH=/bin", "API_KEY=planted-in-env"],
        "Cmd": ["serve", "--password", "planted-in-cmd"],
        "Labels": {"note": "planted-in-label"},
        "Healthcheck": {"Test": ["CMD", "curl", "-u", "planted-in-health"]},
    },
    "history": [{"created_by": "RUN deploy planted-in-history", "comment": "planted-in-comment"}],
}


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blobs(config: dict[str, Any] = CONFIG) -> tuple[dict[str, bytes], str]:
    """Every blob of the image by digest, and the digest of its manifest: plain, gzip and zstd layers."""
    packed = [
        tarred(LAYERS[0]),
        gzip.compress(tarred(LAYERS[1])),
        zstandard.ZstdCompressor().compress(tarred(LAYERS[2])),
    ]
    body = json.dumps(config).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest(body),
                "size": len(body),
            },
            "layers": [
                {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(p), "size": len(p)}
                for p in [*packed, packed[0]]
            ],
            "annotations": {"note": "planted-in-annotation"},
        }
    ).encode()
    return {digest(data): data for data in [*packed, body, manifest]}, digest(manifest)


def index(manifest: str, size: int = 0) -> bytes:
    entry = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": manifest,
        "size": size,
        "platform": {"os": "linux", "architecture": "amd64"},
    }
    return json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()


def layout() -> dict[str, bytes]:
    """The files of an OCI layout."""
    parts, manifest = blobs()
    files = {"blobs/" + name.replace(":", "/"): data for name, data in parts.items()}
    return {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": index(manifest), **files}


def docker_saved() -> dict[str, bytes]:
    """The files of an image as `docker save` wrote it before it wrote OCI layouts."""
    first, second = tarred(LAYERS[0]), tarred(LAYERS[1])
    manifest = [{"Config": "cfg.json", "RepoTags": ["x:1"], "Layers": ["aa/layer.tar", "bb/layer.tar"]}]
    return {
        "aa/layer.tar": first,
        "bb/layer.tar": second,
        "cfg.json": json.dumps(CONFIG).encode(),
        "manifest.json": json.dumps(manifest).encode(),
    }


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def found(source: Source, count: int = 2) -> dict[str, bytes]:
    """Every text of an image by the last of its names; each is given once."""
    texts: dict[str, bytes] = {}
    for part in source.shards(count):
        for blob in part():
            assert blob.provenance.name not in texts
            texts[blob.provenance.name] = bytes(blob.data)
    return texts
