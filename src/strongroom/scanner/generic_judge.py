"""Decides what a place in a file holds: first the rules that exclude, then the score."""

import base64
import binascii
from functools import lru_cache
from typing import NamedTuple

from strongroom.scanner.falsealarms import harmless, placeholder, reference
from strongroom.scanner.generic_around import against
from strongroom.scanner.generic_language import Place
from strongroom.scanner.generic_names import Named, classify, key_id, words_of
from strongroom.scanner.generic_phrases import phrase
from strongroom.scanner.generic_providers import implausible
from strongroom.scanner.generic_shapes import Shaped
from strongroom.scanner.generic_values import Assignment
from strongroom.scanner.lazy_pattern import lazy
from strongroom.scanner.scoring import THRESHOLD, Subject, score
from strongroom.scanner.scoring_text import covered

PIN = 6  # digits that alone make a password
SENTENCE = 3  # spaces in a value that make it one
_SNAKE = lazy(r"[a-z]{2,}\d{0,3}(?:_[a-z]{2,}\d{0,3}){1,4}")
_NUMBER = lazy(r"-?\d+")
_AFFIXED = lazy(
    r"(?i)(?!user|test|new|old|default)[a-z]{2,12}[-_.]?(?:pass(?:w(?:or)?d)?|pw|pwd)[-_.]?\d{1,4}!?"
)
_BY_NAME = ("before", "encoded")  # shapes whose detector is told by the name in them
_JOINTS = str.maketrans("", "", " _-.")


class Verdict(NamedTuple):
    """Whether a candidate is reported, how sure that is (0 to 1), why, and under which detector."""

    accepted: bool
    score: float
    reasons: tuple[str, ...]
    detector: str = ""


