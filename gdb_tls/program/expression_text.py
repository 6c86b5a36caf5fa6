"""Expressions as text: where one ends and the next begins, and which words in one may be names of variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from gdb_tls.tuples import NamedTuple

# The pieces that matter here; what is between them is copied.  A quoted text with more than a character is a name, as
# in GDB's 'file.c'::name.
TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*"|(?:L|u8?|U)?'(?:\\[0-7]{1,3}|\\x[0-9a-fA-F]+|\\.|[^'\\])')"""
    r"""|(?P<number>\.?\d(?:[eEpP][+-]|[\w.'])*)"""
    r"""|(?P<dollar>\$\$?\w*)"""
    r"""|(?P<name>(?:[\w+-]+(?:\.[\w+-]+)*\.so[\w.]*::|'[^']+'::|"[^"]+"::)?"""
    r"""(?:'[^']+'|[A-Za-z_]\w*)(?:::~?[A-Za-z_]\w*)*(?:@0x[0-9a-f]+)?)"""
    r"""|(?P<arrow>->\*?|\.\*?)|(?P<space>\s+)|(?P<other>.)""",
    re.DOTALL,
)
OPENING, CLOSING = "([{", ")]}"
# `map<int, int>`: an identifier and what may stand between the brackets of a template.
TEMPLATE = re.compile(r"(?<=\w)<(?=[\w\s:*&,<>()\[\]]*>)")
KEYWORDS = {
    *("auto", "bool", "char", "class", "const", "double", "enum", "extern", "false", "float", "int", "long", "nullptr"),
    *("register", "short", "signed", "sizeof", "static", "struct", "this", "true", "typename", "union", "unsigned"),
    *("alignof", "void", "volatile", "wchar_t"),
}
TAGS = ("struct", "union", "enum", "class")
# What stands between two operands in C++, Ada, Pascal, Fortran and Rust.
OPERATORS = {"and", "as", "div", "in", "mod", "not", "or", "rem", "xor"}


class Name(NamedTuple):
    """A word that may be the name of a variable.

    Attributes:
        text: it.
        start: where it begins in the expression.
        end: where it ends.
    """

    text: str
    start: int
    end: int


def split(text: str, separator: str = ",") -> list[str]:
    """The parts between separators that are in no brackets, strings or template arguments; blanks around them go.

    A `<` belongs to a template where it follows a word at once: `map<int, int>`, but `a < b, c > d` are two parts.
    """
    parts, depth, start = [], 0, 0
    for token in TOKEN.finditer(text):
        piece, at = token[0], token.start()
        if token.lastgroup != "other":
            continue
        if piece in OPENING or (piece == "<" and TEMPLATE.match(text, at)):
            depth += 1
        elif depth and (piece in CLOSING or (piece == ">" and _closes_template(text, start, at))):
            depth -= 1
        elif piece == separator and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def _closes_template(text: str, start: int, at: int) -> bool:
    """Whether a `>` is the end of template arguments that have begun since `start`."""
    opened = 0
    for token in TOKEN.finditer(text, start, at):
        if token[0] == "<" and token.lastgroup == "other" and TEMPLATE.match(text, token.start()):
            opened += 1
        elif token[0] == ">" and token.lastgroup == "other" and opened:
            opened -= 1
    return opened > 0


def names(text: str) -> Iterator[Name]:
    """The words that may be names of variables: no members, keywords, tags (`struct NAME`), strings or `$names`."""
    before = ""
    for token in TOKEN.finditer(text):
        kind, piece = token.lastgroup, token[0]
        if kind == "space":
            continue
        if kind == "name" and before not in ("->", ".", "::", *TAGS) and piece not in KEYWORDS:
            yield Name(piece, token.start(), token.end())
        before = piece if kind in ("name", "arrow") else "::" if text[: token.end()].endswith("::") else ""


def dollars(text: str) -> list[str]:
    """The debugger's own variables and functions in an expression: `$sp`, `$_streq`."""
    return [token[0] for token in TOKEN.finditer(text) if token.lastgroup == "dollar"]


def changes(text: str) -> bool:
    """Whether an expression assigns, counts up or counts down."""
    bare = "".join("x" if token.lastgroup == "string" else token[0] for token in TOKEN.finditer(text))
    return bool(re.search(r"\+\+|--(?!>)|(?<![=!<>])=(?!=)|(<<|>>)=", bare))


def replaced(text: str, what: Sequence[Name], by: Callable[[int], str]) -> str:
    """An expression with some of its names replaced, each by what is made for its position in `what`."""
    pieces, at = [], 0
    for index, name in enumerate(what):
        pieces += [text[at : name.start], by(index)]
        at = name.end
    return "".join([*pieces, text[at:]])


def split_name(text: str) -> tuple[str, str]:
    """Splits `EXPRESSION as NAME`; the name is empty where there is none."""
    last = re.search(r"\s+as\s+([A-Za-z_]\w*)\s*$", text)
    return (text[: last.start()].strip(), last[1]) if last else (text.strip(), "")


def side_by_side(text: str) -> list[str]:
    """The expressions that stand beside each other without an operator between them: of `a b` both; else none."""
    cuts, depth, after_operand = [0], 0, False
    for token in TOKEN.finditer(text):
        kind, piece = token.lastgroup, token[0]
        if kind == "space":
            continue
        if kind == "other":
            depth += (piece in OPENING) - (piece in CLOSING)
        is_operand = kind in ("number", "dollar") or (kind == "name" and piece.lower() not in {*KEYWORDS, *OPERATORS})
        if is_operand and after_operand and not depth:
            cuts.append(token.start())
        after_operand = is_operand
    return [text[start:end].strip() for start, end in zip(cuts, [*cuts[1:], len(text)])] if cuts[1:] else []
