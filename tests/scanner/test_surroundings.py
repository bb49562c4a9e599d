"""Values beside a provider's name that the file or the lines around them tell to be something else."""

import pytest

from strongroom.scanner import examples
from strongroom.scanner.explain import explain
from strongroom.scanner.matcher import Matcher
from strongroom.scanner.rules import Rules

DIGESTS = "".join(f"shodan{n} <hex:32>\n" for n in range(3))
FORMS = [
    ("yarn.lock", 'parseur@^1.0.0:\n  resolved "https://npm.example.org/parseur.tgz#<hex:40>"'),
    ("package-lock.json", '"node_modules/parseur": {"key": "<hex:40>"}'),
    ("sums", "<hex:32>  facebook.png\n<hex:32>  shodan.png"),
    ("sums", "# shodan\n<hex:32>  icons.png"),
    ("icons.txt", "<hex:32>: Shodan portal\n<HEX:32>: Hikvision camera"),
    ("icons.txt", DIGESTS),
    ("todo", "pick <hex:40> Ask duo\npick <hex:40> Answer duo"),
    ("log.txt", "duo: tidy up\n\ncommit <hex:40>\nAuthor: duo"),
    ("a.json", '{"duo": {"sha": "<hex:40>"}}'),
    ("a.rst", "| fmp        |\n| project_id | <hex:32>         |"),
    ("a.html", "Jenkins, Server ID: <hex:32>"),
    ("a.http", "Cookie: BIDUPSID=<HEX:32>; BAIDUID=<HEX:32>:FG=1"),
    ("cookies.txt", ".baidu.com\tTRUE\t/\tFALSE\t1790000000\tBAIDUID\t<HEX:32>"),
    ("a.pem", "-----BEGIN CERTIFICATE-----\ndbx <base64:60>\n<base64url:64>\n-----END CERTIFICATE-----"),
    ("a.txt", "dropbox\n<base64url:64>\n<base64url:64>\n<base64url:64>"),
    ("a.xml", '<rdf:li xmp="Adobe Photoshop" stRef:documentID="<uuid>"/>'),
    ("a.svg.txt", 'Adobe XMP Core <rdf:Description xmpMM:DocumentID="uuid:<uuid>">'),
]


@pytest.mark.parametrize(("path", "form"), FORMS, ids=[f"{n}-{path}" for n, (path, _) in enumerate(FORMS)])
def test_what_the_surroundings_tell_is_not_reported(matcher: Matcher, path: str, form: str) -> None:
    text = examples.draw(form, form).encode()
    assert [m.detector.id for m in matcher.scan(path, text) if m.detector.kind == "context"] == []


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("a.env", "SHODAN_API_KEY=<hex:32>\nFACEBOOK_APP_SECRET=<hex:32>\nJENKINS_TOKEN=<hex:32>"),
        ("a.yml", "parseur:\n  api_key: <hex:40>"),
        ("a.py", 'jar["cookie"] = 1\nshodan_key = "<hex:32>"'),
        ("a.env", "RELEASE_COOKIE=<alnum:40>"),
    ],
)
def test_keys_among_keys_are_reported(matcher: Matcher, path: str, form: str) -> None:
    text = examples.draw(form, form).encode()
    found = [m for m in matcher.scan(path, text) if m.detector.kind == "context"]
    assert len(found) == form.count("<")


def test_explain_says_what_else_it_is(builtin_rules: Rules) -> None:
    text = examples.draw("parseur_key: <hex:40>", "seed").encode()
    reasons = [
        e.reasons for e in explain(builtin_rules, "yarn.lock", text) if e.detector == "parseur.api_key"
    ]
    assert reasons == [("a file of digests or of styles",)]
