from hypothesis import given
from hypothesis import strategies as st

from strongroom.scanner import blob


@given(
    text=st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"\0", b"line of text"]), max_size=40).map(b"".join),
    start=st.integers(0, 60),
    end=st.integers(0, 60),
)
def test_line_ends_are_those_that_count_tells(text: bytes, start: int, end: int) -> None:
    end = min(end, len(text))
    assert blob.line_ends(text, start, end) == text.count(b"\n", start, max(start, end))


def test_line_ends_are_counted_over_more_than_one_step() -> None:
    text = b"0123456\n" * 100_000
    assert blob.line_ends(text, 4, len(text) - 1) == 99_999
