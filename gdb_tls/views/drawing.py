"""What tables are drawn with: rich or, where it is missing, plain text."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from gdb_tls.program.where import Where
from gdb_tls.views.columns import LEAST_CUT, LEAST_FOLDED, LONGEST_WORD, MOST_LINES, Cell, Fitting, Table
from gdb_tls.views.folding import MORE, cut, folded, longest_part, shortened, without_arguments
from gdb_tls.views.origin import Origin, caption
from gdb_tls.views.screen import Screen
from gdb_tls.views.syntax import tokens
from gdb_tls.views.text import safe

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.padding import Padding
    from rich.text import Text

    HAS_RICH = True
else:
    try:
        from rich.console import Group, RenderableType
        from rich.padding import Padding
        from rich.text import Text

        HAS_RICH = True
    except ImportError:
        from gdb_tls.views.plain import Group, Padding, Text
        from gdb_tls.views.plain import Renderable as RenderableType

        HAS_RICH = False

__all__ = [
    "HAS_RICH",
    "Group",
    "Padding",
    "RenderableType",
    "Table",
    "Text",
    "declared_text",
    "drawn",
    "flowing",
    "heading_text",
    "under_caption",
    "value_cell",
    "where_cell",
    "where_text",
]


def drawn(renderable: Any, screen: Screen) -> str:
    """What is seen of a renderable on a screen; without colour no line ends in blanks."""
    text = _drawn(renderable, screen)
    return text.replace(MORE, ASCII_MORE) if screen.is_ascii else text


def _drawn(renderable: Any, screen: Screen) -> str:
    if not HAS_RICH:
        from gdb_tls.views import plain

        return "".join(line + "\n" for line in plain.lines(renderable, screen.columns))
    from rich.console import Console

    text = io.StringIO()
    console = Console(
        file=text,
        width=screen.columns,
        force_terminal=screen.colour,
        color_system="standard" if screen.colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
    console.print(renderable, soft_wrap=False)
    if screen.colour:
        return text.getvalue()
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


def flowing(parts: Sequence[Text], columns: int, gap: int = 3, indent: int = 0) -> Text:
    """Short texts beside each other, in as many lines as they need: none is broken that fits into one."""
    text, width = Text(), 0
    for part in parts:
        if width and width + gap + part.cell_len > columns:
            text.append("\n" + " " * indent).append(part)
            width = indent + part.cell_len
            continue
        text.append(" " * gap if width else "").append(part)
        width += part.cell_len + (gap if width else 0)
    return text


def under_caption(table: Any, origin: Origin | None, columns: int) -> Any:
    """A table under the line that says of which program it speaks."""
    return Group(Text(safe(caption(origin, columns)), "dim"), table) if origin else table


# As wide as `MORE`.
ASCII_MORE = "~"
# Beside a place, "in" and so much of a function's name.
LEAST_CALLED = 12
# Beside a line so much of the function's own name.
LEAST_FUNCTION = 6
QUALIFIED = re.compile(r"\w+(::\w+)+")
GAP_OF_PLACE, INDENT = 4, "  "
# In a function's name it takes room and says nothing.
NAMELESS = "(anonymous namespace)::"
# How what `tokens` tells apart looks on a screen.
STYLES = {"keyword": "cyan", "class": "cyan", "num": "bright_blue", "string": "yellow", "comment": "dim"}


def code(text: str, colour: bool) -> Text:
    """C++ text, coloured by Pygments where colours will be seen."""
    if not colour:
        return Text(safe(text))
    found = Text()
    for kind, piece in tokens(text):
        found.append(piece, STYLES.get(kind, ""))
    return found


def function_text(function: str) -> str:
    """A function's name without what says nothing to a reader; `__GI_raise` is glibc's name for its own calls."""
    return safe(function).replace(NAMELESS, "").removeprefix("__GI_")


def where_text(where: Where | None, room: int | None = None) -> Text:
    """The program's own function and its line, then the library's function that it has called.

    Where there is less room than that the function's scopes are left out before its line, and the end of its name last;
    nothing is said of a called function of which nearly no name would be left.
    """
    if where is None:
        return Text("")
    frame = where.own or where.innermost
    function = function_text(frame.function) or f"0x{frame.pc:x}"
    file = f"  {safe(frame.file)}" if frame.file else ""
    place = f"{file}:{frame.line}" if file else ""
    if room is not None and len(function) + len(place) > room:
        # A line's number that is cut would be another one's.
        for shown in (place, file, ""):
            left = room - len(shown)
            short = shortened(function, left)
            if not shown or (left >= min(LEAST_FUNCTION, len(function)) and not short.endswith(MORE)):
                break
        function, place = short, shown
    text = Text(no_wrap=True, overflow="ellipsis").append(function)
    if place:
        text.append(place, "dim")
    if where.called is not None and where.called.function:
        # So are `__libc_pause` and `___pthread_mutex_lock`.
        name = without_arguments(function_text(where.called.function).removeprefix("__libc_"))
        called = f"  in {name.lstrip('_') or name}"
        left = len(called) if room is None else room - text.cell_len
        if left >= min(len(called), LEAST_CALLED):
            text.append(called if left >= len(called) else called[: cut(called, left)] + MORE, "dim")
    return text


def where_cell(where: Where | None) -> Fitting:
    """The same, for a column."""
    return Fitting(lambda room: where_text(where, room), where_text(where).cell_len, LEAST_CUT)


def value_cell(text: Text, most: int) -> Cell:
    """A value for a column, in so many lines at most.

    Of an enumerator or a function's name the scopes are left out where room is short.
    """
    name = text.plain
    if QUALIFIED.fullmatch(name):
        least = min(len(name), len(MORE) + len(name.rpartition(":")[2]), LONGEST_WORD)
        return Fitting(
            lambda room: text if len(name) <= room else Text(shortened(name, room), text.style), len(name), least
        )

    def fitted(room: int) -> Text:
        *_, (start, end) = islice(folded(name, room), most)
        return text if end == len(name) else text[: start + cut(name[start:], room)].append(MORE)

    least = max(LEAST_FOLDED, longest_part(name, LONGEST_WORD))
    return Fitting(fitted, text.cell_len, least, most) if most < MOST_LINES else text


def declared_text(name: str, kind: str, room: int, colour: bool) -> Text:
    """A variable's declaration; a name that does not fit beside its type is on a line of its own."""
    if not kind:
        return Text(safe(name))
    text = code(f"{kind}{'' if kind.endswith(('*', '&')) else ' '}{name}", colour)
    if text.cell_len <= room:
        return text
    text = Text("")
    for start, end in folded(kind, max(room, LEAST_FUNCTION)):
        text.append("\n" if start else "").append(code(kind[start:end], colour))
    for start, end in folded(name, max(room - len(INDENT), LEAST_FUNCTION)):
        text.append("\n" + INDENT).append(code(name[start:end], colour))
    return text


def heading_text(name: str, kind: str, place: str, screen: Screen) -> Text:
    """A variable's declaration and where it is."""
    text = declared_text(name, kind, screen.columns, screen.colour)
    if place:
        last = text.plain.rpartition("\n")[2]
        fits = len(last) + len(place) + GAP_OF_PLACE <= screen.columns
        text.append(" " * GAP_OF_PLACE if fits else "\n" + INDENT).append(safe(place), "dim")
    return text
