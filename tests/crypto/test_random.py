"""Text drawn at random."""

from collections import Counter

from strongroom.crypto.random import random_text


def test_drawn_text_has_its_length_and_alphabet() -> None:
    for length in (1, 20, 300):
        drawn = random_text("abcé-", length)
        assert len(drawn) == length
        assert set(drawn) <= set("abcé-")
    assert random_text("a", 5) == "aaaaa"
    assert random_text("ab", 0) == ""


def test_every_character_is_as_likely_in_every_place() -> None:
    """Chance of a false alarm: five standard deviations for each of nine counts."""
    drawn = [random_text("abc", 3) for _ in range(3000)]
    for place in range(3):
        counts = Counter(text[place] for text in drawn)
        assert all(abs(counts[character] - 1000) < 130 for character in "abc")
