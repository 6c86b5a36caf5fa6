"""Stacks of cores and lines of code by drgn, where it is installed.

drgn is a C library that reads what it was given with little distrust: on a damaged core or file it may crash or never
end. So it runs in a forked process (`helper`): where that ends, stacks and lines are missing and `problem` says why,
and everything else is answered. It is forked before much of the core is read, and gets ready meanwhile: a process that
has read ten thousand threads is slow to fork, and what it then changes is there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

from gdb_tls.elf.file import ElfFile
from gdb_tls.hosts.direct.core import Core
from gdb_tls.hosts.direct.demangling import demangled
from gdb_tls.hosts.direct.helper import Helper, HelperFailed
from gdb_tls.hosts.direct.unwinder import File, Raw, Scope, Unwinder
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.program.names import without_parameters
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.facts import CallFrame, Frame
from gdb_tls.target.protocol import Memory

MISSING = "Note: stacks and lines of code need drgn, which is not here: pip install 'gdb-tls[direct]', or --engine gdb."


def started(core: Core | None, memory: Memory | None, architecture: Architecture) -> Helper | None:
    """Starts the process that drgn runs in; None where drgn is not installed.

    Args:
        core: the core; None for what has no stacks to be unwound.
        memory: the core's.
        architecture: the program's.
    """
    return Helper(lambda: Unwinder(core, memory, architecture)) if find_spec("drgn") else None


class Stacks:
    """What drgn says of one program.

    Attributes:
        problem: why something is missing; empty where nothing is.
    """

    def __init__(
        self,
        drgn: Helper,
        objects: LoadedObjects,
        debug_file: Callable[[ElfFile], ElfFile | None],
        symbol_at: Callable[[int], str | None],
    ) -> None:
        """Tells drgn of the files.

        Args:
            drgn: the process that it runs in, see `started`.
            objects: the loaded objects.
            debug_file: finds the separate debug file of a file.
            symbol_at: the name of the function at an address.
        """
        self.problem = ""
        self._symbol_at = symbol_at
        self._scopes: dict[tuple[int, bool], list[Scope]] = {}
        self._names: dict[tuple[str, int, bool, bool], str] = {}
        self._drgn = drgn
        self._ask("take", list(map(tuple, _files(objects, debug_file))))

    def _ask(self, method: str, *arguments: Any) -> Any:
        """What drgn answers; None where it does not."""
        try:
            return self._drgn.ask(method, *arguments)
        except HelperFailed as error:
            self.problem = str(error)
            return None

    def _unwound(self, lwp: int, with_registers: bool) -> Iterator[tuple[Raw, list[Scope]]]:
        frames, scopes = self._ask("trace", lwp, with_registers) or ((), {})
        self._scopes.update(scopes)
        for frame in frames:
            yield frame, self._scopes[frame[0], frame[1]]

    def frames(self, lwp: int, most: int, until: Callable[[Frame], bool] | None) -> list[Frame]:
        """The innermost frames of a thread."""
        found: list[Frame] = []
        for (pc, interrupted, _, _), scopes in self._unwound(lwp, False):
            for name, file, line, is_inline in scopes:
                found.append(Frame(self._name(name, pc, is_inline, interrupted), file, line, pc))
                if len(found) == most or (until is not None and until(found[-1])):
                    return found
        return found

    def call_frames(self, lwp: int, most: int) -> list[CallFrame]:
        """The frames as the machine has them, with their registers."""
        found: list[CallFrame] = []
        for (pc, interrupted, is_trampoline, registers), scopes in self._unwound(lwp, True):
            name, _, _, is_inline = scopes[-1]
            _, file, line, _ = scopes[0]
            named = self._name(name, pc, is_inline, interrupted)
            found.append(CallFrame(pc, registers, is_trampoline, named, file, line))
            if len(found) == most:
                break
        return found

    def _name(self, own: str, pc: int, is_inline: bool, interrupted: bool) -> str:
        """The function's name with its scopes, as GDB has it."""
        key = own, pc, is_inline, interrupted
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
        return self._ask("line_at", address) or ("", 0)


def _files(objects: LoadedObjects, debug_file: Callable[[ElfFile], ElfFile | None]) -> Iterator[File]:
    for loaded in objects.all:
        file = loaded.file
        bounds = objects.bounds(loaded) if file else None
        if file is None or not bounds or not loaded.path:
            continue
        separate = file if file.has_debug_info else debug_file(file)
        yield File(
            loaded.path,
            separate.path if separate else "",
            *bounds,
            loaded.load_base,
            loaded.dynamic,
            loaded.build_id or "",
            file.has_section(".eh_frame"),
        )
