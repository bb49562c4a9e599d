"""What a name beside a value says: a password, a token, a key, or nothing of the kind."""

import re
from functools import lru_cache
from typing import NamedTuple


class Named(NamedTuple):
    """`kind` is the detector's last part; `strength` 0 to 1 is how surely the name means a secret."""

    kind: str
    strength: float


_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PASSWORD = re.compile(
    r"(?:^|[a-z])(?:passwords?|passwd|passphrase|passcode|passwrd|passw|pasword|paswd|pswd|pwd|passwort|kennwort|senha|"
    r"motdepasse|contrasena|wachtwoord|userpw|rootpw|adminpw|dbpw|unlockpw)$|^(?:pass|pw|psw|psk|mdp|clave)$|"
    r"^(?:db|my|root|admin|user|mysql|sql|ftp|smtp|mail|http|proxy|login|sudo|require|master|auth|bind|ldap|bot|irc|ssh|"
    r"imap|rpc|server|email|host|basic|oper|nick|account|web|service|stream|cert|pg|vnc|rcon|store|key|trust)pass$"
)
_HARMLESS_PASS = {"bypass", "compass", "surpass", "trespass", "passthrough"}
_SECRET = re.compile(r"secrets?$|secretkey$|^(?:sharedsecret|clientsecret|appsecret|secretaccesskey)$")
_TOKEN = re.compile(r"tokens?$|^(?:pat|jwt|bearer)$")
_CREDENTIAL = re.compile(r"^(?:creds?|credentials?|auth|authorization|authentication|authkey|authcode|authstring)$|(?:basic|http|master|pass)auth$")
_API_KEY = re.compile(r"(?:api|access|auth|app|account|secret|private|master|client|service|license|storage|consumer|stream|aes|enc|sign)key$")
_KEY = re.compile(r"^keys?$|key$")
_SALT = re.compile(r"^(?:salt|nonce|seed|iv|hmac|pepper)$|salt$")
_OTHER = re.compile(r"^(?:sig|sharedaccesssignature|session|sessionid|cookie|mnemonic|otp|totp|pin|dsn|webhook)$")
_KEY_ID = re.compile(r"[A-Z0-9]{16,24}")
_KEY_QUALIFIERS = frozenset(
    "api access secret private auth encryption encrypt crypto cryptographic master account storage service client app application "
    "signing sign signature shared session consumer server license subscription ssh aes des hmac jwt cookie admin user "
    "developer write read webhook stripe google maps aws azure gcp github gitlab slack openai twilio sendgrid ingest "
    "integration function host deploy data security secure pre preshared wpa wep vpn root rsa dsa ecdsa project symmetric".split()
)
_KEY_REJECT = frozenset(
    "primary foreign sort partition public cache row hash range unique composite natural lookup search index map dict hot short "
    "shift arrow keyboard translation message i18n locale label string text sort group order node object item property attribute "
    "config setting option param field column table redis react state event metric tag query path file route registry meta json "
    "idempotency dedup correlation storage_path s3 object bucket routing pub verify verification host_pub known enter escape tab "
    "ctrl control cmd alt space delete backspace home end up down left right press any which per by for no the this each foreach "
    "site captcha answer license_file parent child nested join count name type header env environment variable module feature "
    "flag plugin class style theme color icon resource asset content document element component data_type schema".split()
)
_TAIL_REJECT = frozenset(
    "field fields file filename path paths dir directory url uri urls endpoint name names type types size length len count policy "
    "policies label hint placeholder error errors msg message messages regex pattern prompt input required enabled disabled "
    "expiry expires expiration expire ttl age timeout lifetime provider validator validators validation encoder reset link "
    "strength strategy manager service handler helper factory class style icon button form page view title description desc "
    "text_field template format column col table index idx position pos offset limit max min kind mode status state version "
    "schema ref reference arn rotation change changed update updated created date time at by in on to from of is has set get "
    "list array map dict count number num algorithm alg algo method scheme header prefix suffix separator delimiter char chars "
    "character characters box widget control dialog visibility visible toggle show hide info help tip tooltip usage env "
    "environment variable var param params parameter parameters arg args argument option options attribute attr property id ids "
    "identifier ident alias group role rule rules check checker match matches mismatch valid invalid missing empty null none "
    "protected encrypted store storage cache vault source src location loc command cmd script function func callback hook event "
    "listener request response result output generator generate generation getter setter reader writer parser lexer stream "
    "bits bit bytes usage_id algorithm ring chain pair board word words code_challenge codes press down up binding bindings "
    "value_type mapping sort order frame flow grant scope scopes audience issuer subject claims claim user username login email "
    "host port domain realm server agent client version_id spec test_case suite case tests counter rate cost price budget usage "
    "md sha checksum crc digest etag fingerprint thumbprint re regexp lexer usd symbol decimals address contract".split()
)
_NEUTRAL = re.compile(
    r"\d+|values?|str|string|text|plain|plaintext|clear|b64|base|hex|raw|default|prod|production|dev|develop|development|stage|"
    r"staging|live|old|new|current|previous|prev|final|temp|tmp|test|testing|local|master|main|primary|secondary|confirm|confirmation|"
    r"repeat|again|verify|[a-z]|encoded|decoded|bytes|data|real|my|wrong|bad|good|correct|valid|invalid|enc|admin|root"
)
_REJECT_ANY = frozenset(
    "input output result resource opaque cnonce csrf xsrf authenticity max min num total n count validate is has invalid_ tokenizer detokenizer next page continuation cancellation "
    "cancel eos bos pad unk mask cls sep special forgot show hide toggle public pub lexer syntax sync".split()
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
    while len(words) > 1 and _NEUTRAL.fullmatch(words[-1]) and not _tail_kind(words, strict=True):
        words.pop()
    if not words:
        return None
    if words[-1] in ("hash", "hashed", "digest", "crypt"):
        return Named("password_hash", 0.6) if any(_PASSWORD.search(w) for w in words[:-1]) else None
    if any(w in _REJECT_ANY for w in words[:-1]) and not _PASSWORD.search(words[-1]):
        return None
    if words[-2:] in (["oauth", "nonce"], ["oauth", "signature"], ["http", "nonce"], ["server", "nonce"]):
        return None
    return _tail_kind(words) or _inner_kind(words)


def key_id(name: str, value: str) -> bool:
    """Whether `value` is the public half of a pair: an access key's id, in capitals and digits."""
    return "secret" not in name.lower() and _KEY_ID.fullmatch(value) is not None


def _tail_kind(words: list[str], *, strict: bool = False) -> Named | None:
    """The kind of the last word; a key also by the word before it."""
    last = words[-1]
    for pattern, kind, strength in _KINDS:
        if pattern.search(last) and last not in _HARMLESS_PASS:
            return Named(kind, strength)
    if not strict and _KEY.search(last) and last not in ("pubkey", "publickey", "resourcekey", "primarykey", "foreignkey", "cachekey", "monkey", "turkey", "hockey", "jockey", "donkey", "whiskey", "hotkey"):
        return _key_kind(words)
    return None


def _key_kind(words: list[str]) -> Named | None:
    before = words[:-1]
    if any(w in _KEY_QUALIFIERS for w in before[-2:]):
        crypto = any(w.startswith(("encrypt", "crypt", "aes", "des", "hmac", "sign", "cookie", "session", "rsa")) for w in before)
        if before[-1] in _KEY_REJECT and before[-1] not in _KEY_QUALIFIERS:
            return None
        return Named("encryption_key" if crypto else "api_key", 0.7)
    if any(w in _KEY_REJECT for w in before[-1:]):
        return None
    return Named("api_key", 0.3 if before else 0.2)


def _inner_kind(words: list[str]) -> Named | None:
    """A secret word followed by something else: `password_root` counts a little, `password_field` not at all."""
    if words[-1] in _TAIL_REJECT:
        return None
    for n in range(len(words) - 1, 0, -1):
        found = _tail_kind(words[:n])
        if found is not None:
            return Named(found.kind, found.strength * 0.5) if len(words) - n <= 2 else None
    return None
