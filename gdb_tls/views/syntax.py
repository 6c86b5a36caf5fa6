"""C++ text taken apart, by Pygments."""

from __future__ import annotations

import re
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


# A string or character, a path of names (which template arguments may follow), or a brace.
PIECES = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\[^']+)')|([A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)|([{}])""", re.DOTALL)
# Of Rust's, what is in them is what a programmer calls their value (core/src/cell.rs).
WRAPPERS = ("core::cell::Cell", "core::cell::UnsafeCell")
INSIDE = " {value: "
# A name at which the debugger has given up.
CUT_NAME = re.compile(r"(?<=: )[A-Za-z_][\w:<]*\.\.\.$")


def without_structures(text: str) -> str:
    """A value of Rust without the names of the structures in it, which leave no room for what they hold.

    `RefCell<u64> {borrow: Cell<isize> {value: 0}, value: 1}` is `{borrow: 0, value: 1}`; in values of C and C++ no
    name stands before a brace.
    """
    if ": " not in text or " {" not in text:
        return text
    found: list[str] = []
    shown: list[bool] = []
    done = 0
    for match in PIECES.finditer(text):
        if match.start() < done or match[1]:
            continue
        if match[3] == "{":
            shown.append(True)
        elif match[3] == "}":
            if shown and not shown.pop():
                found.append(text[done : match.start()])
                done = match.end()
        elif text.startswith(" {", end := _after_arguments(text, match.end())):
            found.append(text[done : match.start()])
            shown.append(not (match[2] in WRAPPERS and text.startswith(INSIDE, end)))
            done = end + (1 if shown[-1] else len(INSIDE))
            if shown[-1]:
                found.append("{")
                done += 1
    if not found:
        return text
    return CUT_NAME.sub("...", "".join([*found, text[done:]]))


def _after_arguments(text: str, start: int) -> int:
    """Where the arguments in angle brackets that begin at a place end; the place itself where there are none."""
    if not text.startswith("<", start):
        return start
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] == "<") - (text[at] == ">" and text[at - 1] != "-")
        if depth == 0:
            return at + 1
    return start


@cache
def _lexer() -> Any:
    from pygments.lexers.c_cpp import CppLexer

    return CppLexer(stripnl=False, ensurenl=False)
