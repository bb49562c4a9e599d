"""CloudFormation templates: the default of a parameter that is not to be echoed is a secret.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html.
"""

from collections.abc import Iterator

from strongroom.scanner.falsealarms import placeholder
from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.formats.fields import json_fields, yaml_fields


def parameters(path: str, data: bytes) -> Iterator[Candidate]:
    """Yield the defaults of `NoEcho` parameters; nothing where a file has none."""
    if b"NoEcho" not in data:
        return
    fields = list((json_fields if data.lstrip()[:1] == b"{" else yaml_fields)(data))
    hidden = {
        f.path.removesuffix("/NoEcho")
        for f in fields
        if f.name == "NoEcho" and data[f.start : f.end].lower() == b"true"
    }
    for field in fields:
        parent = field.path.removesuffix("/Default")
        secret = data[field.start : field.end]
        if field.name != "Default" or parent not in hidden or len(secret) < 3:
            continue
        if not placeholder(secret.decode("utf-8", "replace")):
            reason = ("the default of a parameter that is not to be echoed",)
            name = parent.rpartition("/")[2]
            yield Candidate("generic.password", field.start, field.end, secret, name, 0.95, reason)
