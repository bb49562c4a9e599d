"""Labels of versions: which is in force, which is still valid beside it, while a plan rotates a secret."""

from collections.abc import Mapping

from msgspec.structs import replace

from strongroom.barrier.view import View
from strongroom.engines.kv.record import Key, meta_key, with_versions


async def relabel(view: View, path: str, labels: Mapping[int, str]) -> None:
    """Give versions these labels and take them from all others; nothing happens when the secret is gone."""
    key = await view.find(meta_key(path), Key)
    if key is not None:
        versions = {
            number: replace(version, label=labels.get(number, "")) for number, version in key.versions.items()
        }
        view.put(meta_key(path), with_versions(key, versions))
