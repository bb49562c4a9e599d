"""A configuration of gitleaks with a tree to scan, and our gitleaks mode on it."""

import json
from pathlib import Path
from typing import Any

from strongroom import cli

CONFIG = r"""
title = "a test"
[[rules]]
id = "my-key"
description = "My key"
regex = '''(?i)mykey[ =:"']+([a-z0-9]{8,20})(?:['"\s]|$)'''
keywords = ["MYKEY"]
entropy = 2.0
tags = ["key", "mine"]
[[rules.allowlists]]
condition = "AND"
paths = ['''allowed''']
regexes = ['''^zz''']
[[rules]]
id = "pem-file"
description = "A PEM file"
path = '''\.pem$'''
[[rules]]
id = "multi"
description = "Several lines"
regex = '''BEGIN\n([A-Z]+)\nEND'''
[[rules]]
id = "pair"
description = "User beside password"
regex = '''user=(\w+)'''
[[rules.required]]
id = "pass"
withinLines = 2
[[rules]]
id = "pass"
description = "Password"
regex = '''pass=(\w+)'''
skipReport = true
[[rules]]
id = "grouped"
description = "Second group"
regex = '''g1=(\w+);g2=(\w+)'''
secretGroup = 2
[[allowlists]]
stopwords = ["sample"]
targetRules = ["my-key"]
[[allowlists]]
paths = ['''^tree/vendor/''']
regexTarget = "line"
regexes = ['''ignore this line''']
"""


FILES = {
    "sub/a.txt": 'x\nlet a = 1; mykey = "abcd1234efgh"\nmykey: zz99yy88xx  mykey=aaaaaaaaaa\n',
    "first.txt": "mykey=abcd1234efgh\nmykey=qwer5678asdf # gitleaks:allow\nmykey=sample12345\n",
    "wide.txt": "é mykey=abcd1234efgh\nfoo BEGIN\nABC\nEND bar\n",
    "key.pem": "hello\n",
    "pair.txt": "user=bob\nx\npass=hunter\nx\nx\nx\nx\nuser=eve\ng1=one;g2=two\n",
    "allowed/x": "mykey=zzabcdefgh\nmykey=yyabcdefgh\n",
    "vendor/x": "mykey=abcd1234efgh\n",
    "line.txt": "mykey=abcd1234efgh ignore this line\n",
}


def reported(*words: str) -> tuple[int, list[dict[str, Any]]]:
    code = cli.main(["gitleaks", *words, "-f", "json", "-r", "ours.json", "-l", "error"])
    return code, json.loads(Path("ours.json").read_text())
