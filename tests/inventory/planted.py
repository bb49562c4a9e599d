"""Values that no detector knows, and the ways in which text may write them."""

import base64
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

LETTERS = string.ascii_letters + string.digits
MARKED = LETTERS + "+/&=%\"\\<>' "

Form = Callable[[str], str]


def value(seed: object, length: int = 24, letters: str = LETTERS) -> str:
    """A random value, the same for the same seed."""
    chosen = random.Random(f"planted {seed}")
    return "".join(chosen.choices(letters, k=length))


def marked(seed: object, length: int = 24) -> str:
    """A random value with characters that JSON and URLs escape, not at its ends."""
    return value(seed, 8) + value(seed, length, MARKED) + value(seed, 8)


def _base64(before: int) -> Form:
    return lambda text: base64.b64encode(b"x" * before + text.encode() + b"tail").decode()


FORMS: dict[str, Form] = {
    "plain": str,
    "quoted": lambda text: f'key = "{text}"',
    "amid letters": lambda text: f"zz{text}zz",
    "base64": _base64(0),
    "base64 after a name": lambda text: "SOME_LONG_NAME_1=" + base64.b64encode(text.encode()).decode(),
    "base64 in a list": lambda text: "a1:B2:" + base64.b64encode(text.encode()).decode() + ":C3",
    "hex after a name": lambda text: "SOME_LONG_NAME_1=" + text.encode().hex(),
    "base64, one byte in": _base64(1),
    "base64, two bytes in": _base64(2),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "URL-encoded": lambda text: "https://h.example/?q=" + quote(text, safe=""),
    "form-encoded": lambda text: "q=" + quote_plus(text) + "&r=1",
    "JSON": lambda text: json.dumps({"k": text}),
    "JSON in ASCII with solidus": lambda text: json.dumps({"k": text}).replace("/", "\\/"),
    "hex": lambda text: text.encode().hex(),
    "hex in capitals": lambda text: text.encode().hex().upper(),
    "every byte URL-encoded": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
}
