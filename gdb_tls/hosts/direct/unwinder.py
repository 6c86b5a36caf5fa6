"""What drgn says of a core's stacks and of lines of code; it runs in a process of its own (see `helper`).

There are two programs: one unwinds, by the files' unwind tables only, and one has the debug information. drgn looks up
the scopes of every frame that it unwinds, a millisecond for each stack; that the code of most frames is the same, it
cannot know. So it is asked for each place in the code once.

Of the core it gets the notes of the threads' registers, in a small core of their own, and memory as it asks for it: a
core of thirty thousand threads has a hundred megabytes of notes, which drgn would keep.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import starmap
from typing import TYPE_CHECKING, Any, NamedTuple

from gdb_tls.hosts.direct.core import Core
from gdb_tls.hosts.native.thread_notes import ThreadNote
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.protocol import Memory, UnreadableMemory

if TYPE_CHECKING:
    import drgn

REGISTERS = {
    "x86-64": ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", *(f"r{number}" for number in range(8, 16))),
    "aarch64": tuple(f"x{number}" for number in range(31)),
}
# The name of an architecture -> drgn's.
ARCHITECTURES = {
    "x86-64": "X86_64",
    "i386": "I386",
    "aarch64": "AARCH64",
    "arm": "ARM",
    "ppc64le": "PPC64",
    "riscv64": "RISCV64",
    "s390x": "S390X",
}
MOST_FRAMES = 4096


class File(NamedTuple):
    """One loaded object's file.

    Attributes:
        path: of the file.
        debug: the file with its debug information, which may be the same; empty for none.
        start: the first address of the object in memory.
        end: the first address after it.
        load_base: what is added to the file's addresses.
        dynamic: the address of its dynamic section; 0 where it has none.
        build_id: in hex; empty where it is not known.
        unwinds: whether the file itself has unwind tables.
    """

    path: str
    debug: str
    start: int
    end: int
    load_base: int
    dynamic: int
    build_id: str
    unwinds: bool


# A function's name as the debug information has it, its file and line, and whether it is inlined in the following one.
Scope = tuple[str, str, int, bool]
# (address of the code, whether it was interrupted there, whether it is the kernel's way into a signal handler,
# registers, the stack pointer's place among them is "sp").
Raw = tuple[int, bool, bool, dict[str, int]]


class Unwinder:
    """Opens no file by itself: it gets those that are the program's, and takes those of the same build id."""

    def __init__(self, core: Core | None, memory: Memory | None, architecture: Architecture) -> None:
        """Opens nothing yet.

        Args:
            core: the core; None for what has no stacks to be unwound.
            memory: the core's.
            architecture: the program's.
        """
        # Its plugins are commands of a shell that nobody sees here.
        os.environ.setdefault("DRGN_DISABLE_PLUGINS", "*")
        import drgn

        logging.getLogger("drgn").setLevel(logging.CRITICAL + 1)
        self._drgn = drgn
        self._core = core
        self._memory = memory
        self._files: Sequence[File] = ()
        self._architecture = architecture.name
        flags = drgn.PlatformFlags(0)
        flags |= drgn.PlatformFlags.IS_LITTLE_ENDIAN if architecture.byte_order == "little" else flags
        flags |= drgn.PlatformFlags.IS_64_BIT if architecture.pointer_size == 8 else flags
        self._platform = drgn.Platform(getattr(drgn.Architecture, ARCHITECTURES[architecture.name]), flags)
        self._scopes: dict[tuple[int, bool], list[Scope]] = {}
        self._alone: tuple[int, drgn.Program] | None = None

    def take(self, files: Sequence[Sequence[Any]]) -> None:
        """Takes the loaded objects' files, each as a `File` has it; to be asked before all others."""
        self._files = list(starmap(File, files))

    def _stacks_with(self, lwp: int) -> drgn.Program:
        """The core, with what is needed to unwind: with the first thread that is asked for, or with all of them.

        Often it is the only one, and that which crashed.
        """
        if self._alone is None:
            assert self._core is not None
            notes = [note for note in self._core.threads if note.lwp == lwp]
            self._alone = lwp, self._stacks_of(notes)
        return self._alone[1] if self._alone[0] == lwp else self._stacks_of_all

    @cached_property
    def _stacks_of_all(self) -> drgn.Program:
        assert self._core is not None
        return self._stacks_of(self._core.threads)

    def _stacks_of(self, threads: Sequence[ThreadNote]) -> drgn.Program:
        program = self._drgn.Program()
        assert self._core is not None
        program.set_core_dump(_file_of(self._core.registers_only(threads)))
        last = (1 << 8 * self._core.elf.pointer_size) - 1
        program.add_memory_segment(0, last, self._read, False)
        for file in self._files:
            with suppress(Exception):  # a file that drgn cannot read is one without unwind tables
                module = self._module(program, file)
                if file.unwinds:
                    module.debug_file_status = self._drgn.ModuleFileStatus.DONT_WANT
                module.try_file(file.path)
                if not file.unwinds and file.debug:
                    module.try_file(file.debug)
                if module.loaded_file_bias not in (None, file.load_base):
                    module.address_ranges = []
        return program

    def _read(self, address: int, size: int, offset: int, is_physical: bool) -> bytes:
        """Memory, as drgn asks for it."""
        assert self._memory is not None
        try:
            return self._memory.read(address, size)
        except UnreadableMemory:
            raise self._drgn.FaultError("not in the core", address) from None

    @cached_property
    def _names(self) -> drgn.Program:
        """The debug information of all files, without the core."""
        program = self._drgn.Program(self._platform)
        for file in self._files:
            with suppress(Exception):  # a file that drgn cannot read is one without names
                if not file.debug:
                    continue
                module = self._module(program, file)
                module.loaded_file_status = self._drgn.ModuleFileStatus.DONT_WANT
                module.try_file(file.debug)
                if module.debug_file_bias not in (None, file.load_base):
                    module.address_ranges = []
        return program

    def _module(self, program: drgn.Program, file: File) -> Any:
        if file.dynamic:
            module: Any = program.shared_library_module(file.path, file.dynamic, create=True)
        else:
            module = program.extra_module(file.path, file.start, create=True)
        module.address_ranges = [(file.start, file.end)]
        if file.build_id:
            module.build_id = bytes.fromhex(file.build_id)
        return module

    def trace(self, lwp: int, with_registers: bool) -> tuple[list[Raw], dict[tuple[int, bool], list[Scope]]]:
        """The frames of a thread, and the scopes of those places that were not asked for before."""
        frames: list[Raw] = []
        scopes: dict[tuple[int, bool], list[Scope]] = {}
        wanted = REGISTERS.get(self._architecture, ()) if with_registers else ()
        trace = self._stacks_with(lwp).thread(lwp).stack_trace()
        found = [trace[at] for at in range(min(len(trace), MOST_FRAMES))]
        for at, frame in enumerate(found):
            try:
                pc = frame.pc
            except LookupError:
                break
            if frame.is_inline:  # where the unwind tables came with the debug information
                continue
            known = frame.registers() if with_registers else {}
            registers = {name: known[name] for name in wanted if name in known}
            with suppress(LookupError):
                registers["sp"] = frame.sp
            # drgn calls what has called null interrupted, too.
            is_trampoline = at > 0 and at + 1 < len(found) and found[at + 1].interrupted
            frames.append((pc, frame.interrupted, is_trampoline, registers))
            key = pc, frame.interrupted
            if key not in self._scopes:
                self._scopes[key] = scopes[key] = list(self._scopes_at(*key))
        return frames, scopes

    def _scopes_at(self, pc: int, interrupted: bool) -> Iterator[Scope]:
        """The functions at a place, the innermost first."""
        # drgn takes every address for one that a call returns to, and looks before it.
        for frame in self._names.stack_trace_from_pcs([pc + interrupted]):
            file, line = "", 0
            with suppress(Exception):
                source = frame.source()
                file, line = os.path.basename(source.filename), source.line
            yield frame.function_name or "", file, line, frame.is_inline

    def line_at(self, address: int) -> tuple[str, int]:
        """The source file and line of code; nothing where it is not known."""
        try:
            found = self._names.source_location(address)[0]
        except Exception:  # LookupError where there is none, others where the line table is damaged
            return "", 0
        return os.path.basename(found.filename), found.line


def _file_of(pieces: Iterable[bytes]) -> int:
    """A file in memory that holds these bytes."""
    file = os.memfd_create("registers")
    with open(file, "wb", closefd=False) as written:
        written.writelines(pieces)
    return file
