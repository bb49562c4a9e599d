"""The scanner's search without a server: a value is found in every form, wherever it begins."""

import random
import time
from base64 import b64encode, urlsafe_b64encode
from binascii import hexlify
from collections.abc import Callable, Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.inventory import fingerprints
from strongroom.inventory.anchor import anchor
from strongroom.scanner.finding import Match
from strongroom.scanner.known import blinding
from strongroom.scanner.known.finder import Held, KnownFinder
from strongroom.scanner.known.search import Filter, truncated
from strongroom.scanner.known.survey import PIECE, Survey
from strongroom.scanner.known.texts import look
from strongroom.scanner.known.windows import starts
from tests.inventory.planted import FORMS, LETTERS, MARKED
from tests.inventory.scanner import NoDetectors

HEX = "0123456789abcdef"
ALPHABETS = (LETTERS, HEX, HEX.upper(), LETTERS + "!#$()*,-.:;?@[]^_{|}~")
SURROUNDINGS = st.binary(max_size=300) | st.text("aZ9+/ =\n%", max_size=300).map(str.encode)
NO_TOKEN = ""


class Index:
    """An index in memory, with the server's side of the exchange."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self.keys = fingerprints.create()
        self._values = {fingerprints.id_of(self.keys, v): fingerprints.made(self.keys, v) for v in values}
        rows = [fingerprints.row_of(id, made) for id, made in self._values.items()]
        self.filter = Filter(self.keys.salt, truncated(b"".join(filter(None, rows))))

    def finds(self, text: bytes) -> list[Match]:
        """What of the index stands in `text`."""
        return KnownFinder(NoDetectors(), self.filter, self).scan("text", text)

    def evaluate(self, points: Sequence[bytes]) -> list[bytes]:
        """Multiply with the index's number."""
        return [blinding.multiplied(self.keys.multiplier, blinding.point(point)) for point in points]

    def tokens(self, fingerprints: Sequence[str]) -> list[str]:
        """No token is known."""
        return [NO_TOKEN for _ in fingerprints]

    def held(self, rows: Sequence[tuple[bytes, bytes]]) -> list[tuple[Held, ...]]:
        """The values whose proofs are right."""
        return [self._held(id, proof) for id, proof in rows]

    def _held(self, id: bytes, proof: bytes) -> tuple[Held, ...]:
        found = self._values.get(id.hex())
        if found is None or found.proof != proof:
            return ()
        return (Held(id, found.before, found.length, found.check, ("it",)),)


def lines(text: bytes, width: int, ending: bytes) -> bytes:
    """Base64 as tools wrap it."""
    return ending.join(text[at : at + width] for at in range(0, len(text), width)) if width else text


@cache
def drawn(seed: int, length: int, alphabet: str) -> bytes:
    """A value that is searched for, the same for the same seed; longer where that length can be guessed."""
    dice = random.Random(f"{seed} {length}")
    made = dice.choices(alphabet, k=length)
    while not anchor("".join(made).encode()):
        made += dice.choices(alphabet)
    return "".join(made).encode()


SEEDS, LENGTHS = st.integers(0, 500), st.integers(12, 90)
DRAWN = st.builds(drawn, SEEDS, LENGTHS, st.sampled_from(ALPHABETS))
SPELT = st.builds(drawn, SEEDS, LENGTHS, st.sampled_from(ALPHABETS[:3]))
MORE = st.text(MARKED + "äß€\n", min_size=1).map(str.encode)
MIXED = st.builds(bytes.__add__, SPELT, MORE).filter(anchor)
SETTINGS = settings(max_examples=150, deadline=None)


@SETTINGS
@given(
    secret=DRAWN | MIXED,
    form=st.sampled_from(sorted(FORMS)),
    offset=st.integers(0, 200),
    before=SURROUNDINGS,
    after=SURROUNDINGS,
)
def test_a_value_is_found_in_each_form_at_any_offset(
    secret: bytes, form: str, offset: int, before: bytes, after: bytes
) -> None:
    planted = FORMS[form](secret.decode()).encode()
    text = before + b" " * offset + b"\n" + planted + b"\n" + after
    assert [match.secret for match in Index([secret]).finds(text)] == [secret]