_NEIGHBOURS = lazy(
    rb"(?i)(?:user(?:name|id)?|host(?:name)?|login|server|e?mail|account|"
    rb"database)[\"'\]]{0,2}\s{0,3}(?:[=:,>(]|=>)"
)
_GETTER = lazy(
    r"(?i)(?:get|has|find|is|require|remove|delete|contains?|check|read|fetch|lookup|load|"
    r"parse|print|log|assert|expect|"
    r"prompt|ask|echo|error|warn|raise|throw|tr|t|translate|gettext|include|import|exists|unset|forget|pop)s?"
)
_HEXISH = lazy(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_USER = lazy(r"(?i)^(?:user(?:name)?|login|u|usr|admin)$")
_COMMON_USERINFO = lazy(
    r"(?i)^(?:pass(?:word|wd)?|pwd|pw|secret|token|key|x|xxx|p|pass123|userpass|"
    r"mypass(?:word)?|\w*password|password\w{0,2})$"
)
_DOC_HOST = lazy(
    r"(?i)^(?:example\.|[\w.-]*\.example\b|[\w.-]*example\.(?:com|org|net)|"
    r"host(?:name)?\b(?!\.)|domain\b|your|my-?(?:host|server|domain)|server\b(?!\.)|\$|\{|%|"
    r"x\b|foo\b|a\b|b\b|h\b)"
)


def judge(found: Assignment, data: bytes, place: Place) -> Verdict:
    """Decide on an assignment."""
    called = found.name.rpartition(".")[2] if found.op == "call" else found.name
    named = Named("password", 1.0) if found.op == "call" and called == "auth" else classify(called)
    if named is None:
        return Verdict(False, 0.0, ("its name is not that of a secret",))
    verb = words_of(found.name.rpartition(".")[2])[0] if found.op == "call" else ""
    if verb and _GETTER.fullmatch(verb):
        return Verdict(False, 0.0, ("an argument of a function that looks something up",))
    raw = data[found.start : found.end]
    chosen = _chosen(found, named, raw, data, place)
    if chosen:
        return Verdict(True, 0.6, (chosen,), "generic.password")
    reason = _excluded(found.name, named, raw, found.quoted)
    reason = reason or against(found, raw.decode("ascii").strip(), data, place)
    if reason or plain_word(named, raw, place):
        return Verdict(False, 0.0, (reason or "a plain word in code or prose",))
    op = "assign" if verb in ("set", "with", "add", "use") else found.op
    verdict = _scored(named, raw, op, found.quoted, place, _neighbours(found, data))
    if not verdict.accepted:
        return verdict
    first = found.at if place.kind in ("config", "shell") else found.at - 30
    beside = data[max(data.rfind(b"\n", 0, found.at) + 1, first) : found.start].decode("ascii", "replace")
    reason = implausible(named.kind, raw.decode("ascii").strip(), beside)
    return Verdict(False, 0.0, (reason,)) if reason else verdict


def _neighbours(found: Assignment, data: bytes) -> bool:
    """Whether a user, a host or the like is assigned nearby: asked for few, it reads much."""
    return _NEIGHBOURS.search(data, max(0, found.at - 160), found.end + 160) is not None


_DEFAULT = lazy(
    rb"(?i)change_?(?:me|it)\d{0,4}|(?:letmein|welcome|toor|pass(?:word|wd)?|secret|admin|root|test|guest|postgres|mysql)"
    rb"[-_.!]?\d{1,4}!?|[a-z]{3,12}[-_.]?(?:pw|pass|passwd)\d{0,4}"
)


def _chosen(found: Assignment, named: Named, raw: bytes, data: bytes, place: Place) -> str:
    """Say why words that mostly are no password are one here, or ""."""
    if _default_password(found, named, raw, place) and _neighbours(found, data):
        return "a default password in configuration"
    if b" " in raw and phrase(found.name, named, raw.decode("ascii", "replace"), place, quoted=found.quoted):
        return "a phrase as people choose it"
    return ""


def _default_password(found: Assignment, named: Named, raw: bytes, place: Place) -> bool:
    """Whether configuration, and no sample, holds a password that a program came with or its like."""
    return (
        named == ("password", 1.0)
        and place.kind == "config"
        and not (place.sample or place.test or place.locale)
        and found.op in ("assign", "element", "pair")
        and _DEFAULT.fullmatch(raw) is not None
        and words_of(found.name) != words_of(raw.decode("ascii"))
    )


def plain_word(named: Named, raw: bytes, place: Place) -> bool:
    """Whether a password outside configuration is one word of the dictionary, as examples have it."""
    word = raw.decode("ascii")
    return (
        named.kind == "password"
        and place.kind not in ("config", "shell")
        and word.isalpha()
        and (word.islower() or word.istitle())
        and covered(word) == 1.0
    )


@lru_cache(maxsize=8192)
def _excluded(name: str, named: Named, raw: bytes, quoted: bool) -> str:
    if not raw.isascii():
        return "not plain ASCII: a translated text"
    return excluded(name, named, raw.decode("ascii").strip(), quoted=quoted)


@lru_cache(maxsize=8192)
def _scored(named: Named, raw: bytes, op: str, quoted: bool, place: Place, neighbours: bool) -> Verdict:
    value = raw.decode("ascii").strip()
    result = score(Subject(named, value, op, quoted, place, neighbours))
    return Verdict(result.value >= THRESHOLD, result.value, result.reasons, "generic." + named.kind)


def _decide(name: str, named: Named, raw: bytes, op: str, place: Place) -> Verdict:
    """Decide on a shape's value as that of a field called `name`."""
    reason = _excluded(name, named, raw, False)
    return Verdict(False, 0.0, (reason,)) if reason else _scored(named, raw, op, False, place, True)


def excluded(name: str, named: Named, value: str, *, quoted: bool) -> str:
    """Say which rule excludes `value` as the content of `name`, or ""."""
    if len(value) < _shortest(named, value):
        return "too short"
    if not quoted and reference(value):
        return "a variable or a call"
    if named.kind == "api_key" and key_id(name, value):
        return "an access key's public id"
    if value.lower() == name.lower() or words_of(value) == words_of(name):
        return "the value repeats its name"
    if words_of(name)[-1:] == ["seed"] and _NUMBER.fullmatch(value):
        return "a number"
    sure = named.kind == "password" and (
        (value.isdigit() and len(value) >= PIN) or (quoted and _AFFIXED.fullmatch(value) is not None)
    )
    return _wording(value) or placeholder(value) or ("" if sure else harmless(value))


def _wording(value: str) -> str:
    """Say why a value that reads as words is no secret: a sentence, a name such as `AWSSecretKey`. Or ""."""
    if value.count(" ") >= SENTENCE:
        return "a sentence"
    letters = value.translate(_JOINTS).isalpha()
    if letters and " " in value:
        return "words in a row"
    if not letters and not _SNAKE.fullmatch(value):
        return ""
    named = classify(value)
    return "itself the name of a secret" if named is not None and named.strength >= 0.7 else ""


def _shortest(named: Named, value: str) -> int:
    """The least length of a secret so named: passwords may be short, weakly named ones not."""
    if named.kind == "password" and named.strength >= 1.0:
        return 3
    if named.strength <= 0.3:
        return 16
    digits = any(c.isdigit() for c in value)
    return 6 if digits and named.kind in ("secret", "credential") and named.strength >= 0.5 else 8


def judge_shape(shaped: Shaped, data: bytes, place: Place) -> Verdict:
    """Decide on a shape: structure alone, or the score of a password."""
    raw = data[shaped.start : shaped.end]
    kind = shaped.shape.detector
    if kind == "generic.url_credentials":
        return _url(raw, data, shaped, place)
    value = raw.decode("ascii", "replace")
    if kind == "generic.basic_auth" and not shaped.shape.judged:
        return _basic(value)
    if not shaped.shape.judged:
        if kind == "generic.jwt" and not _header(value):
            return Verdict(False, 0.0, ("its header is no JSON",))
        reason = placeholder(value) if len(value) < 400 and kind != "generic.password_hash" else ""
        return Verdict(not reason, 0.0 if reason else 0.95, (reason or "its shape says what it is",), kind)
    return _judged(shaped, value, data, place)


def _judged(shaped: Shaped, value: str, data: bytes, place: Place) -> Verdict:
    """Decide on a shape by the score of its value under its name."""
    named, kind, raw = _named(shaped), shaped.shape.detector, data[shaped.start : shaped.end]
    reason = _shape_against(shaped, value, data) if named else "its name is not that of a secret"
    if reason or named is None:
        return Verdict(False, 0.0, (reason,))
    op = {"argument": "call", "key": "call", "before": "comma"}.get(shaped.shape.name, "embedded")
    verdict = _decide(shaped.shape.name, named, raw, op, place)
    return verdict._replace(detector=f"generic.{named.kind}" if shaped.shape.name in _BY_NAME else kind)


def _named(shaped: Shaped) -> Named | None:
    """What a shape's value is called: a password, a token, or what the name beside it says."""
    if shaped.named:
        return classify(shaped.named)
    if shaped.shape.name == "key":
        return Named("encryption_key", 0.8)
    sure = shaped.shape.name in ("password", "url", "argument")
    return Named("password", 1.0) if sure else Named("token", 0.7)


def _shape_against(shaped: Shaped, value: str, data: bytes) -> str:
    """Say what on its line rules a judged shape out, or ""."""
    if shaped.shape.detector == "generic.basic_auth" and not _REQUEST.search(_line(data, shaped.start)):
        return "`-u` of a program that makes no request"
    if shaped.shape.name not in ("bearer_token", "auth_token", "flag", *_BY_NAME):
        return ""
    line = data[max(data.rfind(b"\n", 0, shaped.start) + 1, shaped.start - 200) : shaped.start]
    if b"pass" in line[-40:] or b"pw" in line[-20:]:
        return ""
    named = classify(shaped.named) if shaped.named else None
    return implausible(named.kind if named else "token", value, line[-40:].decode("ascii", "replace"))


_REQUEST = lazy(rb"(?i)curl|https?:|wget|--?(?:proxy-)?user\b|httpie?|\bab\b|api|%host|://|svn|ftp|hey\b|wrk")


def _line(data: bytes, at: int) -> bytes:
    end = data.find(b"\n", at, at + 400)
    return data[max(data.rfind(b"\n", 0, at) + 1, at - 400) : end if end >= 0 else at + 400]


def _header(value: str) -> bool:
    """Whether the first part of a token is base64url of printable text, as a JWT's JSON header is."""
    part = value.partition(".")[0]
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("utf-8").isprintable()
    except (binascii.Error, UnicodeDecodeError):
        return False


def _basic(value: str) -> Verdict:
    """HTTP basic credentials: base64 of `user:password`, the password no placeholder."""
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return Verdict(False, 0.0, ("not base64 of a user and a password",))
    user, colon, password = text.partition(":")
    if not colon or not text.isprintable() or not (user or password):
        return Verdict(False, 0.0, ("not base64 of a user and a password",))
    reason = placeholder(value) or (placeholder(password) if password else "")
    reason = reason or ("sample words" if _COMMON_USERINFO.match(password) and _USER.match(user) else "")
    return Verdict(
        not reason,
        0.0 if reason else 0.95,
        (reason or "base64 of a user and a password",),
        "generic.basic_auth",
    )


_URL_PARTS = lazy(rb"[^\s/:@\"'<>`?#]{0,64}$")


def _url(raw: bytes, data: bytes, shaped: Shaped, place: Place) -> Verdict:
    """A URL's password: placeholders and documentation hosts are no evidence."""
    password = raw.decode("ascii", "replace")
    before = _URL_PARTS.search(data, max(0, shaped.start - 66), shaped.start - 1)
    user = before.group().decode("ascii", "replace") if before else ""
    host = data[shaped.end + 1 : shaped.end + 80].decode("ascii", "replace")
    weak = _COMMON_USERINFO.match(password) or password == user or len(password) < 3
    if weak or _DOC_HOST.match(host) or "$" in user or "{" in user or "<" in user:
        return Verdict(False, 0.0, ("a sample address",))
    verdict = _decide("url", Named("password", 1.0), raw, "embedded", place)
    return verdict._replace(detector="generic.url_credentials")
