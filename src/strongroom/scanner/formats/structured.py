"""Configuration of known programs: JSON, XML, INI and YAML whose fields' names say what is secret."""

import re
from collections.abc import Callable, Iterator

from strongroom.scanner.falsealarms import harmless, placeholder, unfilled
from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.formats.fields import Field, ini_fields, json_fields, xml_fields, yaml_fields
from strongroom.scanner.generic_names import classify, key_id
from strongroom.scanner.lazy_pattern import lazy

Walker = Callable[[bytes], Iterator[Field]]

_EMPTY = lazy(r"(?i)|\*+|null|none|nil|true|false|~|\"\"|''|yes|no|\d{1,2}|ask|prompt|x+")
# `pemPassPhrase`, `userPasswordEncrypted`: as `classify` knows them, `pemPassphrase`, `userPassword`.
_SPELT = lazy(r"(?i)(pass)_?(phrase|word)(?:[_-]?encrypted)?$")
_SECRET_KINDS = (
    "password",
    "secret",
    "token",
    "api_key",
    "credential",
    "encryption_key",
    "salt",
    "password_hash",
)
_VALUE_ATTRIBUTES = ("@value", "@defaultValue")


def fields_reader(
    walk: Walker, keys: str = "", detector: str = "", *, sure: bool = False
) -> Callable[[str, bytes], Iterator[Candidate]]:
    """A reader that reports fields whose path matches `keys`, or, without it, those named as secrets.

    `sure`: a file of somebody's credentials, in which only what was left to be filled in is no secret.
    """
    pattern = lazy(keys) if keys else None

    def read(path: str, data: bytes) -> Iterator[Candidate]:
        for field in walk(data):
            kind = (
                secret_kind(field, data[field.start : field.end].decode("ascii", "replace"))
                if pattern is None
                else (detector or "password" if pattern.search(field.path) else "")
            )
            if kind and _holds(data[field.start : field.end], kind, unfilled if sure else placeholder):
                yield _candidate(kind, field, data)

    return read


def _candidate(kind: str, field: Field, data: bytes) -> Candidate:
    secret = data[field.start : field.end]
    return Candidate(
        "generic." + kind,
        field.start,
        field.end,
        secret,
        field.name,
        0.97,
        ("a field of this file that holds a secret",),
    )


def secret_kind(field: Field, value: str = "") -> str:
    """The kind that a field's name promises, or ""; an attribute `value` is named by its element."""
    name = field.name
    if name in _VALUE_ATTRIBUTES or "[" in name:
        name = re.sub(r".*\[([^\]]*)\].*", r"\1", field.path if name in _VALUE_ATTRIBUTES else name)
    name = _SPELT.sub(lambda m: m[1] + m[2].lower(), name.lstrip("@").rpartition(":")[2])
    named = classify(name)
    if named is None or key_id(name, value) or named.kind not in _SECRET_KINDS or named.strength <= 0.5:
        return ""
    return named.kind


def _holds(raw: bytes, kind: str, blank: Callable[[str], str]) -> bool:
    """Whether the value is one: not empty, no placeholder and, passwords apart, no path or constant."""
    value = raw.decode("utf-8", "replace").strip()
    if _EMPTY.fullmatch(value) or blank(value):
        return False
    return kind == "password" or not harmless(value)


_IDE_SECRET = r"(?i)/@(?:password|passphrase|pass|passwd|pwd|secret)$"

json_secrets = fields_reader(json_fields, sure=True)
client_secrets = fields_reader(ini_fields, sure=True)
xml_secrets = fields_reader(xml_fields)
ini_secrets = fields_reader(ini_fields)
yaml_secrets = fields_reader(yaml_fields)

docker_config = fields_reader(json_fields, r"/(?:auth|identitytoken|registrytoken|password)$", "docker_auth")
firefox_logins = fields_reader(json_fields, r"/encryptedPassword$", "stored_login")
composer_auth = fields_reader(
    json_fields, r"(?:-oauth|-token|bearer)/[^/]+$|/(?:password|token|consumer-secret)$", "token"
)
filezilla = fields_reader(
    xml_fields,
    r"(?i)/@?(?:Pass|Password)$|(?:Setting|Item|Option)\[[^\]]*(?:pass(?:word)?|salt)\]$",
    sure=True,
)
magento = fields_reader(xml_fields, r"(?i)/(?:password|crypt/key)$")
ide_servers = fields_reader(xml_fields, _IDE_SECRET, sure=True)
chat_accounts = fields_reader(xml_fields, r"(?i)/password$", sure=True)
jenkins_credentials = fields_reader(
    xml_fields,
    r"(?i)/(?:password|passphrase|secret|apiToken|secretBytes|privateKey|token|secretKey)$",
    "stored_login",
)
maven_settings = fields_reader(xml_fields, r"(?i)/(?:password|passphrase)$")
answer_file = fields_reader(xml_fields, r"(?i)(?:^|/)\w*password/value$")
tomcat_users = fields_reader(xml_fields, r"(?i)/user/@password$")
nuget = fields_reader(xml_fields, r"(?i)/apikeys/add\[[^/]*\]/@value$", "api_key")
winscp = fields_reader(ini_fields, r"(?i)/(?:\w*Password\w*|Passphrase)$", "stored_login", sure=True)
irc_servers = fields_reader(ini_fields, r"/(?:P|B|PP)$", sure=True)
npmrc = fields_reader(ini_fields, r"(?:^|[/:])_(?:authToken|auth|password)$", "token")
kube_config = fields_reader(
    yaml_fields,
    r"/(?:token|password|client-key-data|id-token|refresh-token|access-token|client-secret)$",
    "token",
)
