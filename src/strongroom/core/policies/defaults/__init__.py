"""The policies that every store begins with, as policy files beside this module."""

from collections.abc import Mapping
from importlib.resources import files

from strongroom.framework.policy_names import DEFAULT, RESPONSE_WRAPPING


def _text(name: str) -> str:
    return files(__name__).joinpath(f"{name}.hcl").read_text("utf-8")


DEFAULT_POLICY: Mapping[str, str] = {name: _text(name) for name in (DEFAULT, RESPONSE_WRAPPING)}
