"""Go's regular expressions (RE2 syntax) as patterns of Python's `re` over bytes.

What differs: flags in the middle of a pattern, `$` without (?m) (only the very
end in Go), `\\z`, `\\Q…\\E`, POSIX and Unicode classes, `\\x{…}`, (?U), and `{,n}`
(literal in Go). Source: https://github.com/google/re2/wiki/Syntax.
A Unicode class is taken as ASCII plus all bytes above it.
"""

from __future__ import annotations

import re

from strongroom.errors import InvalidRequest

POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\\x00-\\x7f",
    "blank": "\\t ",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-\\~",
    "lower": "a-z",
    "print": " -\\~",
    "punct": "!-/:-@\\[-`{-\\~",
    "space": "\\t\\n\\v\\f\\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
UNICODE = {
    "L": "A-Za-z\\x80-\\xff",
    "Lu": "A-Z",
    "Ll": "a-z",
    "N": "0-9",
    "Nd": "0-9",
    "P": "!-#%-*,-/:;?@\\[-\\]_{}",
    "S": "$+<=>\\^`|\\~",
    "Z": " ",
    "Zs": " ",
    "C": "\\x00-\\x1f\\x7f",
}
SPACE = "\\t\\n\\f\\r "  # Go's \s has no vertical tab
_GROUP = re.compile(r"\?(?:P?<(\w+)>|([imsU]*)(?:-([imsU]+))?([:)]))")
_REPEAT = re.compile(r"\{\d+(?:,\d*)?\}")
_HEX = re.compile(r"\\x\{([0-9A-Fa-f]+)\}")
_PROPERTY = re.compile(r"\\([pP])(?:\{(\^?)(\w+)\}|(\w))")
_POSIX_CLASS = re.compile(r"\[:(\^?)(\w+):\]")


def compile_go(pattern: str) -> re.Pattern[bytes]:
    """Compile a Go pattern. Raises InvalidRequest with the pattern where it is none."""
    text = translate(pattern)
    try:
        return re.compile(text.encode("latin-1"))
    except re.error as error:
        raise InvalidRequest(f"pattern {pattern!r}: {error}") from error


def translate(pattern: str) -> str:
    """Return `pattern` for Python; each character above ASCII as the bytes of its UTF-8."""
    return _Translation(pattern.encode("utf-8", "surrogateescape").decode("latin-1")).text()


