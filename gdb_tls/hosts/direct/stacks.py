"""Stacks of cores and lines of code by drgn, where it is installed."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from gdb_tls.elf.file import ElfFile
from gdb_tls.hosts.direct.demangling import demangled
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.program.names import without_parameters
from gdb_tls.target.protocol import CallFrame, Frame

if TYPE_CHECKING:
    import drgn

MISSING = "Note: stacks and lines of code need drgn, which is not here: pip install 'gdb-tls[direct]', or --engine gdb."
REGISTERS = {
    "x86-64": ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", *(f"r{number}" for number in range(8, 16))),
    "aarch64": tuple(f"x{number}" for number in range(31)),
}
MOST_FRAMES = 4096


def is_installed() -> bool:
    """Whether drgn can be used."""
    return find_spec("drgn") is not None


class Stacks:
    """What drgn says of one program.

    It opens no file by itself: it gets the ones that `objects` has found, and takes those of the same build id.

    Args:
        objects: the loaded objects.
        debug_file: finds the separate debug file of a file.
        architecture: its name.
        symbol_at: the name of the function at an address.
    """

    def __init__(
        self,
        start: Callable[[drgn.Program], None],
        objects: LoadedObjects,
        debug_file: Callable[[ElfFile], ElfFile | None],
        architecture: str,
        symbol_at: Callable[[int], str | None],
    ) -> None:
        """Opens the program; `start` tells drgn which."""
        # Its plugins are commands of a shell that nobody sees here.
        os.environ.setdefault("DRGN_DISABLE_PLUGINS", "*")
        import drgn

        logging.getLogger("drgn").setLevel(logging.CRITICAL + 1)
        self._program = drgn.Program()
        self._objects = objects
        self._debug_file = debug_file
        self._architecture = architecture
        self._symbol_at = symbol_at
        self._names: dict[tuple[str, int, bool, bool], str] = {}
        start(self._program)
        for module, _ in self._program.loaded_modules():
            with suppress(Exception):  # a file that drgn cannot read is one without names
                self._load(module)

    def _load(self, module: Any) -> None:
        ranges = module.address_ranges or ()
        for loaded in self._objects.all:
            bounds = self._objects.bounds(loaded) if loaded.file else None
            if bounds and loaded.path and any(bounds[0] <= start < bounds[1] for start, _ in ranges):
                module.try_file(loaded.path)
                separate = self._debug_file(loaded.file) if loaded.file and module.wants_debug_file() else None
                if separate is not None:
                    module.try_file(separate.path)
                return

    def frames(self, lwp: int, most: int, until: Callable[[Frame], bool] | None) -> list[Frame]:
        """The innermost frames of a thread."""
        found: list[Frame] = []
        for frame, pc, _ in self._unwound(lwp):
            found.append(Frame(self._name(frame, pc), *_source(frame), pc))
            if len(found) == most or (until is not None and until(found[-1])):
                break
        return found

    def call_frames(self, lwp: int, most: int) -> list[CallFrame]:
        """The frames as the machine has them, with their registers."""
        found: list[CallFrame] = []
        innermost = None
        wanted = REGISTERS.get(self._architecture, ())
        for frame, pc, is_trampoline in self._unwound(lwp):
            innermost = innermost or frame
            if frame.is_inline:
                continue
            known = frame.registers()
            registers = {name: known[name] for name in wanted if name in known}
            with suppress(LookupError):
                registers["sp"] = frame.sp
            found.append(CallFrame(pc, registers, is_trampoline, self._name(frame, pc), *_source(innermost)))
            innermost = None
            if len(found) == most:
                break
        return found

    def _unwound(self, lwp: int) -> Iterator[tuple[Any, int, bool]]:
        """(frame, code address, whether it is the kernel's way into a signal handler) of each frame."""
        try:
            trace: Sequence[Any] = self._program.thread(lwp).stack_trace()
        except Exception:  # whatever a damaged stack makes of it
            return
        frames = [trace[at] for at in range(min(len(trace), MOST_FRAMES))]
        for frame, following in zip_longest(frames, frames[1:]):
            try:
                pc = frame.pc
            except LookupError:
                return
            yield frame, pc, bool(following is not None and following.interrupted)

    def _name(self, frame: Any, pc: int) -> str:
        """The function's name with its scopes, as GDB has it."""
        own = frame.function_name or ""
        key = own, pc, frame.is_inline, frame.interrupted
        if key not in self._names:
            self._names[key] = self._found_name(*key)
        return self._names[key]

    def _found_name(self, own: str, pc: int, is_inline: bool, interrupted: bool) -> str:
        symbol = "" if is_inline else self._symbol_at(pc if interrupted else pc - 1) or ""
        symbol = without_parameters(symbol.rpartition(" + ")[0] or symbol)
        if not own or symbol.endswith(f"::{own}"):
            return symbol
        return demangled([own])[0]

    def line_at(self, address: int) -> tuple[str, int]:
        """See `Target.line_at`."""
        try:
            found = self._program.source_location(address)[0]
        except Exception:  # LookupError where there is none, others where the line table is damaged
            return "", 0
        return os.path.basename(found.filename), found.line


def _source(frame: Any) -> tuple[str, int]:
    try:
        found = frame.source()
    except Exception:
        return "", 0
    return os.path.basename(found.filename), found.line
