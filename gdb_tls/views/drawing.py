"""What tables are drawn with: rich or, where it is missing, plain text."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gdb_tls.program.where import Where
from gdb_tls.views.origin import Origin, caption
from gdb_tls.views.screen import Screen
from gdb_tls.views.syntax import tokens
from gdb_tls.views.text import safe

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.padding import Padding
    from rich.text import Text

    from gdb_tls.views.long_table import Table

    HAS_RICH = True
else:
    try:
        from rich.console import Group, RenderableType
        from rich.padding import Padding
        from rich.text import Text

        from gdb_tls.views.long_table import Table

        HAS_RICH = True
    except ImportError:
        from gdb_tls.views.plain import Group, Padding, Table, Text
        from gdb_tls.views.plain import Renderable as RenderableType

        HAS_RICH = False

__all__ = [
    "HAS_RICH",
    "Group",
    "Padding",
    "RenderableType",
    "Table",
    "Text",
    "drawn",
    "flowing",
    "plain_table",
    "under_caption",
    "where_text",
]


def drawn(renderable: Any, screen: Screen) -> str:
    """What is seen of a renderable on a screen; without colour no line ends in blanks."""
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


def plain_table(*headings: str, right: Iterable[str] = (), whole: Iterable[str] = (), of_many: bool = False) -> Table:
    """A table without lines.

    Args:
        headings: of its columns.
        right: the columns that are set to the right, and not folded.
        whole: others that are not folded.
        of_many: whether there are so many tables that they have to be drawn quickly.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    table.of_many = of_many
    numbers = set(right)
    unfolded = numbers | set(whole)
    for heading in headings:
        table.add_column(
            heading,
            overflow="fold",
            justify="right" if heading in numbers else "left",
            no_wrap=heading in unfolded,
        )
    return table


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


# Beside a place, "in" and so much of a function's name.
LEAST_CALLED = 12
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

    A line's number for which there is no room is left out: cut, it would be another one's.  So is a function's name of
    which nearly nothing would be left.
    """
    if where is None:
        return Text("")
    frame = where.own or where.innermost
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(function_text(frame.function) or f"0x{frame.pc:x}")
    if frame.file:
        place = f"  {safe(frame.file)}:{frame.line}"
        if room is not None and text.cell_len + len(place) > room:
            return text.append(f"  {safe(frame.file)}", "dim")
        text.append(place, "dim")
    if where.called is not None and where.called.function:
        # So are `__libc_pause` and `___pthread_mutex_lock`.
        name = function_text(where.called.function).removeprefix("__libc_")
        called = f"  in {name.lstrip('_') or name}"
        if room is None or text.cell_len + min(len(called), LEAST_CALLED) <= room:
            text.append(called, "dim")
    return text
