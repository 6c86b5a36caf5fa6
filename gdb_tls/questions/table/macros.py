"""Files of macros: what a runtime hides behind a thread-local variable, under names (`tls-table @php`).

A file is `NAME.macros`: of the user's in $XDG_CONFIG_HOME/gdb-tls/macros (~/.config), else one of those here.

    # a comment
    line = EXPRESSION              a column of `tls-table @NAME`; `@NAME.line` stands for it in any expression
    line = EXPRESSION              once more: what is taken where the one before does not fit the program
    _cache = EXPRESSION            no column, as it begins with an underscore
    EG(member) = EXPRESSION        with parameters: `@NAME.EG(exception)`; no column either

In a file `@line` is its own line, `@OTHER.line` that of another file.  A line that begins with blanks goes on with the
one before.
"""

from __future__ import annotations

import os
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gdb_tls.errors import BadArgument
from gdb_tls.program.expression_text import TOKEN, split
from gdb_tls.tuples import NamedTuple
from gdb_tls.views.words import count

ENDING = ".macros"
SHIPPED = ("php", "python")
LINE = re.compile(r"([A-Za-z_]\w*)\s*(?:\(([^()=]*)\))?\s*=(?!=)\s*(.*)")
CALL = re.compile(r"@([A-Za-z_]\w*)(?:\.([A-Za-z_]\w*))?")
# A macro that stands for itself, by whatever way, would have no end.
DEEPEST = 20


class Macro(NamedTuple):
    """One line of a file.

    Attributes:
        parameters: the names of its parameters; None where it has none.
        text: the expression.
    """

    parameters: Sequence[str] | None
    text: str


class MacroFile(NamedTuple):
    """What a file has.

    Attributes:
        name: without its ending.
        macros: name -> the lines of that name, in their order.
    """

    name: str
    macros: Mapping[str, Sequence[Macro]]

    @property
    def columns(self) -> list[str]:
        """The names that `tls-table @NAME` shows."""
        return [name for name, lines in self.macros.items() if lines[0].parameters is None and name[0] != "_"]


