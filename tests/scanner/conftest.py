"""What scanner tests share: compiled rules kept out of the user's cache, and drawn secrets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.scanner import examples, rules
from strongroom.scanner.matcher import Matcher
from strongroom.scanner.rules import Rules


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRONGROOM_CACHE", str(tmp_path_factory.mktemp("cache") / "strongroom"))
        yield


@pytest.fixture(scope="session")
def builtin_rules(_cache: None) -> Rules:
    """All built-in detectors, compiled."""
    return rules.load()


@pytest.fixture(scope="session")
def matcher(builtin_rules: Rules) -> Matcher:
    """A matcher of all built-in detectors."""
    return Matcher(builtin_rules, builtin_rules.engine())


@pytest.fixture(scope="session")
def token() -> Callable[[str], str]:
    """Draw a GitHub token with a right checksum; the same seed gives the same token."""
    return lambda seed: examples.draw("<checksum:github:ghp_>", seed)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty folder outside any git repository."""
    place = tmp_path / "tree"
    place.mkdir()
    return place
