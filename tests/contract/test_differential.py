"""The same requests to a real OpenBao server and to ours: same status, same body, or a reason why not."""

import pytest

from tests.contract.accepted import ACCEPTED, EVERYWHERE, Accepted
from tests.contract.comparing import differences
from tests.contract.conversation import CONVERSATIONS, Speaker
from tests.contract.peers import Peer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("subject", CONVERSATIONS)
def test_answers_are_openbaos(subject: str, ours: Peer, theirs: Peer) -> None:
    us, them = Speaker(ours), Speaker(theirs)
    used: set[Accepted] = set()
    unexplained = []
    for step in CONVERSATIONS[subject]:
        for line in differences(us.say(step), them.say(step)):
            covering = [known for known in (*ACCEPTED[subject], *EVERYWHERE) if known.covers(str(step), line)]
            used.update(covering)
            if not covering:
                unexplained.append(f"{step} {step.body!r:.60}: {line}")
    assert not unexplained, "\n".join(unexplained)
    assert not [known for known in ACCEPTED[subject] if known not in used], (
        "accepted, but no longer different"
    )


def test_there_is_a_conversation_for_every_list_of_accepted_differences() -> None:
    assert CONVERSATIONS.keys() == ACCEPTED.keys()
