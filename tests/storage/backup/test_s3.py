"""Backups in S3-compatible storage, as moto plays it by HTTP: whole, read back, never overwritten."""

import hashlib
import os
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session

from strongroom.errors import IntegrityFailure, InvalidRequest, NotFound, UpstreamFailed
from strongroom.storage.backup import file
from strongroom.storage.backup.file import Packed
from strongroom.storage.backup.places import DirectoryPlace, Place, expire, name_at, place_of
from strongroom.storage.backup.s3 import S3Place, split
from tests.suites.aws import SECRET, amazon

pytestmark = pytest.mark.slow

MIB = 2**20
BUCKETS = count()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with amazon() as address:
        yield address


@pytest.fixture
def client(endpoint: str) -> Iterator[Any]:
    made = Session().create_client("s3", region_name="us-east-1", endpoint_url=endpoint)
    yield made
    made.close()


@pytest.fixture
def bucket(client: Any) -> str:
    name = f"backups-{next(BUCKETS)}"
    client.create_bucket(Bucket=name)
    return name


def kept(endpoint: str, bucket: str, part_bytes: int = 5 * MIB) -> S3Place:
    return S3Place(f"s3://{bucket}/vault", region="us-east-1", endpoint=endpoint, part_bytes=part_bytes)


def packed(snapshot: bytes, *, claimed: bytes | None = None) -> Packed:
    digest = hashlib.sha256(snapshot if claimed is None else claimed).hexdigest()
    blocks = (snapshot[at : at + MIB] for at in range(0, len(snapshot), MIB))
    return Packed({"version": 1, "size_bytes": len(snapshot), "sha256": digest}, blocks)


@pytest.mark.parametrize("size", [1000, 12 * MIB + 7])
def test_what_was_written_comes_back_whole_in_one_request_or_in_parts(
    endpoint: str, bucket: str, client: Any, tmp_path: Path, size: int
) -> None:
    snapshot, place, name = os.urandom(size), kept(endpoint, bucket), name_at(0)
    place.write(name, packed(snapshot))
    assert place.names() == [name]
    assert place.where(name) == f"s3://{bucket}/vault/{name}"
    parts = client.head_object(Bucket=bucket, Key=f"vault/{name}")["ETag"].strip('"').partition("-")[2]
    assert parts == ("3" if size > MIB else "")
    place.fetch(name, tmp_path / "fetched")
    assert (tmp_path / "fetched").stat().st_mode & 0o777 == 0o600
    file.extract(tmp_path / "fetched", tmp_path / "snapshot")
    assert (tmp_path / "snapshot").read_bytes() == snapshot
    with pytest.raises(InvalidRequest, match="never overwrites"):
        place.write(name, packed(b"another"))


@pytest.mark.parametrize("size", [1000, 12 * MIB])
def test_a_snapshot_that_is_damaged_on_the_way_leaves_nothing(
    endpoint: str, bucket: str, client: Any, size: int
) -> None:
    place = kept(endpoint, bucket)
    with pytest.raises(IntegrityFailure, match="damaged on the way"):
        place.write("x.backup", packed(b"a" * size, claimed=b"b"))
    assert place.names() == []
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)


