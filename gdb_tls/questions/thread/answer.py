"""Everything thread-local that one thread has: its blocks, and all variables with their values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from gdb_tls.errors import BadArgument, reason
from gdb_tls.libc.thread_data import ControlBlock, Dtv
from gdb_tls.program.choice import parse_threads, wanted
from gdb_tls.program.instances import Instances
from gdb_tls.program.marked import Marked, marked
from gdb_tls.program.program import Program
from gdb_tls.program.survey import Survey
from gdb_tls.program.where import Where
from gdb_tls.questions.command import Request
from gdb_tls.target.model import Absence, Instance, Module, Place, State, TargetInfo, Thread, Variable
from gdb_tls.target.progress import SILENT, Progress

# A screen shows no more threads than this one by one, and a page no more than that.
MOST_SHOWN, MOST_ON_A_PAGE = 10, 100


class VariableValue(NamedTuple):
    """One variable of the thread."""

    variable: Variable
    instance: Instance


class BlockReport(NamedTuple):
    """One module in the thread.

    Attributes:
        module: the module.
        place: its block, or why there is none.
        values: its variables, by offset; also where there is no block.
    """

    module: Module
    place: Place
    values: Sequence[VariableValue]


class ThreadReport(NamedTuple):
    """One thread.

    Attributes:
        thread: the thread.
        where: where it is; None where its stack cannot be read.
        control_block: the C library's structure for it; None where its place or size is not known.
        dtv: its table of blocks, or why that is not known.
        blocks: one for each module, by id.
        alike: other threads for which it stands, whose blocks and variables are in the same states.
    """

    thread: Thread
    where: Where | None
    control_block: ControlBlock | None
    dtv: Dtv | Absence
    blocks: Sequence[BlockReport]
    alike: Sequence[Thread] = ()


class ThreadsReport(NamedTuple):
    """The answer of `tls-thread`.

    Attributes:
        target: the program.
        threads: those that were asked for.
        interrupted: whether the user stopped it: then the last variables or threads are missing.
        marked: the threads that are remarkable.
        folds: whether a table leaves out the values that are in every program.
        left_out: how many threads are not shown, nor others that are in the same states.
    """

    target: TargetInfo
    threads: Sequence[ThreadReport]
    interrupted: bool
    marked: Marked = Marked()
    folds: bool = False
    left_out: int = 0


def read_threads(
    program: Program,
    numbers: Sequence[range] | None,
    pattern: str | None = None,
    progress: Progress = SILENT,
    most: int | None = None,
) -> ThreadsReport:
    """Reads some threads.

    Args:
        program: whose they are.
        numbers: GDB's numbers of them; None for all, the ended ones too.
        pattern: a --module pattern; None for all.
        progress: shows how far it is.
        most: where there are more, those that are remarkable are shown, and of the others one for all in the same
            states; None for each.

    Raises:
        BadArgument: where no thread has one of the numbers.
    """
    threads = program.threads
    marks = marked(program, threads)
    chosen = [threads.index(thread) for thread in wanted(threads, numbers)]
    # All threads, so that a pointer that two of them hold is seen.
    survey = Survey(program, pattern, progress=progress)
    values: dict[int, list[tuple[Variable, Instances]]] = {module_id: [] for module_id in survey.blocks}
    with progress.task("Reading values", len(survey.columns)) as task:
        for column in survey.columns:
            values[column.module.id].append((column.variable, column.instances(chosen)))
            task.advance()
    groups = [[place] for place in range(len(chosen))]
    if most is not None and len(chosen) > most:
        own = marks.first([threads[index] for index in chosen])
        groups = [[place] for place in own] + _alike(survey, chosen, values, set(own))
    shown = groups[:most]
    firsts = [threads[chosen[place]] for place, *_ in shown]
    found = []
    with progress.task("Reading stacks", len(shown)) as stacks:
        wheres = program.places([thread for thread in firsts if _is_stopped(thread)])
        for thread, (place, *others) in zip(firsts, shown):
            where = next(wheres, None) if _is_stopped(thread) else None
            blocks = [
                BlockReport(
                    block.module,
                    block.places[chosen[place]],
                    [VariableValue(variable, instances[place]) for variable, instances in values[module_id]],
                )
                for module_id, block in survey.blocks.items()
            ]
            alike = [threads[chosen[other]] for other in others]
            found.append(_thread(program, thread, where, blocks)._replace(alike=alike))
            stacks.advance()
    interrupted = survey.interrupted or task.interrupted or stacks.interrupted
    left_out = sum(map(len, groups[len(shown) :]))
    return ThreadsReport(program.info, found, interrupted, marks, left_out=left_out)


def _alike(
    survey: Survey,
    chosen: Sequence[int],
    values: Mapping[int, Sequence[tuple[Variable, Instances]]],
    but: Collection[int],
) -> list[list[int]]:
    """The places in `chosen` of threads whose blocks and variables are in the same states, the most common first."""
    found: dict[tuple[object, ...], list[int]] = {}
    columns = [instances.judgements for some in values.values() for _, instances in some]
    for place, index in enumerate(chosen):
        if place not in but:
            has = [isinstance(blocks.places[index], int) for blocks in survey.blocks.values()]
            states = [(judgements[place].state, judgements[place].flags) for judgements in columns]
            found.setdefault((*has, *states), []).append(place)
    return sorted(found.values(), key=lambda some: -len(some))


def _is_stopped(thread: Thread) -> bool:
    return thread.num is not None and not thread.running


def _thread(program: Program, thread: Thread, where: Where | None, blocks: Sequence[BlockReport]) -> ThreadReport:
    pointer = thread.thread_pointer
    if pointer is None:
        return ThreadReport(thread, where, None, Absence(State.UNRESOLVED, thread.problem), blocks)
    try:
        dtv = program.thread_data.dtvs([pointer])[0]
        return ThreadReport(thread, where, program.thread_data.control_block(pointer), dtv, blocks)
    except Exception as error:  # one bad thread is one bad row
        return ThreadReport(thread, where, None, Absence(State.UNRESOLVED, reason(error)), blocks)


def unanswered(report: ThreadsReport) -> bool:
    """Whether of no thread it is known whether it has a block."""
    return not any(is_known(block) for one in report.threads for block in one.blocks)


def is_known(block: BlockReport) -> bool:
    """Whether the thread's block was found, or is known not to be there yet."""
    return isinstance(block.place, int) or block.place.state is State.UNALLOCATED


def query(request: Request) -> ThreadsReport:
    """Reads the threads that are wanted: the selected one where none is named."""
    arguments = request.arguments
    program = request.program()
    text = ",".join(arguments.thread)
    numbers = parse_threads(text) if text not in ("", "all") else None
    if not text:
        selected = program.target.selected_thread()
        if selected is None:
            raise BadArgument("No thread is selected", "Give a thread's number, or all.")
        numbers = [range(selected, selected + 1)]
    most = (MOST_ON_A_PAGE if arguments.format == "html" else MOST_SHOWN) if request.is_for_people else None
    found = read_threads(program, numbers, arguments.module, request.progress, most)
    return found._replace(folds=not (arguments.all or arguments.module))  # who names a module wants to see it
