"""Each known format: exactly the secrets, at their exact places, and nothing else in the file."""

from pathlib import Path

import pytest

from tests.scanner.marked import found, samples, unmark

FILES = Path(__file__).parent / "files"
SAMPLES = [(name, text) for collection in sorted(FILES.glob("*.txt")) for name, text in samples(collection)]


@pytest.mark.parametrize(("name", "text"), SAMPLES, ids=[name for name, _ in SAMPLES])
def test_a_known_format_yields_exactly_its_secrets(name: str, text: str) -> None:
    data, spans = unmark(text)
    shown = {data[a:b].decode() for a, b in found(name, data)}
    assert shown == {data[a:b].decode() for a, b in spans}
    assert found(name, data) == spans
