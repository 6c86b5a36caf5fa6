"""C++ text taken apart, by Pygments."""

from __future__ import annotations

from functools import cache
from typing import Any

from gdb_tls.views.text import safe


def tokens(text: str) -> list[tuple[str, str]]:
    """C++ text as (kind, piece); the kind is empty, "keyword", "class", "num", "string" or "comment"."""
    try:
        from pygments.token import Token
    except ImportError:  # then it has no colours
        return [("", safe(text).rstrip())]
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
