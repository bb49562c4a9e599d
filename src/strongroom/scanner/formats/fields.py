"""Walkers: every field of a structured file with the exact place of its value.

They are tokenizers, not parsers: broken, commented or templated files still give their fields.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from strongroom.scanner.lazy_pattern import lazy


class Field(NamedTuple):
    """`data[start:end]` is the value of the field at `path`, a `/`-joined list of names."""

    path: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


_JSON = lazy(
    (
        rb"\s*(?:(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z)|#[^\n]*)|\"(?P<text>(?:[^\"\\\n]|"
        rb"\\.)*)(?:\"(?P<colon>\s*:)?|(?=\n)|\\?\Z)|(?P<mark>[{}\[\],])|(?P<bare>[\w.+-]+)|(?P<other>.))"
    ),
    re.DOTALL,
)


def json_fields(data: bytes) -> Iterator[Field]:
    """Yield the string values of JSON (comments allowed); list items bear their list's path."""
    path: list[str] = []
    pending = ""
    for match in _JSON.finditer(data):
        mark = match["mark"]
        if match["colon"] is not None:
            pending = match["text"].decode("utf-8", "replace")
        elif match["text"] is not None:
            yield Field("/".join((*path, pending)), match.start("text"), match.end("text"))
        elif mark in (b"{", b"["):
            path.append(pending)
            pending = "" if mark == b"{" else pending
        elif mark in (b"}", b"]") and path:
            pending = path.pop()


_XML = lazy(
    (
        rb"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[(?P<cdata>.*?)(?:\]\]>|\Z)|"
        rb"<(?P<close>/)?(?P<tag>[\w:.\-]+)(?P<attributes>(?:\s+[\w:.\-]+\s*=\s*(?:\"[^\"]*\"|"
        rb"'[^']*'))*)\s*(?P<empty>/)?>|(?P<text>[^<]+)"
    ),
    re.DOTALL,
)
_ATTRIBUTE = lazy(rb"([\w:.\-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def xml_fields(data: bytes) -> Iterator[Field]:
    """Yield the attributes (`a/b/@c`) and texts (`a/b`) of XML; comments are left out.

    An element with a `name` or `key` attribute is called `tag[name]`.
    """
    path: list[str] = []
    for match in _XML.finditer(data):
        if match["tag"] is not None and not match["close"]:
            yield from _element(match, path)
        elif match["close"] and path:
            path.pop()
        elif match["text"] is not None or match["cdata"] is not None:
            group = "text" if match["text"] is not None else "cdata"
            text = match[group]
            start = match.start(group) + len(text) - len(text.lstrip())
            if text.strip():
                yield Field("/".join(path), start, start + len(text.strip()))


def _element(match: re.Match[bytes], path: list[str]) -> Iterator[Field]:
    label = match["tag"].decode("utf-8", "replace")
    offset = match.start("attributes")
    found = [(m[1].decode("utf-8", "replace"), m) for m in _ATTRIBUTE.finditer(match["attributes"])]
    for key, attribute in found:
        if key.lower() in ("name", "key", "id"):
            label += (
                "[" + (attribute[2] or attribute[3] or b"").decode("utf-8", "replace").replace("/", ".") + "]"
            )
            break
    path.append(label)
    for key, attribute in found:
        group = 2 if attribute[2] is not None else 3
        if attribute[group]:
            yield Field(
                "/".join((*path, "@" + key)), offset + attribute.start(group), offset + attribute.end(group)
            )
    if match["empty"]:
        path.pop()


_INI = lazy(
    rb"^[ \t]*(?:(?P<section>\[[^\]\n]*\])|(?:(?:set|export|setenv|local|"
    rb"declare -x)[ \t]+)?(?P<key>[A-Za-z_/@.][^\s=:\"'#;]*(?::_\w+)?)"
    rb"[ \t]*(?:=>?|:|[ \t])[ \t]*(?:\"(?P<double>[^\"\n]*)\"|'(?P<single>[^'\n]*)'|"
    rb"(?P<bare>[^\n]*?)))[ \t]*,?;?[ \t]*(?:(?<=[ \t\"'])[#;][^\n]*)?\r?$",
    re.MULTILINE,
)


def ini_fields(data: bytes) -> Iterator[Field]:
    """Yield `key = value`, `key: value` and `key value` lines under their section.

    Comments are left out; a `#` or `;` begins one only after a blank or a quote, else it is of the value.
    """
    section = ""
    for match in _INI.finditer(data):
        if match["section"] is not None:
            section = match["section"][1:-1].decode("utf-8", "replace").replace("/", ".")
            continue
        group = match.lastgroup
        if group in ("double", "single", "bare") and match[group]:
            yield Field(
                f"{section}/{match['key'].decode('utf-8', 'replace')}", match.start(group), match.end(group)
            )


_YAML = lazy(
    rb"^(?P<indent>[ ]*)(?P<dash>(?:- +)*)(?:(?P<key>[\"']?[\w.\-/$ :@~+]+?[\"']?)\s*:(?=\s|"
    rb"$)[ \t]*)?(?P<anchor>(?:[&!][\w\-/!.:]+[ \t]*)*)"
    rb"(?:\"(?P<double>(?:[^\"\\\n]|\\.)*)\"|'(?P<single>[^'\n]*)'|(?P<block>[|>][+-]?\d?)|"
    rb"(?P<bare>[^\s#][^\n]*?))?[ \t]*(?:[ \t]#[^\n]*)?\r?$",
    re.MULTILINE,
)


def yaml_fields(data: bytes) -> Iterator[Field]:
    """Yield the scalars of YAML by indentation; a block scalar is one field, comments are left out."""
    path: list[tuple[int, str]] = []
    skip_to = 0
    for match in _YAML.finditer(data):
        if match.start() < skip_to or data[match.end("indent") : match.end("indent") + 1] in (
            b"#",
            b"",
            b"\n",
            b"\r",
        ):
            continue
        indent = len(match["indent"]) + len(match["dash"])
        while path and path[-1][0] >= indent:
            path.pop()
        key = (match["key"] or b"").strip(b"\"'").decode("utf-8", "replace").replace("/", ".")
        if match["key"] is not None:
            path.append((indent, key))
        where = "/".join(name for _, name in path)
        group = match.lastgroup
        if group == "block":
            start, end = _block(data, match.end() + 1, len(match["indent"]))
            skip_to = end
            yield Field(where, start, end)
        elif group in ("double", "single", "bare") and match[group]:
            yield Field(where, match.start(group), match.end(group))


def _block(data: bytes, start: int, indent: int) -> tuple[int, int]:
    """The span of the indented lines that follow a `|` or `>`."""
    end = at = start
    while at < len(data):
        stop = data.find(b"\n", at)
        stop = len(data) if stop < 0 else stop
        line = data[at:stop]
        if line.strip() and len(line) - len(line.lstrip(b" ")) <= indent:
            break
        end, at = stop, stop + 1
    begin = start + len(data[start:end]) - len(data[start:end].lstrip())
    return begin, max(begin, end)