def test_what_is_not_the_same_when_read_back_is_removed(
    endpoint: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = kept(endpoint, bucket)
    content = S3Place._content
    monkeypatch.setattr(S3Place, "_content", lambda *asked: (block[:-1] for block in content(*asked)))
    with pytest.raises(IntegrityFailure, match="not what was sent"):
        place.write("x.backup", packed(b"snapshot"))
    assert place.names() == []


def test_an_object_that_appears_meanwhile_is_not_overwritten(
    endpoint: str, bucket: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = kept(endpoint, bucket)
    client.put_object(Bucket=bucket, Key="vault/x.backup", Body=b"another's")
    monkeypatch.setattr(S3Place, "expect", lambda *_: None)
    for size in (10, 6 * MIB):
        with pytest.raises(InvalidRequest, match="never overwrites"):
            place.write("x.backup", packed(b"a" * size))
    assert client.get_object(Bucket=bucket, Key="vault/x.backup")["Body"].read() == b"another's"


@pytest.fixture(params=["directory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, endpoint: str, bucket: str) -> Place:
    return DirectoryPlace(tmp_path) if request.param == "directory" else kept(endpoint, bucket)


def test_the_newest_stay_and_other_files_are_left_alone(place: Place) -> None:
    for name in [*map(name_at, (0, 86400, 172800)), "before-upgrade.backup"]:
        place.write(name, packed(b"snapshot"))
    assert expire(place, 2) == [name_at(0)]
    assert sorted(place.names()) == ["before-upgrade.backup", name_at(86400), name_at(172800)]
    assert expire(place, 2) == []


def test_a_place_that_cannot_be_written_says_so_before_anything_is_made(
    endpoint: str, bucket: str, tmp_path: Path
) -> None:
    for missing in (DirectoryPlace(tmp_path / "none"), kept(endpoint, "no-such-bucket")):
        with pytest.raises((InvalidRequest, NotFound), match=r"be mounted|is not there"):
            missing.expect("x.backup")
    with pytest.raises(NotFound, match="there is no s3://"):
        kept(endpoint, bucket).fetch("none", tmp_path / "copy")


def test_refusals_and_absence_are_told_without_secrets(
    bucket: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
        monkeypatch.setattr("strongroom.storage.backup.s3._ATTEMPTS", 1)
        with pytest.raises(UpstreamFailed, match="EndpointConnectionError") as refused:
            kept(nobody, bucket).expect("x")
    assert SECRET not in str(refused.value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(UpstreamFailed, match="NoCredentials"):
        kept(endpoint, bucket).expect("x")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("s3://", {}),
        ("s3://UPPER/x", {}),
        ("s3://b/../x", {}),
        ("s3://bucket", {"endpoint": "http://storage.example.com"}),
        ("s3://bucket", {"endpoint": "ftp://127.0.0.1"}),
        ("gs://bucket/x", {}),
        ("/var/backups", {"region": "eu-central-1"}),
    ],
)
def test_what_is_no_place_is_refused(text: str, options: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        place_of(text, **options)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (f"s3://AKIA:{SECRET}@bucket/x", ""),
        (f"s3://bucket/x?secret={SECRET}", ""),
        (f"s3://bucket/x#{SECRET}", ""),
        (f"S3://AKIA:{SECRET}@bucket/x", ""),
        ("s3://bucket/x", f"https://AKIA:{SECRET}@storage.example.com"),
        ("s3://bucket/x", f"http://AKIA:{SECRET}@127.0.0.1:9000"),
        ("s3://bucket/x", f"https://storage.example.com/?key={SECRET}"),
        ("s3://bucket/x", f"https://[{SECRET}"),
        ("s3://bucket/x", f"https://storage.example.com:{SECRET}"),
    ],
)
def test_credentials_in_an_address_are_refused_and_not_repeated(text: str, endpoint: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        place_of(text, endpoint=endpoint)
    assert SECRET not in str(refused.value)
    with pytest.raises(InvalidRequest) as refused:
        split(f"s3://AKIA:{SECRET}@bucket")
    assert SECRET not in str(refused.value)


def test_an_object_has_a_place_and_a_name() -> None:
    assert split("s3://bucket/a/b.backup") == ("s3://bucket/a", "b.backup")
    assert split("s3://bucket/b.backup") == ("s3://bucket", "b.backup")
    for text in ("s3://bucket", "s3://bucket/", "s3:///x"):
        with pytest.raises(InvalidRequest):
            split(text)


def test_what_a_killed_process_left_in_a_directory_is_removed_when_it_is_old(tmp_path: Path) -> None:
    left = tmp_path / f".{name_at(0)}.0123abcd.partial"
    same, foreign = tmp_path / ".90000.backup.0123abcd.partial", tmp_path / ".film.0123abcd.partial"
    for age, there in ((3600, True), (90_000, False)):
        for path in (left, same, foreign):
            path.touch()
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age))
        DirectoryPlace(tmp_path).write(f"{age}.backup", packed(b"snapshot"))
        assert (left.exists(), same.exists(), foreign.exists()) == (there, there, True)


def test_of_two_that_write_the_same_name_at_once_one_is_kept_whole(tmp_path: Path) -> None:
    target = tmp_path / "x.backup"
    body = b"first" * 1000

    def interrupted() -> Iterator[bytes]:
        yield body[:100]
        file.write(target, packed(b"second"))
        yield body[100:]

    header = {"size_bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    with pytest.raises(InvalidRequest, match="never overwrites"):
        file.write(target, Packed(header, interrupted()))
    assert list(tmp_path.iterdir()) == [target]
    file.extract(target, tmp_path / "snapshot")
    assert (tmp_path / "snapshot").read_bytes() == b"second"