@SETTINGS
@given(
    secret=DRAWN | MIXED,
    lead=st.binary(max_size=200),
    tail=st.binary(max_size=200),
    width=st.sampled_from([0, 64, 76]),
    ending=st.sampled_from([b"\n", b"\r\n"]),
    encode=st.sampled_from([b64encode, urlsafe_b64encode, hexlify]),
    before=SURROUNDINGS,
)
def test_a_value_within_other_bytes_is_found_in_base64_and_hex_over_lines(
    secret: bytes,
    lead: bytes,
    tail: bytes,
    width: int,
    ending: bytes,
    encode: Callable[[bytes], bytes],
    before: bytes,
) -> None:
    """Wherever in the lines it begins, and whatever is encoded around it; the match is what encodes it."""
    encoded = encode(lead + secret + tail)
    text = before + b'\n"' + lines(encoded, width, ending) + b'"\n'
    (match,) = Index([secret]).finds(text)
    assert match.secret == secret
    characters = text[match.start : match.end].replace(b"\r", b"").replace(b"\n", b"")
    first = len(lead) * 2 if encode is hexlify else len(lead) * 8 // 6
    assert encoded.startswith(characters, first)
    assert len(characters) in range(len(secret) * (2 if encode is hexlify else 1), len(secret) * 2 + 1)


@pytest.mark.parametrize("size", [PIECE - 40, PIECE - 10, PIECE, PIECE + 5, PIECE + 130, 2 * PIECE - 3])
@pytest.mark.parametrize("form", ["plain", "base64", "hex", "URL-encoded"])
def test_a_value_over_the_end_of_a_piece_is_found_once(size: int, form: str) -> None:
    secret = drawn(1, 24, LETTERS)
    text = b"x y\n" * (size // 4) + b" " * (size % 4) + FORMS[form](secret.decode()).encode()
    assert [match.secret for match in Index([secret]).finds(text)] == [secret]


def test_a_window_is_found_at_each_place_around_the_end_of_a_piece() -> None:
    secret = drawn(2, 12, LETTERS)
    index = Index([secret])
    survey = Survey()
    for size in range(PIECE - 24, PIECE + 4):
        assert len(look(b" " * size + secret, survey, index.filter).places) == 1, size


@given(text=st.text("aB1 /-~éß\n").map(str.encode) | st.binary(max_size=400))
def test_windows_are_marked_where_the_index_takes_them(text: bytes) -> None:
    found = [place for base, _, marks in Survey().pieces(text) for place in (marks.windows + base).tolist()]
    assert found == list(starts(text))


@pytest.mark.parametrize(
    "text",
    [
        b"A1" * 500_000,
        b"%41" * 80_000,
        b"a1B2 " * 200_000,
        b"Zz9/" * 16 + b"\n",
        b"Zz9/" * 16 + b"\r\n",
        b64encode(b"password " * 7) + b"\n",
        b"MTIzNDU2Nzg5" * 80_000,
        b"61" * 500_000,
        bytes(1_000_000),
        b"\xff" * 1_000_000,
    ],
)
def test_hostile_text_takes_no_longer_than_its_length(text: bytes) -> None:
    index = Index([drawn(3, 24, LETTERS)])
    text *= max(1, 1_000_000 // len(text))
    began = time.process_time()
    assert index.finds(text) == []
    assert time.process_time() - began < 8


@pytest.mark.parametrize("between", [b"  ", b"\xff" * 38], ids=["together", "apart"])
@pytest.mark.parametrize("encode", [bytes, b64encode, hexlify])
def test_one_value_very_often_takes_no_longer_than_its_length(
    encode: Callable[[bytes], bytes], between: bytes
) -> None:
    """Who may store one value could fill a file with it: each once had the whole run around it decoded."""
    secret = drawn(3, 40, LETTERS)
    count = 600_000 // len(secret + between)
    text = encode((secret + between) * count)
    began = time.process_time()
    found = Index([secret]).finds(text)
    assert time.process_time() - began < 8
    assert [match.secret for match in found] == [secret] * count


def test_values_whose_windows_all_have_escaped_characters_are_sought() -> None:
    """However many of them: the choice among windows that all cost more than they hide once failed."""
    assert anchor(b'x9"K&7<Qz>/m\\T4\'v`P"3&dR<8>') is not None
    assert anchor("Zq7éW2ßk9äX4öü8éB6ñ5çV3é1T0èJ".encode()) is None
