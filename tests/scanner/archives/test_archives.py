"""What is packed is found, with the way to it."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from strongroom.scanner.blob import Blob, Provenance
from strongroom.scanner.decode import expand
from strongroom.scanner.limits import PIECE, Limits
from tests.scanner.archives.making import COMPRESS, arred, cpioed, opened, tarred, zipped

FILES = {"a.txt": b"first planted", "deep/er/b.env": b"second planted", "empty": b""}
FOUND = {"a.txt": b"first planted", "deep/er/b.env": b"second planted"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.zip", zipped(FILES)),
        ("x.jar", zipped(FILES, zipfile.ZIP_STORED)),
        ("x.zip", zipped(FILES, zipfile.ZIP_BZIP2)),
        ("x.zip", zipped(FILES, zipfile.ZIP_LZMA)),
        ("x.tar", tarred(FILES)),
        ("x.tar", tarred(FILES, tarfile.GNU_FORMAT)),
        ("x.tar", tarred(FILES, tarfile.USTAR_FORMAT)),
        ("x.a", arred({"a.txt": b"first planted", "b": b"odd"})),
        ("x.cpio", cpioed(FILES)),
        *((f"x.tar{suffix}", make(tarred(FILES))) for suffix, make in COMPRESS.items()),
        ("x.cpio.gz", gzip.compress(cpioed(FILES))),
    ],
)
def test_members_are_found_by_name(name: str, data: bytes) -> None:
    found, warnings = opened(name, data)
    assert warnings == []
    assert found[f"{name}!a.txt"] == b"first planted"
    if not name.endswith(".a"):
        assert found == {f"{name}!{member}": text for member, text in FOUND.items()}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_file_is_named_without_its_suffix(suffix: str) -> None:
    found, warnings = opened(f"logs/app.log{suffix}", COMPRESS[suffix](b"planted " * 5000))
    assert (found, warnings) == ({f"logs/app.log{suffix}!app.log": b"planted " * 5000}, [])


def test_streams_behind_each_other_are_one() -> None:
    for suffix in (".gz", ".xz", ".bz2", ".zst"):
        make = COMPRESS[suffix]
        found, warnings = opened("x" + suffix, make(b"first ") + make(b"second"))
        assert (list(found.values()), warnings) == ([b"first second"], [])


def test_old_tars_without_a_magic_are_known_by_their_checksum() -> None:
    data = bytearray(tarred({"a.txt": b"old"}, tarfile.USTAR_FORMAT))
    data[257:265] = bytes(8)
    total = sum(data[:148]) + 256 + sum(data[156:512])
    data[148:156] = b"%06o\0 " % total
    assert opened("x.tar", bytes(data))[0] == {"x.tar!a.txt": b"old"}


def test_long_names_and_large_numbers_in_tars() -> None:
    long = "d/" * 120 + "end.txt"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        assert opened("x.tar", tarred({long: b"x", "next": b"y"}, form))[0] == {
            f"x.tar!{long}": b"x",
            "x.tar!next": b"y",
        }
    data = bytearray(tarred({"a": b"abc"}, tarfile.GNU_FORMAT))
    data[124:136] = b"\x80" + (3).to_bytes(11, "big")
    assert opened("x.tar", bytes(data))[0] == {"x.tar!a": b"abc"}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_the_tar_command_is_read_sparse_files_too(tmp_path: Path, form: str) -> None:
    (tmp_path / "sparse").write_bytes(b"")
    with (tmp_path / "sparse").open("r+b") as file:
        file.seek(1 << 20)
        file.write(b"planted at the end")
    (tmp_path / "after").write_text("after")
    (tmp_path / "link").symlink_to("after")
    command = ["tar", "-C", str(tmp_path), "-S", f"--format={form}", "-cf", "-", "sparse", "link", "after"]
    done = subprocess.run(command, capture_output=True, check=True)
    found, warnings = opened("x.tar", done.stdout)
    assert warnings == []
    assert set(found) >= {"x.tar!after", "x.tar!sparse"} or any("sparse" in name for name in found)
    assert any(b"planted at the end" in data for data in found.values())
    assert found["x.tar!after"] == b"after"


@pytest.mark.slow
def test_sparse_files_with_many_holes_do_not_lose_the_next_member(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        for n in range(60):
            file.seek(n << 17)
            file.write(b"part %d planted" % n)
    (tmp_path / "after").write_text("after")
    command = ["tar", "-C", str(tmp_path), "-S", "--format=gnu", "-cf", "-", "sparse", "after"]
    done = subprocess.run(command, capture_output=True, check=True)
    found, warnings = opened("x.tar", done.stdout)
    assert warnings == []
    assert all(b"part %d planted" % n in found["x.tar!sparse"] for n in range(60))
    assert found["x.tar!after"] == b"after"


def test_long_names_in_libraries_of_gnu_and_bsd() -> None:
    def member(name: str, data: bytes) -> bytes:
        return (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode()
            + data
            + b"\n" * (len(data) % 2)
        )

    names = b"a_name_longer_than_sixteen.o/\nanother.o/\n"
    data = b"!<arch>\n" + member("/", b"symbols") + member("//", names) + member("/0", b"first")
    data += member("/30", b"second") + member("#1/20", b"a_bsd_name_of_20.o\0\0" + b"third")
    found, warnings = opened("x.a", data)
    assert warnings == []
    assert found == {
        "x.a!a_name_longer_than_sixteen.o": b"first",
        "x.a!another.o": b"second",
        "x.a!a_bsd_name_of_20.o": b"third",
    }


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb")
@pytest.mark.parametrize("method", ["xz", "gzip", "zstd"])
def test_debian_packages_are_opened(tmp_path: Path, method: str) -> None:
    (tmp_path / "p/DEBIAN").mkdir(parents=True)
    (tmp_path / "p/DEBIAN/control").write_text(
        "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: d\n"
    )
    (tmp_path / "p/etc").mkdir()
    (tmp_path / "p/etc/app.conf").write_text("planted")
    target = tmp_path / "x.deb"
    done = subprocess.run(
        ["dpkg-deb", f"-Z{method}", "-b", str(tmp_path / "p"), str(target)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("dpkg-deb without this compression")
    found, warnings = opened("x.deb", target.read_bytes())
    assert warnings == []
    assert [data for name, data in found.items() if name.endswith("app.conf")] == [b"planted"]


def test_rpm_payloads_are_opened() -> None:
    intro = b"\x8e\xad\xe8\x01" + bytes(4)
    signature = intro + (1).to_bytes(4, "big") + (4).to_bytes(4, "big") + bytes(16 + 4) + bytes(4)
    header = intro + (2).to_bytes(4, "big") + (8).to_bytes(4, "big") + bytes(32 + 8)
    data = (
        b"\xed\xab\xee\xdb" + bytes(92) + signature + header + gzip.compress(cpioed({"./etc/x": b"planted"}))
    )
    assert opened("x.rpm", data) == ({"x.rpm!payload!./etc/x": b"planted"}, [])


def test_archives_in_archives_to_a_depth() -> None:
    data = b"planted"
    for level in range(3):
        data = zipped({f"level{level}.txt" if not level else f"level{level}.zip": data})
    data = gzip.compress(tarred({"outer.zip": data}))
    found, warnings = opened("x.tgz", data)
    assert found == {"x.tgz!outer.zip!level2.zip!level1.zip!level0.txt": b"planted"}
    assert warnings == []


def test_names_are_fit_to_be_shown() -> None:
    found, _ = opened(
        "x.tar", tarred({"../../etc/\x1b[31mred\n": b"x", "n" * 1000: b"y"}, tarfile.PAX_FORMAT)
    )
    assert "x.tar!../../etc/?[31mred?" in found
    assert all(len(name) < 500 and name.isprintable() for name in found)


def test_a_member_larger_than_a_piece_comes_in_pieces_that_cover_it() -> None:
    body = b"".join(b"line %d\n" % n for n in range(1_300_000))
    assert len(body) > PIECE
    pieces = list(expand(Blob("", gzip.compress(body, 1), Provenance("x.gz")), Limits(), pytest.fail))
    owned = b"".join(bytes(p.data[p.own : p.own_end]) for p in pieces)
    assert len(pieces) > 1
    assert owned == body


def test_encrypted_members_are_counted(tmp_path: Path) -> None:
    data = bytearray(zipped({"locked.txt": b"x" * 50, "open.txt": b"planted"}))
    data[6] |= 1
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    found, warnings = opened("x.zip", bytes(data))
    assert found == {"x.zip!open.txt": b"planted"}
    assert warnings == ["x.zip: 1 encrypted members are not read"]


def test_a_broken_member_does_not_hide_the_next() -> None:
    data = bytearray(zipped({"bad.txt": b"z" * 3000 + bytes(range(200)), "good.txt": b"planted"}))
    data[60] ^= 0xFF
    found, warnings = opened("x.zip", bytes(data))
    assert found["x.zip!good.txt"] == b"planted"
    assert any("bad.txt" in warning for warning in warnings)


def test_what_cannot_be_opened_is_said_and_its_bytes_are_scanned() -> None:
    found, warnings = opened("x.7z", b"7z\xbc\xaf\x27\x1c" + b"\0planted\0")
    assert b"planted" in found["x.7z"]
    assert warnings == ["x.7z: 7-Zip archives are not opened"]
    found, warnings = opened("x.txt", b"070701 is how this note begins, and it has a password")
    assert b"password" in found["x.txt"]
    found, warnings = opened("cut.zip", zipped({"a": b"x" * 5000}, zipfile.ZIP_STORED)[:3000])
    assert b"xxx" in found["cut.zip"]
    assert len(warnings) == 1


def test_a_tar_without_its_last_padding_is_whole() -> None:
    assert opened("x.tar", tarred({"a.txt": b"planted"})[: 512 + 7]) == ({"x.tar!a.txt": b"planted"}, [])


def test_a_cut_archive_gives_what_came_before_the_cut() -> None:
    whole = tarred({"a.txt": b"planted", "b.txt": b"y" * 5000})
    found, warnings = opened("x.tar", whole[: 512 * 4])
    assert found["x.tar!a.txt"] == b"planted"
    assert len(warnings) == 1


def test_a_real_wheel_is_opened() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("pkg/__init__.py", "KEY = 'planted'")
        archive.writestr("pkg-1.dist-info/METADATA", "Name: pkg")
    found, _ = opened("pkg-1-py3-none-any.whl", out.getvalue())
    assert set(found) == {
        "pkg-1-py3-none-any.whl!pkg/__init__.py",
        "pkg-1-py3-none-any.whl!pkg-1.dist-info/METADATA",
    }
