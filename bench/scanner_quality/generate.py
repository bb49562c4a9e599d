"""Makes labelled examples: passwords, tokens and keys of many kinds, written in many languages.

All from a seed and from the word list; nothing here was ever a secret of anybody.
"""

import random
import string
from collections.abc import Iterator
from pathlib import Path

WORDS = (Path(__file__).resolve().parents[2] / "src/strongroom/scanner/data/words.txt").read_text().split()
LEET = str.maketrans("aeiost", "431057")
SYMBOLS = "!@#$%^&*?+-_.="

PASSWORD_NAMES = [
    "password",
    "passwd",
    "pwd",
    "pass",
    "db_password",
    "dbPassword",
    "PASSWORD",
    "DB_PASS",
    "mysql_pwd",
    "userPassword",
    "rootPassword",
    "adminPass",
    "smtp_password",
    "keystorePassword",
    "ftpPasswd",
    "passphrase",
]
TOKEN_NAMES = [
    "token",
    "access_token",
    "apiKey",
    "api_key",
    "API_KEY",
    "secret",
    "client_secret",
    "clientSecret",
    "SECRET_KEY",
    "authToken",
    "auth_token",
    "secretKey",
    "app_secret",
    "privateKey",
    "bot_token",
    "consumerSecret",
    "encryption_key",
    "accessKey",
    "x-api-key",
    "webhookSecret",
    "refreshToken",
    "appKey",
]
TEMPLATES = (
    ("a/src/{w}.py", '{n} = "{v}"\n'),
    ("a/src/{w}.py", "    {n}='{v}',\n"),
    ("a/src/{w}.py", "connect(host='db', user='{w}', {n}='{v}')\n"),
    ("a/tests/test_{w}.py", 'data = {{"{n}": "{v}"}}\n'),
    ("a/src/{w}.js", "const {n} = '{v}';\n"),
    ("a/src/{w}.ts", '  {n}: "{v}",\n'),
    ("a/{w}.json", '{{"user": "{w}", "{n}": "{v}"}}\n'),
    ("a/{w}.yml", "{n}: {v}\n"),
    ("a/{w}.yaml", '  {n}: "{v}"\n'),
    ("a/{w}.properties", "{w}.{n}={v}\n"),
    ("a/{w}.ini", "[{w}]\n{n} = {v}\n"),
    ("a/.env", "{n}={v}\n"),
    ("a/{w}.sh", "export {n}={v}\n"),
    ("a/src/{w}.java", 'private static final String {n} = "{v}";\n'),
    ("a/src/{w}.java", 'props.put("{n}", "{v}");\n'),
    ("a/src/{w}.go", '{n} := "{v}"\n'),
    ("a/src/{w}.go", '\t{n}: "{v}",\n'),
    ("a/{w}.rb", ":{n} => '{v}',\n"),
    ("a/{w}.php", "${n} = '{v}';\n"),
    ("a/{w}.php", "'{n}' => '{v}',\n"),
    ("a/{w}.xml", "<{n}>{v}</{n}>\n"),
    ("a/{w}.xml", '<property name="{n}" value="{v}"/>\n'),
    ("a/{w}.tf", '  {n} = "{v}"\n'),
    ("a/{w}.cs", 'string {n} = "{v}";\n'),
    ("a/{w}.c", '#define {n} "{v}"\n'),
    ("a/README.md", "    {n}: {v}\n"),
    ("a/{w}_test.go", 'if {n} == "{v}" {{\n'),
    ("a/src/{w}.js", 'set{n}("{v}");\n'),
    ("a/src/{w}.py", 'url = "https://x/y?{n}={v}&z=1"\n'),
)


def password(r: random.Random) -> str:
    """A password as people and generators make them."""
    word, other = r.choice(WORDS), r.choice(WORDS)
    digits = str(r.randint(1, 9999))
    return r.choice(
        (
            lambda: word + digits,
            lambda: word.capitalize() + digits + r.choice(SYMBOLS),
            lambda: word.translate(LEET),
            lambda: word.capitalize().translate(LEET) + r.choice(SYMBOLS) + digits,
            lambda: word + r.choice("-_.!@#") + other,
            lambda: word[:5] + other[:5],
            lambda: "".join(r.choice(string.ascii_lowercase) for _ in range(r.randint(6, 10))),
            lambda: "".join(r.choice(string.ascii_letters + string.digits) for _ in range(r.randint(7, 16))),
            lambda: "".join(
                r.choice(string.ascii_letters + string.digits + SYMBOLS) for _ in range(r.randint(8, 18))
            ),
            lambda: r.choice(string.ascii_lowercase) + word[:4] + digits,
        )
    )()


def token(r: random.Random) -> str:
    """A token or key: hex, base64, alphanumeric or a UUID, 16 characters and more."""
    size = r.choice((16, 20, 24, 32, 32, 32, 40, 40, 43, 48, 64))
    alphabet = r.choice(
        (
            "0123456789abcdef",
            "0123456789ABCDEF",
            string.ascii_letters + string.digits,
            string.ascii_lowercase + string.digits,
            string.ascii_letters + string.digits + "+/",
            string.ascii_letters + string.digits + "-_",
        )
    )
    value = "".join(r.choice(alphabet) for _ in range(size))
    if r.random() < 0.08:
        value = (
            f"{r.getrandbits(32):08x}-{r.getrandbits(16):04x}-4{r.getrandbits(12):03x}-a"
            f"{r.getrandbits(12):03x}-{r.getrandbits(48):012x}"
        )
    return value + ("=" if "+" in alphabet and r.random() < 0.5 else "")


def harmless(r: random.Random) -> str:
    """What stands beside such names and is none: words, identifiers, names of keys, sentences."""
    a, b, c = r.choice(WORDS), r.choice(WORDS), r.choice(WORDS)
    return r.choice(
        (
            a,
            f"{a}_{b}",
            f"{a}-{b}",
            f"{a}.{b}",
            f"{a}{b.capitalize()}",
            f"{a} {b}",
            f"{a} {b} {c}",
            f"{a.upper()}_{b.upper()}",
            f"{a}:{b}",
            a.capitalize() + b.capitalize(),
            f"{a}_{b}_{c}",
            f"{a}/{b}",
            f"{a}.{b}.{c}",
            f"{a}{r.randint(1, 3)}",
            f"{a}-{b}-{r.randint(1, 9)}",
        )
    )


def examples(seed: int, count: int) -> Iterator[tuple[str, bytes, int, int, bool]]:
    """Yield (path, data, start, end, is a secret) with the value at `data[start:end]`."""
    r = random.Random(seed)
    for _ in range(count):
        path, template = r.choice(TEMPLATES)
        kind = r.random()
        if kind < 0.35:
            name, value, label = r.choice(PASSWORD_NAMES), password(r), True
        elif kind < 0.65:
            name, value, label = r.choice(TOKEN_NAMES), token(r), True
        else:
            name, value, label = r.choice(PASSWORD_NAMES + TOKEN_NAMES * 2), harmless(r), False
        head, _, tail = template.partition("{v}")
        word = r.choice(WORDS)
        before = head.format(n=name, w=word)
        text = before + value + tail.format(n=name, w=word)
        yield path.format(w=word), text.encode(), len(before), len(before) + len(value), label
