"""What cores and processes have in common as targets without a debugger."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from gdb_tls.elf.file import ElfFile
from gdb_tls.errors import BadArgument, ResolverUnavailable
from gdb_tls.hosts.direct.core import Core
from gdb_tls.hosts.direct.demangling import demangled
from gdb_tls.hosts.direct.files import Files
from gdb_tls.hosts.direct.helper import Helper
from gdb_tls.hosts.direct.names import DwarfNames
from gdb_tls.hosts.direct.rust_storage import state_of
from gdb_tls.hosts.direct.stacks import MISSING, Stacks, started
from gdb_tls.hosts.direct.values import Formatter
from gdb_tls.hosts.native.dwarf_types import TAG_POINTER, DwarfType
from gdb_tls.hosts.native.library_contents import STRING_TEXT
from gdb_tls.hosts.native.reads import OneByOne
from gdb_tls.objects.loaded import LoadedObject, LoadedObjects
from gdb_tls.program.declared import UNREADABLE
from gdb_tls.program.module_symbols import debug_file
from gdb_tls.program.type_names import short_beginning
from gdb_tls.target.architectures import Architecture
from gdb_tls.target.facts import CallFrame, Fault, FoundFile, Frame, Region
from gdb_tls.target.model import Absence, Lookup, Place, State, Storage, Thread, Type, Variable
from gdb_tls.target.protocol import Answers, Calls, Evaluator, UnreadableMemory

WITH_GDB = "Use --engine gdb."
NOT_UNPACKED = (
    "Note: the debug information of {} is compressed with zstd, which takes the library libzstd (or Python 3.14), and "
    "neither is here: types and lines are missing. Install it, or `objcopy --decompress-debug-sections` a copy."
)
# Of a value with many members.
MOST_VALUE_CHARACTERS = 200
NUMBER = re.compile(r"\s*([+-]?\s*(?:0x[0-9a-f]+|[0-9]+))\s*", re.IGNORECASE)


class DirectTarget:
    """Implements what does not depend on whether it is a core or a process of `gdb_tls.target.Target`."""

    engine = "direct"
    # GDB's default of `set print elements`.
    most_characters = 200
    kind: str
    pid: int | None
    executable: str | None
    core_file: str | None = None
    gaps = ""
    # Only of a core stacks are unwound: a process has others meanwhile.
    core: Core | None = None
    architecture: Architecture
    memory: OneByOne
    files: Files

    @cached_property
    def objects(self) -> LoadedObjects:
        """The loaded objects and their files, for names."""
        return LoadedObjects(self)

    @cached_property
    def debug(self) -> DwarfNames:
        """See `Target.debug`."""
        return DwarfNames(self.objects)

    def threads(self, thread_pointers: Mapping[int, int] = {}) -> list[Thread]:
        """See `Target.threads`."""
        raise NotImplementedError

    def name_of(self, thread: Thread) -> str:
        """See `Target.name_of`."""
        return ""

    def selected_thread(self) -> int | None:
        """See `Target.selected_thread`."""
        raise NotImplementedError

    def thread_pointer(self, thread: Thread) -> int | None:
        """See `Target.thread_pointer`."""
        raise NotImplementedError

    def stack_pointer(self, thread: Thread) -> int | None:
        """See `Target.stack_pointer`."""
        raise NotImplementedError

    def has_task(self, lwp: int) -> bool:
        """See `Target.has_task`."""
        raise NotImplementedError

    def outer_ids(self) -> Mapping[int, int]:
        """See `Target.outer_ids`."""
        return {}

    def is_steady(self, pointer: int, lwp: int) -> bool:
        """See `Target.is_steady`."""
        return True

    def fault(self, most: int | None = None) -> Fault | None:
        """See `Target.fault`."""
        raise NotImplementedError

    def auxiliary_vector(self) -> Mapping[int, int]:
        """See `Target.auxiliary_vector`."""
        raise NotImplementedError

    def regions(self) -> Sequence[Region]:
        """See `Target.regions`."""
        raise NotImplementedError

    def files_for(self, target_path: str, address: int, build_id: str | None = None) -> Iterator[FoundFile]:
        """See `Target.files_for`."""
        return self.files.find(target_path, address, build_id)

    def frames(self, thread: Thread, most: int, until: Callable[[Frame], bool] | None = None) -> list[Frame]:
        """See `Target.frames`: without drgn, or of a process that runs, where the thread is now."""
        unwound = self.stacks.frames(thread.lwp, most, until) if self.stacks and self.core and thread.lwp else []
        if unwound:
            return unwound
        pc = self.program_counter(thread)
        if pc is None:
            return []
        name = self.symbol_at(pc) or ""
        return [Frame(re.sub(r" \+ \d+$", "", name), *self.line_at(pc), pc)]

    def frames_of_many(
        self, threads: Sequence[Thread], most: int, until: Callable[[Frame], bool] | None = None
    ) -> Iterator[list[Frame] | Exception]:
        """See `Target.frames_of_many`."""
        for thread in threads:
            try:
                yield self.frames(thread, most, until)
            except Exception as error:  # one bad thread is one bad row
                yield error

    def program_counter(self, thread: Thread) -> int | None:
        """Where a thread is in its code; None where that is not known."""
        return None

    def call_frames(self, thread: Thread, most: int) -> list[CallFrame]:
        """See `Target.call_frames`."""
        return self.stacks.call_frames(thread.lwp, most) if self.stacks and self.core and thread.lwp else []

    _is_looking = False

    @property
    def missing(self) -> str:
        """What would have said more, and was asked for, a line each; empty for nothing."""
        packed = NOT_UNPACKED.format(", ".join(map(os.path.basename, self.debug.packed))) if self.debug.packed else ""
        return "\n".join(note for note in (packed, self._missing_of_stacks) if note)

    @property
    def _missing_of_stacks(self) -> str:
        if "stacks" not in self.__dict__:
            return ""
        if self.stacks is None:
            return MISSING
        return f"Note: drgn could not read all of it: {self.stacks.problem}." if self.stacks.problem else ""

    @cached_property
    def stacks(self) -> Stacks | None:
        """What drgn says; None where it is not installed."""
        drgn, debug = self.drgn(), self.debug
        return Stacks(drgn, self.objects, lambda file: debug_file(file, debug), self.symbol_at) if drgn else None

    def drgn(self) -> Helper | None:
        """The process that drgn runs in; None where it is not installed."""
        return started(None, None, self.architecture)

    def format_value(self, kind: Type, address: int) -> str:
        """See `Target.format_value`; classes of the C++ library are shown as pretty printers show them."""
        if not isinstance(kind.debugger_type, DwarfType):
            return ""
        try:
            text = self._formatter.text(kind.debugger_type, address)
        except UNREADABLE as error:
            return f"<{error}>"
        return self._one_line(text)

    def _one_line(self, text: str) -> str:
        text = short_beginning(text)
        most = max(self.most_characters, MOST_VALUE_CHARACTERS)
        return text if len(text) <= most or STRING_TEXT.match(text) else text[:most] + "..."

    @cached_property
    def _formatter(self) -> Formatter:
        return Formatter(self.memory, self.architecture, self.most_characters, self.symbol_at)

    def format_pointed(self, kind: Type, pointer: int) -> str:
        """See `Target.format_pointed`."""
        if not isinstance(kind.debugger_type, DwarfType):
            return ""
        try:
            bare = kind.debugger_type.bare
            text = self._formatter.pointed(bare.target, pointer, is_text=bare.tag == TAG_POINTER)
        except (UnreadableMemory, *UNREADABLE):
            return ""
        return "" if "<error" in text else self._one_line(text)

    def storage_state(self, storage: Storage, address: int) -> str:
        """See `Target.storage_state`."""
        return state_of(storage, address, self.memory, self.architecture.byte_order)

    def find_element(self, lookup: Lookup, address: int, name: str) -> Place:
        """See `Target.find_element`."""
        return Absence(State.UNRESOLVED, f"elements of {name} are found by GDB's pretty printers only")

    def symbol_at(self, address: int) -> str | None:
        """See `Target.symbol_at`."""
        for loaded, bounds in self._bounds:
            if loaded.file and bounds[0] <= address < bounds[1]:
                place = address - loaded.load_base
                known = (file.place_at(place) for file in self._symbol_files(loaded.file))
                symbol = next((one for one in known if one), None)
                if symbol is None:
                    return None
                name, behind = demangled([symbol.name])[0], address - loaded.load_base - symbol.value
                return f"{name} + {behind}" if behind else name
        return None

    def _symbol_files(self, file: ElfFile) -> list[ElfFile]:
        """The files that have symbols of a file: of a stripped one, its debug file first."""
        if file.path not in self._with_symbols:
            separate = debug_file(file, self.debug) if file.is_stripped else None
            self._with_symbols[file.path] = [separate, file] if separate else [file]
        return self._with_symbols[file.path]

    @cached_property
    def _with_symbols(self) -> dict[str, list[ElfFile]]:
        return {}

    @cached_property
    def _bounds(self) -> list[tuple[LoadedObject, tuple[int, int]]]:
        found = [(loaded, self.objects.bounds(loaded)) for loaded in self.objects.all if loaded.file]
        return [(loaded, bounds) for loaded, bounds in found if bounds]

    def line_at(self, address: int) -> tuple[str, int]:
        """See `Target.line_at`."""
        return self.stacks.line_at(address) if self.stacks else ("", 0)

    def evaluate(self, expression: str) -> int:
        """See `Target.evaluate`: numbers, sums of them, and symbols."""
        text = expression.strip()
        mask = (1 << 8 * self.architecture.pointer_size) - 1
        terms = [term.replace(" ", "") for term in NUMBER.findall(text)]
        if terms and NUMBER.sub("", text) == "":
            return sum(map(_number, terms)) & mask
        name = text.removeprefix("&")
        found = None
        # The list of objects asks for the loader's symbols where it finds no beginning: then none is known yet.
        if not self._is_looking and re.fullmatch(r"[\w.$@]+", name):
            self._is_looking = True
            try:
                found = self.objects.symbol_address(name)
            finally:
                self._is_looking = False
        if found is None:
            raise BadArgument(f"{text} is no number and no symbol", f"Other expressions need GDB: {WITH_GDB}")
        _, symbol, address = found
        function = found[0].file.function_at(symbol.value) if found[0].file else None
        if text.startswith("&") or (function and function.value == symbol.value):
            return address
        raise BadArgument(f"The value of {text} is not read here", f"Give its address, &{text}, or a number.")

    def addresses_in(self, threads: Sequence[Thread], variables: Sequence[Variable]) -> Answers:
        """See `Target.addresses_in`."""
        for _ in threads:
            yield ["GDB is not asked, as this is the engine without it"] * len(variables)

    def searches_for(self, variable: Variable) -> bool:
        """See `Target.searches_for`: it is not asked."""
        return False

    def evaluator(self) -> Evaluator:
        """See `Target.evaluator`."""
        raise ResolverUnavailable("Expressions are not evaluated without GDB", WITH_GDB)

    def calls(self) -> Calls:
        """See `Target.calls`."""
        raise ResolverUnavailable("Nothing can be called without GDB", f"Use --via passive, or GDB: {WITH_GDB}")

    def map_of_core(self, core_file: str, pattern: str | None) -> Any:
        """See `Target.map_of_core`."""
        from gdb_tls.hosts.direct.other_core import map_of_core

        return map_of_core(core_file, pattern)


def _number(term: str) -> int:
    sign, digits = (-1 if term.startswith("-") else 1), term.lstrip("+-")
    return sign * (int(digits, 16) if digits[:2].lower() == "0x" else int(digits))
