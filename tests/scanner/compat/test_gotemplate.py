"""The part of Go's templates that report templates use."""

import pytest

from strongroom.errors import InvalidRequest
from strongroom.scanner.compat import gotemplate

LEAKS = [{"RuleID": "a", "File": "x.py", "Tags": ["t", "u"]}, {"RuleID": "b", "File": 'y"<.py', "Tags": []}]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{len .}} leaks", "2 leaks"),
        ("{{range .}}{{.RuleID}},{{end}}", "a,b,"),
        ("{{range $i, $l := .}}{{if $i}}, {{end}}{{$l.RuleID}}{{end}}", "a, b"),
        ("[{{- range . -}}  {{.File | quote}}  {{- end -}}]", '["x.py""y\\"<.py"]'),
        ("{{with index . 0}}{{.File}}{{end}}", "x.py"),
        ("{{range .}}{{range .Tags}}{{.}}{{else}}none{{end}};{{end}}", "tu;none;"),
        ('{{range .}}{{if eq .RuleID "a"}}A{{else if eq .RuleID "b"}}B{{else}}C{{end}}{{end}}', "AB"),
        ("{{/* nothing */}}x", "x"),
        ('{{$n := 1}}{{$n}}{{printf "%s-%d" "v" 2}}', "1v-2"),
        ("{{range .}}{{html .File}}{{end}}", "x.pyy&quot;&lt;.py"),
        ('{{join "+" (index . 0 "Tags")}}', "t+u"),
        ("{{`raw {{`}}", "raw {{"),
        ("{{not true}} {{and 1 0}} {{or 0 2}} {{.| len | add 1}}", "false 0 2 3"),
        ("{{range .}}{{upper .RuleID | trunc 1}}{{end}}", "AB"),
    ],
)
def test_a_template_is_filled(template: str, text: str) -> None:
    assert gotemplate.render(template, LEAKS) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{range .}}",
        "{{end}}",
        "{{else}}",
        "{{.Nope}}",
        "{{nope .}}",
        "{{len}}",
        "{{(len .}}",
        "{{}}",
        "{{len . )}}",
    ],
)
def test_a_wrong_template_is_refused(template: str) -> None:
    with pytest.raises(InvalidRequest, match="template"):
        gotemplate.render(template, LEAKS)
