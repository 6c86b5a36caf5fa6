"""SVG: a picture of the table, as wide as its text."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from gdb_tls.errors import OutputError
from gdb_tls.views.drawing import has_rich, under_caption
from gdb_tls.views.origin import Origin
from gdb_tls.views.screen import Screen
from gdb_tls.views.text import safe

NARROWEST = 60
WIDEST = 160
MARGIN = 2  # a table's last column has that much after it

# (red, green, blue): background, text, then black, red, green, yellow, blue, magenta, cyan, white, dim and bright.
# White on this red, and this red on the background, can both be read.
BACKGROUND = (22, 27, 34)
TEXT = (230, 237, 243)
COLOURS = [
    (72, 79, 88),
    (218, 54, 51),
    (86, 211, 100),
    (227, 179, 65),
    (108, 182, 255),
    (210, 168, 255),
    (86, 212, 221),
    (255, 255, 255),
]
BRIGHT = [
    (110, 118, 129),
    (255, 123, 114),
    (126, 231, 135),
    (242, 204, 96),
    (121, 192, 255),
    (226, 197, 255),
    (118, 227, 234),
    (255, 255, 255),
]

# rich's own frame asks the network for a font; this one takes the reader's. Every piece of text has its length
# set, so any monospaced font fits.
FRAME = """\
<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg" role="img">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


def render(table: Callable[[Screen], Any], title: str, origin: Origin | None = None) -> str:
    """Draws what a command shows on a screen.

    Args:
        table: makes it for a screen.
        title: the command line.
        origin: which program it speaks of; None where that is not to be said.

    Returns:
        The picture in ASCII, whatever characters it shows.
    """
    if not has_rich():
        raise OutputError(
            "SVG pictures are drawn by the Python package rich, which is missing here",
            "Use --format html, or add rich as `source gdb_tls.py` says.",
        )
    from rich.terminal_theme import TerminalTheme

    wide = _console(10_000)
    wide.print(under_caption(table(Screen(wide.width, False)), origin, NARROWEST))
    longest = max((len(line.rstrip()) for line in wide.export_text().splitlines()), default=0)
    width = min(max(longest + MARGIN, len(title) + 12, NARROWEST), WIDEST)
    console = _console(width)
    console.print(under_caption(table(Screen(width, True)), origin, NARROWEST))
    console.print()  # rich cuts off what hangs below the last line
    theme = TerminalTheme(BACKGROUND, TEXT, COLOURS, BRIGHT)
    drawn = str(console.export_svg(title=safe(title), theme=theme, code_format=FRAME))
    return drawn.encode("ascii", "xmlcharrefreplace").decode()


def _console(width: int) -> Any:
    from rich.console import Console

    return Console(
        file=io.StringIO(),
        record=True,
        width=width,
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
