"""The target as GDB has it: threads, files, frames; every gdb object becomes plain data here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import gdb

from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.errors import BadArgument, NoProcess, UnsupportedTarget
from gdb_tls.hosts.gdb import core_threads, pointed, rust_storage
from gdb_tls.hosts.gdb.addresses import addresses_of, sentence
from gdb_tls.hosts.gdb.connection import kind_of
from gdb_tls.hosts.gdb.files import Files
from gdb_tls.hosts.gdb.library_printers import own_printers
from gdb_tls.hosts.gdb.memory import AT_PHDR, open_memory
from gdb_tls.hosts.gdb.read_cache import cached_reads
from gdb_tls.hosts.gdb.selection import LANGUAGE, selection, setting, users_language
from gdb_tls.hosts.gdb.symbols import GdbSymbols
from gdb_tls.hosts.gdb.warnings import Warnings
from gdb_tls.hosts.native.core_file import gaps_in, open_core
from gdb_tls.hosts.native.process_ids import process_of
from gdb_tls.hosts.native.thread_notes import numbered
from gdb_tls.program.names import RUST_DETAILS, without_rust_details
from gdb_tls.program.scalars import is_string
from gdb_tls.program.type_names import short_beginning
from gdb_tls.target import architectures as arch
from gdb_tls.target.facts import CallFrame, Fault, FoundFile, Frame, Region
from gdb_tls.target.model import Absence, Life, Lookup, Place, State, Storage, Thread, Type, Variable
from gdb_tls.target.protocol import Answers, UnreadableMemory
from gdb_tls.tuples import tuples_of

if TYPE_CHECKING:
    from gdb_tls.hosts.gdb.calls import GdbCalls
    from gdb_tls.hosts.gdb.evaluator import GdbEvaluator

AT_EXECFN = 31
# Of a value with many members.
MOST_VALUE_CHARACTERS = 200
UNLIMITED = 1 << 16
# Each command that collects warnings costs GDB a look at the selected frame.
THREADS_AT_ONCE = 32
# Of these an expression means the place, of all others the value.
OBJECTS = (
    gdb.TYPE_CODE_STRUCT,
    gdb.TYPE_CODE_UNION,
    gdb.TYPE_CODE_ARRAY,
    gdb.TYPE_CODE_FUNC,
    gdb.TYPE_CODE_REF,
    gdb.TYPE_CODE_RVALUE_REF,
)


class GdbTarget:
    """GDB's selected inferior; implements `gdb_tls.target.Target`."""

    engine = "gdb"

    def __init__(self) -> None:
        """Looks at the selected inferior.

        Raises:
            NoProcess: where it has no process and no core.
            UnsupportedTarget: where its architecture is not in the table.
        """
        self._inferior = gdb.selected_inferior()
        if not self._inferior.is_valid() or not self._inferior.pid or gdb.selected_thread() is None:
            raise NoProcess("There is no process and no core dump to look at")
        name = self._inferior.architecture().name()
        found = arch.find(name)
        if found is None:
            raise UnsupportedTarget(f"The architecture {name} is not known to gdb-tls")
        self.architecture = found
        self.kind = kind_of(self._inferior)
        self.pid: int | None = process_of(self._inferior.pid) if self.kind == "live" else self._inferior.pid
        self.memory = open_memory(
            self._inferior,
            self.kind,
            self.core_file,
            self.auxiliary_vector().get(AT_PHDR),
            lambda: any(self._running),
        )
        self.debug = GdbSymbols()
        self._warnings = Warnings()

    @cached_property
    def most_characters(self) -> int:
        """See `Target.most_characters`; GDB's default is 200."""
        limit = gdb.parameter("print elements")
        return int(limit) if limit else UNLIMITED

    @cached_property
    def executable(self) -> str | None:
        """The executable's file; where GDB has none, the name that the kernel noted, if it is here."""
        name = gdb.current_progspace().filename
        if name:
            return str(name).removeprefix("target:")
        noted = self._noted_name()
        return noted if noted and os.path.isfile(noted) else None

    def _noted_name(self) -> str:
        address = self.auxiliary_vector().get(AT_EXECFN)
        if not address:
            return ""
        with suppress(UnreadableMemory, gdb.error):
            return os.fsdecode(
                gdb.Value(address).cast(gdb.lookup_type("char").pointer()).string("latin-1").encode("latin-1")
            )
        return ""

    @cached_property
    def core_file(self) -> str | None:
        """The core dump that GDB has opened; None where there is none, or GDB does not tell."""
        if self.kind != "core":
            return None
        corefile = getattr(self._inferior, "corefile", None)
        if corefile is not None:
            return str(corefile.filename)
        # GDB's list of open files is short; what `info target` says of a large core is very long.
        listed = re.findall(r"^\s*\d+\s+0x[0-9a-f]+\s+(.*?)\s*$", gdb.execute("maint info bfds", to_string=True), re.M)
        cores = {name for name in listed if is_core(name)}
        if len(cores) == 1:
            return str(cores.pop())
        found = re.search(r"core dump file:\s+[`‘'](.*)['’], file type", gdb.execute("info target", to_string=True))
        return found.group(1) if found else None

    def threads(self, thread_pointers: Mapping[int, int] = {}) -> list[Thread]:
        """See `Target.threads`."""
        pointer = thread_pointers.get
        known = self._gdb_threads
        if isinstance(known, core_threads.CoreThreads):
            return numbered(known.lwps, thread_pointers)
        ids = [thread.ptid for thread in known.values()]
        lwps = [lwp or tid for _, lwp, tid in ids]
        columns = (
            known,
            [lwp or None for lwp in lwps],
            repeat(""),
            map(pointer, lwps),
            repeat(Life.LISTED),
            self._running,
            repeat(""),
        )
        return tuples_of(Thread, zip(*columns))

    @cached_property
    def _running(self) -> list[bool]:
        return list(map(gdb.InferiorThread.is_running, self._gdb_threads.values()))

    def name_of(self, thread: Thread) -> str:
        """See `Target.name_of`."""
        known = self._gdb_threads
        # GDB has no names in a core (but what a user has given with `thread name`), and each would cost a question.
        if thread.num is None or thread.num not in known or isinstance(known, core_threads.CoreThreads):
            return ""
        return _name(known[thread.num])

    @cached_property
    def gaps(self) -> str:
        """See `Target.gaps`."""
        if self.core_file:
            with suppress(NotElf, OSError):
                return gaps_in(open_core(self.core_file))
        return ""

    @cached_property
    def _gdb_threads(self) -> Mapping[int, gdb.InferiorThread]:
        found = core_threads.find(self.core_file) if self.core_file else None
        if found is not None:
            return found
        # Asked once: on a core with libthread_db GDB walks all threads again each time.
        threads = self._inferior.threads()
        return dict(sorted(zip([thread.num for thread in threads], threads), key=itemgetter(0)))

    def selected_thread(self) -> int | None:
        """See `Target.selected_thread`."""
        thread = gdb.selected_thread()
        return thread.num if thread else None

    def thread_pointer(self, thread: Thread) -> int | None:
        """See `Target.thread_pointer`."""
        return self._warnings.once(partial(self._thread_pointer, thread))

    def _thread_pointer(self, thread: Thread) -> int | None:
        with selection():
            try:
                self._switch(thread)
                frame = gdb.newest_frame()
            except gdb.error:
                return None
            known = None
            for register in self.architecture.registers:
                with suppress(gdb.error, ValueError):
                    known = int(frame.read_register(register)) % (1 << 8 * self.architecture.pointer_size)
                    if known:
                        break
            return known or self._handle(thread) or known

    def _handle(self, thread: Thread) -> int | None:
        """What libthread_db calls the thread (`pthread_t`): on x86 and s390x, the thread pointer."""
        if not self.architecture.static_below or thread.num is None:
            return None
        with suppress(gdb.error, RuntimeError):
            raw = self._gdb_threads[thread.num].handle()
            return int.from_bytes(raw, "little" if self.architecture.byte_order == "little" else "big")
        return None

    def outer_ids(self) -> Mapping[int, int]:
        """See `Target.outer_ids`; what the registers say is compared instead."""
        return {}

    def is_steady(self, pointer: int, lwp: int) -> bool:
        """See `Target.is_steady`: what GDB looks at stands still."""
        return True

    def has_task(self, lwp: int) -> bool:
        """See `Target.has_task`."""
        return self.kind == "live" and os.path.exists(f"/proc/{self.pid}/task/{lwp}")

    def _switch(self, thread: Thread) -> None:
        if thread.num is None:
            raise gdb.error("GDB does not list this thread")
        self._gdb_threads[thread.num].switch()

    def auxiliary_vector(self) -> Mapping[int, int]:
        """See `Target.auxiliary_vector`."""
        return self._auxiliary_vector

    @cached_property
    def _auxiliary_vector(self) -> dict[int, int]:
        try:
            lines = gdb.execute("info auxv", to_string=True)
        except gdb.error:
            return {}
        found = re.findall(r'^(\d+)\s.*?(0x[0-9a-f]+|\d+)(?:\s+".*)?$', lines, re.MULTILINE)
        return {int(tag): int(value, 0) for tag, value in found}

    def files_for(self, target_path: str, address: int, build_id: str | None = None) -> Iterator[FoundFile]:
        """See `Target.files_for`."""
        return self._files.find(target_path, address, build_id)

    @cached_property
    def _files(self) -> Files:
        noted = gdb.current_progspace().filename or self.executable
        return Files(self.kind, self.pid, str(noted) if noted else None, self.regions)

    def frames(self, thread: Thread, most: int, until: Callable[[Frame], bool] | None = None) -> list[Frame]:
        """See `Target.frames`."""
        return self._warnings.once(partial(self._frames_of, thread, most, until))

    def _frames_of(self, thread: Thread, most: int, until: Callable[[Frame], bool] | None) -> list[Frame]:
        with selection():
            return self._unwound(thread, most, until)

    def frames_of_many(
        self, threads: Sequence[Thread], most: int, until: Callable[[Frame], bool] | None = None
    ) -> Iterator[list[Frame] | Exception]:
        """See `Target.frames_of_many`."""
        for start in range(0, len(threads), THREADS_AT_ONCE):
            some = threads[start : start + THREADS_AT_ONCE]
            yield from self._warnings.once(partial(self._frames_of_some, some, most, until))

    def _frames_of_some(
        self, threads: Sequence[Thread], most: int, until: Callable[[Frame], bool] | None
    ) -> list[list[Frame] | Exception]:
        found: list[list[Frame] | Exception] = []
        with selection():
            for thread in threads:
                try:
                    found.append(self._unwound(thread, most, until))
                except Exception as error:  # one bad thread is one bad row
                    found.append(error)
        return found

    def _unwound(self, thread: Thread, most: int, until: Callable[[Frame], bool] | None) -> list[Frame]:
        """Selects a thread, and reads its stack."""
        from gdb_tls.hosts.gdb.frames import frames

        try:
            self._switch(thread)
        except gdb.error:
            return []
        return frames(most, until)

    def call_frames(self, thread: Thread, most: int) -> list[CallFrame]:
        """See `Target.call_frames`."""
        return self._warnings.once(partial(self._call_frames_of, thread, most))

    def _call_frames_of(self, thread: Thread, most: int) -> list[CallFrame]:
        from gdb_tls.hosts.gdb.frames import call_frames

        with selection(), suppress(gdb.error):
            self._switch(thread)
            return call_frames(self.architecture.name, most)
        return []

    def regions(self) -> Sequence[Region]:
        """See `Target.regions`."""
        return self._regions

    @cached_property
    def _regions(self) -> Sequence[Region]:
        from gdb_tls.hosts.gdb.regions import find_regions

        return find_regions(self.kind, self.pid, self.core_file)

    def fault(self, most: int | None = None) -> Fault | None:
        """See `Target.fault`."""
        from gdb_tls.hosts.gdb.fault import find_fault

        return find_fault(self._gdb_threads, self.architecture.pointer_size, self.core_file, most)

    def map_of_core(self, core_file: str, pattern: str | None) -> Any:
        """See `Target.map_of_core`."""
        from gdb_tls.hosts.gdb.other_core import map_of_core

        return map_of_core(core_file, self.executable, pattern)

    def format_value(self, kind: Type, address: int) -> str:
        """See `Target.format_value`; pretty printers are used, on one line."""
        try:
            with setting("language", kind.language or LANGUAGE), own_printers():
                value = gdb.Value(address).cast(kind.debugger_type.pointer()).dereference()
                value, borrowed = rust_storage.contents_of(value)
                text = pointed.unprinted(value) or value.format_string(
                    pretty_structs=False, max_elements=self.most_characters
                )
        except gdb.MemoryError:
            raise UnreadableMemory(address) from None
        except (gdb.error, RuntimeError, ValueError) as error:  # a UnicodeError is a ValueError
            return f"<{error}>"
        return self._one_line(text, value) + borrowed

    def format_pointed(self, kind: Type, pointer: int) -> str:
        """See `Target.format_pointed`."""
        try:
            with setting("language", kind.language or LANGUAGE), own_printers():
                bare = kind.debugger_type.strip_typedefs()
                if bare.code != gdb.TYPE_CODE_PTR:
                    value = gdb.Value(pointer).cast(bare.target().pointer()).dereference()
                    text = value.format_string(pretty_structs=False, max_elements=self.most_characters)
                elif pointed.is_wide(kind.debugger_type):
                    value = gdb.Value(pointer).cast(kind.debugger_type)
                    text = value.format_string(max_elements=self.most_characters).partition(" ")[2]
                else:
                    value = gdb.Value(pointer).cast(kind.debugger_type).dereference()
                    text = value.format_string(pretty_structs=False, max_elements=self.most_characters)
        except (gdb.error, RuntimeError, ValueError):
            return ""
        return "" if "<error" in text or "Cannot access memory" in text else self._one_line(text, value)

    def _one_line(self, text: str, value: gdb.Value) -> str:
        """A value's text on one line; of a string that is cut, with its length."""
        text = short_beginning(re.sub(r"\s*\n\s*", " ", text))
        if is_string(text):
            return text + pointed.length_of(value) if text.endswith("...") else text
        most = max(self.most_characters, MOST_VALUE_CHARACTERS)
        return text if len(text) <= most else text[:most] + "..."

    def storage_state(self, storage: Storage, address: int) -> str:
        """See `Target.storage_state`."""
        try:
            with setting("language", "rust"):
                return rust_storage.state_of(storage, address)
        except gdb.MemoryError:
            raise UnreadableMemory(address) from None
        except (gdb.error, RuntimeError):
            return ""

    def has_value(self, option: Any, address: int) -> bool | None:
        """See `Target.has_value`."""
        try:
            with setting("language", "rust"):
                return rust_storage.has_value_at(option, address)
        except (gdb.error, RuntimeError):
            return None

    def find_element(self, lookup: Lookup, address: int, name: str) -> Place:
        """See `Target.find_element`."""
        from gdb_tls.hosts.gdb.containers import element

        try:
            return element(lookup, address, name)
        except (gdb.error, RuntimeError, ValueError) as error:
            return Absence(State.UNREADABLE, f"{name} cannot be read: {' '.join(str(error).split()).rstrip('.')}")

    def symbol_at(self, address: int) -> str | None:
        """See `Target.symbol_at`."""
        with suppress(gdb.error):
            text = gdb.execute(f"info symbol 0x{address:x}", to_string=True)
            if not text.startswith("No symbol"):
                name = re.split(r" in section | of ", text, maxsplit=1)[0].strip()
                return without_rust_details(name) if RUST_DETAILS.search(name) else name
        return None

    def line_at(self, address: int) -> tuple[str, int]:
        """See `Target.line_at`."""
        with suppress(gdb.error):
            line = gdb.find_pc_line(address)
            if line.symtab and line.line:
                return os.path.basename(line.symtab.filename), line.line
        return "", 0

    def stack_pointer(self, thread: Thread) -> int | None:
        """See `Target.stack_pointer`."""
        return self._warnings.once(partial(self._stack_pointer, thread))

    def _stack_pointer(self, thread: Thread) -> int | None:
        with selection(), suppress(gdb.error):
            self._switch(thread)
            return int(gdb.newest_frame().read_register("sp")) % (1 << 8 * self.architecture.pointer_size)
        return None

    def evaluate(self, expression: str) -> int:
        """See `Target.evaluate`."""
        try:
            with users_language():
                value = gdb.parse_and_eval(expression)
            bare = value.type.strip_typedefs()
            if bare.code in OBJECTS or bare.code == gdb.TYPE_CODE_FLT:
                if value.address is None:
                    raise BadArgument(f"{expression} is a value without an address", "Give an address.")
                value = value.address
            return int(value) % (1 << 8 * self.architecture.pointer_size)
        except (gdb.error, RuntimeError, ValueError, OverflowError) as error:
            raise BadArgument(sentence(error), "Give an address, or an expression that GDB can evaluate.") from None

    def addresses_in(self, threads: Sequence[Thread], variables: Sequence[Variable]) -> Answers:
        """See `Target.addresses_in`."""
        mask = (1 << 8 * self.architecture.pointer_size) - 1
        with selection(), cached_reads(self.kind):
            for start in range(0, len(threads), THREADS_AT_ONCE):
                some = threads[start : start + THREADS_AT_ONCE]
                yield from self._warnings.once(partial(addresses_of, some, variables, self._switch, mask))

    def searches_for(self, variable: Variable) -> bool:
        """See `Target.searches_for`: a declaration has no location."""
        symbol = variable.debugger_symbol
        return symbol is None or bool(symbol.addr_class == gdb.SYMBOL_LOC_UNRESOLVED)

    def evaluator(self) -> GdbEvaluator:
        """See `Target.evaluator`."""
        from gdb_tls.hosts.gdb.evaluator import GdbEvaluator

        return GdbEvaluator(self._switch, self._one_line, self.architecture, self.most_characters)

    def calls(self) -> GdbCalls:
        """See `Target.calls`."""
        from gdb_tls.hosts.gdb.calls import GdbCalls

        return GdbCalls(self._gdb_threads, self.architecture, self.pid if self.kind == "live" else None)


def _name(thread: gdb.InferiorThread) -> str:
    try:
        return thread.name or ""
    except UnicodeDecodeError:
        # GDB decodes strictly; Linux takes any bytes for a thread's name (proc(5), comm).
        try:
            with open(f"/proc/{thread.ptid[0]}/task/{thread.ptid[1]}/comm", "rb") as file:
                return file.read().rstrip(b"\n").decode("utf-8", errors="backslashreplace")
        except OSError:
            return "?"


def is_core(path: str) -> bool:
    """Whether a file is a core dump."""
    try:
        return open_elf(path).is_core
    except NotElf:
        return False
