"""What a name beside a value says: a password, a token, a key, or nothing of the kind."""

from functools import lru_cache
from typing import NamedTuple

from strongroom.scanner.lazy_pattern import lazy
from strongroom.scanner.package_files import data_text


class Named(NamedTuple):
    """`kind` is the detector's last part; `strength` 0 to 1 is how surely the name means a secret."""

    kind: str
    strength: float


_SPLIT = lazy(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PASSWORD = lazy(
    r"(?:^|[a-z])(?:remotepass|passwords?|passwd|passphrase|passcode|passwrd|passw|pasword|paswd|pswd|"
    r"pwd|passwort|kennwort|senha|"
    r"motdepasse|contrasena|wachtwoord|userpw|rootpw|adminpw|dbpw|bindpw|unlockpw)$|^(?:pass|pw|psw|psk|mdp|clave)$|"
    r"^(?:db|my|root|admin|user|mysql|sql|ftp|smtp|mail|http|proxy|login|sudo|require|master|"
    r"auth|bind|control|ldap|bot|irc|ssh|"
    r"imap|rpc|server|email|host|basic|oper|nick|account|web|service|stream|cert|pg|vnc|rcon|"
    r"store|key|trust)pass$"
)
_HARMLESS_PASS = {"bypass", "compass", "surpass", "trespass", "passthrough"}
_SECRET = lazy(
    r"secrets?$|icesecret(?:read|write)$|secretkey$|^(?:sharedsecret|clientsecret|appsecret|secretaccesskey)$"
)
_TOKEN = lazy(r"tokens?$|^(?:pat|jwt|bearer)$")
_CREDENTIAL = lazy(
    r"^(?:creds?|credentials?|auth|authorization|authentication|authkey|authcode|"
    r"authstring)$|(?:basic|http|master|pass)auth$"
)
_API_KEY = lazy(
    r"(?:api|access|auth|app|account|secret|private|master|client|service|license|storage|"
    r"consumer|stream|aes|enc|sign)key$"
)
_KEY = lazy(r"^keys?$|key$")
_SALT = lazy(r"^(?:salt|nonce|seed|iv|hmac|pepper)$|salt$")
_OTHER = lazy(r"^(?:sig|sharedaccesssignature|mnemonic|otp|totp|pin|dsn|webhook)$")


def _lists() -> dict[str, frozenset[str]]:
    """Read `data/names.txt`: lists of words, each under `[its name]`."""
    text = data_text("names.txt")
    parts = (part.partition("]") for part in text.split("[")[1:])
    return {name: frozenset(words.split()) for name, _, words in parts}


LISTS = _lists()
_KEY_ID = lazy(r"[A-Z0-9]{16,24}")
_KEY_QUALIFIERS = LISTS["key qualifiers"]
_KEY_REJECT = LISTS["key harmless"]
_TAIL_REJECT = LISTS["last harmless"]
_NEUTRAL = lazy(
    r"\d+|values?|str|string|text|plain|plaintext|clear|b64|base|hex|raw|default|prod|"
    r"production|dev|develop|development|stage|"
    r"staging|live|old|new|current|previous|prev|final|temp|tmp|test|testing|local|master|"
    r"main|primary|secondary|confirm|confirmation|"
    r"repeat|again|verify|[a-z]|encoded|decoded|bytes|data|real|my|wrong|bad|good|correct|"
    r"valid|invalid|enc|admin|root"
)
_REJECT_ANY = LISTS["any harmless"]
_PAIRS = LISTS["pairs harmless"]
_OTHER_KEYS = frozenset(
    (
        *("pubkey", "publickey", "resourcekey", "primarykey", "foreignkey", "cachekey", "hotkey"),
        *("monkey", "turkey", "hockey", "jockey", "donkey", "whiskey"),
    )
)
_KINDS = (
    (_PASSWORD, "password", 1.0),
    (_SECRET, "secret", 0.8),
    (_TOKEN, "token", 0.7),
    (_API_KEY, "api_key", 0.7),
    (_CREDENTIAL, "credential", 0.5),
    (_SALT, "salt", 0.4),
    (_OTHER, "token", 0.3),
)


def words_of(name: str) -> list[str]:
    """Split a name into lower-case words: camelCase, snake_case, dots and digits alike."""
    return [w.lower() for w in _SPLIT.findall(name)]


@lru_cache(maxsize=8192)
def classify(name: str) -> Named | None:
    """Say what `name` promises, or None when its value is no secret (`password_field`, `max_tokens`)."""
    words = words_of(name[-80:])
    while len(words) > 1 and _is_neutral(words[-1]) and not _tail_kind(words, strict=True):
        words.pop()
    if not words:
        return None
    if words[-1] in ("hash", "hashed", "digest", "crypt"):
        return Named("password_hash", 0.6) if any(_PASSWORD.search(w) for w in words[:-1]) else None
    if _harmless(words):
        return None
    return _tail_kind(words) or _inner_kind(words)


@lru_cache(maxsize=4096)
def _is_neutral(word: str) -> bool:
    return _NEUTRAL.fullmatch(word) is not None


def _harmless(words: list[str]) -> bool:
    """Whether some word says that the value is no secret: a form's field, a count, a public thing."""
    if "_".join(words[-2:]) in _PAIRS or words[-3:] == ["client", "request", "token"]:
        return True
    secret = _PASSWORD.search(words[-1]) or words[-2:] in (["csrf", "secret"], ["xsrf", "secret"])
    return words[-1] in _REJECT_ANY or (not secret and any(w in _REJECT_ANY for w in words[:-1]))


def key_id(name: str, value: str) -> bool:
    """Whether `value` is the public half of a pair: an access key's id, in capitals and digits."""
    return "secret" not in name.lower() and _KEY_ID.fullmatch(value) is not None


def _tail_kind(words: list[str], *, strict: bool = False) -> Named | None:
    """The kind of the last word; a key also by the word before it."""
    found = _kind(words[-1])
    return _key_kind(words) if found is None and not strict and _is_key(words[-1]) else found


@lru_cache(maxsize=4096)
def _kind(word: str) -> Named | None:
    """The kind that a last word says alone."""
    if word in _HARMLESS_PASS:
        return None
    return next((Named(kind, strength) for pattern, kind, strength in _KINDS if pattern.search(word)), None)


@lru_cache(maxsize=4096)
def _is_key(word: str) -> bool:
    return _KEY.search(word) is not None and word not in _OTHER_KEYS


def _key_kind(words: list[str]) -> Named | None:
    before = words[:-1]
    if any(w in _KEY_QUALIFIERS for w in before[-2:]):
        crypto = before[-1] in ("secret", "private", "root", "master") or any(
            w.startswith(("encrypt", "crypt", "aes", "des", "hmac", "sign", "cookie", "session", "rsa"))
            for w in before
        )
        if before[-1] in _KEY_REJECT and before[-1] not in _KEY_QUALIFIERS:
            return None
        return Named("encryption_key" if crypto else "api_key", 0.7)
    if any(w in _KEY_REJECT for w in before[-1:]):
        return None
    return Named("api_key", 0.3 if before else 0.2)


def _inner_kind(words: list[str]) -> Named | None:
    """A secret word that is not the last: `password_root` counts a little, `password_field` not at all."""
    if words[-1] in _TAIL_REJECT:
        return None
    for n in range(len(words) - 1, 0, -1):
        found = _tail_kind(words[:n])
        if found is not None:
            return Named(found.kind, found.strength * 0.5) if len(words) - n <= 2 else None
    return None
