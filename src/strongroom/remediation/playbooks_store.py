"""The operator's own playbooks, which win over those of the same name that come with the server."""

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.errors import InvalidRequest, NotFound
from strongroom.findings.record import Finding
from strongroom.remediation import playbook
from strongroom.remediation.playbook import OTHERWISE, VAULT, Playbook
from strongroom.remediation.record import view

MAX_OWN = 500


class Own(Struct, frozen=True):
    """A playbook as the operator wrote it."""

    text: str


async def find(tx: BarrierTransaction, name: str) -> Playbook:
    """The playbook of a name. Raises NotFound."""
    own = await view(tx).find(f"playbook/{name}", Own)
    if own is not None:
        return playbook.parse(own.text)
    if name not in playbook.built_in():
        raise NotFound(f"there is no playbook '{name}'")
    return playbook.built_in()[name]


async def text(tx: BarrierTransaction, name: str) -> tuple[str, bool]:
    """A playbook as written, and whether it is the operator's own. Raises NotFound."""
    own = await view(tx).find(f"playbook/{name}", Own)
    return (own.text, True) if own is not None else (playbook.text_of(name), False)


async def names(tx: BarrierTransaction) -> list[str]:
    """Every playbook's name."""
    keys = await view(tx).keys("playbook/", limit=MAX_OWN)
    return sorted({*playbook.built_in(), *(key.removeprefix("playbook/") for key in keys)})


async def put(tx: BarrierTransaction, name: str, written: str) -> Playbook:
    """Keep a playbook of the operator's. Raises InvalidRequest for one that is none."""
    made = playbook.parse(written)
    if len(await view(tx).keys("playbook/", limit=MAX_OWN)) == MAX_OWN:
        raise InvalidRequest(f"there are {MAX_OWN} playbooks already")
    view(tx).put(f"playbook/{name}", Own(written))
    return made


def delete(tx: BarrierTransaction, name: str) -> None:
    """Forget the operator's playbook; the one that comes with the server counts again."""
    view(tx).delete(f"playbook/{name}")


async def for_finding(tx: BarrierTransaction, finding: Finding) -> str:
    """The name of the playbook for a finding: the vault's, the detector's, or the one by hand."""
    if finding.held:
        return VAULT
    known = await names(tx) if finding.playbook else []
    return finding.playbook if finding.playbook in known else OTHERWISE
