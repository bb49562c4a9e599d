"""How much of a body is read, decided from the head alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from strongroom.api.identity import INLINE_PREFIX

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bytes of a body: at most `whole`; at most `login` when nobody has shown a token."""

    whole: int = 32 * MIB
    login: int = 64 * KIB

    def of(self, path: bytes, headers: Mapping[str, str]) -> int:
        """The limit for this request, before its body is read."""
        known = headers.get("x-vault-token") or headers.get("authorization")
        if not known or _is_login(path) or INLINE_PREFIX + "path" in headers:
            return self.login
        return self.whole


def _is_login(path: bytes) -> bool:
    """Whether a path may be a login's, of whichever namespace."""
    return b"/auth/" in path and b"login" in path.rstrip(b"/").rsplit(b"/", 2)[-2:]
