"""How much of a body is read, decided from the head alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from strongroom.api.identity import INLINE_PREFIX

KIB = 1024
MIB = 1024 * KIB

_LOGIN = re.compile(rb"/v1/auth/.+/login(?:/[^/]*)?/?")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bytes of a body: at most `whole`; at most `login` when nobody has shown a token."""

    whole: int = 32 * MIB
    login: int = 64 * KIB

    def of(self, path: bytes, headers: Mapping[str, str]) -> int:
        """The limit for this request, before its body is read."""
        known = headers.get("x-vault-token") or headers.get("authorization")
        if not known or _LOGIN.fullmatch(path) or INLINE_PREFIX + "path" in headers:
            return self.login
        return self.whole
