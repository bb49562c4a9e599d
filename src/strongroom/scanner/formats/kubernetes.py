"""Kubernetes Secret manifests: every value under `data` (base64) and `stringData` is a secret.

Source: https://kubernetes.io/docs/concepts/configuration/secret/.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise

from strongroom.scanner.falsealarms import harmless, placeholder
from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.formats.fields import Field, json_fields, yaml_fields
from strongroom.scanner.generic_names import classify
from strongroom.scanner.lazy_pattern import lazy

_KIND = lazy(rb"[\"']?kind[\"']?\s*:\s*[\"']?Secret\b[\"']?")
_DOCUMENT = lazy(rb"^---", re.MULTILINE)
_PUBLIC = lazy(
    r"(?i)(?:^|[._-])(?:user(?:name)?|host(?:name)?|port|email|ca(?:\.crt)?|tls\.crt|url|"
    r"name|database|db|namespace|region|endpoint|type|server)$"
)


def secret_manifest(path: str, data: bytes) -> Iterator[Candidate]:
    """Yield the values of the Secret documents in a manifest; nothing where there are none."""
    if b"Secret" not in data:
        return
    bounds = [0, *(m.start() for m in _DOCUMENT.finditer(data)), len(data)]
    for begin, end in pairwise(bounds):
        document = data[begin:end]
        if _KIND.search(document):
            walk = json_fields if document.lstrip()[:1] == b"{" else yaml_fields
            for field in walk(document):
                yield from _entry(field, document, begin)


def _entry(field: Field, document: bytes, offset: int) -> Iterator[Candidate]:
    parts = field.path.lstrip("/").split("/")
    section = next((p for p in ("data", "stringData") if p in parts[:-1]), "")
    if not section or _PUBLIC.search(parts[-1]):
        return
    raw = document[field.start : field.end]
    plain = _decoded(raw) if section == "data" else raw
    text = plain.decode("utf-8", "replace")
    if len(plain) < 3 or placeholder(text) or placeholder(raw.decode("ascii", "replace")):
        return
    if harmless(text) and classify(parts[-1]) is None:
        return
    reason = ("a value of a Kubernetes Secret",)
    yield Candidate(
        "generic.kubernetes_secret", offset + field.start, offset + field.end, plain, parts[-1], 0.95, reason
    )


def _decoded(raw: bytes) -> bytes:
    try:
        return base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        return b""
