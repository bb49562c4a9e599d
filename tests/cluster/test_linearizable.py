"""The checker itself: it agrees with trying all orders, and refuses what must not happen."""

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cluster.linearizable import (
    EMPTY,
    UNKNOWN,
    Operation,
    Read,
    Register,
    Swap,
    linearizable,
    on_register,
    on_uses,
)

History = list[Operation[Read | Swap]]
READ = Read()


def op(
    action: Read | Swap, answer: object, called: float, returned: float = math.inf
) -> Operation[Read | Swap]:
    return Operation(action, answer, called, returned)


def by_trying_all(history: History) -> bool:
    """The definition: some order of all that was answered and some of the rest."""
    return any(
        _holds(order)
        for count in range(len(history) + 1)
        for order in permutations(history, count)
        if {id(found) for found in history if found.answer is not UNKNOWN} <= set(map(id, order))
    )


def _holds(order: tuple[Operation[Read | Swap], ...]) -> bool:
    state, latest = EMPTY, -math.inf
    for found in order:
        latest = max(latest, found.called)
        ends = math.inf if found.answer is UNKNOWN else found.returned
        if ends < latest:
            return False
        state, answer = on_register(state, found.action)
        if found.answer is not UNKNOWN and answer != found.answer:
            return False
    return True


registers = st.tuples(st.integers(0, 2), st.integers(0, 2))
swaps = st.builds(Swap, st.integers(0, 2), st.integers(1, 2))
asked = st.one_of(
    st.tuples(st.just(READ), registers | st.just(EMPTY)),
    st.tuples(swaps, st.booleans() | st.just(True) | st.just(UNKNOWN)),
)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any answers, over any overlapping times, no two moments the same."""
    count = draw(st.integers(1, 5))
    moments = draw(st.permutations(range(2 * count)))
    made = []
    for number in range(count):
        action, answer = draw(asked)
        called, returned = sorted(moments[2 * number : 2 * number + 2])
        made.append(op(action, answer, called, returned))
    return made


@given(histories())
def test_it_agrees_with_trying_all_orders(history: History) -> None:
    assert linearizable(history, EMPTY, on_register) is by_trying_all(history)


@given(st.data())
def test_what_one_copy_did_is_accepted(data: st.DataObject) -> None:
    state, history = EMPTY, []
    for moment in range(data.draw(st.integers(1, 60))):
        state, found = _step(state, data, moment)
        history.append(found)
    assert linearizable(data.draw(st.permutations(history)), EMPTY, on_register)


def _step(state: Register, data: st.DataObject, moment: int) -> tuple[Register, Operation[Read | Swap]]:
    """Something happens at `moment`, called up to three moments before and answered up to three later."""
    wrong = data.draw(st.integers(0, 3))
    choices: list[Read | Swap] = [READ, Swap(state[0], moment), Swap(state[0] + wrong, moment)]
    action = data.draw(st.sampled_from(choices))
    after, answer = on_register(state, action)
    early, late = data.draw(st.floats(0, 3)), data.draw(st.floats(0, 3))
    told = answer if action == READ or data.draw(st.integers(0, 5)) else UNKNOWN
    return after, op(action, told, moment - early, moment + late)


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([op(Swap(0, 1), True, 0, 1), op(READ, (0, 0), 2, 3)], id="stale read"),
        pytest.param([op(Swap(0, 1), True, 0, 2), op(Swap(0, 2), True, 1, 3)], id="lost update"),
        pytest.param([op(READ, (1, 7), 0, 1)], id="value from nowhere"),
        pytest.param(
            [op(Swap(0, 1), True, 0, 9), op(READ, (1, 1), 1, 2), op(READ, (0, 0), 3, 4)], id="seen and unseen"
        ),
        pytest.param(
            [op(Swap(0, 1), UNKNOWN, 0), op(READ, (1, 1), 1, 2), op(READ, (0, 0), 3, 4)],
            id="unknown seen and unseen",
        ),
        pytest.param([op(READ, (1, 1), 0, 1), op(Swap(0, 1), UNKNOWN, 2)], id="seen before it was asked"),
        pytest.param([op(Swap(0, 1), False, 0, 1)], id="refused without reason"),
        pytest.param(
            [op(Swap(0, 1), True, 0, 1), op(Swap(1, 2), True, 2, 3), op(READ, (1, 1), 4, 5)], id="lost write"
        ),
    ],
)
def test_what_must_not_happen_is_refused(history: History) -> None:
    assert not linearizable(history, EMPTY, on_register)


def test_what_is_unknown_may_have_happened_late_or_never() -> None:
    unknown = op(Swap(0, 1), UNKNOWN, 0)
    assert linearizable([unknown, op(READ, (0, 0), 1, 2), op(READ, (1, 1), 3, 4)], EMPTY, on_register)
    assert linearizable([unknown, op(READ, (0, 0), 1, 2), op(Swap(0, 2), True, 3, 4)], EMPTY, on_register)


def test_a_use_too_many_is_refused() -> None:
    used = [Operation(None, True, 0, 9) for _ in range(3)]
    late = Operation(None, False, 1, 2)
    assert linearizable([*used[:2], late], 2, on_uses)
    assert not linearizable(used, 2, on_uses)
    assert not linearizable([used[0], Operation(None, False, -2, -1)], 2, on_uses)
    assert linearizable([used[0], Operation(None, UNKNOWN, -2), late], 2, on_uses)
