"""YAML and JSON manifests: Kubernetes Secrets and CloudFormation parameters."""

from collections.abc import Iterator

from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.formats.cloudformation import parameters
from strongroom.scanner.formats.kubernetes import secret_manifest


def manifest(path: str, data: bytes) -> Iterator[Candidate]:
    """Yield the secrets of whatever documents the file holds; a look for two words in most files."""
    yield from secret_manifest(path, data)
    yield from parameters(path, data)
