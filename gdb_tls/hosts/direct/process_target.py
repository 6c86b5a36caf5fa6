"""A running process as a target, read without stopping it."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from functools import cached_property

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.errors import UnsupportedTarget
from gdb_tls.hosts.direct import process
from gdb_tls.hosts.direct.files import Files
from gdb_tls.hosts.direct.registers import REGISTERS_AT, Layout, layout_of, registers_in
from gdb_tls.hosts.direct.stop import Stopped
from gdb_tls.hosts.direct.target import DirectTarget
from gdb_tls.hosts.native.regions import process_regions
from gdb_tls.hosts.native.roots import DELETED, inside_root, is_same
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.facts import Fault, Region
from gdb_tls.target.model import Life, Thread
from gdb_tls.tuples import NamedTuple


class Steady(NamedTuple):
    """Threads that do not come and go.

    Attributes:
        tasks: the kernel's ids.
        own: of those that the C library lists, thread pointer and id.
    """

    tasks: Set[int]
    own: Set[tuple[int, int]]


class ProcessTarget(DirectTarget):
    """A process; implements `gdb_tls.target.Target`.

    Attributes:
        door: the thread through whose folder in /proc it is read; see `process.door`.
    """

    kind = "live"
    pid: int

    def __init__(
        self,
        pid: int,
        executable: str | None = None,
        steady: Steady | None = None,
        held: Stopped | None = None,
    ) -> None:
        """Opens its memory, and looks at what it runs.

        Args:
            pid: its id.
            executable: the executable's file, where the user has named one.
            steady: the threads that have been there in all earlier looks, all others are to be marked; None for none.
            held: the threads that have been stopped; None where the process goes on.

        Raises:
            NoProcess: where there is none, or it may not be looked at.
            UnsupportedTarget: where its architecture is not known.
        """
        self.pid = pid
        self.began = process.started(pid)
        self.tasks = process.tasks(pid)
        self.door = process.door(pid)
        self.memory = process.ProcessMemory(self.door)
        self.architecture, self.layout = _architecture(self.door)
        self.executable = executable or _executable(self.door)
        self.files = Files(self.executable, None, self.door, self.regions)
        self._steady = steady
        self._held = held

    def look_again(self) -> None:
        """Forgets which threads and what memory there were: they may be others by now."""
        self.tasks = process.tasks(self.pid)
        if self.door != process.door(self.pid):
            self.door = process.door(self.pid)
            self.memory = process.ProcessMemory(self.door)
        for name in ("_regions", "_outer_ids"):
            self.__dict__.pop(name, None)

    @cached_property
    def _regions(self) -> Sequence[Region]:
        try:
            return process_regions(self.door)
        except OSError as error:
            raise process.refusal(self.pid, error) from error

    def regions(self) -> Sequence[Region]:
        """See `Target.regions`."""
        return self._regions

    def threads(self, thread_pointers: Mapping[int, int] = {}) -> list[Thread]:
        """See `Target.threads`; the numbers are the order of the ids, the main thread's first, as GDB has them."""
        pointer = thread_pointers.get
        steady = self._steady.tasks if self._steady else set(self.tasks)
        return [
            Thread(num, tid, "", pointer(tid), Life.LISTED if tid in steady else Life.CHANGING)
            for num, tid in enumerate(self.tasks, 1)
        ]

    def is_steady(self, pointer: int, lwp: int) -> bool:
        """See `Target.is_steady`."""
        return self._steady is None or (pointer, lwp) in self._steady.own

    @cached_property
    def _outer_ids(self) -> Mapping[int, int]:
        if not process.is_in_namespace(self.door):
            return {}
        return {process.own_id(self.pid, tid): tid for tid in self.tasks}

    def outer_ids(self) -> Mapping[int, int]:
        """See `Target.outer_ids`."""
        return self._outer_ids

    def name_of(self, thread: Thread) -> str:
        """See `Target.name_of`."""
        return process.name_of(self.pid, thread.lwp) if thread.num is not None and thread.lwp else ""

    def selected_thread(self) -> int | None:
        """See `Target.selected_thread`: nobody has selected one; GDB would the main thread."""
        return 1

    def thread_pointer(self, thread: Thread) -> int | None:
        """See `Target.thread_pointer`: the registers of a thread that is not stopped cannot be read."""
        registers = self.registers(thread)
        return next((registers[name] for name in ("acr", *self.architecture.registers) if name in registers), None)

    def registers(self, thread: Thread) -> Mapping[str, int]:
        """The registers of a thread that has been stopped; of another one what the kernel tells, where it waits."""
        if not thread.lwp:
            return {}
        if self._held:
            head = bytes(REGISTERS_AT[self.architecture.pointer_size])
            raw = self._held.registers(thread.lwp)
            return registers_in(self.layout, head + raw, self.architecture.pointer_size, self.architecture.byte_order)
        found = process.blocked_at(self.pid, thread.lwp)
        return {self.layout.sp: found[0], self.layout.pc: found[1]} if found else {}

    def has_task(self, lwp: int) -> bool:
        """See `Target.has_task`."""
        return os.path.exists(f"/proc/{self.pid}/task/{lwp}")

    def stack_pointer(self, thread: Thread) -> int | None:
        """See `Target.stack_pointer`."""
        return self.registers(thread).get(self.layout.sp)

    def program_counter(self, thread: Thread) -> int | None:
        """See `DirectTarget.program_counter`."""
        return self.registers(thread).get(self.layout.pc)

    def fault(self, most: int | None = None) -> Fault | None:
        """See `Target.fault`: a process that runs has none."""
        return None

    def auxiliary_vector(self) -> Mapping[int, int]:
        """See `Target.auxiliary_vector`."""
        return self._auxiliary_vector

    @cached_property
    def _auxiliary_vector(self) -> dict[int, int]:
        form = struct.Struct("@" + ("QQ" if self.architecture.pointer_size == 8 else "II"))
        with suppress(OSError), open(f"/proc/{self.door}/auxv", "rb") as file:
            raw = file.read()
            return dict(form.iter_unpack(raw[: len(raw) // form.size * form.size]))
        return {}


def _architecture(pid: int) -> tuple[Architecture, Layout]:
    try:
        file = open_elf(f"/proc/{pid}/exe")
        found = layout_of(file.machine, file.pointer_size, file.byte_order)
    except NotElf as error:
        raise process.refusal(pid, PermissionError(0, str(error))) from error
    if found is None:
        raise UnsupportedTarget(
            f"The architecture of process {pid} (ELF machine {file.machine}) is not known to gdb-tls"
        )
    return found


def _executable(pid: int) -> str | None:
    """The executable's name, as the user may open it here; else the kernel's door to it."""
    door = f"/proc/{pid}/exe"
    with suppress(OSError):
        name = os.readlink(door)
        inside = inside_root(f"/proc/{pid}/root", name.removesuffix(DELETED))
        return next((one for one in (name, inside, door) if is_same(one, door)), None)
    return None