def folder() -> Path:
    """Where the user's own files are."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "gdb-tls" / "macros"


def known() -> list[str]:
    """The names of all files."""
    try:
        own = [path.name.removesuffix(ENDING) for path in folder().iterdir() if path.suffix == ENDING]
    except OSError:
        own = []
    return sorted({*own, *SHIPPED})


def names(begun: str) -> list[str]:
    """What may follow an `@` for completion: the files, and the macros of the one that is named already."""
    found = known()
    if begun in found:
        try:
            found += [f"{begun}.{name}" for name in read(begun).macros]
        except BadArgument:
            return found
    return found


def read(name: str) -> MacroFile:
    """Reads a file.

    Raises:
        BadArgument: where there is none of that name, or a line in it makes no sense.
    """
    own = folder() / f"{name}{ENDING}"
    try:
        if own.is_file():
            return parse(name, own.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadArgument(f"{own} cannot be read ({error})", "") from None
    if name not in SHIPPED:
        there = ", ".join(f"@{one}" for one in known())
        raise BadArgument(f"There is no file {name}{ENDING}", f"There are {there}; your own go into {folder()}.")
    # In the one file, too, which has no folders.
    shipped = pkgutil.get_data(__name__, f"macros/{name}{ENDING}")
    assert shipped is not None, name
    return parse(name, shipped.decode())


def parse(name: str, text: str) -> MacroFile:
    """Takes the text of a file apart.

    Raises:
        BadArgument: where a line makes no sense.
    """
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace() and lines:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {line.strip()}")
        else:
            lines.append((number, line.strip()))
    found: dict[str, list[Macro]] = {}
    for number, line in lines:
        match = LINE.fullmatch(line)
        if match is None or not match[3]:
            raise BadArgument(f"Line {number} of {name}{ENDING} is no NAME = EXPRESSION: {line}", "")
        parameters = None if match[2] is None else [one for one in split(match[2]) if one]
        found.setdefault(match[1], []).append(Macro(parameters, match[3]))
    return MacroFile(name, found)


class Macros:
    """Replaces macros in expressions; files are read when they are first named."""

    def __init__(self) -> None:
        """Reads nothing yet."""
        self._files: dict[str, MacroFile] = {}
        self._chosen: dict[tuple[str, str], int] = {}

    def file(self, name: str) -> MacroFile:
        """A file by its name; see `read`."""
        if name not in self._files:
            self._files[name] = read(name)
        return self._files[name]

    def columns(self, expression: str) -> list[tuple[str, str]] | None:
        """For `@NAME` alone the file's columns: name and expression; None for all other expressions."""
        match = CALL.fullmatch(expression.strip())
        if match is None or match[2]:
            return None
        found = [(name, f"@{match[1]}.{name}") for name in self.file(match[1]).columns]
        if not found:
            raise BadArgument(f"{match[1]}{ENDING} has no columns", f"Name one of its macros: @{match[1]}.NAME.")
        return found

    def name_of(self, expression: str) -> str:
        """What heads a column that is one macro and nothing more; empty for all others."""
        match = CALL.fullmatch(expression.strip())
        return match[2] or "" if match else ""

    def expanded(self, expression: str, fits: Callable[[str], bool]) -> str:
        """An expression without macros.

        Args:
            expression: with them.
            fits: says of an expression without macros whether the program has all that it names.

        Raises:
            BadArgument: where there is no such macro, or one has no end.
        """
        return self._expanded(expression, "", fits, 0)

    def _expanded(self, text: str, own: str, fits: Callable[[str], bool], depth: int) -> str:
        if depth > DEEPEST:
            raise BadArgument(f"A macro of {own}{ENDING} stands for itself", "")
        found, at = "", 0
        while at < len(text):
            token = TOKEN.match(text, at)
            assert token is not None
            call = CALL.match(text, at) if token[0] == "@" else None
            if call is None or not self._is_macro(call, text[:at].rstrip(), own):
                found, at = found + token[0], token.end()
                continue
            file, name = (call[1], call[2]) if call[2] else (own, call[1])
            if not call[2] and not own:
                raise BadArgument(
                    f"@{call[1]} stands for several columns", f"In an expression write @{call[1]}.NAME for one."
                )
            macros = self.file(file).macros.get(name)
            if macros is None:
                raise BadArgument(f"{file}{ENDING} has no macro {name}", f"It has {', '.join(self.file(file).macros)}.")
            at = call.end()
            arguments: list[str] | None = None
            if macros[0].parameters is not None:
                arguments, at = _arguments(text, at)
                arguments = [self._expanded(one, own, fits, depth + 1) for one in arguments]
            found += f"({self._one_of(file, name, macros, arguments, fits, depth)})"
        return found

    def _is_macro(self, call: re.Match[str], before: str, own: str) -> bool:
        """Whether an `@` begins a macro; between two values it is GDB's operator, as in `*array@3`."""
        if not before or before[-1] in "(,[{=<>!&|?:+-*/%^~":
            return True
        # `(char *)@name`: what is before may be a cast.
        return bool(before[-1] == ")") and (
            call[1] in known() if call[2] else bool(own) and call[1] in self.file(own).macros
        )

    def _one_of(
        self,
        file: str,
        name: str,
        macros: Sequence[Macro],
        arguments: Sequence[str] | None,
        fits: Callable[[str], bool],
        depth: int,
    ) -> str:
        """The first line of that name that fits the program; where none does the first, and GDB says why not."""
        texts = [self._expanded(_filled(file, name, macro, arguments), file, fits, depth + 1) for macro in macros]
        return texts[0] if len(texts) == 1 else next((text for text in texts if fits(text)), texts[0])


def _arguments(text: str, at: int) -> tuple[list[str], int]:
    """The arguments in the parentheses that open at a place, and where they end."""
    start = re.compile(r"\s*\(").match(text, at)
    if start is None:
        return [], at
    depth, end = 1, start.end()
    while depth and end < len(text):
        token = TOKEN.match(text, end)
        assert token is not None
        depth += (token[0] in "([{") - (token[0] in ")]}") if token.lastgroup == "other" else 0
        end = token.end()
    inner = text[start.end() : end - 1]
    return (split(inner) if inner.strip() else []), end


def _filled(file: str, name: str, macro: Macro, arguments: Sequence[str] | None) -> str:
    """A macro's text with arguments for its parameters; those of members, too."""
    parameters = macro.parameters or ()
    if len(arguments or ()) != len(parameters):
        raise BadArgument(
            f"@{file}.{name} takes {count(len(parameters), 'argument')}, not {len(arguments or ())}",
            f"Write it like @{file}.{name}({', '.join(parameters)})." if parameters else "",
        )
    values = dict(zip(parameters, arguments or ()))
    pieces = []
    for token in TOKEN.finditer(macro.text):
        pieces.append(values.get(token[0], token[0]) if token.lastgroup == "name" else token[0])
    return "".join(pieces)
