"""Configuration of servers, installers and clients whose directives no general reader follows.

Sources: the manuals of HAProxy, nginx, Exim, Redis, CouchDB, cloud-init, Anaconda, debian-installer,
fetchmail, s-nail, Bundler, RubyGems, FreeRADIUS, OpenVPN, hostapd, wpa_supplicant, rsyncd and vsftpd.
"""

import re
from collections.abc import Callable, Iterator

from strongroom.scanner.falsealarms import placeholder
from strongroom.scanner.formats.candidate import Candidate
from strongroom.scanner.lazy_pattern import lazy

_REASON = ("its place in the file says what it is",)
_WORD = r"(?:\"(?P<q>[^\"\n]{3,200})\"|'(?P<s>[^'\n]{3,200})'|(?P<v>[^\s\"'#$%{<][^\s\"';]{2,200}))"
_PAIRS_OF_LINES = lazy(rb"\A(?:[\w.@-]+\r?\n\S{3,}(?:\r?\n|\Z))+\Z")
_PAIR = lazy(rb"^[\w.@-]+\r?\n(?P<v>\S{3,})", re.MULTILINE)
_ACL_USER = lazy(rb"^[ \t]*user[ \t]+\S+[ \t][^\n]*", re.MULTILINE)
_ACL_PASSWORD = lazy(rb"[ \t](?:>(?P<v>\S{3,})|#(?P<h>[0-9a-f]{64})\b)")
_ADMINS = lazy(rb"^\[admins\][^\n]*\n(?P<body>(?:(?!\[)[^\n]*(?:\n|\Z))*)", re.MULTILINE)
_ADMIN = lazy(
    rb"^[ \t]*(?![;#])[^\s=;]+[ \t]*=[ \t]*"
    rb"(?:(?P<h>-(?:pbkdf2|hashed)-\S+)|(?P<v>[^\s;][^\r\n]{2,200}?))[ \t]*\r?$",
    re.MULTILINE,
)
_CHPASSWD = lazy(
    rb"^(?P<i>[ ]*)chpasswd:[^\n]*\n(?P<body>(?:(?P=i)[ ]+[^\n]*(?:\n|\Z)|[ \t]*\n)*)", re.MULTILINE
)
_LOGIN = lazy(rb"^[ \t]*(?:-[ \t]+)?[\"']?[a-z_][\w.-]{0,31}:(?P<v>[^\s:\"'|>][^\s\"']{2,200})", re.MULTILINE)


def _found(match: re.Match[bytes], kind: str) -> Iterator[Candidate]:
    group = next(name for name, text in match.groupdict().items() if text and name in "qsvh")
    text = match[group].decode("utf-8", "replace")
    if not placeholder(text) and text.lower() not in ("random", "none", "true", "false"):
        kind = "password_hash" if group == "h" else kind
        start, end = match.span(group)
        yield Candidate(f"generic.{kind}", start, end, match[group], "password", 0.96, _REASON)


def directives(
    *patterns: str, kind: str = "password", word: str = _WORD
) -> Callable[[str, bytes], Iterator[Candidate]]:
    """A reader that reports the `word` of lines that begin with one of `patterns`."""
    lines = "|".join(f"(?:{pattern})" for pattern in patterns)
    compiled = lazy(rf"(?i)^[ \t]{{0,40}}(?:{lines}){word}".encode(), re.MULTILINE)

    def read(path: str, data: bytes) -> Iterator[Candidate]:
        for match in compiled.finditer(data):
            yield from _found(match, kind)

    return read


