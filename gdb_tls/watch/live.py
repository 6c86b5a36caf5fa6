"""The live view on a terminal."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from gdb_tls.target.model import State
from gdb_tls.views.drawing import Group, Table, Text
from gdb_tls.views.parts import STYLES
from gdb_tls.views.text import safe
from gdb_tls.views.words import count
from gdb_tls.watch.model import Event, Look
from gdb_tls.watch.tally import STATES, Tally, tallies
from gdb_tls.watch.words import line

if TYPE_CHECKING:
    from rich.live import Live

MOST_EVENTS = 200
# The heading, the tables' own lines, and the blank ones between.
BESIDE_ROWS = 6
FEWEST_EVENTS = 4
# Drawing costs more than looking: without news the clock need not go on every second.
IDLE_SECONDS = 10.0


class Screen:
    """Redraws one screenful."""

    def __init__(self, title: str) -> None:
        """Takes the terminal."""
        from rich.console import Console
        from rich.live import Live as Terminal

        self._console = Console(highlight=False, markup=False, emoji=False)
        self._live: Live = Terminal(console=self._console, auto_refresh=False, screen=True, vertical_overflow="crop")
        self._title = title
        self._look: Look | None = None
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._changed: dict[tuple[str, str, int], float] = {}
        self._began = time.time()
        self._drawn = 0.0
        self._size = (0, 0)
        self._live.start()

    def tell(self, look: Look | None, events: list[Event]) -> None:
        """Shows what is new; draws nothing where nothing is."""
        is_first = self._look is None
        self._look = look or self._look
        self._events += events
        for event in events:
            if event.row:
                self._changed[event.row.key] = event.when
        size = tuple(self._console.size)
        if not events and not is_first and size == self._size and time.monotonic() < self._drawn + IDLE_SECONDS:
            return
        self._size, self._drawn = (size[0], size[1]), time.monotonic()
        self._live.update(self._screenful(*self._size), refresh=True)

    def _screenful(self, columns: int, lines: int) -> Any:
        if self._look is None:
            return Text(safe(self._title))
        rows = tallies(self._look)
        room = max(lines - BESIDE_ROWS - len(self._look.alarms), 2)
        events = min(len(self._events), max(room - len(rows), min(FEWEST_EVENTS, room - 1)))
        return screenful(
            self._title,
            self._look,
            [*self._events][len(self._events) - events :],
            sorted(rows, key=lambda one: -self._changed.get(one.row.key, 0.0)),
            max(room - events, 1),
            self._changed,
        )

    def close(self) -> None:
        """Gives the terminal back, with the last state on it."""
        last = self._screenful(*self._console.size)
        self._live.stop()
        self._console.print(last)


def screenful(
    title: str,
    look: Look,
    events: list[Event],
    rows: list[Tally],
    most: int,
    changed: dict[tuple[str, str, int], float],
) -> Any:
    """What is seen: a line about the process, the variables, the alarms, the last events.

    Args:
        title: what is watched.
        look: the last look.
        events: the last ones, the newest last.
        rows: the variables, those first that have changed last.
        most: how many of them are shown.
        changed: when each has changed last.
    """
    parts: list[Any] = []
    head = Text(safe(title), "bold", no_wrap=True, overflow="ellipsis")
    moment = time.strftime("%H:%M:%S", time.localtime(look.when))
    head.append(
        f"   {count(len(look.threads), 'thread')}   {moment}   a look takes {look.seconds * 1000:.0f} ms", "dim"
    )
    parts.append(head)
    parts += [variables_table(rows[:most], changed)]
    if len(rows) > most:
        parts.append(Text(f"{count(len(rows) - most, 'more variable')}; name those that you want to see.", "dim"))
    for alarm in look.alarms.values():
        text = f"ALARM  {alarm.name}: {' '.join(alarm.sentences)}"
        parts.append(Text(safe(text), "bold red", no_wrap=True, overflow="ellipsis"))
    parts.append(Text(""))
    for event in reversed(events):
        style = "bold red" if event.kind == "alarm" else ""
        parts.append(Text(line(event), style, no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def variables_table(rows: list[Tally], changed: dict[tuple[str, str, int], float]) -> Table:
    """Threads by state, and when that changed last."""
    used = [state for state in STATES if state in ("set", "null") or any(one.states[state] for one in rows)]
    flags = [flag for flag in ("shared", "dangling") if any(one.remarkable[flag] for one in rows)]
    restless = any(one.changing for one in rows)
    numbers = [*used, *flags, *(["changing"] if restless else [])]
    table = Table("Variable", "Module", *numbers, "Last change", right=numbers)
    for one in rows:
        cells: list[Any] = [Text(safe(one.row.name)), Text(safe(one.row.module), "dim")]
        for state in used:
            number = one.states[state]
            style = STYLES[State(state)] if number else "dim"
            cells.append(Text(f"{number:,}", style))
        cells += [Text(f"{one.remarkable[flag]:,}", "red" if one.remarkable[flag] else "dim") for flag in flags]
        cells += [Text(f"{one.changing:,}")] if restless else []
        when = changed.get(one.row.key)
        cells.append(Text(time.strftime("%H:%M:%S", time.localtime(when)) if when else "-", "" if when else "dim"))
        table.add_row(*cells)
    return table
