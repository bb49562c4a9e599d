"""GitHub's line hash. The plain algorithm, character by character, is the reference."""

from hypothesis import given
from hypothesis import strategies as st

from strongroom.scanner.reports import linehash

LETTERS = st.text(alphabet=" \t\r\nab\u00e9\U0001f600", max_size=400)


def _reference(data: bytes) -> dict[int, str]:  # noqa: C901 (one loop, as in the source)
    """Hash every line the way `fingerprints.ts` does: a ring of 100 characters. Lines count from 0."""
    text = data.decode("utf-8", "replace").encode("utf-16-le", "surrogatepass")
    units = [int.from_bytes(text[n : n + 2], "little") for n in range(0, len(text), 2)]
    ring, starts = [0] * 100, [-1] * 100
    state = {"hash": 0, "index": 0, "line": -1, "start": True, "cr": False}
    first = pow(37, 100, 1 << 64)
    counts: dict[str, int] = {}
    found: dict[int, str] = {}

    def out() -> None:
        value = f"{state['hash']:x}"
        counts[value] = counts.get(value, 0) + 1
        found[starts[state["index"]]] = f"{value}:{counts[value]}"
        starts[state["index"]] = -1

    def update(unit: int) -> None:
        index = state["index"]
        state["hash"] = (state["hash"] * 37 + unit - first * ring[index]) % (1 << 64)
        ring[index] = unit
        state["index"] = (index + 1) % 100

    for unit in [*units, 65535]:
        if unit in (32, 9) or (state["cr"] and unit == 10):
            state["cr"] = False
            continue
        state["cr"] = unit == 13
        unit = 10 if unit == 13 else unit  # noqa: PLW2901 (as the source does)
        if starts[state["index"]] != -1:
            out()
        if state["start"]:
            state["start"] = False
            state["line"] += 1
            starts[state["index"]] = state["line"]
        state["start"] = state["start"] or unit == 10
        update(unit)
    for _ in range(100):
        if starts[state["index"]] != -1:
            out()
        update(0)
    return found


@given(LETTERS)
def test_every_line_has_githubs_hash(text: str) -> None:
    data = text.encode()
    expected = _reference(data)
    normal = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    starts = [0] + [n + 1 for n, c in enumerate(normal) if c == 10]
    found = linehash.line_hashes(normal, starts)
    assert found == {start: expected[line] for line, start in enumerate(starts)}


def _line_hash(data: bytes, start: int) -> str:
    return linehash.line_hashes(data, [start])[start]


def test_known_values() -> None:
    """Pinned, so that alerts do not come anew."""
    assert _line_hash(b"", 0) == "c129715d7a2bc9a3:1"
    data = b"x = 1\nx = 1\n" + b"y" * 200
    assert _line_hash(data, 6) != _line_hash(data, 0)
    same = (b"line\n" * 60) + b"end"
    assert _line_hash(same, 5).endswith(":2")


@given(st.text(alphabet="ab \n\u00e9", min_size=130, max_size=200))
def test_a_long_enough_head_is_all_that_the_hash_needs(text: str) -> None:
    data = text.encode()
    if len(linehash.normal(data)) >= linehash.BLOCK:
        assert _line_hash(data, 0) == linehash.head_hash(data) + ":1"
