"""The policies that every store begins with, as policy files beside this module."""

from importlib.resources import files

from strongroom.core.policies.names import DEFAULT, RESPONSE_WRAPPING


def default_texts() -> dict[str, str]:
    """The built-in policies' text by name."""
    folder = files(__name__)
    return {name: folder.joinpath(f"{name}.hcl").read_text("utf-8") for name in (DEFAULT, RESPONSE_WRAPPING)}
