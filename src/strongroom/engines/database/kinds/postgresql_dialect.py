"""How PostgreSQL reads statements, and how values are quoted for it.

Source: PostgreSQL 15 manual §4.1 (lexical structure).
"""

import re

from psycopg import sql

from strongroom.engines.database.statements import Dialect


def quote_text(text: str) -> str:
    """A string literal."""
    return sql.Literal(text).as_string(None)


def quote_name(text: str) -> str:
    """A quoted identifier."""
    return sql.Identifier(text).as_string(None)


DIALECT = Dialect(
    words=re.compile(
        r"""(?P<end>;)
          |(?P<comment>--[^\n]*|/\*(?:(?!/\*|\*/).)*\*/)
          |(?P<nested>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'
                     |(?<![\w$])[uU]&(?:'(?:[^']|'')*'|"(?:[^"]|"")*")
                     |(?<![\w$])\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff]\w*)?)\$(?:(?!\$(?P=tag)\$).)*\$(?P=tag)\$)
          |(?P<text>'(?:[^']|'')*')
          |(?P<name>"(?:[^"]|"")*")
          |(?P<broken>['"]|/\*|(?<![\w$])[eE]'|(?<![\w$])\$(?:[A-Za-z_\x80-\U0010ffff]\w*)?\$)
          |\{\{\s*\w+\s*\}\}|\w+|.""",
        re.VERBOSE | re.DOTALL,
    ),
    read_text=lambda word: word[1:-1].replace("''", "'"),
    read_name=lambda word: word[1:-1].replace('""', '"'),
    text=quote_text,
    name=quote_name,
    bare_name=quote_name,
)
