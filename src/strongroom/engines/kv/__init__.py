"""Key-value secrets: version 1 without history, version 2 with. `options.version` of the mount chooses."""

from strongroom.engines.kv.v1 import KV1
from strongroom.engines.kv.v2 import KV2


class KV(KV1):
    """The engine by name; without the option it is version 1, as Vault's API has it."""

    versions = {"1": KV1, "2": KV2}  # noqa: RUF012  # a ClassVar by the base's annotation
    default_options = {"version": "1"}  # noqa: RUF012  # same


__all__ = ["KV", "KV1", "KV2"]
