"""Stand-in for labelled real code: forms of 25 languages with drawn secrets, and lines that hold none.

`code/forms.txt` says how a value is written, `code/harmless.txt` what looks like a secret and is none.
Both were in sight while most rules were written; `code/fresh.txt` was written afterwards.
"""

import random
import string
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.scanner_quality.leaks import Score

from strongroom.scanner import rules
from strongroom.scanner.matcher import Matcher

FOLDER = Path(__file__).parent / "code"
DRAWS, HARMLESS_DRAWS = 10, 3
PASSWORD_NAMES = (
    *("password", "db_password", "passwd", "pwd", "user_pass", "smtp_password", "admin_pwd", "passphrase"),
    *("root_password", "ftp_pass", "keystore_password", "old_password", "mysql_pass", "test_password"),
)
TOKEN_NAMES = (
    *(
        "token",
        "api_key",
        "access_token",
        "client_secret",
        "secret_key",
        "auth_token",
        "app_secret",
        "secret",
    ),
    *(
        "refresh_token",
        "private_key",
        "encryption_key",
        "bot_token",
        "consumer_secret",
        "access_key",
        "apikey",
    ),
    *(
        "signing_key",
        "webhook_secret",
        "salt",
        "auth_key",
        "master_key",
        "license_key",
        "session_token",
        "nonce",
    ),
)
WORDS = (
    *(
        "anchor",
        "basket",
        "copper",
        "dragon",
        "ember",
        "falcon",
        "garden",
        "harbor",
        "island",
        "jacket",
        "kitten",
    ),
    *(
        "ladder",
        "marble",
        "needle",
        "orange",
        "pepper",
        "quartz",
        "rocket",
        "silver",
        "tunnel",
        "velvet",
        "winter",
    ),
)
PLACEHOLDERS = (
    *(
        "changeme",
        "your_password_here",
        "<password>",
        "password",
        "secret",
        "YOUR-TOKEN",
        "xxxxxxxx",
        "********",
    ),
    *(
        "example",
        "test",
        "foobar",
        "TODO",
        "insert-key-here",
        "{password}",
        "some text here",
        "/etc/ssl/key.pem",
    ),
    *(
        "my_secret_token",
        "INSERT_TOKEN",
        "user_password",
        "dummy",
        "fake-api-key",
        "null",
        "abc123",
        "1234567890",
    ),
    *(
        "https://acme.test/login",
        "AbstractTokenFactory",
        "com.acme.auth.TokenStore",
        "%(password)s",
        "...",
        "required",
    ),
)


class Case(NamedTuple):
    """One small file; `secret` is "" where nothing in it is to be reported."""

    kind: str
    path: str
    text: str
    secret: str


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


def _hex(r: random.Random) -> str:
    return "".join(r.choices("0123456789abcdef", k=r.choice((20, 24, 32, 32, 40, 64))))


def _base64(r: random.Random) -> str:
    size, tail = r.choice(((22, "=="), (43, "="), (40, ""), (86, "=="), (32, "")))
    return "".join(r.choices(string.ascii_letters + string.digits + "+/", k=size)) + tail


def _uuid(r: random.Random) -> str:
    d = "".join(r.choices("0123456789abcdef", k=30))
    return f"{d[:8]}-{d[8:12]}-4{d[12:15]}-9{d[15:18]}-{d[18:]}"


def _alnum(r: random.Random) -> str:
    return (
        "".join(r.choices(string.ascii_letters + string.digits + "-_", k=r.randint(20, 48))).strip("-_") + "7"
    )


PASSWORDS = {"weak": _weak, "letters": _letters, "strong": _strong, "mixed": _mixed}
TOKENS = {"hex": _hex, "base64": _base64, "uuid": _uuid, "alnum": _alnum}


def _names(name: str, word: str) -> dict[str, str]:
    parts = name.split("_")
    pascal = "".join(p.capitalize() for p in parts)
    camel = pascal[0].lower() + pascal[1:]
    return {"n": name, "c": camel, "P": pascal, "N": name.upper(), "k": name.replace("_", "-"), "w": word}


