"""Asking the process itself: calls of `dlsym` and `__tls_get_addr` in each thread.

They run code in the process and may allocate blocks, so they are made on request only,
and not in a thread whose stack shows that a call could deadlock or harm the heap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gdb_tls.elf.headers import PT_LOAD
from gdb_tls.errors import ResolverUnavailable
from gdb_tls.objects.loaded import LoadedObjects
from gdb_tls.program.program import Program
from gdb_tls.target.facts import Frame
from gdb_tls.target.model import Absence, Place, State, Thread, Variable
from gdb_tls.target.protocol import CallFailed, Calls, Target

# Both functions may allocate, and take the allocator's and the loader's locks on the way.
UNSAFE_FUNCTION = re.compile(
    r"""(_*(libc|rtld|int|je|tc|mi)_)?_*(malloc|calloc|realloc|free|cfree|memalign|valloc|pvalloc|aligned_alloc|posix_memalign)
       |malloc_consolidate|sysmalloc\w*|systrim\w*|unlink_chunk\w*|tcache_\w+|arena_get\w*|new_heap|heap_trim|ptmalloc\w*
       |_+dl_\w+|_*dl(open|mopen|close|sym|vsym|error)|_+tls_get_addr\w*|operator\ (new|delete)(\[\])?
    """,
    re.VERBOSE,
)
RUNS_CODE = "Calling functions in the process: this allocates the blocks of TLS that a thread has not touched yet."
MOST_FRAMES = 64
LOADER_NAMES = ("ld-", "ld.", "ld64")


def make(name: str, program: Program) -> Called:
    """Makes the resolver called "dlsym", "tls-get-addr" or "call".

    Raises:
        ResolverUnavailable: where the target is not alive.
    """
    if program.target.kind == "core":
        raise ResolverUnavailable(f"--via {name} calls functions in a process, and a core dump is none")
    return Called(name, program)


class Called:
    """Calls `dlsym`, `__tls_get_addr`, or the first where the symbol is exported and else the second."""

    def __init__(self, name: str, program: Program) -> None:
        """Takes the program; calls nothing yet."""
        self.name = name
        self._program = program
        self._target = program.target
        self._objects = program.objects
        self._libc = program.libc

    def resolve(self, variable: Variable, threads: Sequence[Thread]) -> list[Place]:
        """See `Resolver.resolve`; a thread in which the call fails says why.

        Raises:
            ResolverUnavailable: where the call can work in no thread.
        """
        if variable.module.emulated:
            raise ResolverUnavailable(f"{variable.name} is in emulated TLS, where --via {self.name} finds nothing")
        use_dlsym = self.name == "dlsym" or (self.name == "call" and variable.exported)
        if use_dlsym:
            self._check_dlsym(variable)
            function = self._function("dlsym")
            data = variable.linkage_name.encode() + b"\0"
            arguments: tuple[int | None, ...] = (0, None)  # RTLD_DEFAULT, the name
        else:
            function = self._function(self._target.architecture.tls_get_addr)
            data = self._tls_index(variable)
            arguments = (None,)
        places: list[Place] = []
        with self._target.calls() as calls:
            self._program.announce(RUNS_CODE)
            unsafe = _Unsafe(self._target, self._objects, threads)
            allocated = self._libc.blocks(variable.module, [thread.thread_pointer or 0 for thread in threads])
            for thread, block in zip(threads, allocated):
                # With its block in place __tls_get_addr takes no lock; dlsym always does.
                reason = unsafe.reason(thread, takes_locks=use_dlsym or not isinstance(block, int))
                places.append(
                    Absence(State.UNRESOLVED, reason)
                    if reason
                    else self._call(calls, thread, function, data, arguments)
                )
        return places

    def _call(self, calls: Calls, thread: Thread, function: int, data: bytes, arguments: Sequence[int | None]) -> Place:
        try:
            address = calls.call(thread, function, data, arguments)
        except CallFailed as error:
            return Absence(State.UNRESOLVED, str(error))
        if address:
            return address
        if len(arguments) == 1:
            return Absence(State.UNRESOLVED, "the call of __tls_get_addr returned 0")
        return Absence(State.UNRESOLVED, "dlsym returned 0: the symbol is not exported, use --via tls-get-addr")

    def _function(self, name: str) -> int:
        found = self._objects.symbol_address(name, likely="libc." if name == "dlsym" else "ld")
        if found is None:
            raise ResolverUnavailable(f"The process has no {name} to call")
        return found[2]

    def _check_dlsym(self, variable: Variable) -> None:
        hint = "Use --via tls-get-addr, which needs no exported symbol."
        if not variable.exported:
            raise ResolverUnavailable(
                f"The symbol {variable.linkage_name} is not exported, so dlsym cannot find it "
                "(which says nothing of the variable's value)",
                hint,
            )
        rivals = [
            loaded.name
            for loaded in self._objects.all
            if loaded.file and any(s.name == variable.linkage_name and s.exported for s in loaded.file.tls_symbols())
        ]
        if len(rivals) > 1:
            raise ResolverUnavailable(
                f"{variable.name} is exported by {' and '.join(rivals)}, and dlsym finds only the first", hint
            )

    def _tls_index(self, variable: Variable) -> bytes:
        """`tls_index {ti_module, ti_offset}` (sysdeps/generic/dl-tls.h), with the offset's bias."""
        size = self._target.architecture.pointer_size
        order = "little" if self._target.architecture.byte_order == "little" else "big"
        offset = (variable.offset - self._target.architecture.dtp_bias) % (1 << 8 * size)
        return variable.module.id.to_bytes(size, order) + offset.to_bytes(size, order)  # type: ignore[arg-type]


class _Unsafe:
    """Which threads are in the middle of something that a call must not interrupt."""

    def __init__(self, target: Target, objects: LoadedObjects, threads: Sequence[Thread]) -> None:
        self._target = target
        self._loader = list(_loader_range(objects))
        self._inside = {
            thread: found for thread in threads if thread.num is not None and (found := self._function_inside(thread))
        }

    def reason(self, thread: Thread, takes_locks: bool) -> str:
        """Why no call can be made in the thread; empty where one can."""
        if thread.num is None:
            return "a thread that has ended can run no call"
        if thread.running:
            return "the thread is running, so no call can be made in it"
        if thread in self._inside:
            inside = self._inside[thread]
            return f"the thread is inside {inside}: a call could deadlock or damage the heap; use --via passive"
        if takes_locks and self._inside:
            other, function = next(iter(self._inside.items()))
            return (
                f"thread {other.num} is inside {function} and may hold the lock that the call needs; use --via passive"
            )
        return ""

    def _function_inside(self, thread: Thread) -> str:
        for frame in self._target.frames(thread, MOST_FRAMES):
            # glibc's own calls go to aliases: __GI___libc_malloc, _int_free.part.0
            if UNSAFE_FUNCTION.fullmatch(re.split(r"[(.@]", frame.function, maxsplit=1)[0].removeprefix("__GI_")):
                return frame.function
            if self._is_loader(frame):
                return frame.function or "the dynamic loader"
        return ""

    def _is_loader(self, frame: Frame) -> bool:
        return any(start <= frame.pc < end for start, end in self._loader)


def _loader_range(objects: LoadedObjects) -> Iterator[tuple[int, int]]:
    for loaded in objects.all:
        if loaded.name.startswith(LOADER_NAMES):
            ends = [one.address + one.size for one in objects.headers_at(loaded.load_base) if one.type == PT_LOAD]
            if ends:
                yield loaded.load_base, loaded.load_base + max(ends)
