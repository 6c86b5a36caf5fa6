"""Whether thread-local objects are alive: constructed in a thread, not constructed there, or destroyed already."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from gdb_tls.code.construction import (
    GUARD,
    INIT,
    PREFIXES,
    REGISTER,
    SHARED_GUARD,
    Guard,
    Guards,
    is_making,
    named_guards,
    registrations,
)
from gdb_tls.code.index import code_index
from gdb_tls.elf.file import NotElf, open_elf
from gdb_tls.errors import TlsError
from gdb_tls.program.module_symbols import Candidate, candidates_of, debug_file
from gdb_tls.program.names import rust_constant
from gdb_tls.program.places import is_too_large, nameless_in
from gdb_tls.program.runtimes import is_runtime
from gdb_tls.program.thread_end import Endings
from gdb_tls.target.model import Module, Place, State, Storage, Thread, Type
from gdb_tls.target.protocol import Target, UnreadableMemory

# The architectures whose guards are as `gdb_tls.code.construction` says.
ARCHITECTURES = ("x86-64", "aarch64")


class Lifetime(NamedTuple):
    """Where one object is in its life.

    Attributes:
        state: `State.NOT_CONSTRUCTED` or `State.DESTROYED`: its bytes are no value; None for an object that is alive.
        reason: from what that is known; None for an object that is alive.
    """

    state: State | None = None
    reason: str | None = None


CONSTRUCTED = Lifetime()
UNINITIALISED = "uninitialised: nothing has used it in this thread yet"
DROPPED = "it was destroyed in this thread, as its state says"
# Unwinding costs the debugger up to milliseconds a thread; of more threads nothing is said that depends on it.
MOST_UNWOUND = 64
UNSET = "its guard is not set in this thread"
ENDED = "its destructor has begun: this thread is ending"
# Of a constant in Rust before 1.79: 2 where its destructor has begun, 0 and 1 before.
CONSTANT_DESTROYED = 2
STORAGE_STATES = {
    "uninitialised": Lifetime(State.NOT_CONSTRUCTED, UNINITIALISED),
    "alive": CONSTRUCTED,
    "destroyed": Lifetime(State.DESTROYED, DROPPED),
}


class Lifetimes:
    """What is known of the lives of one program's objects."""

    def __init__(self, target: Target, endings: Endings) -> None:
        """Reads nothing yet."""
        self._target = target
        self._endings = endings
        self._registered: dict[int, frozenset[int]] = {}
        self._making: dict[tuple[int, int, Thread], bool] = {}
        self._guards: dict[int, dict[int, Guard]] = {}

    def guard(self, module: Module, offset: int, patient: bool = True) -> Guard | None:
        """What says whether the variable at an offset of a module's block is constructed; None where nothing does.

        Args:
            module: the module.
            offset: where its symbol begins.
            patient: whether of a file with much code at least the functions are read that the names tell of.
        """
        return self._guards_in(module, patient).get(offset)

    def is_guard(self, module: Module, offset: int) -> bool:
        """Whether there is a guard at an offset of a module's block, as far as its names and code prove it."""
        return any(one.offset == offset for one in self._guards_in(module, patient=False).values())

    def _guards_in(self, module: Module, patient: bool) -> dict[int, Guard]:
        if self._target.architecture.name not in ARCHITECTURES:
            return {}
        if module.id not in self._guards:
            self._guards[module.id] = {}
            with suppress(TlsError, NotElf, OSError):  # then nothing is said of its objects
                self._guards[module.id] = self._guards_of(module, patient)
        return self._guards[module.id]

    def _guards_of(self, module: Module, patient: bool) -> dict[int, Guard]:
        if module.path is None or module.emulated or is_runtime(module.name):
            return {}  # nobody looks for the runtimes' own objects
        debug = self._target.debug
        symbols = [one.symbol for one in candidates_of([module], debug)]
        found = named_guards(symbols) if any(one.name.startswith(GUARD) for one in symbols) else {}
        file = open_elf(module.path)
        separate = debug_file(file, debug)
        files = [file, *([separate] if separate else [])]
        shared = any(one.name.startswith(SHARED_GUARD) for one in symbols)
        # Of a stripped file that registers destructors, the code tells.
        is_stripped = all(one.source == "dynsym" for one in symbols) and file.mentions(REGISTER[0].encode())
        if not found and not shared and not is_stripped and not any(one.mentions(INIT.encode()) for one in files):
            return found
        is_large = is_too_large(module)
        if is_large and (is_stripped or not patient):
            return found
        if is_stripped:
            known = [Candidate(module, one) for one in symbols]
            with suppress(TlsError):
                places = nameless_in(module, known, self._target.architecture.pointer_size)
                symbols += [one.symbol._replace(is_local=True) for one in places]
        functions = {
            (one.name, one.value): one
            for file in files
            for prefix in PREFIXES
            for one in file.every_with_prefix(prefix)
        }
        with suppress(TlsError):  # no capstone: what is constructed by its name is known all the same
            guards = Guards(code_index(module.path), symbols, functions.values())
            found = {**guards.of_aliases, **found} if is_large else guards.find(found)
        return found

    def of(
        self,
        module: Module,
        offset: int,
        size: int,
        threads: Sequence[Thread],
        blocks: Sequence[Place],
        raws: Sequence[bytes | None] | None = None,
        patient: bool = True,
    ) -> list[Lifetime | None] | None:
        """The lives of a variable's objects in some threads, None where nothing is known; None for nothing at all.

        Args:
            module: the variable's.
            offset: where it is in the module's block.
            size: in bytes.
            threads: the threads.
            blocks: the module's block in each of them.
            raws: the guard's byte in each, empty or None where it cannot be read; None: it is read here.
            patient: see `guard`.
        """
        guard = self.guard(module, offset, patient)
        if guard is None:
            return None
        if raws is None:
            known = [place for place in blocks if isinstance(place, int)]
            read = iter(self._target.memory.read_many([place + guard.offset for place in known], 1))
            raws = [next(read) if isinstance(place, int) else None for place in blocks]
        unset = Lifetime(State.NOT_CONSTRUCTED, UNSET) if guard.constructs else None
        found = [None if not raw else CONSTRUCTED if raw[0] else unset for raw in raws]
        made = [index for index, life in enumerate(found) if life is CONSTRUCTED]
        lists = self._endings.destructors(threads) if made else []
        waiting = set()
        for index in made:
            block, one = blocks[index], lists[index]
            start = block + offset if isinstance(block, int) else 0
            if one and any(start <= record.object < start + max(size, 1) for record in one.records):
                waiting.add(index)
        checked = 0
        for index in made if guard.is_shared else ():
            # The guard is set before the first constructor is called; what is registered is constructed.
            if index not in waiting:
                checked += 1
                if checked > MOST_UNWOUND or self._is_making(module, guard, threads[index]):
                    found[index] = None
        if len(waiting) < len(made) and (waiting or self._has_destructor(module, offset)):
            for index in made:
                one = lists[index]
                if index not in waiting:
                    # Where it is not registered, its constructor may not have come back, or have thrown.
                    gone = one is not None and not one.problem and self._endings.has_begun(threads[index])
                    found[index] = Lifetime(State.DESTROYED, ENDED) if gone else None
        return found

    def _is_making(self, module: Module, guard: Guard, thread: Thread) -> bool:
        """Whether a thread is in one of the constructors that are called where the guard was found zero."""
        if module.path is None:
            return False
        key = (module.id, guard.offset, thread)
        if key not in self._making:
            self._making[key] = False
            with suppress(TlsError, NotElf, OSError):
                index = code_index(module.path)
                places = [pc - module.load_base for pc in self._endings.places(thread)]
                self._making[key] = any(
                    is_making(index, at, guard.offset, is_call=n > 0) for n, at in enumerate(places)
                )
        return self._making[key]

    def _has_destructor(self, module: Module, offset: int) -> bool:
        """Whether the code registers a destructor of the variable."""
        if module.id not in self._registered:
            self._registered[module.id] = frozenset()
            with suppress(TlsError, NotElf, OSError):
                if module.path and not is_too_large(module):
                    self._registered[module.id] = frozenset(at for _, at in registrations(code_index(module.path)))
        return offset in self._registered[module.id]

    def of_rust(
        self, module: Module, linkage: str, kind: Type | None, places: Sequence[Place], blocks: Sequence[Place]
    ) -> list[Lifetime | None] | None:
        """The lives of values of Rust's std::thread_local! in some threads; None where nothing is known.

        Args:
            module: the variable's.
            linkage: its symbol.
            kind: its type.
            places: the variable's address in each of the threads.
            blocks: the module's block in each.
        """
        if kind is not None and kind.storage is not None:
            return self.of_storage(kind, places)
        constant = rust_constant(linkage)
        if constant is None or constant[1]:
            return None
        states = [
            one.symbol.value
            for one in candidates_of([module], self._target.debug)
            if rust_constant(one.symbol.name) == (constant[0], True)
        ]
        if len(states) != 1:
            return None  # nothing is to be dropped
        read = iter(self._target.memory.read_many([one + states[0] for one in blocks if isinstance(one, int)], 1))
        raws = [next(read) if isinstance(one, int) else None for one in blocks]
        dropped = STORAGE_STATES["destroyed"]
        return [None if not raw else dropped if raw[0] == CONSTANT_DESTROYED else CONSTRUCTED for raw in raws]

    def of_storage(self, kind: Type | None, places: Sequence[Place]) -> list[Lifetime | None] | None:
        """The lives of values of Rust's std::thread_local! in some threads; None for other types.

        Args:
            kind: the type.
            places: the variable's address in each of the threads.
        """
        storage = kind.storage if kind else None
        return None if storage is None else [self._of_value(storage, place) for place in places]

    def _of_value(self, storage: Storage, place: Place) -> Lifetime | None:
        if not isinstance(place, int):
            return None
        try:
            state = self._target.storage_state(storage, place)
        except UnreadableMemory:
            return None
        return STORAGE_STATES.get(state)
