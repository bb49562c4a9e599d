"""Secrets told by their own shape or by the command around them.

Private keys, JSON web tokens, URLs with credentials, authorization headers, password hashes,
SQL statements and command lines. A table: adding a shape adds an entry.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from strongroom.scanner.generic_commands import COMMANDS, DEVICES
from strongroom.scanner.lazy_pattern import lazy


class Shape(NamedTuple):
    """`pattern`'s group `v` is the secret; `judged` ones also pass the score, as passwords.

    Where it has a group `n`, that is the name to judge by.
    """

    detector: str
    pattern: re.Pattern[bytes]
    judged: bool = False
    name: str = ""


class Shaped(NamedTuple):
    """A shape found in a blob: `data[start:end]` is the secret, `named` what it is called there."""

    shape: Shape
    start: int
    end: int
    named: str = ""


def _shape(detector: str, pattern: str, *, judged: bool = False, name: str = "") -> Shape:
    return Shape("generic." + detector, lazy(pattern.encode()), judged, name)


_LOGIN_CALL = (
    r"(?i:\w{0,20}(?:login|log_in|logon|authenticate|sign_?in|connect\w{0,8}|getconnection|"
    r"credentials?|passwordauthentication|basic_?auth\w{0,12}|"
    r"create_?user|create_?superuser|add_?user|set_?credentials|mysqli|pdo|datasource|"
    r"passwordauthenticationtoken|passwordtoken|\.basic|pw_set|\.auth)|\bauth\s?=\s?)[( ]\s{0,20}"
    r"(?:[\w.$]{1,40},\s?)?(?:[\"'][^\"'\n\s]{1,200}[\"'],\s{0,20}){1,2}(?:some\()?[@bu]?(?P<"
    r"q>[\"'])(?P<v>[^\"'\n\s]{3,100})(?P=q)"
)
# A key given by its place to a function that signs or encrypts: `jwt.sign(payload, "…")`.
_CRYPTO = (
    r"(?i:jwt\.(?:sign|verify|encode|decode)|hmac(?:\.new|\.hexdigest)?|hash_hmac|createhmac|"
    r"aes\.(?:new|encrypt|decrypt)|"
    r"secretkeyspec|cookieparser|fernet|signer|serializer|hashids|openssl_(?:en|de)crypt|create(?:de)?cipher(?:iv)?|"
    r"signwith|hmacshakeyfor)\(\s{0,8}(?:(?:[\w.$():]{1,60}|[\"'][\w-]{1,20}[\"']|\{[^{}\n]{0,80}\}),\s{0,8}){0,2}"
    r"(?:\[\]byte\(|Buffer\.from\(|[bu])?(?P<q>[\"'])(?P<v>[^\"'\s]{8,200})(?P=q)"
)
_CURL = (
    r"(?:-u|--user|--proxy-user|"
    r"-U)[ =]?[\"']?[\w.@%+\\-]{1,60}:(?P<v>[^\s\"'$:{<%/][^\s\"'{<]{1,120})[\"']?(?=\s|$|"
    r"[\"',\\;`)])(?!:\d)"
)
_LFTP = r"\b(?:lftp|open)\b[^\n|;]{0,120}?\s-u\s{0,2}[\w.@-]{1,60},(?P<v>[^\s\"'$,]{2,80})"
_FLAG = (
    r"(?<![\w-])--?(?P<n>(?:[a-zA-Z][\w-]{0,24})??(?i:pass|password|passwd|passphrase|secret|token|"
    r"key|apikey|pwd|pw|credentials?|psk|salt|seed))[\"']?(?:=|,?\s{1,3})[\"']?(?P<v>[^\s\"'$<{%`|&;,()\[\]-][^\s\"'`|&;,<>()\[\]]{2,300})"
)
_URL = (
    r"(?<![\w+])(?:[a-z][a-z0-9+.\-]{1,20}):(?://|"
    r"\\/\\/)(?P<u>[^\s/:@\"'<>`?#]{0,64}):(?P<v>[^\s/@\"'<>`]{1,200}?)@(?P<h>[\w\[.\-${%]{1,200}"
    r")"
)

_DSN = r"(?<![\w/])[\w.-]{1,40}:(?P<v>[^\s:@\"'/]{2,80})@(?:tcp|unix|udp)\("
_EXPECTED = (
    r"(?i:(?:equals?|assert\w{0,12})\((?:\w{1,8},\s?)?)(?P<q>[\"'])(?P<v>[^\"'\s]{6,90})(?P=q),\s{0,20}"
    r"(?i:[\w.()]{0,40}?%s)(?![a-z])"
)
_EQUALS = r"(?P<q>[\"'])(?P<v>[^\"'\s]{6,90})(?P=q)\.equals\w{0,10}\((?i:[\w.()]{0,40}?%s)(?![a-z])"
# A value before its name: `set("…", forKey: "token")`, `SET value = '…' WHERE name = 'token'`,
# `MOVE '…' TO WS-TOKEN`.
_BEFORE = (
    r"(?P<q>[\"'])(?P<v>[^\"'\s]{5,120})(?P=q)(?:,?\s{1,2}(?i:forkey|key|forhttpheaderfield|for|withkey|name|"
    r"forname|account|service):\s?@?[\"']|\s{1,3}(?i:where)\s{1,3}[\w.`\"]{1,40}\s?=\s?'|\s{1,3}TO\s{1,3}(?:WS-)?"
    r"|[,\s]\s{0,20}[\"']?(?i:name|key|id)[\"']?\s?[:=]\s?[\"'])(?P<n>[\w.-]{0,60}?"
    r"(?i:pass(?:word|wd|phrase|code)?|pwd|pw|"
    r"secret|token|key|credentials?|salt|seed)\d?)(?![\w-])"
)
# A name and its value in a text that is itself encoded: JSON in a script or an attribute, a query in a URL.
_QUOTE = r"(?:\\{1,3}u0022|\\{1,3}x22|&quot;|&#34;|%22)"
_NAMED = (
    r"(?P<n>[\w.-]{0,60}?(?i:pass(?:word|wd|phrase|code)?|pwd|secret|token|key|credentials?|auth|salt)\d?)"
)
_ENCODED = (
    rf"(?<![\w-]){_NAMED}{_QUOTE}\s?(?:[:=]|%3[aA])\s?{_QUOTE}(?P<v>[^\s\"'<>&\\%]{{3,300}})(?={_QUOTE})",
    (
        rf"(?:(?<=%26)|(?<![A-Za-z0-9-])){_NAMED}%3[dD]"
        rf"(?P<v>(?:[\w.~+/!*-]|%(?!2[0267]|3[eE]|0)[0-9A-Fa-f]{{2}}){{3,300}})"
    ),
)
_PASSWORDS, _TOKENS = "(?:pass(?:word|wd|phrase)?|pwd)", "(?:secret|token|key)"

SHAPES: dict[str, tuple[Shape, ...]] = {
    "url": (
        _shape("url_credentials", _URL, judged=True, name="url"),
        _shape("password", _DSN, judged=True, name="argument"),
    ),
    "expected": (
        *(
            _shape("password", text % _PASSWORDS, judged=True, name="argument")
            for text in (_EXPECTED, _EQUALS)
        ),
        *(_shape("token", text % _TOKENS, judged=True, name="flag") for text in (_EXPECTED, _EQUALS)),
    ),
    "encoded": (*(_shape("password", text, judged=True, name="encoded") for text in _ENCODED),),
    "before": (_shape("password", _BEFORE, judged=True, name="before"),),
    "jwt": (
        _shape("jwt", r"(?<![\w-])(?P<v>eyJ[\w-]{8,2000}\.eyJ?[\w-]{8,4000}\.[\w-]{10,2000})(?![\w-])"),
        _shape(
            "jwt",
            (
                r"(?<![\w-])(?P<v>eyJ(?:hbGci|0eXAi|raWQi|lbmMi|"
                r"jdHki)[\w-]{8,1000}\.(?:[\w-]{8,4000}\.){0,3}[\w-]{8,4000})(?![\w-])"
            ),
        ),
    ),
    "auth": (
        _shape("basic_auth", r"(?i:\bbasic)\s{1,2}(?P<v>[A-Za-z0-9+/]{8,500}={0,2})(?![\w+/=])"),
        _shape(
            "authorization_header",
            r"(?i:\bbearer)\s{1,2}(?P<v>[\w+/=.~\-]{12,2000})",
            judged=True,
            name="bearer_token",
        ),
        _shape(
            "authorization_header",
            (
                r"(?i:authorization)[\"']?\]?\s{0,3}[=:,]\s{0,3}[\"'`]?(?i:token|apikey|api-key|key|"
                r"digest)\s{1,3}(?:token=)?\\?[\"']?(?P<v>[\w+/=.~\-]{10,500})"
            ),
            judged=True,
            name="auth_token",
        ),
    ),
    "hash": (
        _shape(
            "password_hash",
            r"(?<![\w$])(?P<v>\$(?:2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}|"
            r"1\$[./\w]{0,8}\$[./A-Za-z0-9]{22}|apr1\$[./\w]{0,8}\$[./A-Za-z0-9]{22}|"
            r"[56]\$(?:rounds=\d{1,9}\$)?[./\w-]{0,16}\$[./A-Za-z0-9]{43,86}|(?:y|gy|"
            r"7)\$[./\w]{1,20}\$[./\w]{0,60}\$[./\w]{43}|[PH]\$[./A-Za-z0-9]{31}|"
            r"S\$[./A-Za-z0-9]{52}|"
            r"argon2(?:id|i|d)\$[\w=,$]{4,60}\$[\w+/]{8,100}\$[\w+/]{16,150}|(?:scrypt|"
            r"pbkdf2(?:-\w+)?)\$[\w=,]{1,40}\$[\w+/.]{8,100}\$[\w+/.=]{16,150}|"
            r"sha1\$\d{1,8}\$[\w./]{1,64}\$[\w./]{28}))",
        ),
        _shape(
            "password_hash",  # Cisco's types 8 and 9, Juniper's type 9
            r"(?<![\w$])(?P<v>\$[89]\$[./A-Za-z0-9]{14}\$[./A-Za-z0-9]{43}(?![\w./])|\$9\$[\w./-]{8,120}(?=\"))",
        ),
        _shape(
            "password_hash",
            r"(?P<v>\{(?i:s?sha\d{0,3}|ssha\d{3}|smd5|md5|crypt|pbkdf2[\w-]{0,8})\}[\w+/=$.]{16,200})",
        ),
        _shape(
            "password_hash",
            (
                r"(?<![\w$])(?P<v>(?:pbkdf2_sha\d{1,3}\$\d{1,8}|sha1|md5|"
                r"argon2\$argon2\w{1,2}\$v=\d\d|scrypt(?:\$\d{1,8})?|"
                r"bcrypt_sha256\$)\$[\w=,.]{1,40}\$[\w+/=$.]{16,200})"
            ),
        ),
        _shape(
            "password_hash",
            r"(?P<v>(?:pbkdf2:sha\d{1,3}:\d{1,8}|scrypt:\d{1,8}:\d:\d)\$[\w./+]{4,64}\$[0-9a-f]{32,128})",
        ),
        _shape("password_hash", r"(?P<v>\b[0-9a-fA-F]{32}:[0-9a-fA-F]{32}):::"),
    ),
    "sql": (
        _shape(
            "sql_password",
            (
                r"(?i)identified\s{1,3}(?:(?:with|via)\s{1,3}\S{1,30}\s{1,3})?(?:by|as|"
                r"using)\s{1,3}(?:password\s{0,3}\(?\s{0,2})?\\?['\"](?P<v>[^\s'\"\\]{2,200})\\?['\"]"
            ),
            judged=True,
            name="password",
        ),
        _shape(
            "sql_password",
            (
                r"(?<![\w.$-])(?i:password)\s{0,3}(?:\(\s?|"
                r"\s(?i:as\s)?)\s{0,2}[eEnN]?\\?['](?P<v>[^\s'\"\\]{2,200})\\?[']"
            ),
            judged=True,
            name="password",
        ),
    ),
    "powershell": (
        _shape(
            "password",
            r"(?i)securestring\s{1,3}(?:-string\s{1,2})?(?P<q>[\"'])(?P<v>[^\s\"'$][^\n\"']{2,200})(?P=q)",
            judged=True,
            name="password",
        ),
    ),
    "crypto": (_shape("encryption_key", _CRYPTO, judged=True, name="key"),),
    "login": (_shape("password", _LOGIN_CALL, judged=True, name="argument"),),
    "curl": (
        _shape("basic_auth", _CURL, judged=True, name="password"),
        _shape("cli_flag", _LFTP, judged=True, name="password"),
    ),
    "command": (*(_shape("cli_flag", text, judged=True, name="password") for text in COMMANDS),),
    "device": (*(_shape("password", text, judged=True, name="password") for text in DEVICES),),
    "flag": (_shape("cli_flag", _FLAG, judged=True, name="flag"),),
}
_BLOCK = lazy(
    rb"-----BEGIN (?P<kind>[A-Z0-9 ]{0,20}PRIVATE KEY(?: BLOCK)?)-----(?P<v>(?:[\s\\nrt\"',+|"
    rb"*#/:.=\[\]();<>-]|[A-Za-z0-9]){64,12000}?)-----END (?P=kind)-----"
)
_STATIC = lazy(
    rb"-----BEGIN (?P<kind>OpenVPN Static key V1)-----(?P<v>[0-9a-f\s\\n]{64,1200})-----END (?P=kind)-----"
)
_OPEN_BLOCK = lazy(
    rb"-----BEGIN (?P<kind>[A-Z0-9 ]{0,20}PRIVATE KEY(?: BLOCK)?)-----(?P<v>[\s\\nrt\"'+,]{1,"
    rb"40}[A-Za-z0-9+/=:, \\\r\n\t-]{40,12000})"
)
_PUTTY = lazy(
    rb"PuTTY-User-Key-File-\d: [^\n]{1,60}\n(?:[A-Z][\w-]{1,20}: [^\n]*\n|"
    rb"[\w+/=]{4,80}\r?\n){1,80}?Private-Lines: \d+\r?\n(?P<v>(?:[\w+/=]{4,80}\r?\n){1,80})"
)
_BASE64_RUN = lazy(rb"[A-Za-z0-9+/=]{24}")


AHEAD = 6000  # bytes behind a hit in which shapes are looked for


def shapes(data: bytes, end: int, seen: set[int], family: str = "") -> Iterator[Shaped]:
    """Yield the shapes around a hit's `end`: those of the trigger's `family`, or of all.

    `seen` keeps a place from being yielded twice.
    """
    left = max(0, data.rfind(b"\n", 0, max(0, end - 1)) + 1, end - 400)
    right = min(len(data), end + AHEAD)
    line_end = data.find(b"\n", end, right)
    right = right if line_end < 0 else line_end
    for shape in SHAPES.get(family) or _ALL:
        for match in shape.pattern.finditer(data, left, right):
            if match.end() < end - 2 or match.start("v") in seen:
                continue
            seen.add(match.start("v"))
            named = match["n"].decode() if "n" in shape.pattern.groupindex else ""
            start = match.start("v") + (data[match.start("v")] in b"\"'")
            yield Shaped(shape, start, match.end("v"), named)


_REST = lazy(rb"[^\s\"'`<>|;,()]{0,400}")


def to_its_end(shaped: Shaped, data: bytes) -> Shaped:
    """With all of a word, or of what is quoted: a pattern may end within, and no report may show the rest."""
    word = data[max(0, shaped.start - 200) : shaped.start].rpartition(b" ")[2]
    behind = data[shaped.end : shaped.end + 400].partition(b"\n")[0]
    for quote in (word[-1:], word[:1]):
        if quote in (b'"', b"'") and quote in behind:
            return shaped._replace(end=shaped.end + behind.index(quote))
    rest = _REST.match(data, shaped.end)
    return shaped._replace(end=rest.end()) if rest else shaped


_ALL = tuple(shape for family in SHAPES.values() for shape in family)
_KEY_SHAPE = _shape("private_key", "(?P<v>)")


def private_keys(data: bytes, end: int, seen: set[int]) -> Iterator[Shaped]:
    """Yield the private key whose first line stands at a hit's `end`: PEM, OpenSSH, PGP or PuTTY."""
    begin = max(0, data.rfind(b"-----BEGIN", 0, end))
    begin = max(begin, data.rfind(b"PuTTY-User", 0, end + 1))
    found = (
        _BLOCK.match(data, begin)
        or _STATIC.match(data, begin)
        or _PUTTY.match(data, begin)
        or _OPEN_BLOCK.match(data, begin)
    )
    if found is None or begin in seen or not _BASE64_RUN.search(found["v"]):
        return
    seen.add(begin)
    yield Shaped(_KEY_SHAPE, found.start(), found.end())
