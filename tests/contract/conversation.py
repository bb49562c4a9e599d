"""Holding one conversation with a server."""

from urllib.parse import quote

from tests.contract.exchanges import kv, logins, system, tokens, wrapping
from tests.contract.peers import Answer, Peer
from tests.contract.step import Step, filled, found

CONVERSATIONS: dict[str, tuple[Step, ...]] = {
    "kv1": kv.KV1,
    "kv2": kv.KV2,
    "cubbyhole": kv.CUBBYHOLE,
    "tokens": tokens.TOKENS,
    "wrapping": wrapping.WRAPPING,
    "leases": wrapping.LEASES,
    "capabilities": wrapping.CAPABILITIES,
    "userpass": logins.USERPASS,
    "approle": logins.APPROLE,
    **system.CONVERSATIONS,
}


class Speaker:
    """Says steps to one server and remembers what later ones need."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._kept: dict[str, str] = {}

    def say(self, step: Step) -> Answer:
        kept = self._kept
        answer = self._peer.call(
            step.method,
            quote(filled(step.path, kept), safe="/%?=&-._~"),
            filled(step.body, kept),
            token=None if step.token is None else filled(step.token, kept),
            headers=filled(dict(step.headers), kept),
        )
        for name, place in step.keep.items():
            kept[name] = found(answer.body, place)
        return answer
