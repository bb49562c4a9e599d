"""gitleaks' report forms: JSON, CSV, JUnit, SARIF, and a Go template."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from strongroom.errors import InvalidRequest
from strongroom.scanner.compat import gotemplate

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from strongroom.scanner.compat.gitleaks_leaks import Leak

COLUMNS = (
    "RuleID", "Commit", "File", "SymlinkFile", "Secret", "Match", "StartLine", "EndLine", "StartColumn",
    "EndColumn", "Author", "Message", "Date", "Email", "Fingerprint", "Tags",
)  # fmt: skip
_XML = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&#34;",
        "'": "&#39;",
        "\t": "&#x9;",
        "\n": "&#xA;",
        "\r": "&#xD;",
    }
)


def write_json(found: list[Leak], stream: TextIO) -> None:
    """A list; the keys are gitleaks'."""
    stream.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def write_csv(found: list[Leak], stream: TextIO) -> None:
    """A header and a line each; nothing at all when nothing was found."""
    if not found:
        return
    columns = (*COLUMNS, "Link") if any("Link" in leak for leak in found) else COLUMNS
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for leak in found:
        row = {**leak, "Tags": " ".join(leak["Tags"])}
        writer.writerow([row.get(column, "") for column in columns])


def write_junit(found: list[Leak], stream: TextIO) -> None:
    """One suite, one failed case a leak."""
    count = len(found)
    stream.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
    stream.write(f'\t<testsuite failures="{count}" name="gitleaks" tests="{count}" time="">\n')
    for leak in found:
        at = f", at commit {leak['Commit']}" if leak["Commit"] else ""
        told = f"{leak['RuleID']} has detected a secret in file {leak['File']}, line {leak['StartLine']}{at}."
        body = json.dumps(leak, ensure_ascii=False, indent="\t")
        stream.write(
            f"\t\t<testcase classname={_quoted(leak['Description'])} file={_quoted(leak['File'])}"
            f' name={_quoted(told)} time="">\n'
            f"\t\t\t<failure message={_quoted(told)} type={_quoted(leak['Description'])}>"
            f"{_quoted(body)[1:-1]}</failure>\n\t\t</testcase>\n"
        )
    stream.write("\t</testsuite>\n</testsuites>")


def _quoted(text: str) -> str:
    """Text between quotes, escaped as Go does it."""
    return (
        '"' + "".join(c if c.isprintable() or c in "\t\n\r" else "\ufffd" for c in text).translate(_XML) + '"'
    )


def write_sarif(found: list[Leak], stream: TextIO) -> None:
    """gitleaks' SARIF, but for the snippet: the secret is not repeated in it."""
    rules = {leak["RuleID"]: leak["Description"] for leak in found}
    driver = {
        "name": "gitleaks",
        "semanticVersion": "v8.0.0",
        "informationUri": "https://github.com/gitleaks/gitleaks",
        "rules": [{"id": id, "shortDescription": {"text": text}} for id, text in rules.items()],
    }
    run = {"tool": {"driver": driver}, "results": [_result(leak) for leak in found]}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    document = {"$schema": schema, "version": "2.1.0", "runs": [run]}
    stream.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def _result(leak: Leak) -> dict[str, Any]:
    at = f" at commit {leak['Commit']}" if leak["Commit"] else ""
    return {
        "message": {"text": f"{leak['RuleID']} has detected secret for file {leak['File']}{at}."},
        "ruleId": leak["RuleID"],
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": leak["File"]},
                    "region": {
                        "startLine": leak["StartLine"],
                        "startColumn": leak["StartColumn"],
                        "endLine": leak["EndLine"],
                        "endColumn": leak["EndColumn"],
                        "snippet": {"text": "REDACTED"},
                    },
                }
            }
        ],
        "partialFingerprints": {
            "commitSha": leak["Commit"],
            "email": leak["Email"],
            "author": leak["Author"],
            "date": leak["Date"],
            "commitMessage": leak["Message"],
        },
        "properties": {"tags": leak["Tags"]},
    }


def write_template(found: list[Leak], stream: TextIO, template: str) -> None:
    """What the Go template says of the list."""
    stream.write(gotemplate.render(template, found))


WRITERS: dict[str, Callable[[list[Leak], TextIO], None]] = {
    "json": write_json,
    "csv": write_csv,
    "junit": write_junit,
    "sarif": write_sarif,
}


def write(form: str, found: list[Leak], stream: TextIO, template: str) -> None:
    """Write the report. Raises InvalidRequest for an unknown form."""
    if form == "template":
        write_template(found, stream, template)
    elif form in WRITERS:
        WRITERS[form](found, stream)
    else:
        raise InvalidRequest(f"unknown report format `{form}`; known: {', '.join(WRITERS)}, template")


def told(leak: Leak) -> str:
    """A leak for people, as `--verbose` prints it."""
    lines = {
        "Finding": leak["Match"],
        "Secret": leak["Secret"],
        "RuleID": leak["RuleID"],
        "Entropy": f"{leak['Entropy']:.6f}",
        "File": leak["File"],
        "Line": leak["StartLine"],
        "Commit": leak["Commit"],
        "Author": leak["Author"],
        "Email": leak["Email"],
        "Date": leak["Date"],
        "Fingerprint": leak["Fingerprint"],
        "Link": leak.get("Link", ""),
    }
    shown = {key: value for key, value in lines.items() if value != ""}
    return "".join(f"{key + ':':<13}{value}\n" for key, value in shown.items())
