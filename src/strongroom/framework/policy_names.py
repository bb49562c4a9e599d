"""Policy names: canonical first, checked second, compared only in that form (security rule 2)."""

from collections.abc import Iterable

from strongroom.errors import InvalidRequest

ROOT = "root"
DEFAULT = "default"
RESPONSE_WRAPPING = "response-wrapping"
IMMUTABLE = frozenset({ROOT, RESPONSE_WRAPPING})
PERMANENT = frozenset({ROOT, RESPONSE_WRAPPING, DEFAULT})
MAX_LENGTH = 512


def canonical_name(name: str) -> str:
    """Lower-case and strip a policy name.

    Raises InvalidRequest when nothing is left, when it is over-long, or holds a control character.
    """
    canonical = name.lower().strip()
    if not canonical:
        raise InvalidRequest("a policy name is blank")
    if len(canonical) > MAX_LENGTH:
        raise InvalidRequest(f"a policy name is longer than {MAX_LENGTH} characters")
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in canonical):
        raise InvalidRequest("a policy name holds a control character")
    return canonical


def canonical_names(names: Iterable[str]) -> tuple[str, ...]:
    """The canonical names, sorted, each once; blank members are an error."""
    return tuple(sorted({canonical_name(name) for name in names}))


def writable_name(name: str) -> str:
    """The canonical name of a policy that may be written; raises InvalidRequest for the built-in ones."""
    canonical = canonical_name(name)
    if canonical in IMMUTABLE:
        raise InvalidRequest(f'cannot update "{canonical}" policy')
    return canonical


def deletable_name(name: str) -> str:
    """The canonical name of a policy that may be deleted; raises InvalidRequest for the built-in ones."""
    canonical = canonical_name(name)
    if canonical in PERMANENT:
        raise InvalidRequest(f'cannot delete "{canonical}" policy')
    return canonical


def assignable_names(names: Iterable[str]) -> tuple[str, ...]:
    """The canonical names for a role, user, entity or group: `root` is refused in any spelling.

    It reaches a token only through a root token that makes another.
    """
    canonical = canonical_names(names)
    if ROOT in canonical:
        raise InvalidRequest("the root policy cannot be assigned here")
    return canonical