def _forms(name: str) -> Iterator[tuple[int, str, str]]:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    for number, line in enumerate(line for line in lines if line and not line.startswith("# ")):
        path, _, form = line.partition(" | ")
        yield number, path.strip(), form.replace("\\n", "\n") if "ipynb" not in path else form


def secrets(name: str) -> Iterator[Case]:
    """Each form of a file with drawn secrets, and with values that are none."""
    for _, path, form in _forms(name):
        mode = form.partition(": ")[0] if form.startswith(("pw: ", "tok: ")) else ""
        body = form.removeprefix(f"{mode}: ")
        r = random.Random(f"{path}{form}")
        for turn in range(DRAWS + 3):
            password = mode == "pw" or (not mode and turn % 2 == 0)
            kind, make = r.choice(list((PASSWORDS if password else TOKENS).items()))
            value = make(r) if turn < DRAWS else r.choice(PLACEHOLDERS)
            names = _names(r.choice(PASSWORD_NAMES if password else TOKEN_NAMES), r.choice(WORDS))
            text = _around(body.format(v=value, **names), path)
            label = f"{'password' if password else 'token'} {kind}" if turn < DRAWS else "placeholder"
            yield Case(label, path.format(**names), text, value if turn < DRAWS else "")


def harmless(*, fresh: bool) -> Iterator[Case]:
    """Lines that hold no secret: one half beside each set."""
    for number, path, form in _forms("harmless.txt"):
        if (number % 2 == 1) != fresh:
            continue
        r = random.Random(f"{path}{form}")
        for _ in range(HARMLESS_DRAWS):
            word = r.choice(WORDS)
            marks = {"w": word, "W": word.capitalize(), "x": r.choice(WORDS), "u": _uuid(r)}
            marks |= {f"h{n}": "".join(r.choices("0123456789abcdef", k=n)) for n in (2, 16, 24, 32, 40, 64)}
            marks |= {
                f"b{n}": "".join(r.choices(string.ascii_letters + string.digits, k=n)) for n in (22, 32, 43)
            }
            marks |= {"d": str(r.randint(100, 9999)), "H40": marks["h40"].upper()}
            yield Case("harmless", path.format(**marks), _around(form.format(**marks), path), "")


def _around(line: str, path: str) -> str:
    """A line between plain ones of its kind of file."""
    if path.endswith((".py", ".rb", ".sh", ".yml", ".pl", ".R", ".toml", ".env")):
        return f"# part of the example\n{line}\n# the rest\n"
    if path.endswith((".json", ".xml", ".html", ".ipynb", ".po", ".md", ".txt", ".log")):
        return f"{line}\n"
    return f"\n{line}\n\n"


def measure(*, fresh: bool, verbose: bool = False) -> tuple[Score, Counter[str], Counter[str]]:
    """Scan one set: the score, cases by kind, and those of them that went right."""
    loaded = rules.load()
    matcher = Matcher(loaded, loaded.engine())
    found = false = missed = 0
    tried: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for case in (*secrets("fresh.txt" if fresh else "forms.txt"), *harmless(fresh=fresh)):
        data = case.text.encode()
        at = case.text.find(case.secret) if case.secret else -1
        hits = matcher.scan(case.path, data)
        hit = any(m.start < at + len(case.secret) and at < m.end for m in hits)
        good = hit if case.secret else not hits
        found, missed = found + (hit and at >= 0), missed + (not hit and at >= 0)
        false += bool(hits) and not case.secret
        tried[case.kind] += 1
        right[case.kind] += good
        if verbose and not good:
            print(
                "missed" if case.secret else "false ",
                f"{case.kind:17} {case.path:22} {case.text.strip()!r:.150}",
            )
    return Score(found, false, missed), tried, right


def main() -> None:
    """Print the mistakes on the set in sight, and the scores of both."""
    for title, fresh in (("in sight", False), ("fresh", True)):
        s, tried, right = measure(fresh=fresh, verbose=not fresh)
        print(f"{title}: {s.found + s.missed} secrets, {s}")
        print("  " + ", ".join(f"{kind} {right[kind]}/{count}" for kind, count in sorted(tried.items())))


if __name__ == "__main__":
    main()
