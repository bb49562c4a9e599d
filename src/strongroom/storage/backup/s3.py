"""S3-compatible storage: objects below a prefix of a bucket, written in parts and read back.

Requests are signed by AWS's own client, `botocore`, which finds credentials as AWS's tools do: in the
environment, a profile, or the role of the instance, container or pod. Source: the S3 API reference.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from strongroom.errors import IntegrityFailure, InvalidRequest, NotFound, UpstreamFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from strongroom.storage.backup.file import Packed

SCHEME = "s3://"
PACKAGE = "botocore"
PART_BYTES = 16 * 2**20
MOST_PARTS = 10_000
BLOCK = 2**20
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_CONNECT_SECONDS, _ANSWER_SECONDS, _ATTEMPTS = 5, 60, 5
# What was given is not quoted when it is refused: it may hold them.
_NO_SECRETS = "credentials are found as AWS's tools find them"
_ABSENT = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})
_THERE_ALREADY = frozenset({"PreconditionFailed", "412"})


class S3Place:
    """`s3://BUCKET/PREFIX`. An `endpoint` is another service's address; it is asked by path, not by host."""

    def __init__(
        self, url: str, *, region: str = "", endpoint: str = "", part_bytes: int = PART_BYTES
    ) -> None:
        """Raises InvalidRequest."""
        bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
        if not _BUCKET.fullmatch(bucket):
            raise InvalidRequest(f"the address names no bucket: {SCHEME}BUCKET/PREFIX; {_NO_SECRETS}")
        if not prefix.isprintable() or any(sign in prefix for sign in "?#"):
            raise InvalidRequest(f"the address is {SCHEME}BUCKET/PREFIX and no more; {_NO_SECRETS}")
        if endpoint and not _encrypted_or_near(endpoint):
            raise InvalidRequest(f"the endpoint is no https:// address of a host; {_NO_SECRETS}")
        if find_spec(PACKAGE) is None:
            raise InvalidRequest('S3 storage needs a package: pip install "strongroom[s3]"')
        self._bucket = bucket
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._region = region
        self._endpoint = endpoint
        self._part_bytes = part_bytes

    @property
    def shown(self) -> str:
        """Bucket and prefix."""
        return f"{SCHEME}{self._bucket}/{self._prefix}".rstrip("/")

    def where(self, name: str) -> str:
        """The object's address."""
        return f"{self.shown}/{name}"

    def expect(self, name: str) -> None:
        """The service answers, knows the bucket and has no such object."""
        with self._client() as client:
            if self._present(client, name):
                raise InvalidRequest(f"{self.where(name)} exists; a backup never overwrites")
            client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def write(self, name: str, packed: Packed) -> None:
        """Write a new object, in one request or in parts, then read it back and compare.

        What fails on the way or is not the same is removed.
        """
        self.expect(name)
        with self._client() as client:
            parts = _parts(packed, max(self._part_bytes, -(-packed.size_bytes // MOST_PARTS)))
            if packed.size_bytes <= self._part_bytes:
                client.put_object(**self._key(name), Body=b"".join(parts), IfNoneMatch="*")
            else:
                self._write_in_parts(client, name, parts)
            if self._digest(client, name) != packed.sha256:
                client.delete_object(**self._key(name))
                raise IntegrityFailure(f"{self.where(name)} was not what was sent, and is removed")

    def names(self) -> list[str]:
        """The names right below the prefix."""
        found: list[str] = []
        with self._client() as client:
            pages = client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"):
                found += [entry["Key"].removeprefix(self._prefix) for entry in page.get("Contents", ())]
        return found

    def remove(self, name: str) -> None:
        """Remove an object."""
        with self._client() as client:
            client.delete_object(**self._key(name))

    def fetch(self, name: str, target: Path) -> None:
        """Copy an object to a new, private file. Raises NotFound."""
        with self._client() as client:
            if not self._present(client, name):
                raise NotFound(f"there is no {self.where(name)}")
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as copy:
                for block in self._content(client, name):
                    copy.write(block)

    def _write_in_parts(self, client: Any, name: str, parts: Iterator[bytes]) -> None:
        upload = {
            **self._key(name),
            "UploadId": client.create_multipart_upload(**self._key(name))["UploadId"],
        }
        try:
            sent = [
                {
                    "PartNumber": number,
                    "ETag": client.upload_part(**upload, PartNumber=number, Body=part)["ETag"],
                }
                for number, part in enumerate(parts, 1)
            ]
            client.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent}, IfNoneMatch="*")
        except BaseException:
            client.abort_multipart_upload(**upload)
            raise

    def _present(self, client: Any, name: str) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415 (an extra: only who uses S3 installs it)

        try:
            client.head_object(**self._key(name))
        except ClientError as error:
            if _code(error) == "404":
                return False
            raise
        return True

    def _digest(self, client: Any, name: str) -> str:
        found = hashlib.sha256()
        for block in self._content(client, name):
            found.update(block)
        return found.hexdigest()

    def _content(self, client: Any, name: str) -> Iterator[bytes]:
        body = client.get_object(**self._key(name))["Body"]
        try:
            yield from body.iter_chunks(BLOCK)
        finally:
            body.close()

    def _key(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{name}"}

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """A client of the service; what it raises becomes our errors, without its texts."""
        from botocore.config import Config  # noqa: PLC0415 (as above)
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (as above)
        from botocore.session import Session  # noqa: PLC0415 (as above)

        settings = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_ANSWER_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            # The signature covers the content; checksums beyond it are not known to every service.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={
                "payload_signing_enabled": True,
                "addressing_style": "path" if self._endpoint else "auto",
            },
        )
        places = {"region_name": self._region or None, "endpoint_url": self._endpoint or None}
        try:
            client = Session().create_client("s3", config=settings, **places)
            try:
                yield client
            finally:
                client.close()
        except ClientError as error:
            raise self._refusal(_code(error)) from None
        except (BotoCoreError, ValueError) as error:
            raise UpstreamFailed(f"{self.shown} cannot be used: {type(error).__name__}") from None

    def _refusal(self, code: str) -> Exception:
        if code in _THERE_ALREADY:
            return InvalidRequest(f"an object of this name is in {self.shown}; a backup never overwrites")
        if code in _ABSENT:
            return NotFound(f"{self.shown} is not there ({code})")
        return UpstreamFailed(f"{self.shown} refuses: {code}")


def split(url: str) -> tuple[str, str]:
    """An object's place and name. Raises InvalidRequest."""
    place, _, name = url.removeprefix(SCHEME).rpartition("/")
    if not place or not name:
        raise InvalidRequest(f"the address names no object: {SCHEME}BUCKET/KEY; {_NO_SECRETS}")
    return f"{SCHEME}{place}", name


def _parts(packed: Packed, size: int) -> Iterator[bytes]:
    """The same bytes in pieces of `size`, the last one shorter."""
    held = bytearray()
    for block in packed:
        held += block
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)


def _encrypted_or_near(endpoint: str) -> bool:
    """Whether it is https, or plain HTTP to this machine, and holds no credentials."""
    try:
        parts = urlsplit(endpoint)
        if not parts.hostname or parts.port == 0 or "@" in parts.netloc or parts.query or parts.fragment:
            return False
        if parts.scheme == "https":
            return True
        near = parts.hostname == "localhost" or ip_address(parts.hostname).is_loopback
    except ValueError:
        return False
    return near and parts.scheme == "http"


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
