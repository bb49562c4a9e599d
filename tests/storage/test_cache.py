"""The ciphertext cache: bounded, exact, and keeping what is used."""

from strongroom.storage.cache import Cache


class Source:
    """Counts what had to be loaded."""

    def __init__(self) -> None:
        self.loads: list[str] = []

    def load(self, key: str) -> bytes | None:
        self.loads.append(key)
        return None if key == "absent" else key.encode()


def test_a_value_and_an_absence_are_loaded_once() -> None:
    cache, source = Cache(2**20), Source()
    for _ in range(3):
        assert cache.get("a", source.load) == b"a"
        assert cache.get("absent", source.load) is None
    assert source.loads == ["a", "absent"]


def test_what_is_set_replaces_what_was_loaded() -> None:
    cache, source = Cache(2**20), Source()
    cache.get("a", source.load)
    cache.set("a", b"new")
    assert cache.get("a", source.load) == b"new"
    cache.set("a", None)
    assert cache.get("a", source.load) is None


def test_what_is_used_outlives_what_is_not() -> None:
    cache, source = Cache(40_000), Source()
    cache.set("used", b"u")
    cache.set("idle", b"i")
    for number in range(300):
        cache.set(f"other-{number}", b"o")
        assert cache.get("used", source.load) == b"u"
    cache.get("idle", source.load)
    assert source.loads == ["idle"]


def test_memory_stays_bounded() -> None:
    cache, source = Cache(40_000), Source()
    for number in range(10_000):
        cache.set(f"key-{number}", bytes(100))
    kept = len(cache._young) + len(cache._old)
    assert 0 < kept * 350 <= 40_000 + 700
    assert source.loads == []


def test_a_huge_value_is_not_kept_and_leaves_no_older_one() -> None:
    cache, source = Cache(40_000), Source()
    cache.set("a", b"small")
    cache.set("a", bytes(30_000))
    assert cache.get("a", source.load) == b"a"
    assert source.loads == ["a"]
