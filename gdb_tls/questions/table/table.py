"""`tls-table`'s answer for a screen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from gdb_tls.program.columns import Column
from gdb_tls.questions.table.answer import Answer, Line, is_flagged
from gdb_tls.target.model import Flag, Instance, State
from gdb_tls.views.columns import Cell
from gdb_tls.views.drawing import Group, RenderableType, Table, Text, code, value_cell, where_cell
from gdb_tls.views.parts import STYLES, declared
from gdb_tls.views.screen import Screen
from gdb_tls.views.syntax import without_structures
from gdb_tls.views.text import safe
from gdb_tls.views.words import SHARED_LINE, count, ended, mark, numbers, share, spread, who, with_marks

MOST_REASONS = 3
LONGEST_HEADING = 28
# A structure would fill the screen; two lines tell what it is.
MOST_LINES_OF_A_VALUE = 2
GAP = 2
ALL_VALUES = ("a value", "all values")


def table(answer: Answer, screen: Screen) -> RenderableType:
    """What the columns are, a line for every row, and why cells have no value."""
    parts: list[RenderableType] = [*_headings(answer, screen.colour), Text("")]
    lines = answer.lines if answer.most is None else answer.lines[: answer.most]
    if lines:
        parts += [*_tables(answer, lines, screen), Text("")]
    if len(lines) < len(answer.lines):
        rest = answer.lines[len(lines) :]
        threads = sum(len(line.members) for line in rest)
        parts.append(Text(f"{count(len(rest), 'more line')} of {count(threads, 'thread')}: --all shows each.", "bold"))
    if len(answer.lines) < len(answer.rows) and not answer.grouped:
        parts.append(Text(SHARED_LINE, "dim"))
    parts += [Text(safe(sentence), "bold" if index == 0 else "") for index, sentence in enumerate(sentences(answer))]
    return Group(*parts)


def _headings(answer: Answer, colour: bool) -> Iterator[RenderableType]:
    """What each column is: its type and, where its heading does not say it, the expression."""
    short = Text()
    for column in answer.columns:
        if heading(column.name) != column.expression and not _is_column_of_a_file(column):
            text = Text(safe(f"{heading(column.name)} = "), "bold")
            text.append(code(" ".join(column.expression.split()), colour))
            text.append(safe(f"  {column.type.name}" if column.type else ""), "dim")
            yield text
        elif column.type is not None:
            short.append("   " if short.plain else "").append(code(declared(column.type, column.name), colour))
    if short.plain:
        yield short


def _is_column_of_a_file(column: Column) -> bool:
    """Whether it is one of `@NAME`, whose headings say what they are."""
    return column.expression.startswith("@") and column.expression.endswith(f".{column.name}")


def heading(name: str) -> str:
    """A column's name, or its end: that of a long expression says most."""
    return name if len(name) <= LONGEST_HEADING else "..." + name[3 - LONGEST_HEADING :]


def _tables(answer: Answer, lines: Sequence[Line], screen: Screen) -> list[RenderableType]:
    """One table or, where its columns would be too narrow to be read, several, each with the threads."""
    every = range(len(answer.columns))
    whole = _table(answer, lines, screen, every)
    if whole.fits(screen.columns):
        return [whole]
    thread, *least, where = whole.least()
    named = len(least) > len(every)
    room = screen.columns - thread
    bands: list[list[int]] = [[]]
    left = room - (GAP + least[0] if named else 0)
    for index in every:
        needed = GAP + least[index + named]
        if needed > left and bands[-1]:
            bands.append([])
            left = room
        bands[-1].append(index)
        left -= needed
    if GAP + where > left:
        bands.append([])
    shown: list[RenderableType] = []
    for number, band in enumerate(bands):
        shown += [Text("")] if shown else []
        shown.append(_table(answer, lines, screen, band, number == 0, number == len(bands) - 1))
    return shown


def _table(
    answer: Answer,
    lines: Sequence[Line],
    screen: Screen,
    wanted: Sequence[int],
    has_names: bool = True,
    has_places: bool = True,
) -> Table:
    """Some columns, with the threads before them; with the threads' names, and with where they are."""
    table = Table()
    named = has_names and any(line.names for line in lines)
    columns = [answer.columns[index] for index in wanted]
    table.add_column("  Threads" if answer.grouped else "  Thread", whole=True)
    if named:
        table.add_column("Name")
    for column in columns:
        table.add_column(safe(heading(column.name)), right=_is_number(column))
    if has_places:
        table.add_column("Where", gives_way=True)
    for line in lines:
        first = line.members[0]
        cells: list[Cell] = [_number(answer, line)]
        if named:
            cells.append(safe(line.names))
        for column in columns:
            text = _of_all(column, line.members, screen.colour)
            cells.append(value_cell(text, MOST_LINES_OF_A_VALUE))
        if has_places:
            alone = where_cell(answer.where.get(answer.threads[first].num))
            listed = Text(which(answer, line), "dim", no_wrap=True, overflow="ellipsis")
            cells.append(alone if line.is_single else listed)
        table.add_row(*cells, style="bold" if is_flagged(answer, first) else "")
    return table


def which(answer: Answer, line: Line) -> str:
    """The numbers of a line's threads, those that are remarkable first; how many they are stands beside it."""
    threads = [answer.threads[at] for at in line.members]
    return with_marks(threads, answer.marked) if answer.marked.first(threads) else numbers(threads, "-")


def _is_number(column: Column) -> bool:
    return column.type is not None and column.type.kind.value in ("integer", "float")


