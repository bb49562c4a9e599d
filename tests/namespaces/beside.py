"""A conversation held with a real OpenBao and with ours, and what differs without a reason."""

import re
from collections.abc import Sequence
from pathlib import Path

from tests.contract import peers
from tests.contract.accepted import EVERYWHERE
from tests.contract.comparing import differences
from tests.contract.conversation import Speaker
from tests.contract.peers import Peer
from tests.contract.step import Step

Reason = tuple[str, str, str]  # where, what (both patterns), and why


def unexplained(talk: Sequence[Step], on_purpose: Sequence[Reason], ours: Peer, home: Path) -> list[str]:
    """The differences that no reason covers, one line each."""
    with peers.openbao(home) as theirs:
        us, them = Speaker(ours), Speaker(theirs)
        return [
            f"{number} {step} {step.body} {dict(step.headers)}: {line}"
            for number, step in enumerate(talk)
            for line in differences(us.say(step), them.say(step))
            if not any(re.search(where, str(step)) and re.search(what, line) for where, what, _ in on_purpose)
            and not any(known.covers(str(step), line) for known in EVERYWHERE)
        ]
