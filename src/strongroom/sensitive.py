"""A wrapper that never prints its value."""

from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class Sensitive(Generic[T]):
    """Holds a secret in memory; only an explicit `.reveal()` gives it back.

    It has no value in `repr`, `str`, format strings or pickles. `named` is the value's keyed hash
    and what made it, for who needs it again and again.
    """

    __slots__ = ("_value", "named")

    def __init__(self, value: T) -> None:
        self._value = value
        self.named: tuple[object, str] = (None, "")

    def reveal(self) -> T:
        """Return the wrapped value."""
        return self._value

    def __repr__(self) -> str:
        return "Sensitive(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "Sensitive(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Sensitive value is not pickled")
