"""Text out of documents: notebooks, PDF, and the XML of office files."""

from __future__ import annotations

import io
import json
import re
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from strongroom.scanner.archives.budget import Refused
from strongroom.scanner.archives.streams import View
from strongroom.scanner.blob import Blob
from strongroom.scanner.decode import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from strongroom.scanner.archives.opening import Opener
    from strongroom.scanner.blob import Provenance

PDF_BYTES = 64 << 20
PDF_SECONDS = 20.0
PDF_PAGES = 5000
LANGUAGE_SUFFIX = {"python": ".py", "r": ".r", "julia": ".jl", "javascript": ".js", "typescript": ".ts"}
# Where OOXML (ECMA-376) and OpenDocument keep text. Sheets are tables of references into sharedStrings.
OFFICE_TEXT = re.compile(
    r"(word|xl|ppt|docProps|customXml)/.*\.xml|(content|meta|styles)\.xml|.*/(content|meta)\.xml", re.DOTALL
).fullmatch
LINE_ENDS = {"p", "si", "row", "br", "h", "table-row", "comment", "tr", "line-break", "property"}
SPACES = {"tab", "c", "table-cell", "tc", "s", "v"}


def open_document(opener: Opener, kind: str, data: bytes, provenance: Provenance) -> Iterator[Blob]:
    """Yield the texts of a notebook or a PDF, or its bytes where it cannot be read as one."""
    if kind == "notebook":
        yield from _notebook(opener, data, provenance)
    else:
        yield from _pdf(opener, data, provenance)


def _notebook(opener: Opener, data: bytes, provenance: Provenance) -> Iterator[Blob]:
    """Source and outputs of each cell, as nbformat 3 and 4 keep them; all else as it stands."""
    try:
        book: Any = json.loads(data)
        cells = list(_cells(book))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        yield from opener.plain(io.BufferedReader(View(data)), provenance)
        return
    suffix = LANGUAGE_SUFFIX.get(_language(book), ".txt")
    for number, (is_code, source, output) in enumerate(cells, 1):
        opener.budget.member()
        name = f"cell {number}{suffix if is_code else '.md'}"
        yield Blob(opener.id, source.encode("utf-8", "replace"), provenance.within(name))
        if output:
            yield Blob(
                opener.id, output.encode("utf-8", "replace"), provenance.within(f"cell {number} output.txt")
            )
    rest = {key: value for key, value in book.items() if key not in ("cells", "worksheets")}
    yield Blob(opener.id, json.dumps(rest, indent=1).encode(), provenance.within("notebook.json"))


def _cells(book: Any) -> Iterator[tuple[bool, str, str]]:
    sheets = book.get("worksheets") or [book]
    for cell in (cell for sheet in sheets for cell in sheet["cells"]):
        is_code = cell.get("cell_type") == "code"
        source = _joined(cell.get("source", cell.get("input", "")))
        outputs = "\n".join(_output(out) for out in cell.get("outputs", ()))
        extra = {key: cell[key] for key in ("metadata", "attachments") if cell.get(key)}
        yield is_code, source, "\n".join(filter(None, (outputs, json.dumps(extra) if extra else "")))


def _output(out: Any) -> str:
    """All text of one output: streams, results of every text type, tracebacks."""
    shown = {
        **out.get("data", {}),
        **{k: out[k] for k in ("text", "html", "traceback", "evalue") if k in out},
    }
    texts = []
    for kind, value in shown.items():
        if not kind.startswith("image/"):
            texts.append(_joined(value) if isinstance(value, str | list) else json.dumps(value))
    return "\n".join(texts)


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else "".join(map(str, value))


def _language(book: Any) -> str:
    about: Any = book.get("metadata", {})
    spec: Any = about.get("kernelspec", {}) if isinstance(about, dict) else {}
    return str(spec.get("language", "python")).lower() if isinstance(spec, dict) else ""


def _pdf(opener: Opener, data: bytes, provenance: Provenance) -> Iterator[Blob]:
    """The text of each page and the properties, within a time: hostile files are made to take for ever."""
    if len(data) > PDF_BYTES:
        opener.warn(provenance, "PDF over the size limit: only its plain bytes are scanned")
        yield from text(Blob(opener.id, data, provenance))
        return
    pages: list[str] = []
    try:
        with time_limit(min(PDF_SECONDS, opener.budget.seconds_left)):
            _read_pdf(data, pages)
    except Refused:
        opener.warn(provenance, "the PDF takes too long to read: only its first pages are scanned")
    except Exception as error:  # pypdf raises whatever a damaged file leads it to
        opener.warn(provenance, f"damaged or not readable as PDF: {type(error).__name__}")
    for number, page in enumerate(pages):
        opener.budget.spend(len(page))
        name = f"page {number}" if number else "properties"
        yield Blob(opener.id, page.encode("utf-8", "replace"), provenance.within(name))
    if not pages:
        yield from text(Blob(opener.id, data, provenance))


def _read_pdf(data: bytes, pages: list[str]) -> None:
    import logging  # noqa: PLC0415 (with pypdf, and as rare)

    import pypdf  # noqa: PLC0415 (slow to import)

    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # its children, too
    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise PermissionError
    about: Mapping[str, object] = reader.metadata or {}
    pages.append("\n".join(f"{key}: {value}" for key, value in about.items()))
    pages.extend(page.extract_text() for page in reader.pages[:PDF_PAGES])  # keeps those before a failure


class _Late(BaseException):
    """The alarm; not an Exception, which a parser may swallow."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise Refused in the block after `seconds`; without effect outside a main thread."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise _Late

    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _Late:
        raise Refused("it takes too long to open: not read further") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def is_office_text(name: str) -> bool:
    """Whether a member of an office document holds text as XML."""
    return OFFICE_TEXT(name) is not None


def xml_text(data: bytes) -> bytes:
    """Return the text of an office XML part, a line per paragraph, cell values apart.

    Entities that the document declares itself are refused: an office file has
    none, and they are how XML explodes. Damaged XML gives what stands before the
    damage, then the bytes as they are.
    """
    parts: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.EntityDeclHandler = _refuse_entity
    parser.CharacterDataHandler = parts.append

    def end(name: str) -> None:
        local = name.rsplit(" ", 1)[-1]
        if local in LINE_ENDS:
            parts.append("\n")
        elif local in SPACES:
            parts.append("\t")

    parser.EndElementHandler = end
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError):
        return "".join(parts).encode("utf-8", "replace") + b"\n" + data
    return "".join(parts).encode("utf-8", "replace")


def _refuse_entity(*_declaration: object) -> None:
    raise ValueError("the document declares an entity")
