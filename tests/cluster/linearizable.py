"""Whether a history of one object could have happened on a single copy of it, one operation after another.

Source: Wing & Gong 1993, with the memory of Lowe 2017: a set of operations done and the state they led
to are looked at once. Histories of several objects are checked one by one, which says the same.
"""

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

UNKNOWN = object()
"""The answer of an operation that was not told: it may have happened at any time after its call, or never."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[A]):
    """What was asked, when, and what the caller was told."""

    action: A
    answer: object
    called: float
    returned: float = math.inf


Apply = Callable[[S, A], tuple[S, object]]
"""What an action does to one copy: the next state, and the answer."""


def linearizable(history: Sequence[Operation[A]], initial: S, apply: Apply[S, A]) -> bool:
    """Whether some order agrees with all answers, and with the time between any return and later call."""
    operations = sorted(history, key=lambda found: found.called)
    wanted = sum(1 << number for number, found in enumerate(operations) if found.answer is not UNKNOWN)
    open_: list[tuple[int, S]] = [(0, initial)]
    seen = set(open_)
    while open_:
        done, state = open_.pop()
        if done & wanted == wanted:
            return True
        for number in _next(operations, done):
            operation = operations[number]
            after, answer = apply(state, operation.action)
            if operation.answer is UNKNOWN:
                if after == state:  # whether it happened makes no difference
                    continue
            elif answer != operation.answer:
                continue
            found = (done | 1 << number, after)
            if found not in seen:
                seen.add(found)
                open_.append(found)
    return False


def _next(operations: Sequence[Operation[A]], done: int) -> Iterator[int]:
    """Those that no other operation not yet done has to come before."""
    first = (~done & (done + 1)).bit_length() - 1
    earliest = math.inf
    for number in range(first, len(operations)):
        if operations[number].called > earliest:
            return
        if not done >> number & 1:
            earliest = min(earliest, _returned(operations[number]))
            yield number


def _returned(operation: Operation[A]) -> float:
    return math.inf if operation.answer is UNKNOWN else operation.returned


@dataclass(frozen=True, slots=True)
class Read:
    """Of a register: answered with its version and value."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Write `value` if the register has this version: answered with whether it had."""

    version: int
    value: int


Register = tuple[int, int]
"""A version, 0 before the first write, and a value."""
EMPTY: Register = (0, 0)


def on_register(state: Register, action: Read | Swap) -> tuple[Register, object]:
    """A compare-and-set register."""
    if isinstance(action, Read):
        return state, state
    if state[0] != action.version:
        return state, False
    return (action.version + 1, action.value), True


def on_uses(left: int, _: None) -> tuple[int, object]:
    """A token with so many uses left: answered with whether there was one."""
    return (left - 1, True) if left else (0, False)
