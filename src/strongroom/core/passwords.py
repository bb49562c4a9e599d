"""Password policies where they are stored: `core/password-policy/<name>`."""

from collections.abc import Callable

from msgspec import Struct

from strongroom.barrier.barrier import BarrierTransaction
from strongroom.barrier.view import View
from strongroom.core.namespaces.areas import area
from strongroom.errors import InvalidRequest
from strongroom.framework import passwords
from strongroom.framework.passwords import PasswordPolicy

PREFIX = "core/password-policy/"


class StoredPolicy(Struct, frozen=True):
    """A policy as written and as understood."""

    text: str
    policy: PasswordPolicy


def view(tx: BarrierTransaction, namespace: str = "") -> View:
    """The password policies of a namespace, by its uuid."""
    return View(tx, f"{area(namespace)}{PREFIX}")


async def generate(
    tx: BarrierTransaction, searchable: Callable[[str], bool], namespace: str, name: str
) -> str:
    """Make a password by the policy `name`, by the default when it is empty: one that a scan would know.

    Raises InvalidRequest.
    """
    if not name:
        return passwords.fit(passwords.DEFAULT, searchable)
    stored = await view(tx, namespace).find(name, StoredPolicy)
    if stored is None:
        raise InvalidRequest(f"there is no password policy '{name}'")
    return passwords.fit(stored.policy, searchable)