# A header that holds a secret, its value not made of variables: `$key` of nginx, `%[…]` of HAProxy.
_HEADER = (
    r"[\"']?[\w-]{0,40}(?:key|token|secret|password|authorization)[\"']?[ \t]+(?![^\n]*(?:\$\w|\$\{|%[\[{]))"
    r"[\"']?(?:Basic[ ]|Bearer[ ])?"
)
_BEFORE = r"(?:[^#\n]{0,300}[ \t{;])?"  # other settings on the line
haproxy = directives(
    r"user[ \t]+\S+[ \t]+insecure-password[ \t]+",
    r"stats[ \t]+auth[ \t]+[^\s:]+:",
    rf"http-re(?:quest|sponse)[ \t]+(?:set|add)-header[ \t]+{_HEADER}",
)
nginx = directives(
    rf"(?:proxy_set_header|fastcgi_param|uwsgi_param|grpc_set_header)[ \t]+{_HEADER}",
    r"secure_link_md5[ \t]+\"[^\"\n]*[ ]",
    kind="secret",
)
exim = directives(
    r"client_send[ \t]*=[ \t]*(?::[ \t]*[^\s:]+[ \t]*:[ \t]*|\"?\^[^\s^]+\^)",
    r"(?:hide[ \t]+)?(?:mysql|pgsql)_servers[ \t]*=[ \t]*[^\s/]+/[^\s/]+/[^\s/]+/",
)
rsync_secrets = directives(r"(?!#)[^\s:]+:")
jaas = directives(
    r"user_\w+[ \t]*=[ \t]*",
    rf"{_BEFORE}(?:user_\w+|password)[ \t]*=[ \t]*(?=\")",
)
kickstart = directives(
    r"rootpw[ \t]+(?!--(?:iscrypted|lock))(?:--(?:plaintext|allow-ssh)[ \t]+)*(?!--)",
    r"(?:user|bootloader|part|logvol|autopart|sshpw)[ \t][^#\n]{0,300}?--pass(?:word|phrase)=",
    r"sshpw[ \t]+--username=\S+[ \t]+(?!--)",
)
preseed = directives(
    r"(?!#)[\w-]+[ \t]+[\w./-]*pass(?:word|phrase)?(?:[_-](?:again|crypted))?[ \t]+password[ \t]+(?!\[)"
)
_BUNDLE_HOST = (
    r"BUNDLE_(?!MIRROR|BUILD|LOCAL)\w+__(?:COM|IO|ORG|NET|DEV|CO|DE|UK|LOCAL|INTERNAL)(?:___?\w+)?:[ \t]*\"?"
)
bundler = directives(
    rf"{_BUNDLE_HOST}[^\s\":/]+:(?!x-oauth-basic)",
    rf"{_BUNDLE_HOST}(?=\w{{16,}}(?::x-oauth-basic)?\"?[ \t]*\r?$)",
    kind="token",
    word=r"(?P<v>[^\s\"':]{6,200})",
)
gems = directives(r":[\w.-]+:[ \t]+(?:[\"']?(?:Bearer|Basic)[ ])?(?=[\"']?\w{16,})", kind="token")
fetchmail = directives(rf"{_BEFORE}pass(?:word|wd)?[ \t]+(?!is\b|prompt)")
ldap = directives(r"(?:root)?bindpw[ \t]+")
slapd = directives(r"rootpw[ \t]+(?!secret[ \t]*\r?$)", rf"{_BEFORE}credentials=")
snmp_communities = directives(
    r"r[ow]community6?[ \t]+(?!public\b|private\b)",
    r"com2sec6?[ \t]+(?:-Cn[ \t]+\S+[ \t]+)?\S+[ \t]+\S+[ \t]+(?!public\b|private\b)",
)
vpnc = directives(r"IPSec[ \t]+secret[ \t]+", r"Xauth[ \t]+password[ \t]+")
routeros = directives(
    rf"{_BEFORE}(?:[\w-]*password|[\w-]*pre-shared-key|[\w-]*secret|passphrase|[\w-]*private-key)="
)
znc = directives(r"(?:Hash|Pass)[ \t]*=[ \t]*", r"Server[ \t]*=[ \t]*\S+[ \t]+\+?\d{1,5}[ \t]+")
eggdrop = directives(
    r"(?:set[ \t]+servers[ \t]*\{[ \t]*)?[\w.-]+:\+?\d{1,5}:", r"addserver[ \t]+\S+[ \t]+\+?\d{1,5}[ \t]+"
)
travis = directives(
    r"(?:-[ ]+)?(?:slack|rooms|hipchat):[ \t]*[\"']?[\w.-]+:(?=\w{20})",
    kind="token",
    word=r"(?P<v>\w{20,64})",
)
nagios = directives(r"\$USER\d{1,3}\$[ \t]*=[ \t]*(?=\S*[\d!@#%^&*])(?!\S*/)")
rdp = directives(r"password[ \t]+51:b:", word=r"(?P<v>[0-9A-F]{32,2000})")
_ONEPASSWORD = lazy(
    rb"\"value\":\"(?P<v>(?:[^\"\\\n]|\\.){3,200})\"[^{}\n]{0,200}\"designation\":\"password\""
)
mailrc = directives(rf"{_BEFORE}set[ \t]+[\w-]*password[\w@.-]*=")
radius_clients = directives(rf"{_BEFORE}(?:secret|proto_secret)[ \t]*=[ \t]*")
radius_users = directives(
    r"[^#\n]{0,300}\b(?:Cleartext|User|NT|Crypt|MD5|SHA\d?|SSHA\d?)-Password[ \t]*(?::=|==|=)[ \t]*"
)
openvpn = directives(r"<auth-user-pass>[ \t]*\r?\n[^\n<]+\n")
_ONE_WORD = lazy(rb"\A\s*(?P<v>[^\s:=<>{}$!#]{6,200}={0,2})\s*\Z")