class _Translation:
    """One pass over a pattern; a stack of what each open group has for flags and closing marks."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._out: list[str] = []
        self._flags = ""
        self._open: list[tuple[str, list[str]]] = []  # flags outside, prefixes opened inside
        self._inside: list[str] = []  # prefixes of flags that hold in this group

    def text(self) -> str:
        while self._at < len(self._pattern):
            self._step(self._pattern[self._at])
        if self._open:
            raise InvalidRequest(f"pattern {self._pattern!r}: a group is not closed")
        return "".join(self._out) + ")" * len(self._inside)

    def _step(self, c: str) -> None:
        steps = {"\\": self._escape, "[": self._class, "(": self._group, ")": self._close}
        if c in steps:
            steps[c]()
        elif c in "*+?{":
            self._repeat(c)
        elif c >= "\x80":
            self._wide()
        else:
            self._emit(self._plain(c), 1)

    def _plain(self, c: str) -> str:
        if c == "|":
            return ")" * len(self._inside) + "|" + "".join(self._inside)
        return "\\Z" if c == "$" and "m" not in self._flags else c

    def _emit(self, text: str, taken: int) -> None:
        self._out.append(text)
        self._at += taken

    def _group(self) -> None:
        found = _GROUP.match(self._pattern, self._at + 1)
        if found is None:
            if self._pattern[self._at + 1 : self._at + 2] == "?":
                raise InvalidRequest(f"pattern {self._pattern!r}: Go has no such group")
            self._begin("(", self._flags, 1)
        elif found[1]:
            self._begin(f"(?P<{found[1]}>", self._flags, 1 + len(found[0]))
        else:
            flags, prefix = self._changed(found[2] or "", found[3] or "")
            if found[4] == ":":
                self._begin(prefix, flags, 1 + len(found[0]))
            else:  # holds to the end of the group around it
                self._flags = flags
                self._inside.append(prefix)
                self._emit(prefix, 1 + len(found[0]))

    def _changed(self, on: str, off: str) -> tuple[str, str]:
        flags = "".join(f for f in dict.fromkeys(self._flags + on) if f not in off)
        plus, minus = on.replace("U", ""), off.replace("U", "")
        return flags, f"(?{plus}{'-' + minus if minus else ''}:"

    def _begin(self, prefix: str, flags: str, taken: int) -> None:
        self._open.append((self._flags, self._inside))
        self._flags, self._inside = flags, []
        self._emit(prefix, taken)

    def _close(self) -> None:
        if not self._open:
            raise InvalidRequest(f"pattern {self._pattern!r}: a ) without (")
        closing = ")" * len(self._inside)
        self._flags, self._inside = self._open.pop()
        self._emit(closing + ")", 1)

    def _repeat(self, c: str) -> None:
        found = _REPEAT.match(self._pattern, self._at)
        if c == "{" and found is None:
            self._emit("\\{", 1)
            return
        text = found[0] if c == "{" and found else c
        lazy = self._pattern[self._at + len(text) : self._at + len(text) + 1] == "?"
        swapped = lazy != ("U" in self._flags)
        self._emit(text + ("?" if swapped else ""), len(text) + lazy)

    def _wide(self) -> None:
        """A character above ASCII: its bytes belong together before a repeat."""
        end = self._at + 1
        while end < len(self._pattern) and "\x80" <= self._pattern[end] < "\xc0":
            end += 1
        whole = "".join(f"\\x{ord(c):02x}" for c in self._pattern[self._at : end])
        self._emit(f"(?:{whole})", end - self._at)

    def _escape(self) -> None:
        rest = self._pattern[self._at :]
        if rest.startswith("\\Q"):
            literal = rest[2:].partition("\\E")[0]
            taken = 2 + len(literal) + 2 * (rest[2 + len(literal) :].startswith("\\E"))
            self._emit(re.escape(literal.encode("latin-1")).decode("latin-1"), taken)
        elif found := _HEX.match(rest):
            raw = chr(int(found[1], 16)).encode("utf-8", "surrogatepass")
            self._emit("(?:" + "".join(f"\\x{b:02x}" for b in raw) + ")", len(found[0]))
        elif found := _PROPERTY.match(rest):
            negated = (found[1] == "P") != (found[2] == "^")
            self._emit(f"[{'^' if negated else ''}{_property(found)}]", len(found[0]))
        else:
            plain = {"\\z": "\\Z", "\\s": f"[{SPACE}]", "\\S": f"[^{SPACE}]", "\\C": "[\\x00-\\xff]"}
            self._emit(plain.get(rest[:2], rest[:2]), 2)

    def _class(self) -> None:
        """A bracket class, with what Python would read differently in it escaped."""
        p, at = self._pattern, self._at + 1
        out = ["["]
        if p[at : at + 1] == "^":
            out.append("^")
            at += 1
        first = True
        while at < len(p) and (p[at] != "]" or first):
            text, taken = _class_item(p, at)
            out.append(text)
            at += taken
            first = False
        if at >= len(p):
            raise InvalidRequest(f"pattern {p!r}: a class is not closed")
        self._emit("".join(out) + "]", at + 1 - self._at)


def _property(found: re.Match[str]) -> str:
    return UNICODE.get(found[3] or found[4], UNICODE.get((found[3] or found[4])[:1], "\\x80-\\xff"))


def _class_item(p: str, at: int) -> tuple[str, int]:
    """One item of a class at p[at], as Python writes it, and how much of `p` it is."""
    rest = p[at:]
    if found := _POSIX_CLASS.match(rest):
        if found[1] or found[2] not in POSIX:
            raise InvalidRequest(f"pattern {p!r}: {found[0]} is not supported")
        return POSIX[found[2]], len(found[0])
    if found := _HEX.match(rest):
        raw = chr(int(found[1], 16)).encode("utf-8", "surrogatepass")
        return "".join(f"\\x{b:02x}" for b in raw), len(found[0])
    if found := _PROPERTY.match(rest):
        if found[1] == "P" or found[2]:
            raise InvalidRequest(f"pattern {p!r}: {found[0]} inside a class is not supported")
        return _property(found), len(found[0])
    if rest[0] == "\\":
        return (SPACE if rest[:2] == "\\s" else rest[:2]), 2
    if rest[0] in "[&~|]":
        return "\\" + rest[0], 1
    return (f"\\x{ord(rest[0]):02x}" if rest[0] >= "\x80" else rest[0]), 1
