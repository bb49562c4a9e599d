"""Every database system this engine can reach, by the plug-in names that Vault's clients use.

A driver is imported when it is first asked for: a server without databases starts without it.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from strongroom.engines.database.driver import Kind
from strongroom.errors import InvalidRequest

MODULES: Mapping[str, str] = {
    "postgresql-database-plugin": "postgresql",
    "mysql-database-plugin": "mysql",
    "mysql-legacy-database-plugin": "mysql",
    "mariadb-database-plugin": "mysql",
}


def kind_of(plugin_name: str) -> Kind:
    """The kind behind a plug-in name. Raises InvalidRequest."""
    module = MODULES.get(plugin_name)
    if module is None:
        known = ", ".join(sorted(MODULES))
        raise InvalidRequest(f"unknown plugin_name; there are: {known}")
    return cast("Kind", import_module(f"{__name__}.{module}").KIND)