def one_word(path: str, data: bytes) -> Iterator[Candidate]:
    """A file that is one token or password and nothing else."""
    for match in _ONE_WORD.finditer(data):
        yield from _found(match, "token")


def onepassword(path: str, data: bytes) -> Iterator[Candidate]:
    """1Password's old export: a field of the designation `password`, its value before that."""
    for match in _ONEPASSWORD.finditer(data):
        yield from _found(match, "password")


def wireless(path: str, data: bytes) -> Iterator[Candidate]:
    """hostapd and wpa_supplicant: the value goes to the end of its line, blanks and all."""
    for match in _WIRELESS.finditer(data):
        yield from _found(match, "password")


_WIRELESS = lazy(
    rb"^[ \t]*(?:wpa_passphrase|sae_password|psk|password|wep_key\d|wpa_psk|private_key\d?_passwd|sim_pin|"
    rb"(?:auth|acct)_server_shared_secret)="
    rb"(?:\"(?P<q>[^\"\n]{3,200})\"|(?P<v>[^\s\"#][^\r\n\"]{2,200}?))[ \t]*\r?$",
    re.MULTILINE,
)


def ftp_users(path: str, data: bytes) -> Iterator[Candidate]:
    """vsftpd's list for `db_load`: a user and a password on alternate lines."""
    if _PAIRS_OF_LINES.match(data):
        for match in _PAIR.finditer(data):
            yield from _found(match, "password")


def redis(path: str, data: bytes) -> Iterator[Candidate]:
    """Passwords of rules (`user app on >password`) and of the server itself."""
    yield from _redis_directives(path, data)
    for line in _ACL_USER.finditer(data):
        for match in _ACL_PASSWORD.finditer(data, *line.span()):
            yield from _found(match, "password")


_redis_directives = directives(
    r"(?:requirepass|masterauth|sentinel[ \t]+(?:auth-pass[ \t]+\S+|sentinel-pass))[ \t]+"
)


def couchdb(path: str, data: bytes) -> Iterator[Candidate]:
    """Administrators and their passwords, plain or hashed, under `[admins]`."""
    for section in _ADMINS.finditer(data):
        for match in _ADMIN.finditer(data, *section.span("body")):
            yield from _found(match, "password")


def cloud_init(path: str, data: bytes) -> Iterator[Candidate]:
    """`user:password` lines under `chpasswd`."""
    for block in _CHPASSWD.finditer(data):
        for match in _LOGIN.finditer(data, *block.span("body")):
            yield from _found(match, "password")
