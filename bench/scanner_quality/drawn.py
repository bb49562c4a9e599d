"""Values and names that the stand-ins for labelled code draw."""

import random
import string
from collections.abc import Callable

Kinds = dict[str, Callable[[random.Random], str]]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PASSWORD_NAMES = _words(
    "password db_password passwd pwd user_pass smtp_password admin_pwd passphrase root_password "
    "ftp_pass keystore_password old_password mysql_pass test_password"
)
TOKEN_NAMES = _words(
    "token api_key access_token client_secret secret_key auth_token app_secret secret refresh_token "
    "private_key encryption_key bot_token consumer_secret access_key apikey signing_key "
    "webhook_secret salt auth_key master_key license_key session_token nonce"
)
MORE_PASSWORD_NAMES = _words(
    "pass pw db_pass login_password proxy_password sudo_password password1 new_password wifi_password "
    "default_password cert_password redis_password rabbitmq_pass api_password pgpassword passcode"
)
MORE_TOKEN_NAMES = _words(
    "id_token x_api_key jwt_secret shared_secret service_key account_key storage_key bearer_token "
    "cookie_secret hmac_key push_token crypt_key api_secret secret_token deploy_token app_key "
    "credentials csrf_secret device_token password_salt github_token seed aes_key"
)
WORDS = _words(
    "anchor basket copper dragon ember falcon garden harbor island jacket kitten ladder marble needle "
    "orange pepper quartz rocket silver tunnel velvet winter"
)
PLACEHOLDERS = (
    "some text here",
    *_words(
        "changeme your_password_here <password> password secret YOUR-TOKEN xxxxxxxx ******** example test "
        "foobar TODO insert-key-here {password} /etc/ssl/key.pem my_secret_token INSERT_TOKEN "
        "user_password dummy fake-api-key null abc123 1234567890 https://acme.test/login "
        "AbstractTokenFactory com.acme.auth.TokenStore %(password)s ... required"
    ),
)


def _weak(r: random.Random) -> str:
    word = r.choice(WORDS)
    return r.choice((
        word.capitalize() + str(r.randint(1990, 2026)),
        word + str(r.randint(1, 99)),
        word.replace("e", "3").replace("a", "4").replace("o", "0") + r.choice("!#12"),
        word.capitalize() + r.choice("!#@$") + str(r.randint(1, 999)),
        word[:4] + r.choice("-_.") + r.choice(WORDS)[:4] + str(r.randint(1, 9)),
        "let" + word + "in!",
    ))  # fmt: skip


def _letters(r: random.Random) -> str:
    return "".join(r.choices(string.ascii_lowercase, k=r.randint(7, 10)))


def _strong(r: random.Random) -> str:
    return "".join(r.choices(string.ascii_letters + string.digits + "!#%*+-_=?", k=r.randint(10, 18)))


def _mixed(r: random.Random) -> str:
    return "".join(r.choices(string.ascii_letters + string.digits, k=r.randint(8, 14)))


def _scrambled(r: random.Random) -> str:
    """What people choose, each letter and digit exchanged for another of its kind."""
    shape = r.choice(
        ("aaaaa", "Aaaaaa0", "aaaa00", "aaaaaa", "Aaaaaaa!0", "aaaaaaaa", "AAAAAA0", "aaa0aaa", "000000")
    )
    kinds = {"a": string.ascii_lowercase, "A": string.ascii_uppercase, "0": string.digits, "!": "!@#$*"}
    return "".join(r.choice(kinds[c]) for c in shape)


def _hex(r: random.Random) -> str:
    return "".join(r.choices("0123456789abcdef", k=r.choice((20, 24, 32, 32, 40, 64))))


def _base64(r: random.Random) -> str:
    size, tail = r.choice(((22, "=="), (43, "="), (40, ""), (86, "=="), (32, "")))
    return "".join(r.choices(string.ascii_letters + string.digits + "+/", k=size)) + tail


def uuid(r: random.Random) -> str:
    d = "".join(r.choices("0123456789abcdef", k=30))
    return f"{d[:8]}-{d[8:12]}-4{d[12:15]}-9{d[15:18]}-{d[18:]}"


def _alnum(r: random.Random) -> str:
    return (
        "".join(r.choices(string.ascii_letters + string.digits + "-_", k=r.randint(20, 48))).strip("-_") + "7"
    )


def _short(r: random.Random) -> str:
    return "".join(r.choices(string.ascii_letters + string.digits, k=r.randint(12, 16))) + "3"


PASSWORDS: Kinds = {"weak": _weak, "letters": _letters, "strong": _strong, "mixed": _mixed}
TOKENS: Kinds = {"hex": _hex, "base64": _base64, "uuid": uuid, "alnum": _alnum}
MORE_PASSWORDS: Kinds = {**PASSWORDS, "scrambled": _scrambled}
MORE_TOKENS: Kinds = {**TOKENS, "short": _short}
