"""Detector files that are wrong say what and where; the cache trusts only what is the user's own."""

import hashlib
import os
from pathlib import Path

import pytest

from strongroom.errors import InvalidRequest, UpstreamFailed
from strongroom.scanner import cache, detector, extra_rules, rules
from strongroom.scanner.matcher import Matcher

GOOD = """
[[detector]]
id = "acme.key"
name = "Acme key"
pattern = '\\b(acme_[0-9a-f]{24})\\b'
keywords = ["acme_"]
confidence = "high"
severity = "high"
advice = "Revoke it."
matches = ["a=acme_<hex:24>", "b: acme_<hex:24>"]
non_matches = ["acme_<hex:23>", "xacme_<hex:24>"]
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "pattern",
            "patern",
            r"acme.toml: detector 1 \(acme.key\): unknown key `patern`; did you mean `pattern`\?",
        ),
        ('advice = "Revoke it."', "", r"`advice` is missing"),
        (
            '"high"\nseverity',
            '"certain"\nseverity',
            r"`confidence` is `certain`, not one of high, medium, low",
        ),
        ("{24})", "{24}", r"`pattern` does not compile"),
        (r"\b(acme_", r"(?<=x)(acme_", r"`pattern` has look-around"),
        ("(acme_[0-9a-f]{24})", "acme_[0-9a-f]{24}", r"`pattern` has no group 1"),
        ('["acme_"]', '["ac"]', r"keyword `ac` is shorter than 3"),
        ('["acme_"]', '"acme_"', r"`keywords` has the wrong type"),
        ('"acme.key"', '"AcmeKey"', r"`id` is not <file stem>"),
        ("[[detector]]", "[[detectors]]", r"unknown key `detectors`; did you mean `detector`\?"),
        ("[[detector]]", "[[detector]", r"not TOML"),
    ],
)
def test_a_wrong_detector_is_refused_with_the_reason(old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        detector.parse(GOOD.replace(old, new, 1), "acme.toml")


def test_user_detectors_join_the_built_in_ones() -> None:
    found = rules.load([("acme.toml", GOOD)])
    (match,) = Matcher(found, found.engine()).scan("", b"key=acme_00112233445566778899aabd\n")
    assert match.detector.id == "acme.key"


def test_an_id_that_stands_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"`acme.key` stands twice"):
        rules.load([("a.toml", GOOD), ("b.toml", GOOD)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "cache"
    monkeypatch.setenv("STRONGROOM_CACHE", str(place))
    return place


def test_the_cache_gives_back_what_was_stored(folder: Path) -> None:
    assert cache.write("rules-1", {"a": (1, b"x")})
    assert cache.read("rules-1") == {"a": (1, b"x")}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "rules-1").stat().st_mode & 0o777 == 0o600


def test_a_changed_file_is_not_trusted(folder: Path) -> None:
    cache.write("rules-1", "good")
    raw = (folder / "rules-1").read_bytes()
    (folder / "rules-1").write_bytes(raw[:-1] + b"x")
    assert cache.read("rules-1") is None


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_may_write_is_not_used(folder: Path, mode: int) -> None:
    cache.write("rules-1", "good")
    folder.chmod(mode)
    assert cache.read("rules-1") is None
    assert not cache.write("rules-2", "good")


def test_a_file_that_others_may_write_or_a_link_is_not_read(folder: Path, tmp_path: Path) -> None:
    cache.write("rules-1", "good")
    (folder / "rules-1").chmod(0o666)
    assert cache.read("rules-1") is None
    (folder / "rules-1").chmod(0o600)
    (folder / "rules-1").rename(tmp_path / "elsewhere")
    (folder / "rules-1").symlink_to(tmp_path / "elsewhere")
    assert cache.read("rules-1") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_folder_is_not_used(folder: Path) -> None:
    cache.write("rules-1", "good")
    os.chown(folder, 12345, 12345)
    assert cache.read("rules-1") is None


def test_old_files_make_room(folder: Path) -> None:
    for number in range(9):
        cache.write(f"rules-{number}", number)
        os.utime(folder / f"rules-{number}", (number, number))
    assert len(list(folder.iterdir())) <= 7


def test_a_remote_rule_set_needs_https_and_a_digest(folder: Path) -> None:
    with pytest.raises(InvalidRequest, match="sha256"):
        extra_rules.fetch("https://rules.example/x.toml", "")
    with pytest.raises(InvalidRequest, match="https only"):
        extra_rules.fetch("http://rules.example/x.toml", "0" * 64)


def test_a_pinned_rule_set_is_read_from_the_cache_by_its_digest(folder: Path) -> None:
    digest = hashlib.sha256(GOOD.encode()).hexdigest()
    cache.write(f"remote-{digest}", GOOD.encode())
    assert extra_rules.fetch("https://rules.example/x.toml", digest) == GOOD
    cache.write(f"remote-{digest}", b"something else")
    with pytest.raises(UpstreamFailed, match=r"does not have the digest .*, but [0-9a-f]{64}:"):
        extra_rules.fetch("https://rules.example/x.toml", digest)
