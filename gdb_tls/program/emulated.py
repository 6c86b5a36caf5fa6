"""Emulated thread-local storage: variables of programs built with -femulated-tls, which no block of TLS holds.

For each the compiler makes a control variable `__emutls_v.NAME = {size, align, index, initial value}`.  The runtime's
`__emutls_get_address` numbers them at their first use, from 1, and keeps each thread's instances in an array behind a
pthread key.  The runtime is libgcc's (libgcc/emutls.c) or LLVM's (compiler-rt/lib/builtins/emutls.c), in a library or
linked into the object itself; each copy has a key and an order of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from gdb_tls.elf.file import ElfFile, NotElf
from gdb_tls.elf.headers import TlsSegment
from gdb_tls.elf.symbols import ElfSymbol
from gdb_tls.errors import TlsError, reason
from gdb_tls.objects.loaded import LoadedObject, LoadedObjects
from gdb_tls.objects.words import Words
from gdb_tls.program.module_symbols import debug_file
from gdb_tls.program.names import EMULATED_CONTROL as CONTROL
from gdb_tls.program.places import BY_OFFSET
from gdb_tls.program.runtimes import is_runtime
from gdb_tls.target.architectures import EMUTLS_GET_ADDRESS as GET_ADDRESS
from gdb_tls.target.model import Absence, Emulated, Module, Place, State, Thread
from gdb_tls.target.protocol import Target, UnreadableMemory
from gdb_tls.tuples import NamedTuple

if TYPE_CHECKING:
    from gdb_tls.libc.thread_data import KeySlot, ThreadData

# Where the runtime keeps its key, and what the key's destructor is called: libgcc's, LLVM's.
KEYS = ("emutls_key", "emutls_pthread_key")
DESTRUCTORS = ("emutls_destroy", "emutls_key_destructor")
# Module ids are of the loader and small; these stand for variables that the loader does not know.
FIRST_ID = 1 << 40
MOST_VARIABLES = 1 << 20
# An array begins with its size, at least 14; in newer runtimes there is a count of rounds of destructors before it.
MOST_ROUNDS = 8


class Runtime(NamedTuple):
    """The copy of the runtime that an object's code uses, or why that is not known.

    Attributes:
        loaded: the object that it is in; None where it is not known.
        problem: why; empty where it is known.
    """

    loaded: LoadedObject | None
    problem: str = ""


class EmulatedStorage:
    """Finds the control variables, and each thread's instances."""

    def __init__(
        self,
        target: Target,
        objects: LoadedObjects,
        thread_data: Callable[[], ThreadData],
        threads: Callable[[], Sequence[Thread]],
    ) -> None:
        """Reads nothing yet.

        Args:
            target: the program.
            objects: its loaded objects.
            thread_data: gives what the C library keeps for threads.
            threads: gives all threads.
        """
        self._target = target
        self._objects = objects
        self._thread_data = thread_data
        self._threads = threads
        self._words = Words(target)
        self._keys: dict[Runtime, int | str] = {}
        self._slots: dict[int, list[KeySlot] | Absence] = {}

    @cached_property
    def modules(self) -> list[Module]:
        """One for each variable: its "block" is an object of its own."""
        found: list[Module] = []
        for loaded in self._objects.all:
            try:
                found += self._modules_of(loaded, FIRST_ID + len(found))
            except (NotElf, OSError):
                continue
        return found

    @staticmethod
    def _is_runtime(loaded: LoadedObject, file: ElfFile) -> bool:
        """Whether it is the library that the runtime comes in, libgcc_s, which has no such variable itself."""
        own = file.symbols([GET_ADDRESS]).get(GET_ADDRESS) if is_runtime(loaded.name) else None
        return own is not None and own.exported

    def _modules_of(self, loaded: LoadedObject, first: int) -> Iterator[Module]:
        file = loaded.file
        if file is None or not file.mentions(b"__emutls_"):
            return
        separate = debug_file(file, self._target.debug)
        places = {(one.value, one.name): one for one in (separate.every_with_prefix(CONTROL) if separate else ())}
        places.update({(one.value, one.name): one for one in file.every_with_prefix(CONTROL)})
        if not places and loaded.path is not None and not self._is_runtime(loaded, file):
            places = {(one.value, one.name): one for one in _in_code(loaded.path, loaded.name)}
        for number, ((_, name), symbol) in enumerate(sorted(places.items())):
            control = loaded.load_base + symbol.value
            size, segment, problem = symbol.size, None, ""
            try:
                size, alignment, _, initial = self._words.read_some(control, 4)
                image = size if initial else 0
                segment = TlsSegment(initial - loaded.load_base, image, size, max(alignment, 1))
            except UnreadableMemory:
                problem = f"the control variable {name} cannot be read"
            own = symbol._replace(name=name.removeprefix(CONTROL), value=0, size=size, emulated=True)
            module = loaded.module(first + number, segment or TlsSegment(0, 0, size, 1), None)
            yield module._replace(problem=problem, emulated=Emulated(control, own))

    def places(self, module: Module, threads: Sequence[Thread]) -> list[Place]:
        """Where one variable is in each thread, or why it is nowhere."""
        pointers = [thread.thread_pointer for thread in threads if thread.thread_pointer is not None]
        try:
            found = iter(self._places(module, pointers))
        except (TlsError, UnreadableMemory) as error:
            found = iter([Absence(State.UNRESOLVED, reason(error))] * len(pointers))
        return [
            next(found) if thread.thread_pointer is not None else Absence(State.UNRESOLVED, thread.problem)
            for thread in threads
        ]

    def _places(self, module: Module, pointers: Sequence[int]) -> Sequence[Place]:
        assert module.emulated
        index = self._words.read_some(module.emulated.control, 4)[2]
        if index == 0:
            return [Absence(State.UNALLOCATED, "no thread has used it yet")] * len(pointers)
        if index > MOST_VARIABLES:
            # libgcc keeps the only instance's address here while the process is not linked with threads.
            return [Absence(State.UNRESOLVED, f"its control variable holds no index but 0x{index:x}")] * len(pointers)
        key = self._key(self._runtime(module))
        if isinstance(key, str):
            return [Absence(State.UNRESOLVED, key)] * len(pointers)
        alignment = module.segment.alignment if module.segment else 1
        return [self._place(self._held(pointer, key), index, alignment) for pointer in pointers]

    # Which runtime, which key

    def _runtime(self, module: Module) -> Runtime:
        """The object's own copy of the runtime, or the only one that is exported to all."""
        exporting = []
        for loaded in self._objects.all:
            symbols = loaded.file.symbols([GET_ADDRESS]) if loaded.file else {}
            if symbols and loaded.load_base == module.load_base and loaded.target_path == module.target_path:
                return Runtime(loaded)
            if symbols and symbols[GET_ADDRESS].exported:
                exporting.append(loaded)
        if len(exporting) == 1:
            return Runtime(exporting[0])
        if exporting:
            return Runtime(None, f"{GET_ADDRESS} is in {' and in '.join(one.name for one in exporting)}")
        return Runtime(None, f"no object here has {GET_ADDRESS}, the runtime of emulated TLS")

    def _key(self, runtime: Runtime) -> int | str:
        """The runtime's pthread key, or why it is not known."""
        if runtime not in self._keys:
            self._keys[runtime] = self._find_key(runtime)
        return self._keys[runtime]

    def _find_key(self, runtime: Runtime) -> int | str:
        if runtime.loaded is None:
            return f"not known, because {runtime.problem}"
        name = runtime.loaded.name
        fitting = [key for key in self._candidates(runtime.loaded) if self._fits(key)]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            return f"not known, because no pthread key of this process holds the arrays of {GET_ADDRESS} of {name}"
        keys = ", ".join(map(str, fitting))
        return f"not known, because each of the pthread keys {keys} may be that of {GET_ADDRESS} of {name}"

    def _candidates(self, loaded: LoadedObject) -> list[int]:
        """Keys that may be the runtime's: by the variable that holds it, else by the destructor's place and name."""
        file = loaded.file
        separate = debug_file(file, self._target.debug) if file else None
        for symbols in (one.symbols(KEYS) for one in (file, separate) if one):
            for symbol in symbols.values():
                try:
                    return [self._words.read_int(loaded.load_base + symbol.value)]
                except UnreadableMemory:
                    break
        table = self._thread_data().keys()
        bounds = self._objects.bounds(loaded)
        if table.problem or bounds is None:
            return []
        inside = [key for key in table.keys if key.in_use and bounds[0] <= key.destructor < bounds[1]]
        named = [key for key in inside if _is_destructor(file, key.destructor - loaded.load_base)]
        return [key.number for key in named or inside]

    def _fits(self, key: int) -> bool:
        """Whether what the threads hold for a key are arrays of the runtime; one at least has to be there."""
        pointers = [one.thread_pointer for one in self._threads() if one.thread_pointer is not None]
        held = [self._held(pointer, key) for pointer in pointers]
        arrays = [one for one in held if isinstance(one, int) and one]
        return bool(arrays) and all(self._size(one) is not None for one in arrays)

    # A thread's array

    def _held(self, pointer: int, key: int) -> int | Absence:
        """What a thread keeps for a key; 0 for nothing."""
        if pointer not in self._slots:
            (self._slots[pointer],) = self._thread_data().key_slots([pointer])
        slots = self._slots[pointer]
        if isinstance(slots, Absence):
            return slots
        return next((slot.value for slot in slots if slot.number == key), 0)

    def _size(self, array: int) -> tuple[int, int] | None:
        """Where an array's elements begin, and how many there is room for; None where it is no array."""
        try:
            first, second = self._words.read_some(array, 2)
        except UnreadableMemory:
            return None
        head, size = (1, first) if first > MOST_ROUNDS else (2, second)
        if array % self._words.size or not MOST_ROUNDS < size <= 2 * MOST_VARIABLES:
            return None
        return array + head * self._words.size, size

    def _place(self, array: int | Absence, index: int, alignment: int) -> Place:
        if isinstance(array, Absence):
            return array
        none = Absence(State.UNALLOCATED, "this thread has not used it yet")
        if not array:
            return none
        found = self._size(array)
        if found is None:
            return Absence(State.UNRESOLVED, f"the thread's array of emulated TLS at 0x{array:x} is damaged")
        start, size = found
        if index > size:
            return none
        try:
            place = self._words.read(start + (index - 1) * self._words.size)
        except UnreadableMemory:
            return Absence(State.UNREADABLE, f"the thread's array of emulated TLS at 0x{array:x} cannot be read")
        return place if place else none


def _in_code(path: str, name: str) -> Iterator[ElfSymbol]:
    """The control variables of a stripped file: what its code gives to the runtime; none where it cannot be read."""
    from gdb_tls.code.emulated import control_of
    from gdb_tls.code.index import code_index

    try:
        accesses = code_index(path).emulated()
    except TlsError:
        return
    for control in sorted({control_of(one.target) for one in accesses} - {None}, key=lambda one: one or 0):
        yield ElfSymbol(f"{name}+0x{control:x}", control or 0, 0, False, True, "", BY_OFFSET)


def _is_destructor(file: ElfFile | None, address: int) -> bool:
    found = file.function_at(address) if file else None
    return bool(found and found.value == address and found.name.startswith(DESTRUCTORS))
