"""What a reader or the generic stage proposes: a detector and where its secret stands."""

from typing import NamedTuple


class Candidate(NamedTuple):
    """One possible secret: `data[start:end]` holds it, `secret` is its decoded form.

    `name` is the field or variable beside it; `score` is 0 to 1; `reasons` are for people
    and never quote the secret.
    """

    detector: str
    start: int
    end: int
    secret: bytes
    name: str
    score: float = 1.0
    reasons: tuple[str, ...] = ()
