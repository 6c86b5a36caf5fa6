"""Text from the program under inspection is data: it never becomes markup or a terminal escape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.text import Text


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
    from pygments.token import Token

    styles = {
        Token.Keyword: "cyan",
        Token.Name.Class: "cyan",
        Token.Literal.Number: "bright_blue",
        Token.Literal.String: "yellow",
        Token.Comment: "dim",
    }
    found = Text()
    for kind, piece in _lexer().get_tokens(safe(text)):
        style = next((styles[parent] for parent in reversed(kind.split()) if parent in styles), "")
        found.append(piece, style)
    found.rstrip()
    return found


def _lexer() -> Any:
    from pygments.lexers.c_cpp import CppLexer

    return CppLexer(stripnl=False, ensurenl=False)
