"""The lock file: every installer takes the versions that it names, also after newer ones have come out."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement

_LINE = re.compile(r"^([\w.-]+)(?:\[([\w.,-]+)\])?==\S+", re.MULTILINE)


def locked(repository: Path) -> dict[str, set[str]]:
    """The extras of each locked package, by name."""
    text = (repository / "requirements.lock").read_text()
    return {name.lower(): set(extras.split(",")) - {""} for name, extras in _LINE.findall(text)}


def test_what_is_asked_for_with_an_extra_is_locked_with_it(repository: Path) -> None:
    """Else pip before 23.3 looks for the newest release of `name[extra]` and refuses it for want of a pin."""
    found = locked(repository)
    assert "coverage" in found
    missing = []
    for name in found:
        try:
            wanted = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:  # for another system
            continue
        for one in wanted:
            needed = one.marker is None or one.marker.evaluate({"extra": ""})
            if needed and not one.extras <= found.get(one.name.lower(), set()):
                missing.append(f"{name} asks for {one.name}[{','.join(sorted(one.extras))}]")
    assert not missing
