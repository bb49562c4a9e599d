"""How MariaDB and MySQL read statements, and how values are quoted for them.

Source: MariaDB manual: identifier names, string literals, comment syntax.
"""

import re

from pymysql.converters import escape_string

from strongroom.engines.database.statements import Dialect


def quote_text(text: str) -> str:
    """A string literal; every session has backslash escapes on and speaks UTF-8."""
    return f"'{escape_string(text)}'"


def quote_name(text: str) -> str:
    """A quoted identifier."""
    return "`" + text.replace("`", "``") + "`"


_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


def read_text(word: str) -> str:
    """What is inside a quoted string."""
    quote = word[0]
    return re.sub(
        rf"\\(.)|{quote}{quote}",
        lambda found: _ESCAPES.get(found[1], found[1]) if found[1] else quote,
        word[1:-1],
        flags=re.DOTALL,
    )


DIALECT = Dialect(
    words=re.compile(
        r"""(?P<end>;)
          |(?P<comment>--(?=\s|$)[^\n]*|\#[^\n]*|/\*(?!M?!)(?:(?!\*/).)*\*/)
          |(?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
          |(?P<name>`(?:[^`]|``)*`)
          |(?P<broken>['"`]|/\*)
          |\{\{\s*\w+\s*\}\}|\w+|.""",
        re.VERBOSE | re.DOTALL,
    ),
    read_text=read_text,
    read_name=lambda word: word[1:-1].replace("``", "`"),
    text=quote_text,
    name=quote_name,
    bare_name=quote_text,
)
