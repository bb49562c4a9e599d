"""Files with one account a line: password files, `.pgpass`, `.netrc`, `.git-credentials`.

Sources: passwd(5), shadow(5), htpasswd(1), PostgreSQL's `.pgpass`, netrc(5), git-credential-store(1).
"""

import re
from collections.abc import Iterator

from strongroom.scanner.falsealarms import unfilled
from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.lazy_pattern import lazy

_REASON = ("its place in the file says what it is",)
_COLONS = lazy(rb"^(?P<user>[^:\s#][^:\n]*):(?P<v>[^:\s]{6,300})(?=[:\r\n]|\Z)", re.MULTILINE)
_HTDIGEST = lazy(rb"^[^:\n#]+:[^:\n]+:(?P<v>[0-9a-fA-F]{32})\s*$", re.MULTILINE)
_PGPASS = lazy(
    (
        rb"^(?!#)(?:[^:\\\n]|\\.)*:(?:[^:\\\n]|\\.)*:(?:[^:\\\n]|\\.)*:(?:[^:\\\n]|"
        rb"\\.)*:(?P<v>(?:[^\n\\\r]|\\.)+?)\s*$"
    ),
    re.MULTILINE,
)
_NETRC = lazy(
    (
        rb"(?:^|\s)(?P<k>password|passwd|account|macdef)\s+(?:\"(?P<q>[^\"\n]*)\"|"
        rb"(?P<v>[^\s#][^\s]*))|(?P<c>(?:^|\s)#[^\n]*)"
    ),
    re.MULTILINE,
)
_ANONYMOUS = lazy(rb"\blogin\s+(?:anonymous|ftp)\s+(?:account\s+\S+\s+)?\Z")
_CREDENTIAL_URL = lazy(rb"^\s*[a-z][a-z0-9+.-]*://(?P<u>[^\s/:@]*)(?::(?P<v>[^\s/@]+))?@", re.MULTILINE)
_PAIR = lazy(rb"^\s*(?:[\w.-]{1,63}:)?(?P<u>[A-Z0-9]{16,32}):(?P<v>[^\s:]{20,})\s*$", re.MULTILINE)
_HEX_KEY = lazy(rb"\A\s*(?P<v>[0-9a-fA-F]{32,512})\s*\Z")
_CLIENT = lazy(rb"^(?!#)[^:\s]+:[^:\n]*:(?P<v>[^\s:]+)\s*$", re.MULTILINE)
_CVS = lazy(rb"^(?:/1 )?:\w+:[^\s]+\s+(?P<v>A\S+)\s*$", re.MULTILINE)
_TEXT_IN_HASHES = lazy(rb"[*!x]+|[*!]\S*|NP|LK|\*LK\*|\*NP\*")


def _found(detector: str, match: re.Match[bytes], name: str, group: str = "v") -> Candidate:
    return Candidate(
        "generic." + detector, match.start(group), match.end(group), match[group], name, 0.98, _REASON
    )


def passwords_by_colon(path: str, data: bytes) -> Iterator[Candidate]:
    """shadow, passwd, htpasswd, ProFTPD: `user:hash[:…]`; locked and shadowed accounts are none."""
    for match in _COLONS.finditer(data):
        if not _TEXT_IN_HASHES.fullmatch(match["v"]):
            yield _found("password_hash", match, match["user"].decode("utf-8", "replace"))


def htdigest(path: str, data: bytes) -> Iterator[Candidate]:
    """`user:realm:md5`."""
    yield from (_found("password_hash", match, "digest") for match in _HTDIGEST.finditer(data))


def pgpass(path: str, data: bytes) -> Iterator[Candidate]:
    """`host:port:database:user:password`."""
    for match in _PGPASS.finditer(data):
        if not unfilled(match["v"].decode("utf-8", "replace")):
            yield _found("password", match, "password")


def netrc(path: str, data: bytes) -> Iterator[Candidate]:
    """`machine … login … password …`, on one line or several; no password of an anonymous login."""
    for match in _NETRC.finditer(data):
        group = "q" if match["q"] else "v"
        if (
            match["k"] in (b"password", b"passwd")
            and match[group]
            and not (
                b"@" in match[group] and _ANONYMOUS.search(data, max(0, match.start() - 80), match.start("k"))
            )
            and not unfilled(match[group].decode("utf-8", "replace"))
        ):
            yield _found("password", match, "password", group)


def credential_urls(path: str, data: bytes) -> Iterator[Candidate]:
    """`https://user:password@host`, one a line."""
    for match in _CREDENTIAL_URL.finditer(data):
        if match["v"] and not unfilled(match["v"].decode("utf-8", "replace")):
            yield _found("url_credentials", match, match["u"].decode("utf-8", "replace"))


def key_pairs(path: str, data: bytes) -> Iterator[Candidate]:
    """s3fs: `access key:secret key`, optionally after the bucket."""
    yield from (_found("secret", match, "secret_key") for match in _PAIR.finditer(data))


def key_file(path: str, data: bytes) -> Iterator[Candidate]:
    """A file that is one hexadecimal key, such as Rails' `master.key`."""
    if len(data) < 600:
        yield from (_found("encryption_key", match, "master_key") for match in _HEX_KEY.finditer(data))


def mail_client(path: str, data: bytes) -> Iterator[Candidate]:
    """Exim's `passwd.client`: `host:login:password`."""
    for match in _CLIENT.finditer(data):
        if not unfilled(match["v"].decode("utf-8", "replace")):
            yield _found("password", match, "password")


def cvspass(path: str, data: bytes) -> Iterator[Candidate]:
    """CVS: a repository and its scrambled password."""
    yield from (_found("password", match, "cvs") for match in _CVS.finditer(data))