def _number(answer: Answer, line: Line) -> Text:
    if not line.is_single:
        return Text(f"  {count(len(line.members), 'thread')}{share(len(line.members), len(answer.rows))}")
    text = mark(answer.threads[line.members[0]].num, answer.marked)
    return Text(f"* {text[1:]}" if text.startswith("*") else f"  {text}")


def _of_all(column: Column, members: Sequence[int], colour: bool) -> Text:
    """What a column has for the threads of a line: a value, or how many different ones."""
    instances = column.instances
    contents = {instances.contents[at]: at for at in members}
    first = instances[members[0]]
    if len(contents) == 1 or first.reason is not None or first.state in (State.NULL, State.UNALLOCATED):
        return cell(column, first, colour)
    values = Counter(instances.contents[at] for at in members)
    if _is_number(column):
        known = {instances[at].value: values[content] for content, at in contents.items()}
        return Text(spread({value: number for value, number in known.items() if value is not None}), "dim")
    return Text(f"{len(contents):,} values", "dim")


def cell(column: Column, instance: Instance, colour: bool) -> Text:
    """A value, its flags; or the state for which there is none."""
    if instance.state is State.NULL:
        text = Text("NULL", STYLES[State.NULL])
    elif instance.reason is not None or instance.state is State.UNALLOCATED:
        text = Text(instance.state.value, STYLES[instance.state])
    elif instance.state is State.NO_VALUE and not instance.text:
        text = Text(instance.state.value, STYLES[State.NO_VALUE])
    else:
        cast = f"({column.type.name}) " if column.type else ""
        # Where there is a text its address says nothing to a reader.
        plain = re.sub(r'^0x[0-9a-f]+ (?=")', "", instance.text.removeprefix(cast))
        text = code(without_structures(plain), colour)
    for flag in instance.flags:
        if flag is Flag.CONSTRUCTED:  # the value says it
            continue
        text.append(f" {flag.value}", "bold red" if flag is Flag.DANGLING else "yellow")
    return text


def sentences(answer: Answer) -> list[str]:
    """How many threads are shown, and why cells have no value."""
    found = []
    if answer.interrupted or (answer.choice and answer.choice.interrupted):
        found.append("Interrupted: the last threads were not looked at.")
    if answer.choice:
        of = count(len(answer.threads), "thread")
        fit = f"{len(answer.rows):,} of {of}" if answer.rows else f"None of {of}"
        found.append(f"{fit} {'fits' if len(answer.rows) < 2 else 'fit'} {answer.choice.condition}.")
        if answer.choice.unknown:
            some = who([answer.threads[at] for at in answer.choice.unknown], capital=True)
            lacks = "lacks" if len(answer.choice.unknown) == 1 else "lack"
            found.append(f"{some} {lacks} a value that it compares, so it cannot be told there.")
    if answer.grouped and answer.rows:
        found.append(f"{count(len(answer.rows), 'thread')} in {count(len(answer.lines), 'group')} of equal rows.")
    found += _about(answer)
    if not found:
        each = "it" if len(answer.rows) == 1 else "each"
        found.append(f"{count(len(answer.rows), 'thread')}, and {each} has {ALL_VALUES[len(answer.columns) > 1]}.")
    return found


def _about(answer: Answer) -> Iterator[str]:
    """The threads in which columns are null, and those in which they have no value, with the reason."""
    same: dict[tuple[str, tuple[int, ...], str], list[str]] = {}
    for column in answer.columns:
        said = list(_of_column(column, answer))
        for one in said[:MOST_REASONS]:
            same.setdefault(one, []).append(heading(column.name))
        rest = sum(len(members) for _, members, _ in said[MOST_REASONS:])
        if rest:
            why = "for other reasons (--format csv has each)"
            yield f"{heading(column.name)}: no value in {count(rest, 'more thread')}, {why}."
    for (state, members, because), names in same.items():
        yield ended(f"{', '.join(names)}: {state} in {_threads(answer, members)}")
        if because:
            yield f"  {_of_many(because) if len(members) > 1 else because}"


def _of_column(column: Column, answer: Answer) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """What a column lacks: the state, the threads, and why; what most threads lack first."""
    found: dict[tuple[str, str], list[int]] = {}
    for at in answer.rows:
        state, _, why = column.instances.judgements[at]
        if state is State.NULL and why is None:
            found.setdefault(("NULL", ""), []).append(at)
        elif why is not None or state is State.UNALLOCATED:
            found.setdefault(("NULL" if state is State.NULL else state.value, why or ""), []).append(at)
    for (said, because), members in sorted(found.items(), key=lambda one: (one[0][0] != "NULL", -len(one[1]))):
        yield said, tuple(members), because


def _of_many(why: str) -> str:
    """A reason that speaks of one thread, of several."""
    return re.sub(r"^this thread (has|is)\b", lambda verb: f"these {'have' if verb[1] == 'has' else 'are'}", why)


def _threads(answer: Answer, some: Sequence[int]) -> str:
    if len(some) == len(answer.rows) > 1 and answer.choice is None:
        return "both threads" if len(some) == 2 else f"all {len(some):,} threads"
    which = numbers(answer.threads[at] for at in some)
    of = f"{len(some):,} of {count(len(answer.rows), 'thread')}" if len(some) < len(answer.rows) else ""
    of = of or count(len(some), "thread")
    return f"{of}{share(len(some), len(answer.rows))}{f': {which}' if which else ''}"
