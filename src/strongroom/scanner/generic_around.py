"""What the text around an assignment says against it: a manual page, a test vector, a label, a piece of code.

Each rule looks at the place, not at how random the value is.
"""

from collections.abc import Callable

from strongroom.scanner.generic_language import Place
from strongroom.scanner.generic_names import classify, words_of
from strongroom.scanner.generic_values import Assignment
from strongroom.scanner.lazy_pattern import lazy
from strongroom.scanner.scoring_text import covered

_TEST_RESULT = lazy(
    rb"\n(?:X?PASS(?:ED)?|X?FAIL(?:ED)?|SKIP(?:PED)?|OK|ERROR|WARN(?:ING)?|UNSUPPORTED|UNTESTED|UNRESOLVED"
    rb"|Running)\b[: ]"
)
# Fields that stand beside the key, the nonce or the salt of a published test vector.
_VECTOR = lazy(
    rb"(?im)^[ \t#*/;|\"'.\\-]{0,8}(plain_?text|cipher_?text|cipher|input|output|digest|mac|aad|tag|iv|pt|ct|"
    rb"okm|prk|message|msg|result|expected\w{0,8}|count|operation|cavs|keylen|ivlen|mlen|info|ikm|password|tcid"
    rb"|kdf|availablein|derive|peer_?key"
    rb"|private_?key|public_?key|shared_?secret|ctrl|title|privpubkeypair|verify|ctrlmode)[ \t\"']{0,4}[:=]"
)
_ROFF_VALUE = lazy(r".*\\f[A-Z(]|.*\\\*\(|\(\d\w{0,3}\)[,. ]*|.*\\&|\\s[-\d]")
_PROSE = lazy(rb"[ \t]+(?:[a-z]{2,}|to|the|in|as)\b")
_CODE = lazy(
    r".*(?:\)\s*[,;)}]|=>|\|\||&&|\w\(|\)\.|;\w)|[(\[{<&.].*|.*\\[a-z0-9(\[.*$|{}+^]|.*[)}\]]\W*|.*%[wsvdqr](?:\W|[A-Za-z]|$)"
    r"|:.*"
)
_JOINS = lazy(r"[\s\"']*[+.]\s*[$\w].*|.*\w\s*[+.]\s*[\"']?|.*[\"'`]\s*[+.,]\s*[$\w@(].*|[\"'],.*|\).*[\"'(]")
_TAG = lazy(r"\w+:[\"'].*")
_ADDRESS = lazy(
    r"(?i)(?:[0-9a-f]{2}[:-]){5,7}[0-9a-f]{2}|(?:\w+:)?(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}|cpe:.*|oid:.*|[0-9.]+"
)
_LABEL = lazy(r"[A-Za-z ]*&[A-Za-z ]+[:.?*]*|[A-Za-z ]+&(?:nbsp|amp|hellip);?.*")
_COLUMNS = lazy(r"(?:[A-Za-z_]+:){2,}[A-Za-z_]*:?[A-Za-z_]*")
_RULES_OF_FORMS = lazy(r"[a-z_]+(?::[\w,./-]+)?(?:\|[a-z_]+(?::[\w,./-]+)?)+")
_LETTERS = lazy(r"[A-Za-z' .!?]+")


def against(found: Assignment, value: str, data: bytes, place: Place) -> str:
    """Say why the text around `found` rules it out, or ""."""
    return next((reason for rule, reason in _RULES if rule(found, value, data, place)), "")


