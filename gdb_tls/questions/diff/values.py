"""Two threads' values as `tls-inspect` prints them, and what differs though both hold a pointer."""

from __future__ import annotations

from collections.abc import Sequence

from gdb_tls.program.memory_map import BLOCK, OTHER, STACK, STATIC, UNMAPPED, MemoryMap
from gdb_tls.program.survey import Column, Survey
from gdb_tls.questions.diff.difference import Difference, Document, sorted_by_weight
from gdb_tls.target.model import Instance, Kind

WORDS = {
    STATIC: "in a file's memory",
    STACK: "on a stack",
    BLOCK: "in thread-local storage",
    OTHER: "on the heap",
    UNMAPPED: "not mapped",
}


def with_values(
    found: Sequence[Difference], document: Document, survey: Survey, positions: tuple[int, int]
) -> list[Difference]:
    """The same differences with readable values.

    Args:
        found: what differs between two threads.
        document: the picture in which it was found, made of `survey`.
        survey: gives the values.
        positions: of the two threads in `survey.threads`.
    """
    columns = {id(variable): column for variable, column in zip(document["variables"], survey.columns)}
    memory = MemoryMap(survey, None)
    return sorted_by_weight(_described(one, columns[id(one.variable)], memory, positions) for one in found)


def _described(one: Difference, column: Column, memory: MemoryMap, positions: tuple[int, int]) -> Difference:
    left, right = column.instances(positions)
    texts = [left.text or left.reason or one.left.text, right.text or right.reason or one.right.text]
    expected = one.expected
    if column.judged_as[0].kind is Kind.POINTER and left.value and right.value:
        # Each thread has its own object; that these say something else, or are of another kind, is news.
        if _beside(left) != _beside(right):
            expected = False
        kinds = [area.kind for area in memory.areas([int(left.value), int(right.value)])]
        if kinds[0] != kinds[1]:
            expected = False
            texts = [f"{text} ({WORDS[kind]})" for text, kind in zip(texts, kinds)]
    cells = [cell._replace(text=text) for cell, text in zip((one.left, one.right), texts)]
    return one._replace(left=cells[0], right=cells[1], expected=expected)


def _beside(instance: Instance) -> str:
    """What is shown of that which a pointer points to."""
    return instance.text.partition(f"0x{instance.value:x}")[2]
