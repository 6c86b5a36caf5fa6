"""A grid's values as people read them, and the kinds of memory its pointers lead to: bytes do not tell that later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gdb_tls.program.grid import Grid, Row
from gdb_tls.program.memory_map import MemoryMap
from gdb_tls.program.survey import Column
from gdb_tls.target.model import Kind, State

# Each text may cost the debugger a millisecond.
MOST_TEXTS = 20_000


def with_texts(grid: Grid, most: int = MOST_TEXTS) -> Grid:
    """The same grid with texts and areas in its rows; without, where there would be more than `most`."""
    survey = grid.survey
    if survey is None or len(grid.rows) * len(grid.threads) > most:
        return grid
    # Linux: the main thread's LWP is the process id.
    main = next(
        (at for at, one in enumerate(survey.threads) if one.lwp is not None and one.lwp == grid.target.pid), None
    )
    memory = MemoryMap(survey, main)
    return replace(grid, rows=[_row(row, column, memory) for row, column in zip(grid.rows, survey.columns)])


def _row(row: Row, column: Column, memory: MemoryMap) -> Row:
    values = list(column.instances())
    texts = [one.text if one.state in (State.SET, State.NULL) else None for one in values]
    areas: Sequence[str | None] | None = None
    if column.judged_as[0].kind is Kind.POINTER:
        held = [int(one.value) if one.value else 0 for one in values]
        areas = [area.kind if value else None for value, area in zip(held, memory.areas(held))]
    return replace(row, texts=texts, areas=areas)
