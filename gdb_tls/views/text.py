"""Text from the program under inspection is data: it never becomes markup or a terminal escape."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text

# How what `tokens` tells apart looks on a screen.
STYLES = {"keyword": "cyan", "class": "cyan", "num": "bright_blue", "string": "yellow", "comment": "dim"}


def safe(text: str) -> str:
    """Writes characters that cannot be shown (control codes, lone surrogates) as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def code(text: str, colour: bool) -> Text:
    """C++ text, coloured by Pygments where colours will be seen."""
    from rich.text import Text

    if not colour:
        return Text(safe(text))
    found = Text()
    for kind, piece in tokens(text):
        found.append(piece, STYLES.get(kind, ""))
    return found


def tokens(text: str) -> list[tuple[str, str]]:
    """C++ text as (kind, piece); the kind is empty, "keyword", "class", "num", "string" or "comment"."""
    from pygments.token import Token

    kinds = {
        Token.Keyword: "keyword",
        Token.Name.Class: "class",
        Token.Literal.Number: "num",
        Token.Literal.String: "string",
        Token.Comment: "comment",
    }
    return [
        (next((kinds[parent] for parent in reversed(kind.split()) if parent in kinds), ""), piece)
        for kind, piece in _lexer().get_tokens(safe(text).rstrip())
    ]


@cache
def _lexer() -> Any:
    from pygments.lexers.c_cpp import CppLexer

    return CppLexer(stripnl=False, ensurenl=False)
