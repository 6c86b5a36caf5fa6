"""What is left to run when a thread ends: the destructors of thread-local objects, then those of pthread keys."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gdb_tls.errors import BadArgument, reason
from gdb_tls.evidence.code import Code
from gdb_tls.libc.thread_exit import DestructorList, KeepsDestructors, Registered
from gdb_tls.program.choice import parse_threads, wanted
from gdb_tls.program.executable import without_code
from gdb_tls.program.marked import Marked, marked
from gdb_tls.program.owners import OwnVariables
from gdb_tls.program.program import Program
from gdb_tls.program.thread_end import stage_of
from gdb_tls.questions.command import Request
from gdb_tls.questions.exit.own_lists import OwnLists
from gdb_tls.questions.keys.answer import KeyReport, KeysReport, KeyState, read_keys
from gdb_tls.target.model import Module, TargetInfo, Thread, Variable
from gdb_tls.target.progress import SILENT, Progress

INTERRUPTED = "it was interrupted before this thread's stack told whether it is ending"
# People are shown no more threads than this one by one, of which each one's stack is unwound.
MOST_SHOWN = 10


class Step(NamedTuple):
    """One destructor that will run.

    Attributes:
        function: its address; None where it is not known.
        name: what it is called; empty where it has no name.
        file: the file that it is in; empty where that is not known.
        is_gone: whether there is no code at its address any more.
        argument: what it is called with.
        variable: the thread-local variable of this thread in which the argument lies; None for none.
        module: whose block the argument lies in; None for none.
        inside: how far in the variable, or in the block where there is no variable.
        key: of a pthread key, its number; None for an object.
        list_key: of an object that the C++ library keeps in a list of its own, the key under which that is; its
            destructor runs within that key's.  None for others.
        problem: why the function is not known; empty where it is.
    """

    function: int | None
    name: str
    file: str
    is_gone: bool
    argument: int
    variable: Variable | None = None
    module: Module | None = None
    inside: int = 0
    key: int | None = None
    list_key: int | None = None
    problem: str = ""


class ThreadExit(NamedTuple):
    """One thread's end.

    Attributes:
        thread: the thread.
        is_main: whether it is the process's first thread.
        steps: what will run, in this order.
        stage: what runs already: "objects", "keys", or empty where the thread has not begun to end.
        running: the destructor that runs now; empty where none does.
        problems: why there may be more; empty where this is all.
        marks: what is remarkable about the thread.
        alike: other threads for which it stands: the same destructors, or none, will run when they end.  Whether one
            of them is ending already was not looked at.
    """

    thread: Thread
    is_main: bool
    steps: Sequence[Step]
    stage: str
    running: str
    problems: Sequence[str]
    marks: Sequence[str] = ()
    alike: Sequence[Thread] = ()

    @property
    def is_unknown(self) -> bool:
        """Whether nothing that belongs to the thread could be read: it has no thread pointer, or none that is known."""
        return self.thread.thread_pointer is None and not self.thread.exited and not self.steps and not self.stage


class Answer(NamedTuple):
    """What `tls-exit` found.

    Attributes:
        target: the program.
        threads: those that were asked for.
        left_out: how many threads are not shown, nor others that have the same destructors.
    """

    target: TargetInfo
    threads: Sequence[ThreadExit]
    left_out: int = 0

    @property
    def has_unseen(self) -> bool:
        """Whether there are threads that run whose stacks were not looked at."""
        return bool(self.left_out) or any(not other.exited for one in self.threads for other in one.alike)


def thread_exits(
    program: Program,
    threads: Sequence[Thread],
    progress: Progress = SILENT,
    most: int | None = None,
    marks: Marked | None = None,
) -> tuple[list[ThreadExit], int]:
    """What will run when each of the threads ends, and how many threads are left out.

    Args:
        program: whose they are.
        threads: those that are wanted.
        progress: shows how far it is.
        most: where there are more, those that are remarkable are shown, and of the others one for all that have the
            same destructors; None for each.
        marks: which are remarkable.
    """
    lists = _lists(program, threads)
    keys, problem = _keys(program, threads)
    owners, functions, own_lists = OwnVariables(program), Functions(program), OwnLists(program)

    def steps_of(thread: Thread, records: Sequence[Registered], list_key: int | None = None) -> Iterator[Step]:
        for one in records:
            step = functions.step(one.function, one.object)
            module, variable, inside = owners.at(thread, one.object)
            yield step._replace(problem=one.problem, module=module, variable=variable, inside=inside, list_key=list_key)

    marks = marks or Marked()
    found = []
    for index, thread in enumerate(threads):
        is_told = not isinstance(program.libc, KeepsDestructors) and own_lists.is_whole
        problems = [text for text in ("" if is_told else lists[index].problem, problem) if text]
        steps = list(steps_of(thread, lists[index].records))
        for key in keys.keys if keys else ():
            value = key.values[index]
            if value.state is KeyState.UNREADABLE and value.reason:
                problems.append(value.reason)
            # Without a destructor, or for an earlier key of that number, nothing runs.
            elif value.state is KeyState.SET and value.value and key.destructor != 0 and key.in_use is not False:
                steps.append(_key_step(functions, key, value.value, problem))
                if key.number in own_lists.keys:
                    kept = own_lists.records(key.number, thread, value.value)
                    problems += [kept.problem] if kept.problem else []
                    steps += steps_of(thread, kept.records, key.number)
        is_main = thread.lwp is not None and thread.lwp == program.target.pid  # Linux: its id is the process's
        marked_as = marks.names(thread)
        found.append(ThreadExit(thread, is_main, steps, "", "", list(dict.fromkeys(problems)), marked_as))
    groups = [[one] for one in found]
    if most is not None and len(found) > most:
        first = marks.first(threads)
        groups = [[found[index]] for index in first]
        groups += _alike(one for index, one in enumerate(found) if index not in first)
    shown = [one._replace(alike=[other.thread for other in others]) for one, *others in groups[:most]]
    stages: list[tuple[str, str]] = []
    with progress.task("Reading stacks", len(shown)) as task:
        for one in shown:
            stages.append(stage_of(program.frames, one.thread))
            task.advance()
    seen = [one._replace(stage=stage, running=running) for one, (stage, running) in zip(shown, stages)]
    seen += [one._replace(problems=[*one.problems, INTERRUPTED]) for one in shown[len(stages) :]]
    return seen, sum(map(len, groups[len(shown) :]))


def _alike(found: Iterable[ThreadExit]) -> list[list[ThreadExit]]:
    """Threads for which the same destructors of the same variables will run: what crashes first, then the commonest."""
    groups: dict[tuple[object, ...], list[ThreadExit]] = {}
    for one in found:
        # Where the objects are is each thread's own matter, and so is a key's value.
        steps = [
            (step.function, step.module and step.module.id, step.variable is None, step.inside, step.key, step.list_key)
            for step in one.steps
        ]
        offsets = [step.variable.offset for step in one.steps if step.variable is not None]
        same = (*steps, *offsets, *one.problems, one.thread.life, one.is_main, one.is_unknown)
        groups.setdefault(same, []).append(one)
    return sorted(groups.values(), key=lambda some: (not any(step.is_gone for step in some[0].steps), -len(some)))


def _lists(program: Program, threads: Sequence[Thread]) -> list[DestructorList]:
    library = program.libc
    found = [DestructorList((), thread.problem) for thread in threads]
    places = [index for index, thread in enumerate(threads) if thread.thread_pointer is not None]
    if not isinstance(library, KeepsDestructors):
        why = f"{library.name} keeps no list of thread-local objects: the C++ library keeps one of its own, under a key"
        if library.name == "unknown":
            why = "where the C library keeps its list of thread-local objects is not known"
        return [DestructorList((), why)] * len(threads)
    try:
        lists = library.destructors([threads[index].thread_pointer or 0 for index in places])
    except Exception as error:  # the keys are known without it
        return [DestructorList((), reason(error))] * len(threads)
    for index, one in zip(places, lists):
        found[index] = one
    return found


def _keys(program: Program, threads: Sequence[Thread]) -> tuple[KeysReport | None, str]:
    try:
        found = read_keys(program, threads)
    except Exception as error:  # the objects are known without them
        return None, f"the keys are not known: {reason(error)}"
    return found, found.problem


class Functions:
    """What destructors are called, and where they are: many threads have few of them."""

    def __init__(self, program: Program) -> None:
        """Reads nothing yet."""
        self._program = program
        self._code = Code(program)
        self._found: dict[int, Step] = {}

    def step(self, function: int | None, argument: int) -> Step:
        """A call of a destructor; of None it is not known which."""
        if function is None:
            return Step(None, "", "", False, argument)
        if function not in self._found:
            self._found[function] = self._step(function)
        return self._found[function]._replace(argument=argument)

    def _step(self, function: int) -> Step:
        program = self._program
        if without_code(program, [function]):
            return Step(function, "", "", True, 0)
        region = program.region(function)
        loaded = self._code.objects.at(function)
        name = program.symbol_at(function) or ""
        if not name and loaded is not None and loaded.file is not None:
            # The debugger may list no libraries, nor where the executable lies (QEMU's cores).
            own = loaded.file.function_at(function - loaded.load_base)
            is_it = own is not None and own.value == function - loaded.load_base
            name = program.target.debug.demangle([own.name])[0] if own and is_it else ""
        file = region.file if region and region.file else loaded.name if loaded else ""
        return Step(function, name, os.path.basename(file), False, 0)


def _key_step(functions: Functions, key: KeyReport, value: int, problem: str) -> Step:
    step = functions.step(key.destructor, value)._replace(key=key.number)
    return step if key.destructor is not None else step._replace(problem=problem)


def query(request: Request) -> Answer:
    """Reads the threads that are wanted: the selected one where none is named.

    Raises:
        BadArgument: where no thread has one of the numbers.
    """
    program = request.program()
    text = ",".join(request.arguments.thread)
    numbers = parse_threads(text) if text not in ("", "all") else None
    if not text:
        selected = program.target.selected_thread()
        if selected is None:
            raise BadArgument("No thread is selected", "Give a thread's number, or all.")
        numbers = [range(selected, selected + 1)]
    threads = wanted(program.threads, numbers)
    most = MOST_SHOWN if request.is_for_people and not request.arguments.all else None
    return Answer(program.info, *thread_exits(program, threads, request.progress, most, marked(program, threads)))


def unanswered(answer: Answer) -> bool:
    """Whether of no thread anything is known."""
    return all(one.is_unknown for one in answer.threads)


def flagged(answer: Answer) -> bool:
    """Whether code will be called that is no longer there."""
    return any(step.is_gone for one in answer.threads for step in one.steps)
