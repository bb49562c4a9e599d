"""Where a namespace's own rows lie; the root namespace's are where they would be without any.

`space/<uuid>/` holds its path, mount table, policies and password policies. Its tokens are
indexed below `token/space/<uuid>/`; its leases' names begin with `@<uuid>/`, so that the
sweeper's order is one. What a mount stores is below `mount/<uuid>/`, as everywhere.
"""

import re

SPACE = "space/"
PLACE = "path"  # below a namespace's area: where it is now

_LEASE = re.compile(r"@([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/")


def area(namespace: str) -> str:
    """The part of the barrier for what belongs to a namespace, by its uuid; empty for the root."""
    return f"{SPACE}{namespace}/" if namespace else ""


def lease_area(namespace: str) -> str:
    """How the names of a namespace's leases begin."""
    return f"@{namespace}/" if namespace else ""


def namespace_of(lease_id: str) -> str:
    """The uuid of the namespace that a lease belongs to; empty for the root."""
    found = _LEASE.match(lease_id)
    return found.group(1) if found else ""
