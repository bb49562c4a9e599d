"""How many guesses a value withstands, estimated low: what can be guessed must not be in the index.

Words count as one pick from a dictionary, however long, also when digits stand in for
letters (`p4ssw0rd`); steps along a keyboard or an alphabet hardly count; hex digits are four bits.
"""

import re
from operator import ne

WORD_BITS, WORD_LETTERS = 13.0, 9  # one of eight thousand words, for each so many letters
LETTER_BITS, CAPITAL_BITS, DIGIT_BITS, MARK_BITS, HEX_BITS = 4.7, 1.0, 3.3, 3.0, 4.0
REPEATED_BITS = 0.5
CHANGE_BITS = 1.0  # where one kind of character follows another, more often than people do it
PLAIN_CHANGES = 2
STEP_BITS = 4.0  # what the third character in a row of neighbours does not add
DISGUISED_BITS = 1.5  # a letter written as a digit or sign
LEAST_DISTINCT = 6  # different bytes below which a value is a pattern, not a secret
WORDLIKE = 0.6  # share of common pairs from which letters read as a word
_SHORTEST_WORD = 3

_RUNS = re.compile(rb"[A-Z]?[a-z]+|[A-Z]+|[0-9]+|.", re.DOTALL)
_ROWS = (
    b"01234567890 abcdefghijklmnopqrstuvwxyz qwertyuiop asdfghjkl zxcvbnm 1qaz 2wsx 3edc 4rfv 5tgb 6yhn "
    b"7ujm qazwsxedcrfvtgbyhnujm qwertzuiop azertyuiop"
)
_FORWARD = {row[at : at + 3] for row in _ROWS.split() for at in range(len(row) - 2)}
_STEPS = frozenset(_FORWARD | {step[::-1] for step in _FORWARD})
_DISGUISE = bytes.maketrans(b"013457@$!", b"oleastasi")
_HEX = re.compile(rb"(?:[0-9a-f-]+|[0-9A-F-]+)")
# The pairs of letters that make up most of written English and of names in programs.
_PAIRS = (
    b"thheineranrendonenatouedhatooritishiesngstartesemesanewavelenotaaldeotsollttelroaddiewrarishicti"
    b"iocomaomcelichurillatrpeasuscantgeacecsiethobeunlyutlowoempossspprsuamidireeooowayaieakeeiieupps"
    b"pawdswrdexctdbappieymysqqlltmigrfodabaabolagmprsnaimmoovdotypl"
)
_COMMON = frozenset(_PAIRS[at : at + 2] for at in range(0, len(_PAIRS), 2))


def strength(text: bytes) -> float:
    """The estimate in bits; 0 for what repeats a few characters only."""
    if len(set(text)) < LEAST_DISTINCT:
        return 0.0
    low = text.lower()
    plain = low.translate(_DISGUISE)
    disguised = sum(map(ne, low, plain))
    bits: float = min(_bits(text), _bits(plain) + DISGUISED_BITS * disguised)
    bits -= STEP_BITS * sum(low[at : at + 3] in _STEPS for at in range(len(low) - 2))
    if _HEX.fullmatch(text):
        bits = min(bits, HEX_BITS * len(text))
    return max(0.0, bits)


def _bits(text: bytes) -> float:
    runs = _RUNS.findall(text)
    changes = max(0, len(runs) - 1 - PLAIN_CHANGES)
    return sum(map(_run_bits, runs)) + CHANGE_BITS * changes


def _run_bits(run: bytes) -> float:
    first = run[:1]
    if first.isdigit():
        return DIGIT_BITS * len(run) if len(set(run)) > 1 or len(run) == 1 else DIGIT_BITS + REPEATED_BITS
    if not first.isalpha():
        return MARK_BITS
    letters = LETTER_BITS * len(run) + CAPITAL_BITS * first.isupper()
    if len(run) < _SHORTEST_WORD:
        return letters
    low = run.lower()
    words = WORD_BITS * -(-len(low) // WORD_LETTERS)
    common = sum(low[at : at + 2] in _COMMON for at in range(len(low) - 1))
    return min(letters, words) if common >= WORDLIKE * (len(low) - 1) else letters
