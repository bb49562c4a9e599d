"""Archives made to exhaust a scanner: refused within a budget, with a warning."""

from __future__ import annotations

import gzip
import random
import resource
import struct
import tarfile
import time
import zlib

import pytest

from strongroom.scanner.archives.budget import SLACK, Budget, Refused
from strongroom.scanner.blob import Blob, Provenance
from strongroom.scanner.decode import expand
from strongroom.scanner.limits import Limits
from tests.scanner.archives.making import COMPRESS, arred, cpioed, opened, tarred, zipped

SMALL = Limits(max_size=1 << 20, max_depth=3, max_members=50, max_ratio=20, max_expanded=8 << 20, seconds=10)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_void_is_refused(suffix: str) -> None:
    bomb = COMPRESS[suffix](bytes(64 << 20))
    _, warnings = opened("x" + suffix, bomb, SMALL)
    assert ["inflates to too much" in warning for warning in warnings] == [True]


@pytest.mark.slow
def test_memory_stays_far_below_what_a_bomb_promises() -> None:
    layer = gzip.compress(bytes(256 << 20), 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, warnings = opened("x.tar.gz", gzip.compress(layer), Limits())
    assert len(warnings) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


def test_members_that_share_their_bytes_are_counted_each_time() -> None:
    """A zip whose directory names one compressed member a thousand times."""
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = body.compress(bytes(1 << 20)) + body.flush()
    local = struct.pack(
        "<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, zlib.crc32(bytes(1 << 20)), len(packed), 1 << 20, 1, 0
    )
    local += b"a" + packed
    entry = struct.pack(
        "<4s6H3I5H2I",
        b"PK\1\2",
        20,
        20,
        0,
        8,
        0,
        0,
        zlib.crc32(bytes(1 << 20)),
        len(packed),
        1 << 20,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
    )
    entry += b"a"
    count = 40
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(entry) * count, len(local), 0)
    warnings: list[str] = []
    found = list(expand(Blob("", local + entry * count + end, Provenance("x.zip")), SMALL, warnings.append))
    assert sum(len(blob.data) for blob in found) <= SMALL.max_expanded
    assert any("too much" in warning for warning in warnings)


def test_too_many_members_and_too_deep() -> None:
    _, warnings = opened("x.tar", tarred({f"f{n}": b"x" for n in range(60)}), SMALL)
    assert warnings == ["x.tar: it has too many members: not read further"]
    data = b"planted"
    for _ in range(6):
        data = zipped({"in.zip": data})
    found, warnings = opened("x.zip", data, SMALL)
    assert b"planted" not in found.values()
    assert warnings == ["x.zip!in.zip!in.zip!in.zip: archives are nested too deep: not opened"]


def test_a_zip_that_holds_itself_ends() -> None:
    data = zipped(
        {"a.zip": zipped({"b.zip": zipped({"c.zip": zipped({"d.zip": zipped({"e.zip": b"PK\3\4"})})})})}
    )
    opened("x.zip", data, SMALL)


def test_time_is_bounded() -> None:
    hands = iter([0.0, 1.0, 61.0])
    budget = Budget(Limits(seconds=60), 1000, lambda: next(hands))
    budget.spend(1)
    with pytest.raises(Refused, match="too long"):
        budget.spend(1)


def test_small_files_have_some_slack() -> None:
    budget = Budget(Limits(), 0)
    budget.spend(SLACK)
    with pytest.raises(Refused):
        budget.spend(1)


@pytest.mark.parametrize("size", ["77777777777", "\x80" + "\xff" * 11, "-1", "zz", ""])
def test_tar_headers_that_lie_about_their_size(size: str) -> None:
    data = bytearray(tarred({"a": b"abc"}, tarfile.GNU_FORMAT))
    data[124:136] = size.encode("latin-1").ljust(12, b"\0")[:12]
    opened("x.tar", bytes(data), SMALL)


def test_a_pax_header_of_gigabytes_is_not_held() -> None:
    header = bytearray(tarred({"a": b""}, tarfile.USTAR_FORMAT)[:512])
    header[156:157] = b"x"
    header[124:136] = b"77777777777\0"
    _, warnings = opened("x.tar", bytes(header) + bytes(4096), SMALL)
    assert warnings == ["x.tar: damaged or not readable as tar: a header is too long"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_random_damage_never_crashes(seed: int) -> None:
    chance = random.Random(seed)
    files = {f"f{n}.txt": chance.randbytes(300) + b"x" * 900 for n in range(8)}
    whole = [
        ("x.zip", zipped(files)),
        ("x.tar", tarred(files)),
        ("x.a", arred(files)),
        ("x.cpio", cpioed(files)),
        *(("x.tar" + suffix, make(tarred(files))) for suffix, make in COMPRESS.items()),
    ]
    started = time.monotonic()
    for name, data in whole:
        for _ in range(30):
            broken = bytearray(data)
            for _ in range(chance.randint(1, 6)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            damage(name, bytes(broken[: chance.choice((len(broken), chance.randrange(len(broken))))]))
    assert time.monotonic() - started < 60


def damage(name: str, data: bytes) -> None:
    warnings: list[str] = []
    for blob in expand(Blob("", data, Provenance(name)), SMALL, warnings.append):
        assert len(blob.data) <= SMALL.max_expanded
