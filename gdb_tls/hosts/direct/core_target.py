"""A core dump as a target, read without a debugger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from gdb_tls.elf.file import NotElf
from gdb_tls.errors import MissingFile
from gdb_tls.hosts.direct.core import Core
from gdb_tls.hosts.direct.files import Files
from gdb_tls.hosts.direct.helper import Helper
from gdb_tls.hosts.direct.memory import CoreMemory
from gdb_tls.hosts.direct.stacks import started
from gdb_tls.hosts.direct.target import DirectTarget
from gdb_tls.hosts.native.core_file import gaps_in
from gdb_tls.hosts.native.regions import core_regions
from gdb_tls.hosts.native.signals import FAULTS, MOST_ASKED, is_sent, signal_name, tells_address
from gdb_tls.hosts.native.thread_notes import first_signal, numbered
from gdb_tls.target.facts import Fault, Region
from gdb_tls.target.model import Thread


class CoreTarget(DirectTarget):
    """A core; implements `gdb_tls.target.Target`."""

    kind = "core"
    core: Core

    def __init__(self, path: str, executable: str | None, sysroot: str | None = None) -> None:
        """Reads the core's headers.

        Args:
            path: the core.
            executable: its program's file, which has been checked; None where there is none.
            sysroot: the folder for the program's files; None for this machine's own root.

        Raises:
            MissingFile: where the core cannot be read.
            UnsupportedTarget: where its architecture is not known.
        """
        try:
            self.core = Core(path)
        except (OSError, NotElf) as error:
            raise MissingFile(f"{path} cannot be read ({error})", "") from error
        self.core_file = path
        self.architecture = self.core.architecture
        self.pid = self.core.pid
        self.gaps = gaps_in(self.core.file)
        self.executable = executable
        self.files = Files(executable, sysroot, None, self.regions)
        self.memory = CoreMemory(self.core, self.files)
        self._drgn = started(self.core, self.memory, self.architecture)

    def drgn(self) -> Helper | None:
        """See `DirectTarget.drgn`."""
        return self._drgn

    def threads(self, thread_pointers: Mapping[int, int] = {}) -> list[Thread]:
        """See `Target.threads`."""
        return numbered([note.lwp for note in self.core.threads], thread_pointers)

    def selected_thread(self) -> int | None:
        """See `Target.selected_thread`: GDB selects the one that the core begins with."""
        return 1 if self.core.threads else None

    def registers(self, thread: Thread) -> Mapping[str, int]:
        """A thread's registers; empty for one that the core does not have."""
        return self.core.registers(thread.num - 1) if thread.num else {}

    def thread_pointer(self, thread: Thread) -> int | None:
        """See `Target.thread_pointer`."""
        registers = self.registers(thread)
        if not registers:
            return None
        known = (registers[name] for name in ("acr", *self.architecture.registers) if name in registers)
        return next(known, None)

    def has_task(self, lwp: int) -> bool:
        """See `Target.has_task`."""
        return False

    def auxiliary_vector(self) -> Mapping[int, int]:
        """See `Target.auxiliary_vector`."""
        return self.core.auxiliary_vector

    def regions(self) -> Sequence[Region]:
        """See `Target.regions`."""
        return self._regions

    @cached_property
    def _regions(self) -> Sequence[Region]:
        files = [Region(one.start, one.end, False, False, one.path) for one in self.core.mappings]
        return core_regions(self.core.path, files)

    def stack_pointer(self, thread: Thread) -> int | None:
        """See `Target.stack_pointer`."""
        return self.registers(thread).get(self.core.layout.sp)

    def program_counter(self, thread: Thread) -> int | None:
        """See `DirectTarget.program_counter`."""
        return self.registers(thread).get(self.core.layout.pc)

    def fault(self, most: int | None = None) -> Fault | None:
        """See `Target.fault`."""
        informed = False
        for at in range(min(len(self.core.threads), most or MOST_ASKED)):
            found = self.core.signal(at)
            if found is None:
                continue
            informed = True
            name = signal_name(found.number)
            if name in FAULTS:
                address = found.address if tells_address(name, found.code) else None
                return Fault(at + 1, name, address, is_sent(found.code))
        if informed:
            return None
        # A core without NT_SIGINFO (QEMU's): its first thread is the one that faulted.
        name = signal_name(first_signal(self.core.path))
        return Fault(1, name, None) if name in FAULTS else None
