"""Text is read out of notebooks, PDF and office files."""

from __future__ import annotations

import io
import json
import time

import pytest
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from strongroom.scanner.archives.budget import Refused
from strongroom.scanner.archives.documents import time_limit, xml_text
from tests.scanner.archives.making import opened, zipped

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def test_a_notebook_gives_its_cells_with_their_numbers() -> None:
    book = {
        "nbformat": 4,
        "metadata": {"kernelspec": {"language": "python"}, "token": "in the metadata"},
        "cells": [
            {"cell_type": "markdown", "source": ["# Title\n", "text"]},
            {
                "cell_type": "code",
                "source": "key = 'planted'\nprint(key)",
                "outputs": [
                    {"output_type": "stream", "text": ["planted out\n"]},
                    {
                        "output_type": "execute_result",
                        "data": {"text/plain": "'result'", "image/png": "iVBOR"},
                    },
                    {"output_type": "error", "evalue": "bad", "traceback": ["line 1", "line 2"]},
                ],
            },
        ],
    }
    found, warnings = opened("a/n.ipynb", json.dumps(book).encode())
    assert warnings == []
    assert found["a/n.ipynb!cell 1.md"] == b"# Title\ntext"
    assert found["a/n.ipynb!cell 2.py"] == b"key = 'planted'\nprint(key)"
    output = found["a/n.ipynb!cell 2 output.txt"].decode()
    assert "planted out" in output
    assert "'result'" in output
    assert "line 2" in output
    assert "iVBOR" not in output
    assert b"in the metadata" in found["a/n.ipynb!notebook.json"]


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', "[" * 100_000, "null"])
def test_a_broken_notebook_is_scanned_as_it_stands(text: str) -> None:
    found, _ = opened("n.ipynb", text.encode())
    assert found["n.ipynb"].decode() == text


def pdf(lines: list[str]) -> bytes:
    writer = PdfWriter()
    writer.add_metadata({"/Keywords": "planted in the properties"})
    for line in lines:
        page = writer.add_blank_page(300, 300)
        content = StreamObject()
        content.set_data(f"BT /F1 12 Tf 20 100 Td ({line}) Tj ET".encode())
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        page[NameObject("/Contents")] = writer._add_object(content.flate_encode())
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.slow
def test_a_pdf_gives_its_pages_and_properties() -> None:
    found, warnings = opened("x.pdf", pdf(["planted one", "planted two"]))
    assert warnings == []
    assert found["x.pdf!page 1"].strip() == b"planted one"
    assert found["x.pdf!page 2"].strip() == b"planted two"
    assert b"planted in the properties" in found["x.pdf!properties"]


@pytest.mark.slow
def test_a_broken_pdf_is_a_warning_and_its_bytes_are_scanned() -> None:
    found, warnings = opened("x.pdf", b"%PDF-1.7\nplanted and \0 then nothing")
    assert b"planted" in found["x.pdf"]
    assert len(warnings) == 1


def test_word_text_is_joined_across_runs() -> None:
    xml = (
        f"<w:document {WORD}><w:body><w:p><w:r><w:t>pass</w:t></w:r><w:r><w:t>word = x &amp; y</w:t></w:r></w:p>"
        "<w:p><w:r><w:t>next</w:t></w:r></w:p></w:body></w:document>"
    )
    found, warnings = opened(
        "x.docx", zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": xml.encode()})
    )
    assert warnings == []
    assert found["x.docx!word/document.xml"] == b"password = x & y\nnext\n"


def test_sheets_slides_and_open_documents() -> None:
    sheet = b"<sst><si><t>user</t></si><si><t>planted</t></si></sst>"
    found, _ = opened("x.xlsx", zipped({"[Content_Types].xml": b"<T/>", "xl/sharedStrings.xml": sheet}))
    assert found["x.xlsx!xl/sharedStrings.xml"] == b"user\nplanted\n"
    slide = b"<p:sld xmlns:p='u:p' xmlns:a='u:a'><a:p><a:r><a:t>planted</a:t></a:r></a:p></p:sld>"
    found, _ = opened("x.pptx", zipped({"[Content_Types].xml": b"<T/>", "ppt/slides/slide1.xml": slide}))
    assert found["x.pptx!ppt/slides/slide1.xml"].strip() == b"planted"
    text = (
        b"<o:c xmlns:o='u:o' xmlns:text='u:t'><text:p>one</text:p><text:p>two<text:tab/>three</text:p></o:c>"
    )
    mime = b"application/vnd.oasis.opendocument.text"
    found, _ = opened("x.odt", zipped({"mimetype": mime, "content.xml": text}))
    assert found["x.odt!content.xml"].strip() == b"one\ntwo\tthree"


def test_xml_entities_do_not_explode() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE x [<!ENTITY e0 "boom">{levels}]><x>&e11;</x>'.encode()
    started = time.process_time()
    assert len(xml_text(bomb)) < 2 * len(bomb)
    assert time.process_time() - started < 0.5
    outside = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'
    assert b"root:" not in xml_text(outside)


def test_damaged_xml_keeps_its_bytes() -> None:
    assert b"planted" in xml_text(b"<a><b>planted</a>")


def test_a_parser_that_never_ends_is_stopped() -> None:
    def parse() -> None:
        with time_limit(0.02):
            while True:
                try:
                    time.monotonic()
                except Exception:  # a parser that swallows what it is told
                    continue

    with pytest.raises(Refused):
        parse()


def test_a_damaged_pdf_is_a_warning_and_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    found, warnings = opened("a.pdf", b"%PDF-1.4\nplanted\n" + bytes(range(256)) * 50)
    assert b"planted" in found["a.pdf"]
    assert len(warnings) == 1
    assert capfd.readouterr() == ("", "")