def _test_result(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """`PASS: name` among the lines of a test report, or before more words."""
    if found.name != "PASS" or found.quoted:
        return False
    line = data.rfind(b"\n", 0, found.at)
    return (
        _PROSE.match(data, found.end) is not None
        or _TEST_RESULT.search(data, max(0, line - 300), max(0, line)) is not None
        or _TEST_RESULT.search(data, found.end, found.end + 300) is not None
    )


def _vector(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """A key, a nonce or a salt beside two other fields of a test vector."""
    named = classify(found.name)
    if named is None or named.kind == "password" or len(words_of(found.name)) > 2:
        return False
    seen = {m[1].lower() for m in _VECTOR.finditer(data, max(0, found.at - 500), found.end + 700)}
    return len(seen - {found.name.lower().encode()}) >= 2


def _manual(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    return _ROFF_VALUE.match(value) is not None


def _badge(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """The token of a picture that everybody may see: `/badge.svg?token=`."""
    return found.op == "embedded" and b"badge" in data[max(0, found.at - 80) : found.at]


def _prose(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """`pass "X" to the function`: the verb, not the noun."""
    if found.op != "space" or found.name.lower() not in ("pass", "auth", "key", "token", "secret"):
        return False
    if data[max(0, found.at - 8) : found.at] == b"#define ":
        return False
    return place.kind in ("text", "code", "markup", "") or _PROSE.match(data, found.end + 1) is not None


def _shell_variable(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """`"$mode,$pass" = "lib,link"`, `# $pass = x`: a loop's variable called `pass`."""
    if found.name in ("PWD", "OLDPWD") and data[found.at - 1 : found.at] in (b"$", b"{"):
        return True
    return found.name == "pass" and data[found.at - 1 : found.at] == b"$" and value.replace(",", "").isalpha()


def _piece_of_code(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """Without quotes: brackets, operators and escapes that a value in its place would not hold."""
    if not found.quoted and (value.endswith(":") or (value.endswith(")") and "(" not in value)):
        return True
    if found.quoted or (place.kind in ("config", "shell") and found.op != "embedded"):
        return not found.quoted and value.startswith(("&", "[")) and place.kind != "config"
    return _CODE.fullmatch(value) is not None


def _joined(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """What stands between two literals: `" + password + "`."""
    return (
        place.kind != "config"
        and _JOINS.fullmatch(value) is not None
        and _JOINS_MARK.search(value) is not None
    )


_JOINS_MARK = lazy(r"[\"'`$]|\s[+.]|[+.]\s|\w\(")


def _markup(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """Labels with a marked letter, rules of a form, struct tags, columns of a file, addresses."""
    return any(
        pattern.fullmatch(value) is not None for pattern in (_LABEL, _RULES_OF_FORMS, _TAG, _COLUMNS)
    ) or (classify(found.name) != ("password", 1.0) and _ADDRESS.fullmatch(value) is not None)


def _translation(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    return place.locale and _LETTERS.fullmatch(value) is not None


_MANIFEST = 64 << 10  # bytes of a manifest between its kind and a value


def _sealed(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """What only a cluster or a key service can open, and the digests that Helm's charts note of a Secret."""
    before = data[max(0, found.at - 200) : found.at]
    if before.endswith(b"checksum/") or b"ENC[AES256_GCM," in before[before.rfind(b"\n") + 1 :]:
        return True
    if not value.startswith("Ag") or len(value) <= 40:
        return False
    kind = data.rfind(b"kind: ", max(0, found.at - _MANIFEST), found.at)
    return kind >= 0 and data.startswith(b"kind: SealedSecret", kind)


def _chance_name(found: Assignment, value: str, data: bytes, place: Place) -> bool:
    """A name of random letters that ends like `Pw` or `Key` by chance."""
    name = found.name
    if len(name) < 10 or not name.isalnum() or not any(c.isdigit() for c in name):
        return False
    words = words_of(name)
    return len(words) >= 4 and len(name) / len(words) < 2.8 and covered(name) < 0.5


_RULES: tuple[tuple[Callable[[Assignment, str, bytes, Place], bool], str], ...] = (
    (_test_result, "a line of a test report"),
    (_manual, "markup of a manual page"),
    (_prose, "the verb, not the name"),
    (_badge, "the token of a badge"),
    (_shell_variable, "a loop's variable"),
    (_piece_of_code, "a piece of code or of an expression"),
    (_joined, "stands between two literals"),
    (_markup, "a label, a rule, a list of columns or an address"),
    (_translation, "a translated text"),
    (_sealed, "sealed, or a digest"),
    (_chance_name, "its name is random itself"),
    (_vector, "a test vector"),
)
