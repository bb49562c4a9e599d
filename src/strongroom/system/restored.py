"""After a restore with `--revoke-all`: no token that the backup brought back survives the first unseal.

The mark stands beside the barrier's entries, as it is written while the store is sealed. It
goes only after every token has, so a server that stops in between does it again.
"""

import logging

from strongroom.barrier.barrier import RAW
from strongroom.core import token_store
from strongroom.core.core import Core
from strongroom.storage.contract import Storage

MARK = f"{RAW}restored/revoke-all"
log = logging.getLogger(__name__)


async def revoke_restored(core: Core, storage: Storage) -> None:
    """Obey the mark, if it is there; called at unseal, before any request is answered."""
    if await storage.begin().get(MARK) is None:
        return
    tokens = [entry.id async for entry in token_store.every(core.barrier.begin())]
    for token in tokens:
        await core.expiry.end_token(token)
    tx = storage.begin()
    tx.delete(MARK)
    await tx.commit()
    log.warning("restored from a backup: %d tokens were revoked", len(tokens))
