"""Looks at a process that goes on: the first is a whole one, the others are for what has changed since."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

from gdb_tls.errors import NoProcess, TlsError, reason
from gdb_tls.hosts.direct import process
from gdb_tls.hosts.direct.process_target import ProcessTarget
from gdb_tls.hosts.native.process_ids import process_of
from gdb_tls.hosts.watching.alarms import Auditor
from gdb_tls.hosts.watching.replay import Read, Recorder, Replay
from gdb_tls.hosts.watching.variables import VIA, Watched, choose
from gdb_tls.libc.library import ListedThreads
from gdb_tls.program.program import Program
from gdb_tls.program.value import read_instances
from gdb_tls.program.walk import follow
from gdb_tls.target.model import Flag, Life, Module, Place, Thread
from gdb_tls.tuples import NamedTuple
from gdb_tls.watch.model import CHANGING, REMARKABLE, Alarm, AlarmKey, Look, Row, Seen, ThreadKey

# Of looks during which threads came or went; then those are marked.
MOST_TRIES = 3
PAUSE = 0.02
STRUCTURE = 0


class Structure(NamedTuple):
    """Who has what where.

    Attributes:
        threads: all.
        places: for each watched variable, where it is in each thread.
        listed: the C library's threads.
        reads: what this follows from.
        tasks: how many threads the kernel has.
    """

    threads: Sequence[Thread]
    places: Sequence[Sequence[Place]]
    listed: ListedThreads
    reads: list[Read]
    tasks: int


class Observer:
    """Looks at one process, as often as it is asked to."""

    def __init__(self, pid: int, names: Sequence[str], executable: str | None, announce: Callable[[str], None]) -> None:
        """Opens the process, and finds the variables.

        Args:
            pid: the process.
            names: the variables, as for tls-inspect; empty for all of the program's own.
            executable: its file, where the user has named one.
            announce: tells the user something.

        Raises:
            TlsError: where it cannot be looked at, or a name is none.
        """
        self.pid = process_of(pid)
        self._names = names
        self._executable = executable
        self._announce = announce
        self._began = process.started(self.pid)
        self._comms: dict[ThreadKey, str] = {}
        self._young: set[ThreadKey] = set()
        self._failed = False
        self._auditor = Auditor()
        self._open()

    def _open(self) -> None:
        """Finds everything that stays as long as the modules do."""
        self._target = ProcessTarget(self.pid, self._executable)
        self._memory = Recorder(self._target.memory)
        self._target.memory = self._memory
        self._program = Program(self._target, self._announce)
        self.info = self._program.info
        self._modules = list(self._program.modules)
        self.variables: list[Watched] = choose(self._program, self._names)
        self._auditor.only(self.variables if self._names else None)
        self._structure: Structure | None = None
        self._replay: Replay | None = None
        self._dirty: set[int] = set()
        self._rows: list[Row] = []
        self._reads: list[list[Read]] = []
        self._seen: Sequence[Seen] = ()

    def look(self) -> Look:
        """What is true now.

        Raises:
            NoProcess: where it has ended.
            TlsError: where it cannot be read just now.
        """
        started, when = time.perf_counter(), time.time()
        try:
            if self._failed:
                self._open()  # it may be another program by now (execve)
            self._look()
            self._failed = False
        except (TlsError, OSError) as error:
            self._failed = True
            if self.has_ended():
                raise NoProcess(f"Process {self.pid} has ended", "") from error
            raise error if isinstance(error, TlsError) else NoProcess(reason(error), "") from error
        modules = [one.name for one in self._modules if not one.emulated]
        return Look(when, self._seen, list(self._rows), modules, self.alarms, time.perf_counter() - started)

    @property
    def alarms(self) -> Mapping[AlarmKey, Alarm]:
        """What the last audit has found alarming."""
        return self._auditor.alarms

    def has_ended(self) -> bool:
        """Whether the process is no more, or nothing of it but what its parent has not asked for yet."""
        try:
            process.tasks(self.pid)
        except NoProcess:
            return True
        return process.started(self.pid) != self._began

    def audit(self) -> None:
        """Audits the program where something has changed since, and it is not too soon."""
        if self._structure is None or not self._auditor.is_due():
            return
        self._memory.reads = None
        try:
            self._target.look_again()
            program = Program(self._target)
            program.objects = self._program.objects
            self._auditor.audit(program, self._is_as_it_was)
        except (TlsError, OSError):
            self._auditor.note_change()  # it is ending, or the next look says why it cannot be read

    def _is_as_it_was(self) -> bool:
        """Whether no thread has come or gone since the look."""
        changed = self._replay.changed() if self._replay else None
        if changed is None:
            return False
        self._dirty |= changed
        return STRUCTURE not in changed and self._tasks() == (self._structure.tasks if self._structure else 0)

    def _tasks(self) -> int:
        """How many threads the kernel has: each is a folder (proc(5)), and a folder has a link for each in it."""
        try:
            return os.stat(f"/proc/{self.pid}/task").st_nlink
        except OSError as error:
            raise process.refusal(self.pid, error) from error

    def _look(self) -> None:
        changed = self._replay.changed() if self._replay else None
        if changed is not None:
            changed |= self._dirty
        if changed is None or STRUCTURE in changed or (self._structure and self._tasks() != self._structure.tasks):
            self._look_at_all()
            self._auditor.note_change()
            return
        self._dirty = set()
        if self._young:
            self._seen = self._named(self._structure.threads if self._structure else ())
        for number in sorted(changed):
            before = self._rows[number - 1]
            self._judge(number - 1)
            if self._rows[number - 1].marks != before.marks:
                self._auditor.note_change()
            else:
                self._rows[number - 1] = before
            agrees = self._replay.again(number, self._reads[number - 1]) if self._replay else None
            if agrees is None:
                self._replay = None  # a path leads elsewhere now
                return
            if not agrees:
                self._dirty.add(number)

    def _look_at_all(self) -> None:
        for left in reversed(range(MOST_TRIES)):
            try:
                structure = self._find()
            except TlsError:
                if not left:
                    raise
                time.sleep(PAUSE)
                continue
            self._structure = structure
            self._rows = [Row(one.name, one.variable.module.name, one.variable.offset, ()) for one in self.variables]
            self._reads = [[] for _ in self.variables]
            for number in range(len(self.variables)):
                self._judge(number)
            self._replay = Replay(self._target.door, [structure.reads, *self._reads])
            dirty = self._replay.note()
            if dirty is not None and STRUCTURE not in dirty and process.tasks(self.pid) == self._target.tasks:
                self._dirty = dirty
                break
        else:
            self._mark(self._structure)
            self._dirty = {STRUCTURE}
        assert self._structure is not None
        self._seen = self._named(self._structure.threads)

    def _find(self) -> Structure:
        """Threads, and where they have the variables; where modules have come or gone, all is found anew."""
        tasks = self._tasks()
        self._target.look_again()
        reads: list[Read] = []
        self._memory.reads = reads
        try:
            program = Program(self._target)
            program.objects = self._program.objects
            modules = [one for one in program.modules if not one.emulated]
            if list(map(_identity, modules)) != list(map(_identity, self._modules)):
                self._memory.reads = None
                self._open()
                reads = []
                self._memory.reads = reads
                program = Program(self._target)
                program.objects = self._program.objects
            threads = program.unnamed_threads
            listed = program.libc.threads()
            blocks: dict[int, Sequence[Place]] = {}
            places = []
            for one in self.variables:
                module = one.variable.module
                if module.id not in blocks:
                    blocks[module.id] = program.blocks(module, threads)
                offset = one.variable.offset
                places.append([place + offset if isinstance(place, int) else place for place in blocks[module.id]])
        finally:
            self._memory.reads = None
        return Structure(threads, places, listed, reads, tasks)

    def _judge(self, number: int) -> None:
        """Reads one variable in all threads."""
        assert self._structure is not None
        one, threads, places = self.variables[number], self._structure.threads, self._structure.places[number]
        # What has no pointer is set, whatever its value: there is nothing in it to be watched.
        reads: list[Read] = []
        self._memory.reads = reads if one.matters else None
        changing = getattr(self._memory.memory, "changing", None)
        if isinstance(changing, set):
            changing.clear()
        try:
            if one.path:
                places = follow(self._target, one.path, places)
            constants = self._program.constants.among
            found = read_instances(self._target, one.kind, one.assumed, threads, places, VIA, are_constant=constants)
            known: dict[int, str] = {id(judgement): "" for judgement in found.judgements}
            for judgement in found.judgements:
                if not known[id(judgement)]:
                    known[id(judgement)] = _mark(judgement.state.value, judgement.flags)
            marks = [known[id(judgement)] for judgement in found.judgements]
        finally:
            self._memory.reads = None
        self._rows[number] = self._rows[number]._replace(marks=marks)
        self._reads[number] = reads

    def _mark(self, structure: Structure | None) -> None:
        """Marks the threads that came or went during the look."""
        if structure is None:
            return
        after = Program(self._target).libc.threads()
        now = set(zip(after.thread_pointers, after.lwps))
        gone = {
            pointer
            for pointer, lwp in zip(structure.listed.thread_pointers, structure.listed.lwps)
            if (pointer, lwp) not in now
        }
        at = [
            index
            for index, thread in enumerate(structure.threads)
            if thread.thread_pointer is None or thread.thread_pointer in gone or thread.life is not Life.LISTED
        ]
        for number, row in enumerate(self._rows):
            marks = list(row.marks)
            for index in at:
                marks[index] = CHANGING
            self._rows[number] = row._replace(marks=marks)

    def _named(self, threads: Sequence[Thread]) -> list[Seen]:
        """The threads with their names; a thread often gets its own a moment after it began."""
        found, comms, young = [], {}, set()
        for thread in threads:
            one = Seen(thread.thread_pointer, thread.lwp, "", thread.life.value)
            name = self._comms.get(one.key)
            if name is None or one.key in self._young:
                if name is None:
                    young.add(one.key)
                name = self._target.name_of(thread)
            comms[one.key] = name
            found.append(one._replace(name=name))
        self._comms, self._young = comms, young
        return found


def _identity(module: Module) -> tuple[int, int, int, str]:
    return module.id, module.generation, module.load_base, module.target_path


def _mark(state: str, flags: Sequence[Flag]) -> str:
    if Flag.CHANGING in flags:
        return CHANGING
    return " ".join([state, *(word for word in REMARKABLE if Flag(word) in flags)])
